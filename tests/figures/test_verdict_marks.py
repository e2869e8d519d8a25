from __future__ import annotations

import pytest

from labserver.figures.verdict_marks import INK, MARKS


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("verdict", MARKS)
def test_the_text_on_a_tint_can_be_read(verdict: str) -> None:
    tint, _ = MARKS[verdict]
    assert (luminance(tint) + 0.05) / (luminance(INK) + 0.05) >= 7


def test_each_verdict_has_a_sign_of_its_own() -> None:
    assert len({sign for _, sign in MARKS.values()}) == len(MARKS)
