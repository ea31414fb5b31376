"""The local pool: persistent worker processes, one job at a time each.

Imports of a solver cost 0.3-2 s, a small case 30 ms: so workers live on.  A worker is replaced when
it dies, after a time limit, after `JOBS_PER_WORKER` jobs, and when it has grown by `GROWTH_BYTES`.
The number is a guard against what leaks without showing as memory (descriptors, threads); with
about 1 s for a new worker's imports it costs 1 ms a case, where 50 would cost 20.

Each worker leads a session of its own: Ctrl-C at a terminal reaches the launcher alone.  Its keeper
(`keeper`) ends whatever the worker started, and all of it at once when the launcher is gone.
"""

import contextlib
import os
import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from mhx.errors import RunError
from mhx.evidence.provenance import now
from mhx.execution.attempts import LOG, Attempt, attempt_name
from mhx.execution.job import Ending, Job, Outcome
from mhx.execution.processes import usable_cpus
from mhx.execution.worker_process import Task, WorkerProcess

COMMAND_LINE = "mhx.cli:main"
JOBS_PER_WORKER = 1000
GROWTH_BYTES = 2 * 2**30
_DONE = (0, 1)  # exit codes of a run that reached its end


class LocalPool:
    """`Backend` on this machine.

    jobs: cases at a time; "auto": the CPUs that this process may use.
    grace_s: between SIGTERM and SIGKILL.  retries: further attempts for a job whose process died.
    ahead: hand a worker its next job before the outcome of the last one is told; the worker need
        not wait for the caller, and when the caller then says `stop`, that job is interrupted.
    target: "module:function" that carries out words and returns an exit code.
    """

    def __init__(
        self,
        jobs: int | Literal["auto"] = "auto",
        *,
        grace_s: float = 10.0,
        retries: int = 0,
        ahead: bool = False,
        target: str = COMMAND_LINE,
    ) -> None:
        cpus = usable_cpus()
        self.jobs = cpus if jobs == "auto" else jobs
        self.threads = max(1, cpus // self.jobs)
        self.grace_s, self.retries, self.ahead, self.target = grace_s, retries, ahead, target
        self.jobs_per_worker, self.growth_bytes = JOBS_PER_WORKER, GROWTH_BYTES
        self._workers: list[WorkerProcess] = []
        self._leaving: list[WorkerProcess] = []
        self._again: deque[tuple[Job, int]] = deque()
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = os.pipe()
        for end in (self._woken, self._waker):
            os.set_blocking(end, False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._stops = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Yield the outcome of every job that was started, once; RunError if no worker starts.

        When the caller leaves early (an error of its own), what runs is stopped.
        """
        waiting = iter(jobs)
        try:
            while self._fill(waiting):
                for outcome in self._outcomes():
                    if self.ahead:
                        self._fill(waiting)
                    yield outcome
        finally:
            self._interrupt_all()

    def stop(self) -> None:
        """Start nothing more and send SIGTERM to what runs; asked again, kill it at once.

        May be called from a signal handler and from another thread.
        """
        self._stops += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b"!")

    def close(self) -> None:
        """End the workers, in order where they are idle; no process is left afterwards."""
        self._interrupt_all()
        for worker in [*self._workers]:
            self._let_go(worker)
        for worker in self._leaving:
            worker.bury(self.grace_s)
        self._leaving = []
        self._selector.close()
        os.close(self._woken)
        os.close(self._waker)

    def _fill(self, waiting: Iterator[Job]) -> bool:
        """Give jobs to free workers, started where needed; False when nothing runs any more."""
        self._bury_the_leaving()
        while not self._stops and len(self._busy) < self.jobs:
            found = self._again.popleft() if self._again else _first(waiting)
            if found is None:
                break
            job, tries = found
            free = next((worker for worker in self._workers if worker.task is None), None)
            (free or self._hired()).take(Task(job, attempt_name(), tries))
        return bool(self._busy)

    @property
    def _busy(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if worker.task is not None]

    def _hired(self) -> WorkerProcess:
        try:
            worker = WorkerProcess.start(self.target, self.grace_s, self.threads)
        except OSError as error:
            raise RunError(f"no worker process can be started: {error}") from error
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)
        return worker

    def _outcomes(self) -> Iterator[Outcome]:
        """Wait until something happens, and tell what ended by it."""
        self._pass_on_stop()
        limits = [w.task.deadline for w in self._workers if w.task and w.task.deadline is not None]
        patience = max(0.0, min(limits) - time.monotonic()) if limits else None
        for key, _ in self._selector.select(patience):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            elif outcome := self._heard(key.data):
                yield outcome
        moment = time.monotonic()
        for worker in self._busy:
            if worker.task and worker.task.deadline is not None and worker.task.deadline <= moment:
                if worker.task.stopped_as is None:
                    worker.terminate(Ending.TIMEOUT, self.grace_s)
                elif outcome := self._gone(worker):  # its keeper cannot end it: stuck in the kernel
                    yield outcome

    def _pass_on_stop(self) -> None:
        for worker in self._busy:
            if worker.task and self._stops and worker.task.stopped_as is not Ending.INTERRUPTED:
                worker.terminate(Ending.INTERRUPTED, self.grace_s)
            if self._stops > 1:
                worker.kill()

    def _heard(self, worker: WorkerProcess) -> Outcome | None:
        said = worker.heard()
        if said is None:
            return self._gone(worker)
        for answer in said:
            if "ready" in answer:
                worker.ready = True
                if worker.task:
                    worker.task.start_clock()
            elif "ended" in answer:
                worker.ended = answer
            elif worker.task:
                worker.task.answer = answer
        task = worker.task
        if task is None or task.answer is None or task.stopped_as:
            return None  # what was told to stop is over when its processes are gone
        worker.task = None
        worker.jobs += 1
        grown = task.answer["growth"] > self.growth_bytes
        if grown or worker.jobs >= self.jobs_per_worker:
            self._let_go(worker)
        return _outcome(task, Ending.FINISHED)

    def _gone(self, worker: WorkerProcess) -> Outcome | None:
        """A worker ended; the outcome of its job, unless that is tried again."""
        self._selector.unregister(worker.answers)
        self._workers.remove(worker)
        printed = worker.bury(self.grace_s)
        task, signal = worker.task, worker.killed_by
        if task is None:
            return None
        if not worker.ready and worker.failed and not task.stopped_as:
            raise RunError(f"a worker process did not start:\n{printed.strip()}")
        done = task.answer is not None and task.answer["exit_code"] in _DONE
        if done and task.stopped_as is not Ending.TIMEOUT:
            return _outcome(task, Ending.FINISHED)
        ending = task.stopped_as or Ending.DIED
        outcome = _outcome(task, ending, signal=signal)
        _record_end(task, outcome, printed)
        if ending is Ending.DIED and task.tries <= self.retries and not self._stops:
            self._again.append((task.job, task.tries + 1))
            return None
        return outcome

    def _let_go(self, worker: WorkerProcess) -> None:
        """Say goodbye to an idle worker; it ends while others work."""
        self._selector.unregister(worker.answers)
        self._workers.remove(worker)
        self._leaving.append(worker)
        worker.dismiss()

    def _bury_the_leaving(self) -> None:
        for worker in [w for w in self._leaving if w.process.poll() is not None]:
            self._leaving.remove(worker)
            worker.bury(0)

    def _interrupt_all(self) -> None:
        """Stop what still runs when nobody asks for outcomes any more."""
        for worker in self._busy:
            worker.terminate(Ending.INTERRUPTED, self.grace_s)
        while self._busy:
            deque(self._outcomes(), maxlen=0)


def _first(jobs: Iterator[Job]) -> tuple[Job, int] | None:
    job = next(jobs, None)
    return None if job is None else (job, 1)


def _outcome(task: Task, ending: Ending, signal: int | None = None) -> Outcome:
    answer: Mapping[str, Any] = task.answer or {}
    return Outcome(
        job=task.job,
        ending=ending,
        exit_code=answer.get("exit_code"),
        signal=None if answer else signal,
        wall_s=answer.get("wall_s", time.monotonic() - task.began),
        attempt=task.attempt,
        log=task.folder / LOG,
        started_utc=answer.get("started", task.started_utc),
        finished_utc=now(),
        tries=task.tries,
        note=answer.get("note", ""),
    )


def _record_end(task: Task, outcome: Outcome, printed: str) -> None:
    """Write the end of an attempt whose process can no longer do so."""
    with contextlib.suppress(OSError):  # a full disk: the outcome itself says what happened
        attempt = Attempt.left_behind(task.folder, task.job.words)
        if printed.strip():
            attempt.say(f"the worker printed: {printed.strip()}")
        attempt.end(
            outcome.ending,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            duration_s=outcome.wall_s,
        )
