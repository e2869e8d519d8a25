"""A comparison as one HTML page that opens without a network: figures, tables, conditions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

from labserver.errors import LabError
from labserver.figures.claims import COLOURS, INK
from labserver.figures.ecdf import latency_ecdf
from labserver.figures.overhead import overhead_ratio
from labserver.figures.palette import words
from labserver.measure.claims import OPEN, TECHNIQUES, claims_table
from labserver.measure.comparison import (
    CLIENT,
    LATENCY_FILE,
    OVERHEAD_FILE,
    SIZE,
    Comparison,
    in_ms,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

REPORT_FILE = "report.html"
DATA_FILES = tuple(
    str(Path(file).with_suffix(suffix))
    for file in (LATENCY_FILE, OVERHEAD_FILE)
    for suffix in (".csv", ".json")
)
FIGURE_PX = 360
# Whatever the page says, a browser fetches nothing for it.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #111; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
       margin: 0 auto; max-width: 960px; padding: 1em; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border-bottom: 1px solid #8886; padding: 4px 14px 4px 0; text-align: left;
         vertical-align: top; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
.number, .scroll td:first-child { white-space: nowrap; }
.scroll { overflow-x: auto; }
figure { margin: 2em 0; }
figcaption { font-weight: 600; }
.note { border-collapse: separate; border-spacing: 3px; table-layout: fixed; width: 100%; }
.note th { border: 0; overflow-wrap: break-word; }
.note td { border: 0; color: INK; font-size: 14px; line-height: 1.3; overflow-wrap: break-word;
           padding: 6px 8px; }
.note small { color: inherit; display: block; font-size: 12px; margin-top: 4px; }
.note b { font-weight: 600; }
.of { display: none; }
@media (max-width: 760px) {
  body { font-size: 15px; }
  .note, .note tbody, .note tr, .note th, .note td { display: block; width: auto; }
  .note thead { display: none; }
  .note th { padding-top: 1em; }
  .note td { margin-top: 3px; }
  .of { display: inline; }
}
""".replace("INK", INK)


def report(comparison: Comparison) -> str:
    """The page.

    Args:
        comparison: what was measured.
    """
    notes = "".join(f"<p>{escape(note)}</p>" for note in comparison.notes)
    drawn = [_drawn(figure, number) for number, figure in enumerate(_figures(comparison))]
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Techniques compared</title><style>{STYLE}</style></head><body>"
        f"<h1>Techniques compared, over {escape(comparison.link)}</h1>"
        f"<p>{escape(comparison.conditions)} Latency counts from when a message was due to when it"
        " was heard: the median of the repetitions (the least to the most). Bytes are those on the"
        f" wire to deliver {SIZE} bytes with {CLIENT}'s headers, and how many times the least that"
        " is; they are counted, and no path changes them.</p>"
        f"{_lines(comparison)}{notes}{_decided(comparison)}"
        f"<h2>Figures</h2>{''.join(drawn)}{_note(comparison)}"
        f"<h2>Measured on</h2>{_environment(comparison.latency.environment)}</body></html>\n"
    )


def check_folder(folder: Path) -> None:
    """Look, before a long measurement, whether a folder can be written to or made.

    Raises:
        LabError: if not.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise LabError(f"{nearest} is a file: give a folder for the report.")
    try:
        with TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise LabError(f"Nothing can be written to {nearest}: choose another folder.") from error


def write_report(comparison: Comparison, folder: Path) -> list[str]:
    """Write the page, and what was measured as CSV and JSON; all of it, or nothing.

    Files of an earlier comparison in the same folder are replaced, and only once the new ones
    are complete; one that the new comparison has no counterpart of is removed.

    Args:
        comparison: what was measured.
        folder: is made if it is not there.

    Returns:
        The names of the files.

    Raises:
        LabError: if they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            made = Path(unfinished)
            comparison.save(made)
            (made / REPORT_FILE).write_text(report(comparison), encoding="utf-8")
            names = sorted(file.name for file in made.iterdir())
            for name in names:
                if (folder / name).is_dir():
                    raise IsADirectoryError(f"{name} is a folder")
            for name in names:
                os.replace(made / name, folder / name)
        for name in set(DATA_FILES) - set(names):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"Cannot write to {folder} ({error}): choose another place.") from error
    return names


def _figures(comparison: Comparison) -> list[go.Figure]:
    one_link = comparison.latency.table.drop(columns="link")
    figures = [latency_ecdf(one_link)]
    overhead = comparison.overhead
    if overhead is not None and {"long_polling", "websocket"} <= set(overhead.table["technique"]):
        figures.append(overhead_ratio(overhead.ratios()))
    return figures


def _drawn(figure: go.Figure, number: int) -> str:
    """A figure under its title, which as text of the page breaks where the window is narrow."""
    title = escape(figure.layout.title.text.replace("<br>", " "))
    figure.update_layout(title_text="", margin_t=10, height=FIGURE_PX)
    drawing = figure.to_html(
        full_html=False,
        include_plotlyjs=number == 0,  # the library stands in the page once
        div_id=f"figure-{number}",
        config={"responsive": True, "displaylogo": False},
    )
    return f"<figure><figcaption>{title}</figcaption>{drawing}</figure>"


def _lines(comparison: Comparison) -> str:
    rows = [
        (
            words(line.technique),
            in_ms(line.median_ms),
            in_ms(line.p99_ms),
            "" if line.message_bytes is None else f"{line.message_bytes:,.0f}",
            "" if line.times is None else f"{line.times:.1f}",
        )
        for line in comparison.rows()
    ]
    return _table(("technique", "median, ms", "p99, ms", "bytes", "times"), rows)


def _decided(comparison: Comparison) -> str:
    rows = [
        (
            f"{words(verdict.a[0])}, {words(verdict.b[0])}",
            "undecided" if verdict.lower is None else f"{words(verdict.lower)} is lower",
            verdict.reason,
        )
        for verdict in comparison.verdicts()
    ]
    if not rows:
        return ""
    table = _table(("medians of", "", ""), rows, numbers=False)
    return f"<h2>Which differences are decided</h2>{table}"


def _note(comparison: Comparison) -> str:
    """The note's table, where all that it compares were measured."""
    medians = comparison.latency.spreads(comparison.link)
    overhead = comparison.overhead
    if overhead is None or not set(TECHNIQUES) <= set(medians):
        return ""
    cells = claims_table(latency_ms=medians, message_bytes=overhead.message_bytes())
    rows = []
    for dimension, row in cells.groupby("dimension", sort=False):
        shown = []
        for cell in row.itertuples():
            colour, mark = COLOURS[str(cell.verdict)]
            how = "" if cell.verdict == OPEN else f", {cell.how}"
            shown.append(
                f"<td style='background: {colour}'>"
                f"<span class='of'>{words(str(cell.technique))}: </span>"
                f"<b>{mark} {escape(str(cell.note))}</b>"
                f"<small>{escape(f'{cell.verdict}{how}: {cell.evidence}')}</small></td>"
            )
        rows.append(f"<tr><th scope='row'>{escape(str(dimension))}</th>{''.join(shown)}</tr>")
    heads = "".join(f"<th scope='col'>{words(technique)}</th>" for technique in TECHNIQUES)
    return (
        "<h2>The note's table</h2><p>What the study note says of each technique, and whether it"
        " holds: by this run, by a standard or a provider's manual, or in our judgement. Memory and"
        " proxies are measured in lesson 09.</p>"
        f"<table class='note'><thead><tr><td></td>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _environment(environment: Mapping[str, Any]) -> str:
    return _table(
        ("", ""),
        [(key.replace("_", " "), _plain(value)) for key, value in environment.items()],
        numbers=False,
    )


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items() if each is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: bool = True) -> str:
    """A table of plain text; with numbers in all columns but the first."""
    kind = " class='number'" if numbers else ""

    def row(tag: str, first: str, *others: str) -> str:
        cells = "".join(f"<{tag}{kind}>{escape(text)}</{tag}>" for text in others)
        return f"<tr><{tag}>{escape(first)}</{tag}>{cells}</tr>"

    head = row("th", *heads) if any(heads) else ""
    body = "".join(row("td", *cells) for cells in rows)
    return f"<div class='scroll'><table>{head}{body}</table></div>"
