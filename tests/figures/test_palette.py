from __future__ import annotations

from itertools import combinations

import plotly.graph_objects as go

from labserver.figures.chart import Chart, dress
from labserver.figures.palette import CONNECTION, PAPER, TECHNIQUE, TEXT
from labserver.techniques import NAMES


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
    assert min(contrast(c, paper) for c in colours for paper in ("#ffffff", "#111111")) > 2.5


def test_text_can_be_read_in_both_themes() -> None:
    assert contrast(TEXT, "#ffffff") > 4
    assert contrast(TEXT, "#111111") > 4


def test_what_is_said_at_the_pointer_does_not_depend_on_a_colour() -> None:
    label = dress(go.Figure(), "Insight", x="x", y="y").layout.hoverlabel
    assert contrast(label.bgcolor, label.font.color) > 7


def test_axes_carry_what_they_show() -> None:
    figure = dress(go.Figure(), "Insight", x="size (bytes)", y="time (ms)")
    assert figure.layout.xaxis.title.text == "size (bytes)"
    assert figure.layout.yaxis.title.text == "time (ms)"
