"""The launcher: prepare a matrix, delegate what does not stand, keep the evidence.

    run_testbed    what `mhx run FILE`, `mhx testbed run FILE` and `--dry-run` do, all alike
    plan_testbed   the same, stopped before anything starts

It owns cases and evidence and no solver: a case is the command line `mhx run CHILD --output-dir
DIR`, and what the launcher knows of it is what that left on disk.  Its folder is locked from the
first write to the last; whatever kills it, the same command goes on from the journal.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from mhx.errors import ConfigError, MhxError, RunError, RunLocked
from mhx.evidence.store import Journal
from mhx.evidence.syncing import sync_file_system
from mhx.execution.inline import InlineBackend
from mhx.execution.job import Backend, Job, Outcome
from mhx.execution.local import LocalPool
from mhx.report.answer import Answer
from mhx.report.progress import CaseProgress
from mhx.testbed.child.children import differing_children
from mhx.testbed.files import answers, manifest
from mhx.testbed.files.exits import exit_code
from mhx.testbed.files.keeping import Keeper
from mhx.testbed.files.rows import State
from mhx.testbed.plan import Plan, make_plan
from mhx.testbed.running import before, folders, journal
from mhx.testbed.running.journal import JOURNAL, Result
from mhx.testbed.running.outcome import Asked, Ended, asked, ended, finished
from mhx.testbed.running.preparing import policy_of, prepare
from mhx.testbed.running.reuse import Decision
from mhx.testbed.running.stopping import Stopping
from mhx.workflow.load import Changes

FAILED = ("failed", "timeout")
BACKENDS = ("local", "inline")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for; None: what the file says.

    jobs: cases at a time, or "auto".
    case: a glob over case ids; the other cases are left as they are.
    fresh: carry out cases whose result would stand, too.
    rerun_failed: start failed cases again, whatever the file says.
    dry_run: plan only.
    """

    changes: Changes = field(default_factory=Changes)
    jobs: int | str | None = None
    case: str | None = None
    fresh: bool = False
    rerun_failed: bool = False
    backend: str | None = None
    dry_run: bool = False


def run_testbed(path: Path, options: Options | None = None) -> Answer:
    """Carry out a testbed file, or plan it where it (or `dry_run`) says so.

    ConfigError: every fault of file and children at once, the dry evidence written.
    RunLocked: another launcher is at work.  EvidenceError: plan or journal were altered.
    With `continue_on_error = false` the error of the first case that failed is raised again.
    """
    options = options or Options()
    plan = make_plan(path, options.changes)
    with folders.owned(plan.root, f"testbed {path.name}"), journal.opened(plan.root) as book:
        launcher = TestbedLauncher(plan, book, options)
        with launcher.stopping.listening():
            launcher.prepare()
            return launcher.carry_out() if launcher.execute else launcher.planned()


def check_children(path: Path, changes: Changes | None = None) -> Answer:
    """Whether the children on disk are what the file gives now; writes nothing, exit code 1 if not.

    ConfigError: every fault of file and children.
    """
    plan = make_plan(path, changes)
    plan.raise_faults()
    return answers.compared(plan, differing_children(plan))


def plan_testbed(path: Path, options: Options | None = None) -> Answer:
    """Write children and dry evidence, evaluate reuse; nothing is started."""
    return run_testbed(path, replace(options or Options(), dry_run=True))


class TestbedLauncher:
    """Carries one matrix from its plan to its evidence; the caller holds lock and journal."""

    def __init__(self, plan: Plan, book: Journal, options: Options) -> None:
        self.plan, self.root, self.options = plan, plan.root, options
        self.execute = plan.table.execute and not options.dry_run
        self._book = book
        self._known = journal.history(book.lines)
        journal.check_plan(plan.root, self._known)
        document = {**plan.document(), "require_child_gates": plan.table.require_child_gates}
        if lost := manifest.lost_lines(plan.root, book.place):
            document["notices"] = [*document["notices"], _cut_short(lost)]
        circumstance = manifest.Circumstance(execute=self.execute)
        self.keeper = Keeper(plan.root, document, plan.row, circumstance, book)
        self._chosen = _chosen(options.case, [case["case_id"] for case in self.keeper.cases])
        self._decisions: dict[str, Decision] = {}
        self.stopping = Stopping()
        self._places = _places(options.jobs, plan.table.execution.jobs)
        asked_for = options.backend
        self._backend_name = _known_backend(
            plan.table.execution.backend if asked_for is None else asked_for
        )
        self._halted: MhxError | None = None
        self._tally: Counter[str] = Counter()

    def prepare(self) -> None:
        """Write the children and the dry evidence; the faults of the plan are raised afterwards."""
        options = self.options
        policy = policy_of(self.plan, fresh=options.fresh, rerun_failed=options.rerun_failed)
        starts = self._chosen if self.execute else set()
        self._decisions = prepare(self.plan, self.keeper, self._known, policy, starts)

    def planned(self) -> Answer:
        """End without having started anything."""
        self.keeper.finish(self.stopping.exit_code or 0)
        return answers.planned(self.keeper, self.plan.path)

    def carry_out(self) -> Answer:
        """Run what does not stand, in plan order; the evidence is complete on return."""
        todo = [
            case
            for case in self.keeper.cases
            if case["case_id"] in self._chosen and not self._decisions[case["case_id"]].stands
        ]
        facts = {"launch": self.keeper.launch, "cases": len(todo)}
        journal.note(self._book, "started", facts)
        try:
            if todo and not self.stopping.asked and self._may_start(todo):
                self._delegate(todo)
        finally:
            self._leave_none_running()
            sync_file_system(self.root)  # the cases' own files, all at once
            code = self._exit_code()
            journal.note(self._book, "ended", {**facts, "exit_code": code})
            self.keeper.finish(code)
        if self._halted is not None:
            raise self._halted
        return answers.carried_out(self.keeper, self.plan.path)

    def _may_start(self, todo: Sequence[Mapping[str, Any]]) -> bool:
        """Whether what the runner looks at before its cases stands; else every case says why."""
        try:
            before.look(self.plan.row, self.root, self._book, self._known.looked, todo)
        except MhxError as error:
            self._halted = error
            for case in todo:
                self.keeper.set(case["case_id"], State(error=f"not started: {error}"))
        return self._halted is None and not self.stopping.asked

    def _delegate(self, todo: Sequence[Mapping[str, Any]]) -> None:
        what = {case["case_id"]: asked(case) for case in todo}
        with ExitStack() as stack:
            backend = self.stopping.backend = self._backend()
            stack.callback(backend.close)
            stack.enter_context(self.keeper.records.refreshing())
            progress = stack.enter_context(CaseProgress(len(todo)))
            for outcome in backend.run(self._jobs(todo)):
                self._take(self._ended(what[outcome.job.name], outcome))
                progress.update(self._tally.total(), **self._troubles())
        if self._halted is not None:
            self._skip(todo)

    def _jobs(self, todo: Sequence[Mapping[str, Any]]) -> Iterator[Job]:
        """Claim cases one by one, as places become free."""
        for case in todo:
            if self.stopping.asked or self._halted is not None:
                return
            what = asked(case)
            try:
                job = self._run_case(what, case["config_path"])
            except RunLocked as error:
                self._refuse(what, RunLocked(f"case {what.case_id!r}: {error}"))
                continue
            except OSError as error:
                told = f"{what.run_dir} cannot be made ready: {error.strerror or error}"
                self._refuse(what, RunError(f"case {what.case_id!r}: {told}"))
                continue
            if job is not None:
                yield job

    def _refuse(self, case: Asked, error: MhxError) -> None:
        """A case that cannot be started is on record as failed; the others go on."""
        self._take(Ended(result=_result(case, "failed", str(error)), error=error))

    def _run_case(self, case: Asked, child: str) -> Job | None:
        """Make the folder ready, claim the case, and say which command carries it out.

        None where an equal run elsewhere was taken over.
        """
        if (origin := self._decisions[case.case_id].origin) is not None:
            self._link(case, *origin)
            return None
        folder = self.root / case.run_dir
        folders.make_ready(folder, self.keeper.launch, goes_on=self._goes_on(case))
        claim = {"case_id": case.case_id, "case_digest": case.case_digest}
        journal.note(self._book, "claimed", claim, sync=False)
        reason = self._decisions[case.case_id].reason
        self.keeper.set(case.case_id, State(status="running", reuse_reason=reason))
        return Job(
            name=case.case_id,
            words=("run", child, "--output-dir", case.run_dir),
            folder=self.root.absolute(),
            run_dir=Path(case.run_dir),
            timeout_s=self.plan.table.execution.timeout_s,
        )

    def _goes_on(self, case: Asked) -> bool:
        """True for the same computation, stopped in its middle: told to stop, or killed."""
        claim = self._known.claims.get(case.case_id)
        if claim is not None:
            return claim == case.case_digest
        last = self._known.results.get(case.case_id)
        if last is None or last.case_digest != case.case_digest:
            return False
        died = last.status == "failed" and last.exit_code is None and last.attempt != ""
        return last.status == "interrupted" or died

    def _link(self, case: Asked, origin: Path, found: Result) -> None:
        """Take over the verified run of an equal case elsewhere."""
        folders.link_run(origin / found.run_dir, self.root / case.run_dir, self.keeper.launch)
        told = f"linked from {found.case_id!r} of {folders.relative(origin, self.root)}"
        result = replace(
            found,
            case_id=case.case_id,
            run_dir=case.run_dir,
            child_digest=case.child_digest,
            log="",
            origin=told,
        )
        again = finished(self.root, result, self.keeper.contract)
        self._take(again, linked=told if again.result.status == "ok" else "")

    def _ended(self, case: Asked, outcome: Outcome) -> Ended:
        stopping = self.stopping.asked or self._halted is not None
        return ended(self.root, case, outcome, self.keeper.contract, stopping)

    def _take(self, found: Ended, *, linked: str = "") -> None:
        """Journal first; then the tables, and the files as far as they may cost."""
        case_id = found.result.case_id
        journal.record(self._book, found.result)
        self._tally[found.result.status] += 1
        reason = linked or self._decisions[case_id].reason
        self.keeper.set(case_id, self.keeper.state(found, reused=bool(linked), reason=reason))
        self.keeper.records.refresh()
        failed = found.result.status in FAILED
        if failed and not self.plan.table.continue_on_error and self._halted is None:
            self._halted = found.error
            if self.stopping.backend is not None:
                self.stopping.backend.stop()

    def _skip(self, todo: Sequence[Mapping[str, Any]]) -> None:
        """Say of every case that did not start why it did not."""
        text = "an earlier case failed, and continue_on_error is false"
        for case in todo:
            if self.keeper.tables.states[case["case_id"]].status == "planned":
                self._take(Ended(result=_result(asked(case), "skipped", text)))

    def _leave_none_running(self) -> None:
        """Claimed cases without an outcome, where an error of the launcher's own ended it."""
        for case_id, state in self.keeper.tables.states.items():
            if state.status == "running":
                error = f"case {case_id!r}: the launcher ended before the case did"
                self.keeper.set(case_id, replace(state, status="interrupted", error=error))

    def _backend(self) -> Backend:
        table = self.plan.table.execution
        if self._backend_name == "inline":
            return InlineBackend()
        return LocalPool(
            self._places,
            grace_s=table.grace_s,
            retries=table.retries,
            ahead=self.plan.table.continue_on_error,
        )

    def _exit_code(self) -> int:
        if self._halted is not None:
            return self._halted.exit_code
        if self.stopping.exit_code is not None:
            return self.stopping.exit_code
        states = self.keeper.tables.states
        return exit_code(
            [states[case_id] for case_id in states if case_id in self._chosen],
            self.keeper.judged().checks,
            gates=self.plan.table.require_child_gates,
            partial=self.options.case is not None,
        )

    def _troubles(self) -> dict[str, int]:
        return {status: self._tally[status] for status in FAILED if self._tally[status]}


def _places(asked_for: int | str | None, otherwise: int | Literal["auto"]) -> int | Literal["auto"]:
    """How many cases at a time; a ConfigError names the flag."""
    if asked_for is None:
        return otherwise
    if asked_for == "auto":
        return "auto"
    if str(asked_for).isdecimal() and int(asked_for) >= 1:
        return int(asked_for)
    raise ConfigError(f"--jobs must be a whole number >= 1 or auto, got {asked_for!r}")


def _known_backend(name: str) -> str:
    if name in BACKENDS:
        return name
    raise ConfigError(f"--backend must be {' or '.join(map(repr, BACKENDS))}, got {name!r}")


def _chosen(glob: str | None, enabled: Sequence[str]) -> set[str]:
    if glob is None:
        return set(enabled)
    chosen = {case_id for case_id in enabled if case_id == glob or fnmatchcase(case_id, glob)}
    if enabled and not chosen:
        raise ConfigError(
            f"--case {glob!r} matches no enabled case; there are {answers.some(enabled)}"
        )
    return chosen


def _cut_short(lines: int) -> str:
    told = f"{lines} lines" if lines > 1 else "line"
    return f"{JOURNAL} has lost its last {told}; cases whose end stood there are carried out again"


def _result(case: Asked, status: str, error: str) -> Result:
    return Result(
        case_id=case.case_id,
        status=status,
        error=error,
        child_digest=case.child_digest,
        case_digest=case.case_digest,
        parts=case.parts,
    )
