"""Errors say who is to act, and carry the answer in each vocabulary."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import labserver as lab
from labserver.errors import LabError, NotConnected, Refused


def test_a_refusal_carries_its_answer() -> None:
    refused = Refused(
        413, "too_large", "Send less.", headers={"X": "y"}, close_code=1009, retry_after_s=2.0
    )
    assert str(refused) == refused.message == "Send less."
    assert (refused.status, refused.code, refused.close_code) == (413, "too_large", 1009)
    assert refused.headers == {"X": "y"}
    assert refused.retry_after_s == 2.0


def test_headers_are_shared_by_none() -> None:
    with pytest.raises(TypeError):
        Refused(400, "bad_json", "No.").headers["X"] = "y"  # type: ignore[index]


@pytest.mark.parametrize("error", [Refused, NotConnected])
def test_one_except_catches_all(error: type[Exception]) -> None:
    assert issubclass(error, LabError)
    assert getattr(lab, error.__name__) is error


def test_a_cell_shows_the_readers_own_line_and_the_sentence_and_nothing_of_ours(
    tmp_path: Path,
) -> None:
    script = tmp_path / "mine.py"
    script.write_text("import labserver as lab\ndef go():\n    lab.start('nonsense')\ngo()\n")
    with pytest.raises(LabError) as caught:
        runpy.run_path(str(script))
    shown = "\n".join(caught.value._render_traceback_())
    assert f"{script}, line 3\n----> lab.start('nonsense')" in shown
    assert shown.endswith(str(caught.value))
    assert str(Path(lab.__file__).parent) not in shown
