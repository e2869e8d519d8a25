from __future__ import annotations

from threading import Thread
from typing import Any

from labserver.practice.asking.explain import Explanation
from labserver.practice.asking.sheet import flowing
from tests.waiting import DEADLINE_S


def test_line_breaks_of_the_source_are_not_those_of_the_page() -> None:
    written = """It proves that the server
        has read this request.

        It proves no more."""
    assert (
        flowing(written) == "It proves that the server has read this request.\n\nIt proves no more."
    )


class Slow(dict[str, dict[str, Any]]):
    """A progress file that lets another thread in between reading and writing."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Thread | None = None

    def get(self, key: str, default: Any = None) -> Any:  # type: ignore[override]
        found = super().get(key, default)
        if self.other is not None and not self.other.is_alive():
            other, self.other = self.other, None
            other.start()
            other.join(0.2)
        return found


def test_a_draft_on_one_thread_does_not_undo_what_is_locked_in_on_another() -> None:
    kept = Slow()
    text = "The server has read my request."
    explanation = Explanation("hash", "Why?", "Model.", ["a", "b"], kept=kept)
    lock = Thread(target=explanation._handle_custom_msg, args=({"lock": text}, []))
    kept.other = lock
    explanation.draft = "The server has"
    lock.join(DEADLINE_S)
    assert kept["hash"]["text"] == text
