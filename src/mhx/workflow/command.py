"""The runner (external, command): any executable; its metrics come from a JSON file it writes.

The program starts in the run folder, without a shell.  What it prints is kept in `stdout.txt` and
`stderr.txt`; all that it leaves below the run folder is listed by digest.  Exit status 0 and a
readable metrics file mean that it ran, anything else that it failed.

Metrics: numbers of the file under dotted names, items of a list by their `id` or `name`, else by
their number; true and false become 1 and 0; null, NaN and infinities are reported as no number;
texts become notes; lists longer than `evidence.metrics.LONGEST` are left out and named in a note.
Times in seconds.
"""

import contextlib
import json
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mhx.config import parse, to_toml
from mhx.errors import ConfigError, EngineMissing, EvidenceError, RunError
from mhx.evidence.hashing import file_digest
from mhx.evidence.manifest import LEFT_OUT_FOLDERS, evidence_files
from mhx.evidence.metrics import LONGEST, flatten
from mhx.evidence.store import strict, write_text
from mhx.runner import RunRequest, RunSummary
from mhx.workflow.command_table import CONFIG, OURS, STDERR, STDOUT, Command, CommandTable
from mhx.workflow.placeholders import filled, leaves, made_name, rendered

__all__ = ["Command", "identity", "run"]

LAST_LINES, LAST_BYTES = 20, 4096  # of what a program said last
GRACE_S = 10.0

_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def run(request: RunRequest) -> RunSummary:
    """Start the program, wait for it, read its numbers."""
    table = parse(Command, dict(request.config)).command
    root = request.output_dir.absolute()
    root.mkdir(parents=True, exist_ok=True)
    (root / table.metrics_json).unlink(missing_ok=True)  # what an earlier attempt left
    if not (root / CONFIG).exists():
        write_text(root / CONFIG, to_toml(request.config))
    words, env = _prepared(table, root)
    _carried_out(words, env, root, table.timeout_s)
    _only_files(root)
    metrics, notes = _reported(root / table.metrics_json, table.metrics_json)
    written = [name for name in evidence_files(root) if name not in OURS]
    notes = {"program": Path(words[0]).name, **notes}
    return RunSummary(metrics=metrics, notes=notes, artifacts=tuple(written))


def identity(config: Mapping[str, Any]) -> dict[str, str]:
    """Name of the program -> SHA-256 of its file; EngineMissing where there is none."""
    table = parse(Command, strict(config)).command  # whatever kind of mapping it is
    program = _program(filled(table.argv[0], _values(table, Path(CONFIG), Path())), table)
    status = os.stat(program)
    return {Path(program).name: _digest(program, status.st_size, status.st_mtime_ns)}


def _prepared(table: CommandTable, root: Path) -> tuple[list[str], dict[str, str]]:
    """Make the files of the templates, fill placeholders; the words and the environment."""
    made = [root / made_name(template) for template in table.templates]
    for template, path in zip(table.templates, made, strict=True):
        write_text(path, rendered(template.read_text("utf-8"), dict(leaves(table.parameters))))
    values = _values(table, made[0] if made else root / CONFIG, root)
    words = [filled(word, values) for word in table.argv]
    env = {name: filled(text, values) for name, text in table.env.items()}
    return [_program(words[0], table), *(_input(word, table) or word for word in words[1:])], env


def _values(table: CommandTable, config: Path, root: Path) -> dict[str, Any]:
    ours = {"config": str(config), "output_dir": str(root), "python": sys.executable}
    return {**dict(leaves(table.parameters)), **ours}


def _input(word: str, table: CommandTable) -> str | None:
    """The input whose path ends in `word`; ConfigError where there are several."""
    parts = [part for part in Path(os.path.normpath(word)).parts if part != ".."]
    found = [path for path in table.inputs if parts and list(path.parts[-len(parts) :]) == parts]
    if len(found) > 1:
        both = " and ".join(str(path) for path in found[:2])
        raise ConfigError(f"command.argv: {word!r} may be {both}; write more of its path")
    return str(found[0]) if found else None


def _program(word: str, table: CommandTable) -> str:
    """The file of the first word: an input, an absolute path, or found on PATH."""
    place = _input(word, table) or (word if os.path.isabs(word) else None)
    if place is None and "/" in word:
        raise ConfigError(
            f"command.argv[0] must be the name of a program on PATH, an absolute path or one of "
            f"command.inputs, got {word!r}"
        )
    if place is None:
        place = shutil.which(word) or (sys.executable if word in ("python", "python3") else None)
        if place is None:
            raise EngineMissing(f"command.argv[0]: no program {word!r} on PATH; install it")
    if not os.access(place, os.X_OK) or not os.path.isfile(place):
        raise EngineMissing(
            f"command.argv[0]: {place} is no program that may be executed; make it executable, or "
            "put its interpreter before it"
        )
    return place


@cache
def _digest(path: str, size: int, modified_ns: int) -> str:
    """Hashed once for every state of the file that this process meets."""
    return file_digest(path)


def _carried_out(
    words: Sequence[str], env: Mapping[str, str], root: Path, timeout_s: float | None
) -> None:
    """RunError where the program cannot start, overruns its limit or says that it failed."""
    with (root / STDOUT).open("wb") as output, (root / STDERR).open("wb") as errors:
        try:
            process = subprocess.Popen(
                words,
                cwd=root,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            raise RunError(f"{words[0]} cannot be started: {error}") from error
        try:
            in_time = _ended_in_time(process, timeout_s)
        finally:
            status = _end_group(process)
    if not in_time:
        raise RunError(
            f"{_told(words)} exceeded command.timeout_s = {timeout_s:g} s; stopped"
            f"{_last_words(root / STDERR)}"
        )
    if status:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        raise RunError(f"{_told(words)} {how}{_last_words(root / STDERR)}")


def _ended_in_time(process: "subprocess.Popen[bytes]", timeout_s: float | None) -> bool:
    """Wait for the program; its end is seen at once, which `wait(timeout)` would only poll for."""
    if timeout_s is None:
        process.wait()
        return True
    watch = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return bool(poll.poll(1000 * timeout_s))
    finally:
        os.close(watch)


def _end_group(process: "subprocess.Popen[bytes]") -> int:
    """Nothing of the program's group goes on: SIGTERM, a grace for the program, SIGKILL."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    _signal_group(process.pid, signal.SIGKILL)
    return process.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _told(words: Sequence[str]) -> str:
    return " ".join([Path(words[0]).name, *words[1:]])


def _last_words(errors: Path) -> str:
    """The last lines of stderr, for an error message."""
    size = errors.stat().st_size
    with errors.open("rb") as stream:  # the end of it: a program may write without end
        stream.seek(max(0, size - LAST_BYTES))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    if not lines:
        return f"; {STDERR} is empty"
    kept = lines[-LAST_LINES:]
    title = "all" if len(lines) == len(kept) else f"the last {len(kept)} lines"
    if size > LAST_BYTES and len(lines) <= LAST_LINES:
        title = f"the last {LAST_BYTES} bytes"
    return f"; {title} of {STDERR}:\n" + "\n".join(f"  {line}" for line in kept)


def _only_files(root: Path) -> None:
    """EvidenceError where the program left what no digest can vouch for.

    That is a link out of the run folder, or a pipe, which whoever hashes it would wait for.
    """
    inside = os.path.realpath(root)
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in LEFT_OUT_FOLDERS]
        for path in (os.path.join(place, name) for name in (*folders, *names)):
            target = os.path.realpath(path)
            what = ""
            if os.path.islink(path) and not target.startswith(inside + os.sep):
                what = f"a link to {target}, outside of the run folder"
            elif os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
                what = "neither a file nor a folder"
            if what:
                raise EvidenceError(
                    f"the program left {os.path.relpath(path, root)}, {what}; let it leave files, "
                    "or remove that before it ends"
                )


def _reported(path: Path, name: str) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics and notes of the file that the program wrote."""
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_each_key_once)
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__}, not one object")
        flat = flatten(content)
    except FileNotFoundError:
        raise EvidenceError(f"the program ended well and wrote no {name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvidenceError(f"{name} cannot be read: {error}") from error
    metrics, notes, left_out = dict[str, float](), dict[str, str](), []
    for key, value in flat.items():
        if not _KEY.fullmatch(key):
            raise EvidenceError(
                f"{name}: the key {key!r} is no metric; letters, digits, _ and - make a name, dots "
                "part the levels"
            )
        if isinstance(value, str):
            notes[key] = value
        elif isinstance(value, list):
            left_out.append(key)
        else:
            metrics[key] = _number(value)
    if left_out:
        notes["left_out"] = (
            f"lists of more than {LONGEST} items are no metrics: {', '.join(sorted(left_out))}"
        )
    return metrics, notes


def _number(value: bool | int | float | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
    return table
