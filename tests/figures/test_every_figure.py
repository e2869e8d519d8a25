"""Rules that hold for every chart, whatever it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pandas
import pytest

from labserver.figures.bytes_breakdown import bytes_breakdown
from labserver.figures.chart import CONFIG, MIME, Chart
from labserver.figures.claims import claims_heatmap
from labserver.figures.ecdf import latency_ecdf
from labserver.figures.header_steps import header_steps
from labserver.figures.latency_knee import latency_knee
from labserver.figures.overhead import overhead_ratio
from labserver.figures.palette import INK, PAPER, TEXT_PX
from labserver.figures.polling_tradeoff import polling_tradeoff
from labserver.figures.sequence import sequence
from labserver.figures.staleness import staleness
from labserver.figures.swimlanes import swimlanes
from labserver.figures.throughput import throughput
from labserver.measure.claims import claims_table
from tests.figures.test_latency_knee import TABLE as KNEE
from tests.figures.test_palette import contrast
from tests.figures.test_throughput import SUMMARY
from tests.wire.conversations import CONVERSATIONS, trace_of

LATENCIES = pandas.DataFrame(
    [(name, link, 1.0 + at) for name in ("websocket", "sse") for link in "ab" for at in range(9)],
    columns=["technique", "link", "latency_ms"],
)
RATIOS = pandas.DataFrame(
    [("curl", 16, 9.0), ("curl", 64, 3.0), ("Chromium", 64, 12.0)],
    columns=["client", "size", "ratio"],
)


def conversation() -> Any:
    return trace_of(CONVERSATIONS["websocket"])


def marked(draw: Callable[..., Chart]) -> Chart:
    trace = conversation()
    return draw(trace, {"a sentence about what happened": trace[-1], "the first": trace[0]})


FIGURES: dict[str, Callable[[], Chart]] = {
    "bytes_breakdown": lambda: bytes_breakdown({"websocket": conversation()}, per_message=2),
    "claims": lambda: claims_heatmap(claims_table()),
    "ecdf": lambda: latency_ecdf(LATENCIES),
    "header_steps": header_steps,
    "latency_knee": lambda: latency_knee(KNEE),
    "overhead": lambda: overhead_ratio(RATIOS),
    "polling_tradeoff": lambda: polling_tradeoff([0.5, 1], 800, beside={"sse": (90, 0.002)}),
    "sequence": lambda: marked(lambda trace, marks: sequence(trace, mark=marks)),
    "sequence in time": lambda: marked(lambda trace, marks: sequence(trace, mark=marks, time=True)),
    "staleness": lambda: staleness([0.1, 0.2], 0.4),
    "swimlanes": lambda: marked(lambda trace, marks: swimlanes({"sse": trace}, mark=marks)),
    "throughput": lambda: throughput(SUMMARY),
}


@pytest.fixture(params=FIGURES)
def figure(request: pytest.FixtureRequest) -> Chart:
    return FIGURES[request.param]()


def walked(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield everything that is set in a figure, with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walked(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from walked(inner, path)
    else:
        yield path, value


def test_no_text_is_too_small(figure: Chart) -> None:
    sizes = [
        value
        for path, value in walked(figure.to_dict())
        if path[-1] == "size" and any("font" in key for key in path[:-1])
    ]
    assert sizes
    assert min(sizes) >= TEXT_PX
    uniform = figure.layout.uniformtext.minsize
    assert uniform is None or uniform >= TEXT_PX


def test_text_can_be_read_on_the_figures_own_paper_in_any_theme(figure: Chart) -> None:
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == PAPER
    assert contrast(figure.layout.font.color, PAPER) >= 4.5
    for path, value in walked(figure.to_dict()):
        in_font = path[-1] == "color" and any("font" in key for key in path[:-1])
        if in_font and "hoverlabel" not in path and value not in (INK, "#111111"):
            assert contrast(value, PAPER) >= 4.5


def test_it_is_as_wide_as_its_cell_and_only_jupyterlab_watches_its_width(figure: Chart) -> None:
    assert figure.layout.width is None
    assert figure.layout.autosize
    assert not CONFIG["responsive"], "plotly would fold up a figure that is out of sight"


def test_nothing_lies_under_a_toolbar(figure: Chart) -> None:
    assert figure._repr_mimebundle_()[MIME]["config"]["displayModeBar"] is False


def test_a_line_has_at_least_two_points_where_the_legend_names_it(figure: Chart) -> None:
    for trace in figure.data:
        in_legend = trace.showlegend is not False and trace.name
        if trace.type == "scatter" and in_legend and "lines" in (trace.mode or ""):
            points = [x for x in trace.x if x is not None]
            assert len(points) != 1, trace.name


def test_its_title_is_a_sentence_and_its_axes_have_units(figure: Chart) -> None:
    assert figure.layout.title.text
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        title = axis.title.text or ""
        assert "trace began" not in title
        if "time" in title or title.startswith(("sent", "age")):
            assert title.endswith(("(ms)", "(s)", "(ms since the first message)"))


def test_every_figure_is_here() -> None:
    import labserver.figures

    (folder,) = labserver.figures.__path__
    from pathlib import Path

    with_charts = {
        path.stem
        for path in Path(folder).glob("*.py")
        if "dress(" in path.read_text(encoding="utf-8")
    }
    assert {name.split()[0] for name in FIGURES} == with_charts - {"chart"}


def test_what_a_notebook_stores_is_small_and_says_in_words_what_it_is(figure: Chart) -> None:
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {MIME, "text/plain"}
    assert len(json.dumps(bundle)) < 40_000
    assert bundle["text/plain"] == repr(figure)
    assert "<br>" not in bundle["text/plain"]
