from __future__ import annotations

from itertools import combinations

from labserver.figures.chart import Chart, dress
from labserver.figures.palette import (
    CONNECTION,
    EMPHASIS,
    INK,
    LOOKS,
    PAPER,
    TECHNIQUE,
    TEXT,
    look_of,
)
from labserver.techniques import NAMES

BACKGROUNDS = (PAPER, "#111111")  # JupyterLab has the second in its dark theme


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_technique_has_its_own_colour() -> None:
    assert set(NAMES) <= set(TECHNIQUE)
    assert all(one != other for one, other in combinations(TECHNIQUE.values(), 2))


def test_connections_have_a_colour_and_a_dash_of_their_own_in_both_themes() -> None:
    colours, dashes = zip(*CONNECTION, strict=True)
    assert len(set(colours) - set(TECHNIQUE.values())) == len(set(dashes)) == len(CONNECTION)
    assert min(contrast(c, paper) for c in colours for paper in BACKGROUNDS) >= 3


def test_every_technique_is_seen_on_a_figures_paper_and_on_a_dark_widget() -> None:
    assert min(contrast(c, paper) for c in TECHNIQUE.values() for paper in BACKGROUNDS) >= 3


def test_a_technique_is_told_without_colour_too() -> None:
    for part in ("dash", "symbol"):
        assert len({getattr(look, part) for look in LOOKS.values()}) == len(LOOKS)


def test_a_name_that_is_no_technique_has_a_look_of_its_own() -> None:
    assert look_of("sse", 3) == LOOKS["sse"]
    assert look_of("every 10 ms", 1) not in LOOKS.values()


def test_words_can_be_read_on_a_figures_paper() -> None:
    assert min(contrast(each, PAPER) for each in (TEXT, INK, EMPHASIS)) >= 4.5


def test_what_is_said_at_the_pointer_does_not_depend_on_a_colour() -> None:
    label = dress(Chart(), "Insight", x="x", y="y").layout.hoverlabel
    assert contrast(label.bgcolor, label.font.color) > 7


def test_axes_carry_what_they_show() -> None:
    figure = dress(Chart(), "Insight", x="size (bytes)", y="time (ms)")
    assert figure.layout.xaxis.title.text == "size (bytes)"
    assert figure.layout.yaxis.title.text == "time (ms)"
