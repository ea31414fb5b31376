"""The methods carried out as ordinary runs, by the words that a person would type.

    _generated_configs/<id>.toml    the child, paths from there
    simulations/<id>/               its run folder, and `attempts/` with its log

A run that finished before is verified by the same words and computes nothing, so that a comparison
which was killed goes on where it stood.  Times are wall clock [s].
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mhx.config import to_toml
from mhx.config.located import relative_path
from mhx.config.paths import with_paths
from mhx.errors import ConfigError, EngineMissing, EvidenceError, MhxError, RunError, SolverError
from mhx.evidence import syncing
from mhx.evidence.manifest import MANIFEST_NAME
from mhx.evidence.schemas import RUN_ERROR
from mhx.evidence.store import read_json, write_text
from mhx.execution.job import Backend, Ending, Job, Outcome
from mhx.execution.local import LocalPool
from mhx.groundwater.comparison.children import SUMMARY, Child
from mhx.groundwater.comparison.config import Execution
from mhx.groundwater.config import Simulation
from mhx.report.progress import MethodProgress

CONFIGS, SIMULATIONS = "_generated_configs", "simulations"
ERROR = "run_error.json"
FINISHED_CODES = (0, 1)  # 1: a gate of the run did not pass; it has finished
_HEAD = "# Method {id!r} of a comparison; edit the comparison, not this file.\n"
_CLASSES: dict[str, type[MhxError]] = {
    kind.__name__: kind for kind in (ConfigError, EngineMissing, SolverError, EvidenceError)
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a method ended.

    root: its run folder.  status: ok, failed, timeout or missing.  error: why it is not ok.
    cause: what to raise for it.
    """

    id: str
    root: Path
    status: str = "ok"
    error: str = ""
    cause: MhxError | None = None

    @property
    def finished(self) -> bool:
        """Whether there is a run to read."""
        return self.status == "ok"


def pool(execution: Execution) -> Backend:
    """What carries the methods out."""
    return LocalPool(execution.jobs)


def write_children(root: Path, children: Sequence[Child]) -> None:
    """The children below a comparison's folder; those of finished runs stay where they are."""
    folder = root / CONFIGS
    for child in children:
        if child.run_dir is not None:
            continue
        data = with_paths(
            Simulation, child.data, lambda place, kind, text: relative_path(text, folder)
        )
        write_text(folder / f"{child.id}.toml", _HEAD.format(id=child.id) + to_toml(data))


def carry_out(
    root: Path,
    children: Sequence[Child],
    execution: Execution,
    *,
    go_on: bool,
    backend: Callable[[Execution], Backend] = pool,
) -> dict[str, Ended]:
    """How each method ended, in the order of the children.

    go_on: a method that ends badly stops nobody else; otherwise its error is raised, and what runs
    is stopped.  What has finished stays finished.
    """
    jobs = [_job(root, child, execution) for child in children if child.run_dir is None]
    found = {
        child.id: Ended(id=child.id, root=child.run_dir)
        for child in children
        if child.run_dir is not None
    }
    if jobs:
        working = backend(execution)
        try:
            with closing(_outcomes(working, jobs)) as outcomes, MethodProgress(len(jobs)) as told:
                for count, outcome in enumerate(outcomes, start=1):
                    ended = _ended(root, outcome)
                    found[ended.id] = ended
                    told.update(count)
                    if ended.cause is not None and not go_on:
                        raise ended.cause
        finally:
            working.close()
            if syncing.syncs_each():  # what workers wrote is flushed by who asked for it
                syncing.sync_file_system(root)
    return {child.id: found[child.id] for child in children}


def as_they_are(root: Path, children: Sequence[Child]) -> dict[str, Ended]:
    """The runs that are there, for a comparison that runs none."""
    found = {}
    for child in children:
        place = child.run_dir or root / SIMULATIONS / child.id
        if (place / MANIFEST_NAME).is_file() and (place / SUMMARY).is_file():
            found[child.id] = Ended(id=child.id, root=place)
            continue
        told = (
            f"simulation {child.id!r}: there is no finished run in {place}, and "
            "comparison.run_simulations is false"
        )
        found[child.id] = Ended(
            id=child.id, root=place, status="missing", error=told, cause=RunError(told)
        )
    return found


def _job(root: Path, child: Child, execution: Execution) -> Job:
    words = ("run", f"{CONFIGS}/{child.id}.toml", "--output-dir", f"{SIMULATIONS}/{child.id}")
    return Job(
        name=child.id,
        words=words,
        folder=root.absolute(),
        run_dir=Path(SIMULATIONS, child.id),
        timeout_s=execution.timeout_s,
    )


def _outcomes(working: Backend, jobs: Sequence[Job]) -> Generator[Outcome]:
    yield from working.run(jobs)


def _ended(root: Path, outcome: Outcome) -> Ended:
    name = outcome.job.name
    place = root / SIMULATIONS / name
    if outcome.ending is Ending.FINISHED and outcome.exit_code in FINISHED_CODES:
        return Ended(id=name, root=place)
    cause = _cause(root, place, outcome)
    status = "timeout" if outcome.ending is Ending.TIMEOUT else "failed"
    return Ended(id=name, root=place, status=status, error=str(cause), cause=cause)


def _there(message: str, name: str) -> str:
    """Where the file lies that a message names from the folder of its own run."""
    return f" in {SIMULATIONS}/{name}" if "; see " in message else ""


def _cause(root: Path, place: Path, outcome: Outcome) -> MhxError:
    """The error of a run as the comparison tells it."""
    name, log = outcome.job.name, relative_path(str(outcome.log), root)
    said = f"simulation {name!r}"
    if outcome.ending is Ending.TIMEOUT:
        limit = outcome.job.timeout_s or 0.0
        return RunError(f"{said} exceeded {limit:g} s and was stopped; see {log}")
    if outcome.ending is Ending.DIED:
        return RunError(f"{said}: the process died (signal {outcome.signal}); see {log}")
    if (place / ERROR).is_file():
        record = read_json(place / ERROR, RUN_ERROR)
        kind = _CLASSES.get(record["class"], RunError)
        return kind(f"{said}: {record['message']}{_there(record['message'], name)}")
    return RunError(f"{said} ended with exit code {outcome.exit_code}; see {log}")
