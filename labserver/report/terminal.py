"""A comparison in the terminal: its table, what is decided, and the conditions."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from labserver.measure.comparison import CLIENT, SIZE, Comparison


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print a comparison.

    Args:
        comparison: what was measured.
        console: where to; by default, standard output.
    """
    console = console or Console(highlight=False, markup=False, emoji=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("technique", no_wrap=True)
    for heading in ("median, ms", "p99, ms", "bytes", "times"):
        table.add_column(heading, justify="right", overflow="fold")
    for line in comparison.rows():
        table.add_row(
            line.technique,
            str(line.median_ms),
            str(line.p99_ms),
            "" if line.message_bytes is None else f"{line.message_bytes:,.0f}",
            "" if line.times is None else f"{line.times:.1f}",
        )
    console.print(table)
    for said in (*_decided(comparison), *comparison.notes):
        console.print(said)
    console.print(
        f"Latency over {comparison.link}, from when a message was due to when it was heard: the"
        " median of the repetitions (the least to the most). Bytes on the wire to deliver"
        f" {SIZE} bytes with {CLIENT}'s headers, and how many times the least that is.\n"
        f"{comparison.conditions}"
    )


def _decided(comparison: Comparison) -> list[str]:
    verdicts = comparison.verdicts()
    undecided = [verdict for verdict in verdicts if not verdict.decided]
    if not undecided:
        return [f"Every difference of medians is decided ({len(verdicts)})."] if verdicts else []
    return [
        f"{len(verdicts) - len(undecided)} of {len(verdicts)} differences of medians are decided.",
        *(f"Undecided: {v.a[0]} and {v.b[0]}, {v.reason}." for v in undecided),
    ]
