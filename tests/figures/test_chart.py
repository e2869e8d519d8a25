from __future__ import annotations

import subprocess
import sys
from typing import Any

from IPython.core.formatters import DisplayFormatter

from labserver.figures.chart import MIME, Chart, dress


def chart() -> Chart:
    figure = Chart()
    figure.add_scatter(x=[1, 2], y=[3, 4])
    return dress(figure, "What it <b>says</b> &amp; means", x="size (bytes)", y="time (ms)")


def test_a_notebook_gets_the_drawing_and_the_title_and_nothing_else() -> None:
    formatter: Any = DisplayFormatter()
    shown, _ = formatter.format(chart())
    assert set(shown) == {MIME, "text/plain"}
    assert shown["text/plain"] == "<Chart: What it says & means>"
    assert shown[MIME]["data"][0]["y"] == [3, 4]


def test_it_remains_a_plotly_figure() -> None:
    figure = chart().update_layout(height=500)
    assert figure._repr_mimebundle_()[MIME]["layout"]["height"] == 500
    assert "<div" in figure.to_html(include_plotlyjs=False, full_html=False)


def test_the_browser_cannot_store_a_picture_as_wide_as_its_window() -> None:
    figure = chart()
    (note,) = figure._repr_mimebundle_()[MIME]["layout"]["annotations"]
    assert note["text"] == "\uffff"  # XML 1.0 has no such character (2.2)
    assert note["opacity"] == 0
    assert not figure.layout.annotations


def test_showing_one_loads_no_schema() -> None:
    code = (
        "from tests.figures.test_chart import chart\n"
        "import sys\n"
        "chart()._repr_mimebundle_()\n"
        "print(*({'jsonschema', 'pandas', 'kaleido'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
