from __future__ import annotations

import re
from itertools import combinations

import pytest

from labserver.figures.frame_colours import FRAME_COLOURS
from tests.figures.test_palette import contrast

THEMES = {"light": ("#FFFFFF", "#111111"), "dark": ("#111111", "#E0E0E0")}  # paper and text
RGBA = re.compile(r"rgba\((\d+), (\d+), (\d+), (0\.\d+)\)")


def on(paper: str, colour: str) -> str:
    """What a thinned colour looks like on a paper."""
    found = RGBA.fullmatch(colour)
    assert found, colour
    share = float(found[4])
    under = [int(paper[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = (share * int(found[n + 1]) + (1 - share) * under[n] for n in range(3))
    return "#" + "".join(f"{round(part):02X}" for part in mixed)


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_readable_on_every_field(theme: str) -> None:
    paper, text = THEMES[theme]
    for field, colour in FRAME_COLOURS.items():
        assert contrast(text, on(paper, colour)) >= 4.5, field


@pytest.mark.parametrize("theme", THEMES)
def test_no_two_fields_have_the_same_colour(theme: str) -> None:
    paper, _ = THEMES[theme]
    for one, other in combinations(FRAME_COLOURS.values(), 2):
        mixed = on(paper, one), on(paper, other)
        apart = [
            abs(int(mixed[0][n : n + 2], 16) - int(mixed[1][n : n + 2], 16)) for n in (1, 3, 5)
        ]
        assert max(apart) >= 16, mixed
