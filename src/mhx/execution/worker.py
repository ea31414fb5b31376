"""A worker process: `python -m mhx.execution.worker COMMANDS ANSWERS GRACE TARGET`.

Started by `local`, and by nobody else.  It reads one job a line from the descriptor COMMANDS and
answers one line each on ANSWERS (JSON); standard output is a job's own and goes to its log.  A job
is a call of TARGET, "module:function", with its words; the function returns an exit code.

Two processes: the one that works, and above it its `keeper`, from which it is forked before
anything heavy is imported.  Times in seconds, memory in bytes.
"""

import atexit
import contextlib
import faulthandler
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from mhx.errors import INTERRUPTED, RunError
from mhx.evidence.syncing import unsynced
from mhx.execution.attempts import LOG, Attempt
from mhx.execution.keeper import Keeper, adopt_orphans, die_with_parent
from mhx.execution.processes import descendants, resident_bytes

PYTHONPATH = "MHX_WORKER_PYTHONPATH"  # what PYTHONPATH was before the pool lent its own path

Target = Callable[[Sequence[str]], int]


class _Stop:
    """Whether this process was asked to stop, and whether a job must hear of it."""

    asked = False
    working = False


def main(words: Sequence[str]) -> NoReturn:
    """Split into keeper and worker; neither returns."""
    commands, answers, grace_s, target = int(words[0]), int(words[1]), float(words[2]), words[3]
    for descriptor in (commands, answers):
        os.set_inheritable(descriptor, False)
    _give_back_path()
    os.chdir("/")  # a folder that stays, whatever becomes of the launcher's
    adopt_orphans()
    ours = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    keeper = os.getpid()
    worker = os.fork()
    if worker:
        status = Keeper(worker, commands, grace_s).keep()
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        _answer(answers, {"ended": os.waitstatus_to_exitcode(status), "signal": killed})
        os._exit(0)
    die_with_parent(keeper)
    adopt_orphans()  # so that it sees what a job left behind
    signal.signal(signal.SIGTERM, _terminated)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)
    _work(commands, answers, grace_s, target)
    _leave()


def resolved(target: str) -> Target:
    """The function behind "module:function", imported now."""
    module, _, name = target.partition(":")
    function: Target = getattr(importlib.import_module(module), name)
    return function


@contextlib.contextmanager
def surroundings(words: Sequence[str], folder: Path, log: Path) -> Iterator[None]:
    """What a job finds, as if a shell had started it: folder, arguments, output into its log.

    All of it, the environment included, is put back afterwards.  Only its files are not synced one
    by one: whoever started the job keeps their digests (`evidence.syncing`).
    """
    environ, argv, here = dict(os.environ), sys.argv, os.getcwd()
    sys.argv = ["mhx", *words]
    os.chdir(folder)
    try:
        with _output_to(log), unsynced():
            yield
    finally:
        os.chdir(here)
        sys.argv = argv
        if os.environ != environ:
            os.environ.clear()
            os.environ.update(environ)


def _work(commands: int, answers: int, grace_s: float, target: str) -> None:
    """Carry out job after job until there is no more or the launcher says `null`."""
    faulthandler.enable()  # a crash in a library leaves its place in the log
    function = resolved(target)
    baseline = resident_bytes()
    _answer(answers, {"ready": True})
    with os.fdopen(commands, "rb") as stream:
        for line in stream:
            job = json.loads(line)
            if job is None:
                return
            answer = _carried_out(function, job)
            try:
                if left := _stop_what_is_left(grace_s):
                    answer["note"] = f"stopped what the case left running: {', '.join(left)}"
                    _add_to_log(job, answer["note"])
            finally:  # told to stop meanwhile: what is left is the keeper's now
                _answer(answers, {**answer, "growth": resident_bytes() - baseline})
            if _Stop.asked:
                return


def _leave() -> NoReturn:
    """End in order, but without taking every module apart, half a second that a launcher waits."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(0)


def _carried_out(function: Target, job: dict[str, Any]) -> dict[str, Any]:
    """Run one job and record it; where no record can begin (a full disk), nothing runs."""
    words, folder = job["words"], Path(job["folder"])
    began = time.perf_counter()
    answer: dict[str, Any] = {"exit_code": RunError.exit_code}
    try:
        attempt = Attempt.begin(folder / job["attempt"], words)
        answer["started"] = attempt.document["started_utc"]
        with surroundings(words, folder, attempt.folder.absolute() / LOG):
            answer["exit_code"] = _called(function, words)
        answer["wall_s"] = time.perf_counter() - began
        attempt.end("finished", exit_code=answer["exit_code"], duration_s=answer["wall_s"])
    except OSError as error:
        answer["note"] = f"the attempt cannot be recorded: {error}"
    return {"wall_s": time.perf_counter() - began, **answer}


def _add_to_log(job: dict[str, Any], note: str) -> None:
    with contextlib.suppress(OSError):
        Attempt(Path(job["folder"], job["attempt"])).say(note)


def _called(function: Target, words: Sequence[str]) -> int:
    try:
        _Stop.working = True
        try:
            return INTERRUPTED if _Stop.asked else function(words)
        finally:
            _Stop.working = False
    except KeyboardInterrupt:
        return INTERRUPTED


def _terminated(*_: Any) -> None:
    _Stop.asked = True
    if _Stop.working:
        raise KeyboardInterrupt  # the run says so in its folder, as after Ctrl-C
    raise SystemExit


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Standard output and error into a file, also those of programs started meanwhile."""
    with contextlib.ExitStack() as stack:
        stream = log.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
        stack.callback(_closed, stream)
        for descriptor in (1, 2):
            kept = os.dup(descriptor)
            os.dup2(stream.fileno(), descriptor)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, descriptor)
        stack.enter_context(contextlib.redirect_stdout(stream))
        stack.enter_context(contextlib.redirect_stderr(stream))
        yield


def _closed(stream: TextIO) -> None:
    with contextlib.suppress(OSError):  # a full disk costs the end of a log, not the exit code
        stream.close()


def _stop_what_is_left(grace_s: float) -> list[str]:
    """End the processes that a job left; as subreaper, this process has all of them as children."""
    if _Stop.asked or not _has_children():
        return []
    found = descendants(os.getpid())
    told = [f"{_name(pid)} ({pid})" for pid in found[:5]]
    _send(found, signal.SIGTERM)
    deadline, pause = time.monotonic() + grace_s, 0.001
    while _has_children():
        if time.monotonic() > deadline:
            _send(descendants(os.getpid()), signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    return told


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _send(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "process"


def _answer(answers: int, content: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the launcher is gone; the keeper acts on it
        os.write(answers, (json.dumps(content) + "\n").encode())


def _give_back_path() -> None:
    """Programs that a case starts see the PYTHONPATH of the user, not that of the pool."""
    given = os.environ.pop(PYTHONPATH, None)
    os.environ.pop("PYTHONPATH", None)
    if given is not None:
        os.environ["PYTHONPATH"] = given


if __name__ == "__main__":
    main(sys.argv[1:])
