from __future__ import annotations

import json
from pathlib import Path

import pytest

from labserver.widgets.commands import Answer, Message, read_typed

CASES = json.loads((Path(__file__).parent / "typed.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["typed"] for case in CASES])
def test_the_kernel_reads_what_is_typed_as_the_browser_does(
    case: dict[str, dict[str, str]],
) -> None:
    done = case["done"]
    if "content" in done:
        expected: Message | Answer = Message(done["content"], done["to"])
    else:
        ((kind, text),) = done.items()
        expected = Answer(text, problem=kind == "problem")
    assert read_typed(str(case["typed"])) == expected
