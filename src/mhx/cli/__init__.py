"""The command line: words -> one function -> exit code.

Modules of this package import what a command needs in the command's body, so that `mhx --help`
loads no solver.  `main` is the only place that turns an error into an exit code (`mhx.errors`).

    benchmark, campaign, engines, evidence, run, testbed    the commands
    command                    how flags are read and told
    show                       how an answer is printed
    stopped                    what is said after a signal
"""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import typer

from mhx import __version__
from mhx.cli import evidence, lane, run, runners, show
from mhx.cli.benchmark import benchmark_app
from mhx.cli.campaign import campaign_app
from mhx.cli.command import Command
from mhx.cli.engines import engines_app
from mhx.cli.testbed import testbed_app
from mhx.errors import BUG, INTERRUPTED, ConfigError, EngineMissing, MhxError

STORY = """Simulation campaigns that must be believed.

A long run is planned before it starts, executed in chunks that survive being stopped, and judged
from the files that it left. A result is called production only when every gate passed on files
that still have the digests they were judged with.

\b
A campaign, in order (each ends by printing the next command):
  mhx campaign rutherford-template           look at a plan sketch
  mhx campaign rutherford-run-fast           see a tiny run, a few seconds
  mhx campaign rutherford-plan-production    plan: duration, time step, gates
  mhx campaign rutherford-resume-plan DIR    where a run would go on
  mhx campaign rutherford-execute DIR        run, or go on, until the target
  mhx campaign rutherford-promotion-check DIR    judge; lists what is missing

\b
Evidence that the run needs, from other runs like it:
  mhx benchmark double-harris-convergence --from-plan DIR    other grids and time steps
  mhx benchmark seed-robust-qi --from-plan DIR               other noise
  mhx benchmark double-harris-parameter-sweep --from-plan DIR    other widths, resistivities

A short run is never believed alone: a testbed carries out one model many times, keeps the evidence
in order, and judges what the cases say together.

\b
A matrix of cases, in order:
  mhx testbed plan FILE            write the cases and what is known before they run
  mhx testbed run FILE --jobs 2    carry out what is not finished yet
  mhx testbed status DIR           where it stands
  mhx testbed explain DIR CASE     why a case is as it is, and how to run it again

\b
One run from one file:     mhx run examples/reconnection/orszag_tang.toml
What a file may contain:   mhx schema reconnection
What can run:              mhx runners
What groundwater needs:    mhx engines doctor
Are the files still true:  mhx verify DIR

Exit codes: 0 done, 1 a gate did not pass, 2 wrong input, 3 the run failed, 4 files altered or
missing, 5 claim refused, 6 folder in use, 70 a bug of ours, 75 stopped with a checkpoint,
130 interrupted.
"""

app = typer.Typer(
    help=STORY,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("run")(run.run)
app.command("schema")(run.schema)
app.command("runners")(runners.runners)
evidence.register(app)
lane.register(campaign_app)
app.add_typer(campaign_app)
app.add_typer(benchmark_app)
app.add_typer(testbed_app)
app.add_typer(engines_app)

# Typer keeps a copy of Click to itself; this is the root of its complaints about words.
_UsageError: Any = typer.BadParameter.__mro__[2]

_EXTRAS = {
    **dict.fromkeys(("jax", "jaxlib", "numpy", "scipy"), "reconnection"),
    **dict.fromkeys(("flopy", "gmsh", "shapely"), "groundwater"),
    **dict.fromkeys(("matplotlib", "PIL"), "report"),
}


def _print_version(asked: bool) -> None:
    if asked:
        print(f"mhx {__version__}")
        raise typer.Exit(0)


_Version = typer.Option(
    "--version", help="Print the version.", callback=_print_version, is_eager=True
)
_NO_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP)  # what no flag can mean

_Debug = typer.Option("--debug", help="Show where an error arose.")


@app.callback()
def _root(
    version: Annotated[bool, _Version] = False, debug: Annotated[bool, _Debug] = False
) -> None:
    pass  # `debug` is read where errors are told, which outlives the commands


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; what a worker calls too."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        code = _carried_out(given)
        if sys.stdout is not None:  # closed by the caller, `>&-`
            sys.stdout.flush()
    except BrokenPipeError:  # `mhx ... | head`: the reader has left and wants no more
        show.silence()
        return INTERRUPTED
    return code


def entry() -> None:
    """The console script `mhx`."""
    sys.exit(main())


def _carried_out(words: list[str]) -> int:
    try:
        command = _command()
        with command.make_context("mhx", list(words)) as context:
            command.invoke(context)
    except typer.Exit as end:
        return int(end.exit_code)
    except _UsageError as error:
        return _usage(error, words)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _told(error, words)
    return 0


def _told(error: Exception, words: list[str]) -> int:
    """Deliberate errors in one message; anything else is a bug and shows where it arose."""
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        error = EngineMissing(
            f"this command needs the Python package {error.name!r}, which is not installed; "
            f"install it with: pip install 'mhx[{_EXTRAS[error.name]}]'"
        )
    if isinstance(error, FileNotFoundError) and not _stands_somewhere():
        error = ConfigError("the current folder no longer exists; change into another one")
    if isinstance(error, OSError) and error.errno in _NO_PATH:
        error = ConfigError(f"{str(error.filename)[:80]!r} is no path here: {error.strerror}")
    deliberate = isinstance(error, MhxError)
    if not deliberate or "--debug" in words:
        traceback.print_exception(error)
    if deliberate:
        print(f"mhx: {error}", file=sys.stderr)
    code = error.exit_code if isinstance(error, MhxError) else BUG  # never 1, "did not pass"
    return _in_json(words, type(error).__name__, str(error), code)


def _stands_somewhere() -> bool:
    try:
        return bool(os.getcwd())
    except FileNotFoundError:
        return False


def _in_json(words: list[str], error: str, message: str, code: int) -> int:
    """One object on standard output where `--json` asks for it; the code, for whoever ends."""
    if "--json" in words:
        print(show.one_object({"error": error, "message": message, "exit_code": code}))
    return code


@cache
def _command() -> Any:
    """The tree of commands; made once in a worker, which carries out one case after another."""
    for group in (app, campaign_app, benchmark_app, engines_app):
        for registered in group.registered_commands:
            if not issubclass(registered.cls or object, Command):
                registered.cls = Command
    return typer.main.get_command(app)


def _usage(error: Any, words: list[str]) -> int:
    """One message: which command, what is wrong with its words, where its help is."""
    message = error.format_message().strip()
    command = error.ctx.command_path if error.ctx else "mhx"
    if not message.startswith("Usage:"):  # no words at all: the help says which there are
        message = f"{command}: {message}\nSee: {command} --help"
    print(message, file=sys.stderr)
    return _in_json(words, ConfigError.__name__, message, ConfigError.exit_code)
