"""The keeper of a matrix: what is known of its cases, and the evidence files made of that.

Made from a plan's document and the journal alone, so that a launcher, `mhx testbed report` and a
second start after a kill have one and the same way to the files.
"""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import verify
from mhx.evidence.hashing import file_digest
from mhx.evidence.metrics import Vocabulary
from mhx.evidence.provenance import now
from mhx.evidence.store import Journal, strict, write_bytes
from mhx.evidence.verifier import VERIFIER_NAME
from mhx.execution.attempts import attempt_name
from mhx.testbed.analysis import analyse
from mhx.testbed.checks import judge_checks
from mhx.testbed.child.digests import version_and_digest
from mhx.testbed.files import manifest
from mhx.testbed.files.columns import contract_of
from mhx.testbed.files.rows import State, own_notes
from mhx.testbed.files.tables import Tables
from mhx.testbed.records import Findings, Records, render
from mhx.testbed.running import journal
from mhx.testbed.running.journal import PLAN, History
from mhx.testbed.running.outcome import Ended
from mhx.workflow.registry import Registration, rows


class Keeper:
    """Keeps the evidence of one matrix up to date; the caller holds the lock of its folder.

    document: the dictionary of testbed_plan.json.
    """

    def __init__(
        self,
        root: Path,
        document: dict[str, Any],
        row: Registration,
        circumstance: manifest.Circumstance,
        book: Journal,
    ) -> None:
        self.root, self.document, self.row = root, document, row
        self.circumstance, self.book = circumstance, book
        circumstance.engines = _engines(document)
        self.launch = attempt_name()
        self._vocabulary = vocabulary_of(row)
        self.contract = contract_of(document["metrics"], row.defaults, self._vocabulary)
        self.tables = Tables(document, self.contract, row)
        self.records = Records(
            root, self.tables, manifest=self._manifest, judge=self.judged, report=self._reported
        )
        self._findings: Findings | None = None
        self._timed: dict[str, bool] = {}

    @property
    def cases(self) -> Iterator[dict[str, Any]]:
        """The enabled cases that have a child, in order."""
        for case in self.document["cases"]:
            if case["enabled"] and case.get("case_digest"):
                yield case

    def state(self, found: Ended, *, reused: bool = False, reason: str = "") -> State:
        """What is known of a case that ended."""
        state = State(
            status=found.result.status, result=found.result, reused=reused, reuse_reason=reason
        )
        if found.reading is not None:
            metrics, notes = found.reading.metrics, found.reading.notes
            timed = {name for name in metrics if self._is_duration(name)}
            state.values = self.contract.take(metrics, notes)
            own = own_notes(self.row.columns, metrics, notes, timed)
            for name, value in own.items():
                if isinstance(value, str) and _lies_there(value, found.reading.artifacts):
                    own[name] = posixpath.join(found.result.run_dir, value).removesuffix("/.")
            state.notes = strict(own)
        return state

    def set(self, case_id: str, state: State) -> None:
        """Take in what is known of a case now; the files follow as they may."""
        with self.records.changing():
            self.tables.set(case_id, state)
            self._findings = None

    def write_plan(self, stale: Sequence[str] = ()) -> None:
        """Write the plan and the rest of the dry evidence; the journal knows the plan first."""
        self.document["stale_children"] = list(stale)
        lines = [journal.compact(case) for case in self.document["cases"]]
        document = {key: value for key, value in self.document.items() if key != "cases"}
        content = render(document, {"cases": lines})
        facts = {"testbed_id": document["testbed_id"], "plan_digest": document["plan_digest"]}
        digest = journal.digest_of(content)
        journal.note(self.book, "planned", {"plan_sha256": digest, **facts})
        write_bytes(self.root / PLAN, content)
        self.note_files()
        self.records.write_all()

    def finish(self, exit_code: int) -> None:
        """Write everything, as it stands at the end."""
        self.circumstance.exit_code = exit_code
        self.circumstance.finished_utc = now()
        self.records.write_all()

    def note_files(self) -> None:
        """The files that do not change while cases run."""
        for case in self.document["cases"]:
            if path := case["config_path"]:
                self.records.files[path] = file_digest(self.root / path)
        self.records.files[PLAN] = file_digest(self.root / PLAN)
        self.records.put(VERIFIER_NAME, Path(verify.__file__).read_bytes())

    def judged(self) -> Findings:
        """Checks and analysis of what is known now."""
        if self._findings is None:
            metric_rows = self.tables.metric_rows
            self._findings = Findings(
                checks=judge_checks(self.document, metric_rows),
                analysis=analyse(self.document, metric_rows, self.contract.document()),
            )
        return self._findings

    def _manifest(self, findings: Findings, files: Mapping[str, str]) -> dict[str, Any]:
        return manifest.document(
            self.document,
            self.tables,
            findings,
            circumstance=self.circumstance,
            files=files,
            place=self.book.place,
        )

    def _reported(self, findings: Findings, document: Mapping[str, Any]) -> Sequence[str]:
        from mhx.testbed.report import Evidence, write_report  # noqa: PLC0415  (jinja2, matplotlib)

        evidence = Evidence(
            plan=self.document,
            cases=list(self.tables.case_rows),
            metrics=self.tables.metric_rows,
            checks=list(findings.checks),
            analysis=findings.analysis,
            manifest=document,
        )
        return write_report(self.root, evidence)

    def _is_duration(self, name: str) -> bool:
        if name not in self._timed:
            word = self._vocabulary.find(name) if self._vocabulary else None
            self._timed[name] = word is not None and word.kind == "duration"
        return self._timed[name]


def _engines(document: Mapping[str, Any]) -> dict[str, Any]:
    """The executables that the cases were planned with: name -> version and SHA-256."""
    found: dict[str, Any] = {}
    for case in document["cases"]:
        for name, identity in case.get("digest_parts", {}).get("engines", {}).items():
            version, sha256 = version_and_digest(str(identity))
            found[name] = {"version": version, "sha256": sha256}
    return found


def read_plan(root: Path, known: History) -> dict[str, Any]:
    """The stored plan, held against the journal; ConfigError where there is none."""
    if not (root / PLAN).is_file():
        raise ConfigError(f"{root} holds no testbed: {PLAN} is not there")
    journal.check_plan(root, known)
    found: dict[str, Any] = json.loads((root / PLAN).read_bytes())  # the journal vouches for it
    return found


def row_for(document: Mapping[str, Any]) -> Registration:
    """The row of the registry that a stored plan was made for."""
    pair = (document["subject"], document["runner"])
    for row in rows():
        if (row.subject, row.runner) == pair:
            return row
    raise EvidenceError(
        f"the plan is for the pair {pair}, which is not registered here; "
        "install the package that brings it"
    )


def vocabulary_of(row: Registration) -> Vocabulary | None:
    """What the runner of a row may report; None where it does not say."""
    if not row.metrics:
        return None
    module, _, name = row.metrics.partition(":")
    found: Vocabulary = getattr(import_module(module), name)
    return found


def _lies_there(text: str, artifacts: frozenset[str]) -> bool:
    """Whether a text of a run names a file of it, a folder of these, or its own folder."""
    return text in artifacts or text == "." or any(one.startswith(f"{text}/") for one in artifacts)
