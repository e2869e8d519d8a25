from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labserver.exercises.e12_frame_decoder import answers as e12
from labserver.practice.checking import sandbox
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.checking.judge import Outcome, Result, judge


def exercise(exercise_id: str = "E10") -> Exercise:
    return load(exercise_id)


def test_a_pass_is_one_line_and_has_the_points() -> None:
    result = judge(load("E10"), exercise().reference)
    assert repr(result) == "✓ E10 mask: passes all 24 cases."
    assert (result.passed, result.points) == (True, exercise().points)


def test_a_pass_unfolds_the_hints_and_a_failure_does_not() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        return payload

    html = judge(load("E10"), exercise().reference)._repr_html_()
    assert "What happens to byte 4?" in html
    assert "<details>" in html
    assert "<details>" not in judge(load("E10"), wrong)._repr_html_()


def test_a_wrong_answer_is_shown_as_bytes_with_a_caret_and_its_field() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        if len(key) != 4:
            raise ValueError
        masked = bytearray(exercise().reference(payload, key, offset))
        if len(masked) > 3:
            masked[3] ^= 1
        return bytes(masked)

    assert repr(judge(load("E10"), wrong)).splitlines() == [
        "✗ E10 mask: wrong.",
        "  input     mask(bytes.fromhex('48 65 6c 6c 6f'), bytes.fromhex('37 fa 21 3d'))",
        "  expected  7f 9f 4d 51 58",
        "  got       7f 9f 4d 50 58",
        "                     ^ byte 3: here key byte 3",
        "  rule      RFC 6455 §5.3: transformed[i] = original[i] XOR key[i mod 4]",
        '  For a hint: lab.hint("E10")',
    ]


def test_an_exception_shows_its_type_its_text_and_the_learners_line(tmp_path: Path) -> None:
    path = tmp_path / "cell.py"
    path.write_text("def mask(payload, key, offset=0):\n    return payload[99]  # my line\n")
    defined: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(path.read_text(), path, "exec"), defined)
    text = repr(judge(load("E10"), defined["mask"]))
    assert "got       raises IndexError: index out of range" in text
    assert "in mask, line 2: return payload[99]  # my line" in text


def test_what_was_printed_before_the_failure_is_shown_in_part() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> None:
        for number in range(100):
            print("line", number)

    assert repr(judge(load("E10"), wrong)).splitlines()[-6:-1] == [
        "  printed   line 0",
        *(f"            line {number}" for number in range(1, 5)),
    ]


def test_a_random_case_is_made_smaller() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        if len(payload) > 1000:  # only the large random pieces have so many
            return payload
        if len(key) != 4:
            raise ValueError
        return exercise().reference(payload, key, offset)

    assert "(1,001 bytes)" in repr(judge(load("E10"), wrong))


def test_a_case_of_several_reads_is_made_smaller() -> None:
    class Wrong(e12.Base):
        def feed(self, data: bytes) -> Any:
            frames = super().feed(data)
            return frames[:-1] if len(frames) == 3 else frames

    lines = repr(judge(exercise("E12"), Wrong)).splitlines()
    assert sum(line.strip().startswith("decoder.feed(") for line in lines) == 1


def test_an_endless_loop_ends_in_a_message_and_the_next_check_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "CASE_MAX_S", 1.0)

    def loops(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        while payload:
            pass
        return payload

    text = repr(judge(load("E10"), loops))
    assert "loops forever" in text
    assert "mask(b'H', bytes.fromhex('37 fa 21 3d'))" in text  # the case it looped in
    assert judge(load("E10"), exercise().reference).passed


def test_not_implemented_later_on_is_wrong_not_unattempted() -> None:
    def half(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        if offset:
            raise NotImplementedError("offset")
        return exercise().reference(payload, key)

    result = judge(load("E10"), half)
    assert result.outcome is Outcome.WRONG
    assert "raises NotImplementedError: offset" in repr(result)


def test_what_the_learner_wrote_is_text_in_the_page() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        print("<script>alert(2)</script>")
        raise ValueError("<img src=x onerror=alert(1)>")

    html = judge(load("E10"), wrong)._repr_html_()
    assert "&lt;img src=x" in html
    assert "<img" not in html
    assert "<script" not in html


def test_a_result_is_shown_with_its_mark() -> None:
    result = Result("E10", Outcome.WRONG, "✗ a < b", 0)
    assert repr(result) == "✗ a < b"
    assert "✗ a &lt; b" in result._repr_html_()
