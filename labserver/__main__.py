"""The command line: open the course, serve, issue tokens, compare, mark, move progress.

Each command imports what it needs when it runs, so that `labserver token` is quick enough for a
shell's `$(…)`, and completion for the Tab key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from labserver import TECHNIQUES, __version__
from labserver.completion import SHELLS, one_of, script, several_of
from labserver.errors import LabError

DAY_S = 24 * 3600
COLOURS = {"ok": "green", "optional": "yellow", "failed": "bold red"}
FAILED, MISUSED = 1, 2  # exit codes: something did not work; the command itself was wrong
_JUPYTER = "labserver.jupyter"  # where a command keeps what it hands on to JupyterLab
STANDARD = Path("-")  # standard input or output
INTERRUPTED = 130  # 128 plus the number of SIGINT, as in shells


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labserver")
def main() -> None:
    """Realtime Lab: run, see and measure a chat over five techniques."""


class _WithJupyterArguments(click.Command):
    """A command that hands on what follows `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_JUPYTER] = args[end + 1 :]
        try:
            return super().parse_args(ctx, args[:end])
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            name = error.option_name
            word = next((word for word in args if word.split("=")[0] == name), name)
            raise click.UsageError(
                f"{error.message} If it is meant for JupyterLab, write it after --, as in"
                f" `{ctx.command_path} -- {word}`.",
                ctx,
            ) from None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- JUPYTER-OPTION...]"]


@main.command(cls=_WithJupyterArguments)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--fresh",
    metavar="LESSON",
    multiple=True,
    help="Put LESSON back as the course has it: 03, exercises/03, or a path. If you have changed"
    " it, yours is kept beside it.",
)
@click.option("--solutions", is_flag=True, help="Unpack the solved exercises as well.")
@click.option("--no-open", is_flag=True, help="Unpack only; do not start JupyterLab.")
@click.pass_context
def lab(
    ctx: click.Context,
    folder: Path | None,
    fresh: tuple[str, ...],
    solutions: bool,
    no_open: bool,
) -> None:
    """Open your copy of the course, in FOLDER, in JupyterLab.

    FOLDER is my-lab by default. On the first start the course is unpacked into it, without
    outputs. Later starts bring it up to date: what you have changed stays as it is, and a new
    edition is put beside it. What follows -- goes to JupyterLab, as in
    `labserver lab -- --no-browser --port=9000`.
    """
    with _interrupted_quietly(), _one_sentence(MISUSED):
        from labserver.course import source
        from labserver.course.jupyter import open_lab
        from labserver.course.unpack import default_folder, unpack

        copy = folder or default_folder()
        report = unpack(copy, source.root(), fresh=fresh, solutions=solutions)
        print(*report.lines(), sep="\n")
        if no_open:
            return
        wanted = [*(path for path in report.fresh if path.endswith(".ipynb")), source.FIRST]
        lesson = next((path for path in wanted if (copy / path).is_file()), None)
        print("JupyterLab starts. Ctrl-C in this terminal ends it.")
        sys.exit(open_lab(copy, lesson, ctx.meta[_JUPYTER]))


@main.command()
@click.argument("technique", shell_complete=one_of(TECHNIQUES))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="TCP port; 0 for a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--redis", metavar="URL", help="Share the conversation through this Redis.")
@click.option(
    "--allow-origin",
    metavar="PATTERN",
    multiple=True,
    help="Let in pages of this origin: https://app.example.com, https://*.example.com, or *."
    " By default, loopback origins are let in; '' lets in only the server's own.",
)
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Answer to this Host header as well."
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file for direct messages; by default, one in the state folder.",
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False),
    help="Serve over TLS, with the private key and the certificates in this PEM file.",
)
@click.option("--http2", is_flag=True, help="Serve over HTTP/2; only sse can.")
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
) -> None:
    """Serve the chat over TECHNIQUE until SIGTERM or Ctrl-C.

    TECHNIQUE is short_polling, long_polling, sse, websocket or webrtc. As soon as connections
    are accepted, the line `ready URL` appears on standard output.
    """
    from labserver.chat.origins import is_loopback
    from labserver.runtime import state
    from labserver.runtime.config import ServerConfig
    from labserver.runtime.serve import serve_as_process
    from labserver.runtime.wiring import service_for

    with _one_sentence(MISUSED):
        if not is_loopback(host) and state.SECRET_VARIABLE not in os.environ:
            raise LabError(
                f"--host {host} lets other machines in: set {state.SECRET_VARIABLE} to a secret"
                " that is known only to those who may issue tokens."
            )
        if store is None and redis is None:
            store = state.mailbox()
        config = ServerConfig(
            technique=technique,
            port=port,
            host=host,
            redis=redis,
            allowed_origins=tuple(filter(None, allow_origin)) if allow_origin else None,
            allowed_hosts=allow_host,
            secret=state.secret(),
            store=None if store is None else str(store),
            certificate=certificate,
            http2=http2,
            record=False,
        )
        service = service_for(config)
    with _one_sentence(FAILED):
        serve_as_process(service)


@main.command()
@click.argument("user")
@click.option(
    "--ttl",
    type=click.IntRange(1, 3660 * DAY_S),
    default=3600,
    show_default=True,
    help="How many seconds the token is valid.",
)
def token(user: str, ttl: int) -> None:
    """Print a token for USER, for the servers on this machine."""
    from labserver.chat.tokens import Tokens
    from labserver.clock import SystemClock
    from labserver.runtime import state

    with _one_sentence(MISUSED):
        print(Tokens(state.secret(), SystemClock()).issue(user, ttl))


@main.command()
@click.option(
    "--techniques",
    metavar="A,B",
    shell_complete=several_of(TECHNIQUES),
    help="Names separated by commas; by default, all techniques.",
)
@click.option("--messages", type=click.IntRange(1, 100_000), help="Messages per repetition.")
@click.option(
    "--rtt-ms",
    type=float,
    default=0.0,
    show_default=True,
    help="Simulate a path with this round trip, in milliseconds.",
)
@click.option("--quick", is_flag=True, help="Take less time, for less certain results.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write CSV files and report.html, which needs no network, to this folder. A file of the"
    " same name that was not written by an earlier comparison is never replaced.",
)
def compare(
    techniques: str | None, messages: int | None, rtt_ms: float, quick: bool, out: Path | None
) -> None:
    """Measure the techniques side by side: latency and overhead.

    Overhead is the bytes of headers and framing per message.
    """
    with _interrupted_quietly():
        from labserver.measure.comparison import Experiment, named
        from labserver.measure.measurement import on_measured
        from labserver.practice.progress.runs import keep
        from labserver.report.folder import check_folder, write_report
        from labserver.report.terminal import print_comparison
        from labserver.techniques import NAMES

        with _one_sentence(MISUSED):
            chosen = NAMES if techniques is None else named(techniques)
            experiment = Experiment(chosen, messages, rtt_ms, quick)
            if out is not None:
                check_folder(out)
        on_measured(keep)
        with _one_sentence(FAILED):
            comparison = experiment.run(progress=sys.stderr.isatty())  # whatever FORCE_COLOR says
            print_comparison(comparison)
            if out is not None:
                print(f"wrote {', '.join(write_report(comparison, out))} in {out}")


@main.command()
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...", type=click.Path(path_type=Path))
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write an HTML page to this file.",
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML to this file."
)
@click.option(
    "--csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write CSV to this file, with one row per learner of a class.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="Time limit per notebook, in seconds.",
)
@click.option(
    "--reference",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder of the solved notebooks; by default, those of the course.",
)
def check(
    notebooks: tuple[Path, ...],
    html: Path | None,
    junit: Path | None,
    csv: Path | None,
    time_limit: float,
    reference: Path | None,
) -> None:
    """Mark the answers in exercise notebooks.

    Without NOTEBOOK, those of your copy of the course are marked. A folder stands for a class: it
    holds, for the learner alice, alice/05_frames.ipynb or alice_05_frames.ipynb. The exit code is
    0 if every exercise passes, and otherwise 1. Each answer runs on this machine, in a process of
    its own with limits on time and memory, and with your permissions: to mark the work of people
    you do not trust, use a container.
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
    """Check whether this machine has what the lab needs."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from labserver.machine import HEADINGS
    from labserver.machine import doctor as examine

    findings = examine()
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.state, COLOURS[finding.state]),
            *(Text(text) for text in (finding.what, finding.found, finding.remedy)),
        )
    Console().print(table)
    sys.exit(0 if findings.ok else FAILED)


@main.group()
def progress() -> None:
    """Save your progress to a file, or load it from one.

    This takes it along from a host that keeps nothing between two sessions.
    """


@progress.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def export_progress(file: Path) -> None:
    """Write your progress to FILE; - is standard output.

    The file holds your predictions, explanations, verdicts and runs, and your answers to the
    exercises with the attempts that you reset.
    """
    from labserver.practice.progress.transfer import export_progress, write_export

    with _one_sentence(MISUSED):
        if file == STANDARD:
            sys.stdout.buffer.write(export_progress())
            sys.stdout.flush()
        else:
            write_export(file)
            print(f"wrote {file}")


@progress.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def import_progress(file: Path) -> None:
    """Add the progress in FILE to yours; - is standard input.

    Nothing that is here is lost: of two entries, the one that went further stays.
    """
    from labserver.practice.progress.transfer import MOST_BYTES, import_progress, read_export

    with _one_sentence(MISUSED):
        if file == STANDARD:
            content, name = sys.stdin.buffer.read(MOST_BYTES + 1), "standard input"
        else:
            content, name = read_export(file), str(file)
        print(import_progress(content, name))


@main.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that lets SHELL complete with the Tab key.

    It completes commands, options and the names of techniques. Add the line for your shell to the
    file beside it, and open a new terminal:

    \b
    bash  ~/.bashrc   source <(labserver completion bash)
    zsh   ~/.zshrc    source <(labserver completion zsh)       (below compinit)
    fish  ~/.config/fish/config.fish   labserver completion fish | source

    Where labserver is not on the PATH, activate its virtual environment first, or write the path
    of the command, such as ~/realtime-lab/.venv/bin/labserver.
    """
    print(script(shell, main))


@contextmanager
def _one_sentence(exit_code: int) -> Iterator[None]:
    """End the program with a LabError's sentence and this exit code."""
    try:
        yield
    except LabError as error:
        print(f"labserver: {error}", file=sys.stderr)
        sys.exit(exit_code)


@contextmanager
def _interrupted_quietly() -> Iterator[None]:
    """End the program with a sentence on Ctrl-C; whatever it has started ends on the way out."""
    try:
        yield
    except KeyboardInterrupt:
        print("labserver: interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main(prog_name="labserver")
