from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labserver.figures.panel import CLASS, Panel, code, markup, visible


def test_a_panel_is_html_in_a_notebook_and_text_elsewhere() -> None:
    panel = Panel("<p>shown</p>", "said", ".P p{margin:0}")
    assert repr(panel) == "said"
    shown = panel._repr_html_()
    assert shown.endswith("<p>shown</p></div>")
    assert f".{CLASS} p{{margin:0}}" in shown
    assert "<script" not in shown


def test_tex_is_left_alone() -> None:
    assert "mathjax_ignore" in Panel("", "")._repr_html_()


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


def test_markup_is_shown_and_not_obeyed() -> None:
    assert markup("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"
    assert code("<i>") == "<code>&lt;i&gt;</code>"
