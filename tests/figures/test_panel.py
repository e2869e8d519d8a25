from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labserver.figures.panel import Panel, visible


def test_a_panel_is_html_in_a_notebook_and_text_elsewhere() -> None:
    panel = Panel("said", "figures/panel.html")
    assert repr(panel) == "said"
    shown = panel._repr_html_()
    assert shown.startswith("<style>")
    assert '<div class="lab-panel' in shown
    assert "<script" not in shown


def test_tex_is_left_alone() -> None:
    assert "mathjax_ignore" in Panel("", "figures/panel.html")._repr_html_()


def test_markup_is_shown_and_not_obeyed() -> None:
    text = "<b>&\"'"
    values = {"title": text, "sides": [], "steps": [("what", text)], "verdict": text}
    shown = Panel("", "figures/handshake.html", **values)._repr_html_()
    assert "<b>" not in shown
    assert shown.count("&lt;b&gt;&amp;&#34;&#39;") == 3


def test_what_cannot_be_printed_is_escaped() -> None:
    assert visible("a\tb\x1b[31m\u202e\u00e9", 40) == r"a\tb\x1b[31m\u202eé"


@given(st.text(), st.integers(10, 80))
def test_whatever_is_said_is_one_short_printable_line(text: str, most: int) -> None:
    shown = visible(text, most)
    assert len(shown) <= most
    assert shown.isprintable()


def test_a_long_text_is_shortened_in_its_middle() -> None:
    assert visible("a" * 50 + "b" * 10_000, 12) == "aaaaaaa…bbbb"
    assert visible("x" * 12, 12) == "x" * 12
