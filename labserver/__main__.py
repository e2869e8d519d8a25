"""The command line: serve a technique, compare all, issue a token, mark, examine this machine.

What a command needs is imported when it runs: `labserver token` is there to be used in a
shell's `$(…)`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from labserver import __version__
from labserver.errors import LabError

EXIT_TIMEOUT_S = 4.5  # the contract allows 5
DAY_S = 24 * 3600
COLOURS = {"ok": "green", "optional": "yellow", "failed": "bold red"}
FAILED, MISUSED = 1, 2  # exit codes: something was not there; something was asked wrongly
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labserver")
def main() -> None:
    """Realtime Lab: chat servers over five techniques, to run, see and measure."""


@main.command()
@click.argument("technique")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="TCP port; 0: a free one.")
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--redis", metavar="URL", help="Share the conversation through a Redis.")
@click.option(
    "--allow-origin",
    metavar="PATTERN",
    multiple=True,
    help="Let in pages of this origin: https://app.example.com, https://*.example.com, or *."
    " By default those of loopback; '' for none but the server's own.",
)
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Answer under this Host header too."
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SQLite file for direct messages; by default one in the state folder.",
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False),
    help="Serve over TLS, with the private key and the certificates of this PEM file.",
)
@click.option("--http2", is_flag=True, help="Serve over HTTP/2; for sse.")
@click.option("--while-stdin", is_flag=True, hidden=True, help="Stop when stdin ends.")
@click.option("--temporary", is_flag=True, hidden=True, help="Remove the store if orphaned.")
def serve(
    technique: str,
    port: int,
    host: str,
    redis: str | None,
    allow_origin: tuple[str, ...],
    allow_host: tuple[str, ...],
    store: Path | None,
    certificate: str | None,
    http2: bool,
    while_stdin: bool,
    temporary: bool,
) -> None:
    """Serve the chat over TECHNIQUE until SIGTERM or Ctrl-C.

    TECHNIQUE is short_polling, long_polling, sse, websocket or webrtc. One line
    `ready URL` on standard output says that connections are accepted.
    """
    from labserver.chat.origins import is_loopback
    from labserver.chat.tokens import Tokens
    from labserver.runtime import state
    from labserver.runtime.serve import serve as serve_until_told
    from labserver.runtime.tls import load_certificate
    from labserver.runtime.wiring import clock, make_guard
    from labserver.techniques import load

    with _one_sentence(MISUSED):
        module = load(technique, http2=http2)
        tls = None if certificate is None else load_certificate(certificate)
        if not is_loopback(host) and state.SECRET_VARIABLE not in os.environ:
            raise LabError(
                f"--host {host} lets other machines in: set {state.SECRET_VARIABLE} to a secret"
                " that only they know who may issue tokens."
            )
        patterns = [pattern for pattern in allow_origin if pattern] if allow_origin else None
        tokens = Tokens(state.secret(), clock)
        guard = make_guard(tokens, patterns, [*allow_host, host])
    _log_to_stderr()
    os.umask(0o077)  # direct messages are nobody else's business
    with _one_sentence(FAILED):
        orphaned = serve_until_told(
            module,
            guard,
            host=host,
            port=port,
            store=store or ("" if redis else state.mailbox()),
            redis=redis,
            tls=tls,
            http2=http2,
            while_stdin=while_stdin,
            ready=_say_ready,
            stopping=_end_in_time,
        )
    if orphaned and temporary and store is not None:
        _remove(store)


def _say_ready(url: str) -> None:
    print(f"ready {url}", flush=True)


def _remove(store: Path) -> None:
    """Remove a store, and its folder if that is empty then."""
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    try:
        store.parent.rmdir()
    except OSError:
        pass  # a sibling's store is still in it


def _end_in_time() -> None:
    """See to it that the process ends, whatever hangs: a supervisor would kill it, not exit 0."""
    last_resort = threading.Timer(EXIT_TIMEOUT_S, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()


@main.command()
@click.argument("user")
@click.option(
    "--ttl", type=click.IntRange(1, 3660 * DAY_S), default=3600, help="Seconds that it is valid."
)
def token(user: str, ttl: int) -> None:
    """Print a token with which USER may connect to a server of this machine."""
    from labserver.chat.tokens import Tokens
    from labserver.clock import SystemClock
    from labserver.runtime import state

    with _one_sentence(MISUSED):
        print(Tokens(state.secret(), SystemClock()).issue(user, ttl))


@main.command()
@click.option("--techniques", metavar="A,B", help="Their names, with commas; by default all.")
@click.option("--messages", type=click.IntRange(1, 100_000), help="Said in each repetition.")
@click.option("--rtt-ms", type=float, default=0.0, help="Play a path with this round trip.")
@click.option("--quick", is_flag=True, help="Sooner, and less certain.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write CSV files and report.html there; it opens without a network.",
)
def compare(
    techniques: str | None, messages: int | None, rtt_ms: float, quick: bool, out: Path | None
) -> None:
    """Measure the techniques side by side: latency, and bytes of a message."""
    with _interrupted_quietly():
        from labserver.measure.comparison import Experiment, named
        from labserver.report.page import check_folder, write_report
        from labserver.report.terminal import print_comparison
        from labserver.techniques import NAMES

        with _one_sentence(MISUSED):
            chosen = NAMES if techniques is None else named(techniques)
            experiment = Experiment(chosen, messages, rtt_ms, quick)
            if out is not None:
                check_folder(out)
        with _one_sentence(FAILED):
            comparison = experiment.run()
            print_comparison(comparison)
            if out is not None:
                print(f"wrote {', '.join(write_report(comparison, out))} in {out}")


@main.command()
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write a class's CSV.")
@click.option(
    "--time-limit", type=click.FloatRange(min=1), default=120.0, help="Seconds a notebook."
)
@click.option(
    "--reference",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The solved notebooks; by default the repository's exercises/solutions.",
)
def check(
    notebooks: tuple[Path, ...],
    html: Path | None,
    junit: Path | None,
    csv: Path | None,
    time_limit: float,
    reference: Path | None,
) -> None:
    """Mark the answers in exercise notebooks; by default those in ./exercises.

    A folder is a class: ALICE/05_frames.ipynb in it, or alice_05_frames.ipynb. Exits with 0 if
    every exercise passes, else with 1. The answers run on this machine, each in a process of its
    own with bounds of time and memory, and with your rights: mark strangers' in a container.
    """
    with _interrupted_quietly():
        from labserver.classroom.marking.command import mark_all

        with _one_sentence(MISUSED):
            passed = mark_all(
                notebooks,
                html=html,
                junit_file=junit,
                csv_file=csv,
                time_limit_s=time_limit,
                reference=reference,
            )
    sys.exit(0 if passed else FAILED)


@main.command()
def doctor() -> None:
    """Look whether this machine has what the lab needs."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from labserver.machine import doctor as examine

    findings = examine()
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.state, COLOURS[finding.state]),
            *(Text(text) for text in (finding.what, finding.found, finding.remedy)),
        )
    Console().print(table)
    sys.exit(0 if findings.ok else FAILED)


@contextmanager
def _one_sentence(exit_code: int) -> Iterator[None]:
    """Let a LabError end the program with its sentence and this exit code."""
    try:
        yield
    except LabError as error:
        print(f"labserver: {error}", file=sys.stderr)
        sys.exit(exit_code)


@contextmanager
def _interrupted_quietly() -> Iterator[None]:
    """Let Ctrl-C end the program with a sentence; what it has started ends on the way out."""
    try:
        yield
    except KeyboardInterrupt:
        print("labserver: interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s"
    )


if __name__ == "__main__":
    main(prog_name="labserver")
