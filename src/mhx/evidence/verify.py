"""Re-hash a folder of mhx and judge it again, with a plain Python and nothing else.

    python verify.py [FOLDER] [--json]      exit 0: all as recorded; 4: not; 2: nothing to verify

Every file that a manifest, a checkpoint record or a journal names is hashed; what is altered,
missing or unexpected is named.  Digests of plan, family, manifests, records and run are computed
anew, and so is every verdict of a validation file, from its stored value and bound.  Nested folders
with manifests of their own are judged by these, and so is the evidence of a claim wherever it lies.
The lines on digests repeat `hashing.py` and `store.py`, because a copy of this file travels with
every run.
"""

import ast
import contextlib
import csv
import hashlib
import io
import json
import math
import os
import posixpath
import re
import struct
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST, PLAN_MANIFEST = "manifest.json", "plan_manifest.json"
ARTIFACTS, LEDGER, COMMANDS = "artifact_manifest.json", "claim_ledger.jsonl", "commands.jsonl"
SCHEMAS = {
    MANIFEST: "mhx.manifest.v1",
    PLAN_MANIFEST: "mhx.manifest.v1",
    ARTIFACTS: "mhx.artifacts.v1",
}
LEFT_OUT_FOLDERS = frozenset({"attempts", "quarantine", "superseded"})
DERIVED = frozenset({"resume_plan.json", "report.html"})
UNLISTED = DERIVED | {LEDGER, COMMANDS, ".lock", ".lock.json"}
DRAFT = re.compile(r"\..+\.\d+-\d+\.part")

CONFIG, VALIDATION, HISTORY = "config.toml", "validation.json", "history.npz"
TESTBED, TESTBED_SCHEMA = "testbed_manifest.json", "mhx.testbed.files.manifest.v1"
TESTBED_PLAN, TESTBED_JOURNAL = "testbed_plan.json", "testbed_events.jsonl"
CHILDREN, CASES = "_generated_configs", "cases"

UNSPECIFIED = "unspecified"
NEEDS_NO_REPORT = frozenset({UNSPECIFIED, "smoke", "validation", "production_template"})
REPORT = "promotion/promotion_readiness.json"
LANE = "production_campaign_manifest.json"
PLAN, RECORDS = "campaign_plan.json", "checkpoints/step_*.json"
SERIES = "production_history.npz"
INDEX, INITIAL = "checkpoints/checkpoint_index.json", "checkpoints/initial_state.npz"
REPLANNED = frozenset({INDEX, "job_array.json", "diagnostics.json", "validation.json", MANIFEST})
"""Planned files that an execution writes anew; a later manifest then answers for them."""

CIRCUMSTANCE = ("output_dir", "comparison_id")  # keys that say where and as what, not what ran
PLAN_TABLES = ("mesh", "time", "physics", "initial", "numerics", "diagnostics")
PLAN_DURATION = ("required_efolds", "safety_factor", "growth_rate_declared")
_NONE_OF = (  # counts of faults
    *("campaign_plan_present", "execution_diagnostics_present", "execution_validation_present"),
    *("run_manifest_present", "artifact_manifest_present", "artifact_hashes_verified"),
    *("checkpoint_chain_verified", "history_schema_supported", "required_history_keys_present"),
    *("completed_target", "terminal_step_reaches_target", "execution_validation_passed"),
    *("finite_history_arrays", "algebraic_phase_detected", "current_sheet_geometry_present"),
    *("current_sheet_geometry_positive", "critical_point_counts_present"),
    *("topology_identity_holds", "fixed_scale_movies_present", "movies_fixed_scale_verified"),
    *("convergence_bundles_passed", "convergence_axes_covered", "evidence_matches_run"),
    *("seed_qi_bundle_present", "seed_qi_bundle_passed", "code_identity_recorded"),
    *("command_sequence_recorded", "thresholds_not_relaxed", "reviewer_questions_answered"),
)
Sides = tuple[float | None, float | None]
CLAIM_GATES: dict[str, Sides] = {
    **dict.fromkeys(_NONE_OF, (None, 0.0)),
    "duration_guard_passed": (1 - 1e-12, None),
    "equilibrium_tearing_unstable": (1e-12, None),
    "equilibrium_survives_duration": (None, 0.5),
    "minimum_history_samples": (100.0, None),
    "energy_budget_residual_within_tolerance": (None, 1e-9),
    "magnetic_divergence_within_tolerance": (None, 1e-9),
    "spectral_tail_within_tolerance": (None, 1e-6),
    "time_step_stable_throughout": (None, 1.0),
    "linear_phase_observed": (1.0, None),
    "growth_rate_matches_eigenvalue": (None, 0.1),
    "fit_window_sensitivity": (None, 0.05),
    "nonlinear_response_present": (0.05, None),
    "reconnected_flux_amplifies": (1.05, None),
    "island_width_amplifies": (1.05, None),
    "island_width_definitions_agree": (None, 0.25),
    "x_critical_points_detected": (1.0, None),
    "o_critical_points_detected": (1.0, None),
    "convergence_bundle_count": (2.0, None),
    "checkpoint_restart_reproducibility": (None, 1e-10),
}
"""Every gate of a promotion with the loosest bound at which it supports a claim."""

RUN_FILES = (
    *("campaign_plan.json", "campaign_config.toml", "production_history.npz"),
    *("checkpoints/initial_state.*", "checkpoints/step_*.json", "checkpoints/*_step_*.npz"),
    *("checkpoints/registered/*", "frames/*.npz", "figures/*.gif", "figures/*.json"),
)


UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OSError)
LARGE = 2**16  # bytes; below, a thread costs more than it saves

OTHER_REPORT = "the promotion report is not the one that it names"
NOT_TOLD = "the ledger does not tell of it"


class NothingToVerify(Exception):
    """The folder does not exist or holds no manifest."""


@dataclass(frozen=True)
class Problem:
    """kind: altered, missing, unexpected, stale, refused, contradicted; path below the folder."""

    kind: str
    path: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}" + (f" ({self.detail})" if self.detail else "")


def of_an_older_report(problem: Problem) -> bool:
    """A claim of a run that was checked anew since: the report it names has made room."""
    return problem.path == MANIFEST and problem.detail.endswith((OTHER_REPORT, NOT_TOLD))


@dataclass
class Report:
    """What was found; `effective_level` is what the folder supports, whatever it states."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    files_hashed: int = 0
    stated_level: str = UNSPECIFIED

    @property
    def effective_level(self) -> str:
        return UNSPECIFIED if self.problems else self.stated_level

    @property
    def exit_code(self) -> int:
        return 4 if self.problems else 0

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        found = f"{_counted(len(self.problems), 'fault')} found" if self.problems else ""
        level = f"effective level {self.effective_level}"
        if self.stated_level != self.effective_level:
            level += f" (stated: {self.stated_level})"
        hashed = f"{_counted(self.files_hashed, 'file')} of {self.root} hashed again"
        return f"{hashed}, {found or 'all as recorded'}; {level}"

    def lines(self) -> Iterator[str]:
        """Every fault, what no digest covers, and what is worth knowing, in plain words."""
        yield from map(str, self.problems)
        yield from (f"derived, covered by no digest: {name}" for name in self.derived)
        yield from self.notes

    def document(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "root": str(self.root),
            "passed": not self.problems,
            "problems": [vars(problem) for problem in self.problems],
            "derived": self.derived,
            "notes": self.notes,
            "folders": self.folders,
            "files_hashed": self.files_hashed,
            "stated_level": self.stated_level,
            "effective_level": self.effective_level,
        }


def verify(root: Path | str) -> Report:
    """Judge a folder, the folders in it that have manifests, and the evidence that a claim names.

    NothingToVerify: there is no such folder, or no manifest in it.
    """
    return _verified(Path(root), {})


def _verified(top: Path, seen: dict[str, Report | None]) -> Report:
    """seen: what was judged beside the folder that was asked for, by real path; None: under way."""
    if not top.is_dir():
        raise NothingToVerify(f"{top} is no directory")
    tree = _Tree(top, seen)
    if PurePosixPath() not in tree.folders:
        raise NothingToVerify(
            f"{top} holds no {MANIFEST}, {PLAN_MANIFEST}, {ARTIFACTS} or {TESTBED}: "
            "nothing to verify"
        )
    tree.read_ahead()
    report = tree.report
    folders = [_Folder(tree, path) for path in sorted(tree.folders, key=lambda p: -len(p.parts))]
    for folder in folders:
        folder.judge()
    for folder in folders:  # the evidence of a claim may lie in any of them
        folder.check_claim()
        report.stated_level = folder.stated  # the outermost comes last
    report.problems[:] = sorted(set(report.problems), key=lambda f: (f.path, f.kind, f.detail))
    for folder in folders:
        folder.tell_level()
    report.notes[:] = dict.fromkeys(report.notes)
    report.files_hashed += sum(digest is not None for digest in tree.digests.values())
    report.folders = sorted(str(folder) for folder in tree.folders)
    return report


class _Tree:
    """What lies below the folder: files, links, nested folders of evidence; digests, each once."""

    def __init__(self, root: Path, seen: dict[str, Report | None]) -> None:
        self.root = root
        self.seen = seen
        seen[os.path.realpath(root)] = None
        self.report = Report(root)
        self.files: set[str] = set()
        self.digests: dict[str, str | None] = {}
        inside = os.path.realpath(root)
        for place, folders, names in os.walk(root):
            below = PurePosixPath(Path(place).relative_to(root).as_posix())
            for name in [*folders, *names]:
                path = str(below / name)
                target = os.path.realpath(os.path.join(place, name))
                if os.path.islink(os.path.join(place, name)) and not _below(target, inside):
                    self.fault("refused", path, f"a link that leaves the folder, to {target}")
                    self.digests[path] = None
            folders[:] = sorted(set(folders) - LEFT_OUT_FOLDERS - {"__pycache__"})
            self.files.update(str(below / name) for name in names)
        marks = {*SCHEMAS, LEDGER, TESTBED, TESTBED_JOURNAL}
        paths = map(PurePosixPath, self.files)
        self.folders = {path.parent for path in paths if path.name in marks}

    def fault(self, kind: str, path: str, detail: str = "") -> None:
        self.report.problems.append(Problem(kind, path, detail))

    def digest(self, path: str) -> str | None:
        """SHA-256 of a file below the folder; None when it is not there or not to be read."""
        if path not in self.digests:
            try:
                self.digests[path] = file_digest(self.root / path)
            except OSError:
                return None
        return self.digests[path]

    def read_ahead(self) -> None:
        """Hash large files side by side, and a file of several names once."""
        names: dict[tuple[int, int], list[str]] = {}
        for path in self.files - self.digests.keys():
            with contextlib.suppress(OSError):
                found = os.stat(self.root / path)
                if found.st_size >= LARGE or found.st_nlink > 1:
                    names.setdefault((found.st_dev, found.st_ino), []).append(path)
        if len(names) < 2:
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (10 ms)

        with ThreadPoolExecutor() as pool:
            first = [paths[0] for paths in names.values()]
            for paths, digest in zip(names.values(), pool.map(self.digest, first), strict=True):
                if digest is not None:
                    self.digests.update(dict.fromkeys(paths, digest))

    def beside(self, place: str) -> Report | None:
        """The report on a folder beside this one; None while that one is being judged.

        NothingToVerify: nothing lies there that could be verified.
        """
        folder = self.root / place
        key = os.path.realpath(folder)
        if key not in self.seen:
            try:
                found = self.seen[key] = _verified(folder, self.seen)
            except NothingToVerify:
                self.seen.pop(key, None)
                raise
            self.report.files_hashed += found.files_hashed
            for fault in found.problems:
                self.fault(fault.kind, posixpath.normpath(f"{place}/{fault.path}"), fault.detail)
        return self.seen[key]

    @cached_property
    def _places(self) -> dict[str, PurePosixPath]:
        return {"" if folder == PurePosixPath() else str(folder): folder for folder in self.folders}

    @cached_property
    def own(self) -> dict[PurePosixPath, list[str]]:
        """The files of each folder of evidence, sorted, without those of the folders inside."""
        found: dict[PurePosixPath, list[str]] = {folder: [] for folder in self.folders}
        for path in sorted(self.files):
            found[self.home(path)].append(path)
        return found

    def home(self, path: str) -> PurePosixPath:
        """The innermost folder of evidence in which a file lies."""
        above = path.rpartition("/")[0]
        while above and above not in self._places:
            above = above.rpartition("/")[0]
        return self._places[above]


class _Folder:
    """One folder of evidence; names inside are relative to it, reported paths to the outermost."""

    def __init__(self, tree: _Tree, below: PurePosixPath) -> None:
        self.tree = tree
        self.below = below
        self.listed: dict[str, str] = {}
        self.accounted: set[str] = {MANIFEST, PLAN_MANIFEST, ARTIFACTS, "verify.py"}
        self.answered: set[str] = {INDEX}  # for these the chain of records speaks
        self.renewed: set[str] = set()  # for these a testbed that is newer than the lists
        self.documents: dict[str, dict[str, Any]] = {}

    def judge(self) -> None:
        """Find every fault but those of a claim."""
        for name in SCHEMAS:
            self._guarded(name, self._read_manifest, name)
        self._guarded(RECORDS, self._check_chain)
        self._guarded(SERIES, self._check_series)
        self._guarded(TESTBED, self._check_testbed)
        self._check_listed()
        self._check_unexpected()
        self._guarded(PLAN, self._check_plan)
        for name in (VALIDATION, "plan_validation.json"):
            self._guarded(name, self._check_verdicts, name)
        self._guarded(LANE, self._check_lane)
        if self._manifest().get("kind") == "bundle":
            self._guarded(VALIDATION, self._check_bundle_numbers)
        self._guarded(LEDGER, self._check_journals)

    def check_claim(self) -> None:
        """A level above validation: its report and its evidence, when all folders are judged."""
        if self.stated not in NEEDS_NO_REPORT:
            self._guarded(REPORT, self._check_claim)

    def tell_level(self) -> None:
        """What a run inside of the folder is worth: its faults are told, its level is not."""
        if self._manifest().get("kind") != "run" or self.below == PurePosixPath():
            return
        places = (PurePosixPath(fault.path) for fault in self.tree.report.problems)
        faulty = any(self.below in place.parents for place in places)
        level = UNSPECIFIED if faulty else self.stated
        told = f" (stated: {self.stated})" if faulty else ""
        self.tree.report.notes.append(f"{self.below}: effective level {level}{told}")

    @property
    def stated(self) -> str:
        return str(self._manifest().get("claim_level", UNSPECIFIED))

    def _guarded(self, name: str, check: Callable[..., None], *words: str) -> None:
        try:
            check(*words)
        except (*UNREADABLE, csv.Error, struct.error) as error:
            self._fault("altered", name, f"not what mhx writes: {error!r}")

    # -- files ---------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return str(self.below / name)

    def _fault(self, kind: str, name: str, detail: str = "") -> None:
        self.tree.fault(kind, self._path(name), detail)

    def _digest(self, name: str) -> str | None:
        return self.tree.digest(self._path(name))

    def _exists(self, name: str) -> bool:
        return self._path(name) in self.tree.files

    def _json(self, name: str) -> dict[str, Any] | None:
        """One JSON object; None when it is missing, a fault when it is torn."""
        if not self._exists(name) or self._digest(name) is None:
            return None
        try:
            return parse_json((self.tree.root / self._path(name)).read_bytes())
        except (OSError, ValueError) as error:
            self._fault("altered", name, f"torn: {error}")
            return None

    def _manifest(self) -> dict[str, Any]:
        return self.documents.get(MANIFEST) or self.documents.get(PLAN_MANIFEST) or {}

    def _read_manifest(self, name: str) -> None:
        document = self._json(name)
        if document is None:
            return
        body = {key: value for key, value in document.items() if key != "self_digest"}
        content = (self.tree.root / self._path(name)).read_bytes()
        if document.get("schema") != SCHEMAS[name]:
            self._fault("refused", name, f"schema {document.get('schema')!r}")
        elif document.get("self_digest") != content_digest(body) or content != render(document):
            self._fault("altered", name, "it was edited after it was written")
        else:
            self.documents[name] = document
            self._list_files(name, document)

    def _list_files(self, name: str, document: Mapping[str, Any]) -> None:
        if name == ARTIFACTS:
            entries = [(entry["path"], entry["sha256"]) for entry in document["files"]]
        else:
            outputs, hashes = document["outputs"], document["hashes"]
            entries = [(outputs.get(key, key), digest) for key, digest in hashes.items()]
            unhashed = [path for key, path in outputs.items() if key not in hashes]
            for path in [path for path in unhashed if not self._exists(path)]:
                self._fault("missing", path, f"named in {name}")
            if document["digest"] != content_digest(identity(document)):
                self._fault("contradicted", name, "its digest is not that of what it lists")
            self._check_config(name, document)
        for path, digest in entries:
            if not _plain_path(path):
                self._fault("refused", str(path), f"{name} names a path that leaves the folder")
            elif name == PLAN_MANIFEST and path in REPLANNED and self._executed():
                self.accounted.add(path)
            elif self.listed.setdefault(path, digest) != digest:
                self._fault("contradicted", path, "the manifests state different digests")

    def _check_config(self, name: str, document: Mapping[str, Any]) -> None:
        """The configuration that stands in a case is the one that its manifest states."""
        if document.get("kind") != "case" or not self._exists(CONFIG):
            return
        found = tomllib.loads((self.tree.root / self._path(CONFIG)).read_text("utf-8"))
        if content_digest(without_dates(found)) != content_digest(document["config"]):
            self._fault("contradicted", CONFIG, f"{name} states another configuration")

    def _executed(self) -> bool:
        return MANIFEST in self.documents or any(self._records())

    def _check_listed(self) -> None:
        stale = False
        for name, digest in self.listed.items():
            found = self._digest(name)
            if found == digest or (name in self.answered and self._is_behind()):
                continue
            home = self.tree.home(self._path(name))
            if name in self.renewed or (self.renewed and self._is_intact(home)):
                stale = True
            elif self._made_again(home):
                note = f"{home} was made again after {self._path(ARTIFACTS)} was written"
                self.tree.report.notes.append(note)
            else:
                self._fault("altered" if self._exists(name) else "missing", name)
        if stale:
            why = f"{TESTBED} is newer: the cases were carried out or told again; judge them again"
            self._fault("stale", ARTIFACTS, why)

    def _made_again(self, home: PurePosixPath) -> bool:
        """A nested folder that was listed as one and now verifies by newer manifests of its own."""
        if self.stated not in NEEDS_NO_REPORT or self._manifest().get("kind") == "bundle":
            return False
        return self._is_intact(home)

    def _is_intact(self, home: PurePosixPath) -> bool:
        """A nested folder that was listed as one, and has no fault by its own manifests."""
        if home == self.below:
            return False
        inner = home.relative_to(self.below)
        faults = (PurePosixPath(fault.path) for fault in self.tree.report.problems)
        was_one = any(str(inner / name) in self.listed for name in (*SCHEMAS, TESTBED))
        return was_one and not any(home in path.parents for path in faults)

    def _check_unexpected(self) -> None:
        known = {self._path(name) for name in (*self.listed, *self.accounted)}
        for path in self.tree.own[self.below]:
            if path in known:
                continue
            name = PurePosixPath(path).name
            if name in DERIVED:
                self.tree.report.derived.append(path)
            elif DRAFT.fullmatch(name):
                self.tree.report.notes.append(f"{path} is what a killed writer left; delete it")
            elif name not in UNLISTED:
                self._fault("unexpected", str(PurePosixPath(path).relative_to(self.below)))

    # -- checkpoints and plan ------------------------------------------------------------------

    def _records(self) -> Iterator[str]:
        pattern = re.compile(re.escape(self._path("checkpoints/step_")) + r"\d{12}\.json")
        places = [path for path in self.tree.own[self.below] if pattern.fullmatch(path)]
        yield from (str(PurePosixPath(path).relative_to(self.below)) for path in places)

    def _is_behind(self) -> bool:
        """True when checkpoints were written after the manifests."""
        return ARTIFACTS in self.documents and any(
            name not in self.listed for name in self._records()
        )

    def _check_chain(self) -> None:
        previous, stated = None, []
        plan = (self._json(PLAN) or {}).get("plan_digest")
        for name in self._records():
            record = self._json(name)
            if record is None:
                continue
            body = {key: record[key] for key in record.keys() - {"pruned", "digest"}}
            if record.get("digest") != content_digest(body):
                self._fault("altered", name, "its digest is not that of its content")
            else:
                self.answered.add(name)
            self._check_artifacts(name, record)
            stated.append((record.get("step"), record.get("digest")))
            if record.get("registered") is True:
                continue
            if record.get("previous") != previous:
                self._fault("contradicted", name, "it does not follow the record before it")
            if plan is not None and record.get("plan_digest") != plan:
                self._fault("contradicted", name, "it belongs to another plan")
            previous = record.get("digest")
        self._check_index(stated, plan)
        if self._is_behind() or (stated and ARTIFACTS not in self.documents):
            self.accounted |= {INITIAL, "checkpoints/initial_state.json"}
            kind = "stale" if self._exists(ARTIFACTS) else "missing"
            why = "checkpoints are newer: an execution is under way or was cut short; run it again"
            self._fault(kind, ARTIFACTS, why)

    def _check_series(self) -> None:
        """Each row of the history of a run is the row of a segment, bit for bit."""
        segments = []
        for name in self._records():
            artifact = ((self._json(name) or {}).get("artifacts") or {}).get("history") or {}
            path = str(artifact.get("path") or "")
            if not _plain_path(path) or "registered" in PurePosixPath(path).parts:
                continue
            if self._digest(path) != artifact.get("sha256"):
                return  # told as a fault of the segment
            segments.append(path)
        if not segments or not self._exists(SERIES) or self._digest(SERIES) is None:
            return
        known: dict[str, dict[int, Any]] = {}
        for path in segments:
            with Arrays(self.tree.root / self._path(path)) as rows:
                steps = rows.column("step") or []
                for name in rows.names() - {"schema"}:
                    column = rows.column(name)
                    if column is not None and len(column) == len(steps) > 0:
                        known.setdefault(name, {}).update(zip(steps, column, strict=True))
        with Arrays(self.tree.root / self._path(SERIES)) as history:
            steps = history.column("step") or []
            for name in sorted(history.names() & known.keys()):
                rows_of = known[name]
                told = [rows_of.get(step, "no row") for step in steps]
                if told != history.column(name):
                    self._fault("contradicted", SERIES, f"{name} is not that of the segments")

    def _check_artifacts(self, name: str, record: Mapping[str, Any]) -> None:
        self.accounted.add(name)
        for key, artifact in (record.get("artifacts") or {}).items():
            path = (artifact or {}).get("path")
            if path is None or (record.get("registered") is True and path.startswith("/")):
                continue
            if not _plain_path(path):
                self._fault("refused", path, f"{name} names a path that leaves the folder")
                continue
            self.accounted.add(path)
            given_up = key == "state" and record.get("pruned") is True and not self._exists(path)
            if given_up:
                self.answered.add(path)
            elif self._digest(path) != artifact.get("sha256"):
                self._fault("altered" if self._exists(path) else "missing", path)
        start = record.get("initial_state_sha256")
        if start is not None and self._digest(INITIAL) != start:
            self._fault("altered" if self._exists(INITIAL) else "missing", INITIAL)

    def _check_index(self, stated: list[tuple[Any, Any]], plan: str | None) -> None:
        index = self._json(INDEX)
        if index is None:
            return
        self.accounted.add(INDEX)
        found = [(record.get("step"), record.get("digest")) for record in index["checkpoints"]]
        if found != stated:
            self._fault("contradicted", INDEX, "it does not list the records that are there")
        if plan is not None and index.get("plan_digest") not in (plan, None):
            self._fault("contradicted", INDEX, "it belongs to another plan")

    def _check_plan(self) -> None:
        plan = self._json(PLAN)
        if plan is None:
            return
        computed = plan_digest(plan), content_digest(plan["family"])
        for key, digest in zip(("plan_digest", "family_digest"), computed, strict=True):
            if plan.get(key) != digest:
                self._fault("contradicted", PLAN, f"its {key} is not that of its content")
            for name in (MANIFEST, PLAN_MANIFEST):
                if self.documents.get(name, {}).get(key, digest) != digest:
                    self._fault("contradicted", name, f"its {key} is not that of the plan")

    # -- a matrix of cases -----------------------------------------------------------------------

    def _check_testbed(self) -> None:
        """Files, journal, digest and verdicts of a testbed; its runs are judged as folders."""
        if not self._exists(TESTBED) and self._exists(TESTBED_JOURNAL):
            self._fault("missing", TESTBED, "run the testbed again: it is made anew")
            self._journal(TESTBED_JOURNAL)
            self._account_for_all()
        document = self._json(TESTBED)
        if document is None:
            return
        self.accounted |= {TESTBED, TESTBED_JOURNAL}
        content = (self.tree.root / self._path(TESTBED)).read_bytes()
        if document.get("schema") != TESTBED_SCHEMA:
            self._fault("refused", TESTBED, f"schema {document.get('schema')!r}")
            return
        if not seal_holds(content, document["seal"]):
            self._fault("altered", TESTBED, "it was edited after it was written")
            return
        for path, digest in document["files"].items():
            if not _plain_path(path):
                self._fault("refused", str(path), f"{TESTBED} names a path that leaves the folder")
            elif self._digest(path) != digest:
                self._fault("altered" if self._exists(path) else "missing", path)
            self.accounted.add(path)
        self._account_for_cases(document)
        self._check_testbed_journal(document["journal"])
        if self._journal_goes_on():
            self.renewed = {TESTBED, TESTBED_JOURNAL, *document["files"]}
        for fault in wrong_matrix(document, self._json(TESTBED_PLAN) or {}):
            self._fault("contradicted", TESTBED, fault)
        self._check_metrics(document)
        for name in ("cases", "metrics", "checks"):
            self._check_csv(f"testbed_{name}.csv", document[name])

    def _check_metrics(self, document: Mapping[str, Any]) -> None:
        """The columns of each case are what the summary of its run says."""
        folders = {row["case_id"]: row["run_dir"] for row in document["cases"] if row["run_digest"]}
        for row in document["metrics"]:
            place = f"{folders.get(row['case_id'])}/run_summary.json"
            summary = self._json(place)
            if summary is not None:
                for fault in wrong_metrics(row, document["metric_contract"], summary):
                    self._fault("contradicted", TESTBED, fault)

    def _check_csv(self, name: str, rows: list[Mapping[str, Any]]) -> None:
        """A table says what the manifest says, row by row; times are told in other digits."""
        if not self._exists(name) or self._digest(name) is None:
            return
        text = (self.tree.root / self._path(name)).read_text("utf-8", "surrogateescape")
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # labels may be long
        header, *lines = csv.reader(io.StringIO(text, newline=""))
        told = [[_csv_cell(row.get(key)) for key in header] for row in rows]
        timed = [n for n, key in enumerate(header) if key == "duration_seconds"]
        for line in [*told, *lines]:
            for n in timed:
                line[n : n + 1] = [""]  # a line that was altered may be shorter
        if told != lines:
            self._fault("contradicted", name, f"it does not say what {TESTBED} says")

    def _account_for_all(self) -> None:
        """Without the file that lists them, nothing can be said of the others in the folder."""
        here = self.tree.own[self.below]
        self.accounted |= {str(PurePosixPath(path).relative_to(self.below)) for path in here}

    def _account_for_cases(self, document: Mapping[str, Any]) -> None:
        """What runs that did not finish left, and children of cases that are gone, is no riddle."""
        finished = {row["run_dir"] for row in document["cases"] if row["run_digest"]}
        for path in self.tree.own[self.below]:
            inner = PurePosixPath(path).relative_to(self.below)
            stale = inner.parts[:2] == (CHILDREN, "_stale")
            unfinished = inner.parts[0] == CASES and "/".join(inner.parts[:2]) not in finished
            if stale or unfinished:
                self.accounted.add(str(inner))

    def _check_testbed_journal(self, place: Mapping[str, Any]) -> None:
        """The journal is whole, holds what the manifest was made from, and knows the plan."""
        lines = self._journal(TESTBED_JOURNAL)
        if not lines:
            kind = "altered" if self._exists(TESTBED_JOURNAL) else "missing"
            self._fault(kind, TESTBED_JOURNAL, "all that it told is gone")
            return
        count = place["lines"]
        if len(lines) < count or lines[count - 1]["digest"] != place["digest"]:
            self._fault("altered", TESTBED_JOURNAL, f"not the journal that {TESTBED} was made from")
        elif len(lines) > count:
            note = f"{self._path(TESTBED_JOURNAL)} has {len(lines) - count} later lines: "
            self.tree.report.notes.append(note + "a launcher is at work or was killed; run again")
        plans: list[str] = []
        for line in lines:
            if line.get("event") == "planned":
                plans.append(line["plan_sha256"])
            elif line.get("event") == "started":
                del plans[:-1]  # a launcher begins only when its plan is written
        if self._digest(TESTBED_PLAN) not in plans:
            self._fault("altered", TESTBED_PLAN, "the journal knows another plan")

    def _journal_goes_on(self) -> bool:
        """True when the journal begins with all that a bundle lists of it, and may say more."""
        entries = self.documents.get(ARTIFACTS, {}).get("files", ())
        stated = next((entry for entry in entries if entry["path"] == TESTBED_JOURNAL), None)
        if stated is None or not self._exists(TESTBED_JOURNAL):
            return False
        content = (self.tree.root / self._path(TESTBED_JOURNAL)).read_bytes()
        begun = hashlib.sha256(content[: stated["size_bytes"]]).hexdigest()
        return bool(begun == stated["sha256"])

    # -- verdicts, journals, claim -------------------------------------------------------------

    def _check_verdicts(self, name: str) -> None:
        document = self._json(name)
        for fault in wrong_verdicts(document) if document else ():
            self._fault("contradicted", name, fault)

    def _check_lane(self) -> None:
        """A lane keeps its verdicts beside its commands."""
        document = self._json(LANE)
        for fault in wrong_verdicts(document["validation"]) if document else ():
            self._fault("contradicted", LANE, fault)

    def _check_bundle_numbers(self) -> None:
        """The numbers of a bundle follow from its arrays, and its arrays from its cases."""
        document = self._json(VALIDATION) or {}
        study = STUDIES.get(str(document.get("schema")))
        if study is None:
            return
        stated = document["diagnostics"]
        for name, verdict in document["verdicts"].items():
            if not _alike(stated.get(verdict["metric"]), verdict["value"]):
                self._fault("contradicted", VALIDATION, f"{name} judges another number than stated")
        if not self._exists(study.file):
            self._fault("missing", study.file, f"the numbers behind {VALIDATION}")
            return
        with Arrays(self.tree.root / self._path(study.file)) as arrays:
            computed = study.metrics(arrays)
            for name, values in computed.items():
                if name in stated and not any(_alike(stated[name], v, ROUND) for v in values):
                    told = f"{name} is {stated[name]!r}, {study.file} says {_told(values)}"
                    self._fault("contradicted", VALIDATION, told)
            for fault in study.wrong_cases(arrays, self._case_folders()):
                self._fault("contradicted", study.file, fault)

    def _case_folders(self) -> dict[str, Path]:
        """Digest of the configuration of each planned case -> the folder of its run."""
        plan = self._json(TESTBED_PLAN) or {"cases": []}
        return {
            case["child_digest"]: self.tree.root / self._path(f"{CASES}/{stem}")
            for case in plan["cases"]
            if case.get("child_digest")
            for stem in [PurePosixPath(case["config_path"]).stem]
        }

    def _journal(self, name: str) -> list[dict[str, Any]]:
        if not self._exists(name) or self._digest(name) is None:
            return []
        content = (self.tree.root / self._path(name)).read_bytes()
        lines, fault, torn = chained_lines(content)
        if fault:
            self._fault("altered", name, fault)
        if torn:
            self.tree.report.notes.append(f"the last line of {self._path(name)} is torn")
        return lines

    def _check_journals(self) -> None:
        commands, ledger = self._journal(COMMANDS), self._journal(LEDGER)
        if self._manifest().get("kind") == "run" and not self._exists(LEDGER):
            self._fault("missing", LEDGER)
        for before, line in pairwise(ledger):
            if str(line.get("time")) < str(before.get("time")):
                place, told = self._path(LEDGER), "a clock was set back, or a line is not from then"
                self.tree.report.notes.append(f"{place} goes back to {line['time']}: {told}")
        bound: dict[str, str] = {}
        level = UNSPECIFIED
        for number, line in enumerate(ledger, start=1):
            bound |= line.get("digests") or {}
            if line.get("from", level) != level:
                told = f"line {number} goes on from {line['from']}, the line before ends at {level}"
                self._fault("contradicted", LEDGER, told)
            level = line["to"]
        files = {
            "manifest": MANIFEST,
            "plan_manifest": PLAN_MANIFEST,
            "artifact_manifest": ARTIFACTS,
        }
        for key, name in files.items():
            if key in bound and self._digest(name) != bound[key]:
                kind = "altered" if self._exists(name) else "missing"
                self._fault(kind, name, f"the newest line of {LEDGER} states another digest")
        known = [line["digest"] for line in commands]
        if "commands" in bound and bound["commands"] not in known:
            self._fault("altered" if commands else "missing", COMMANDS, "lines are missing")
        elif "commands" in bound:
            later = commands[known.index(bound["commands"]) + 1 :]
            if any({MANIFEST, PLAN_MANIFEST} & {*line.get("wrote", ())} for line in later):
                told = f"lines are missing: {COMMANDS} tells of a later command that judged the run"
                self._fault("altered", LEDGER, told)
        stated = self._manifest().get("claim_level")
        if (
            ledger
            and "manifest" in (ledger[-1].get("digests") or {})
            and ledger[-1]["to"] != stated
        ):
            self._fault("contradicted", LEDGER, f"its level is {ledger[-1]['to']}, not {stated}")

    def _check_claim(self) -> None:
        """A level above validation rests on a promotion report about exactly this run."""
        manifest, judged = self._manifest(), self._manifest().get("kind") == "promotion"
        place = PurePosixPath(REPORT).name if judged else REPORT
        report = self._json(place) or {}
        gates = self._json(str(PurePosixPath(place).with_name("validation.json"))) or {}
        verdicts = gates.get("verdicts") or {}
        checks, answers = report.get("checks") or {}, report.get("reviewer_answers") or []
        lacking = sorted(CLAIM_GATES.keys() - verdicts.keys())
        needed = {
            "the promotion report does not support it": (
                report.get("production_ready") is True and bool(checks) and all(checks.values())
            ),
            "a promotion gate did not pass": gates.get("passed") is True,
            f"a promotion gate was not judged: {', '.join(lacking)}": not lacking,
            "a bound is looser than a claim allows": not any(map(_is_loose, verdicts.items())),
            "its checks are not its verdicts": all(
                (verdicts.get(name) or {}).get("verdict") == "pass" for name in checks
            ),
            "a reviewer question is unanswered": bool(answers)
            and all(answer.get("status") == "answered" for answer in answers),
            "a bound was waived": not report.get("waivers") and not manifest.get("waivers"),
        }
        if not judged:
            digest, found = self._digest(REPORT), self._run_digest()
            needed |= {
                OTHER_REPORT: (
                    digest is not None and manifest.get("promotion_report_sha256") == digest
                ),
                "the run is not the one that was judged": (
                    found == manifest.get("run_digest") == report.get("run_digest")
                ),
            }
            ledger = self._journal(LEDGER)
            needed[NOT_TOLD] = bool(ledger) and (
                ledger[-1].get("to") == self.stated
                and (ledger[-1].get("digests") or {}).get("promotion_report") == digest
            )
        for reason in [reason for reason, holds in needed.items() if not holds]:
            self._fault("contradicted", MANIFEST, f"it states {self.stated}, but {reason}")
        run = ".." if judged else "."
        if not judged or report.get("run_dir", run) == run:
            for bundle, stated in (report.get("evidence_digests") or {}).items():
                self._check_bundle(run, bundle, stated)

    def _check_bundle(self, run: str, bundle: str, stated: str) -> None:
        """The evidence that was judged is still there, as it was, wherever it lies.

        run: the run directory from here; `bundle` is a path from there.
        """
        place = posixpath.normpath(posixpath.join(str(self.below), run, bundle))
        faults = self.tree.report.problems
        if _plain_path(place):
            nested = PurePosixPath(place)
            altered = any(nested in PurePosixPath(fault.path).parents for fault in faults)
            there = nested in self.tree.folders
        else:
            try:
                found = self.tree.beside(place)
                there, altered = True, found is not None and bool(found.problems)
            except NothingToVerify:
                there = altered = False
        if not there:
            self.tree.fault("missing", place, f"evidence that {REPORT} judged")
            altered = True
        elif self._digest_of(place) != stated:
            self.tree.fault("contradicted", f"{place}/{MANIFEST}", f"{REPORT} judged another")
            altered = True
        if altered:
            why = f"it states {self.stated}, but its evidence {bundle} is not what was judged"
            self._fault("contradicted", MANIFEST, why)

    def _digest_of(self, place: str) -> Any:
        """The identity that the manifest of a folder states."""
        try:
            return parse_json((self.tree.root / place / MANIFEST).read_bytes()).get("digest")
        except (OSError, ValueError):
            return None

    def _run_digest(self) -> str:
        ours = {}
        for path in self.tree.files:
            name = PurePosixPath(path)
            if self.below in name.parents and not DRAFT.fullmatch(name.name):
                inner = name.relative_to(self.below)
                if any(inner.match(p) and len(inner.parts) == p.count("/") + 1 for p in RUN_FILES):
                    ours[str(inner)] = self.tree.digest(path)
        return content_digest(ours)


# -- digests and JSON, as in hashing.py and store.py ---------------------------------------------


def file_digest(path: Path) -> str:
    """SHA-256 of the bytes of a file, hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_digest(value: Any) -> str:
    """SHA-256 of canonical JSON: sorted keys, no white space, whole floats as integers."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def canonical(value: Any) -> str:
    """The one spelling of a plain value that is digested."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def render(document: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON file as mhx writes it."""
    text = json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def parse_json(content: bytes) -> dict[str, Any]:
    """One JSON object of RFC 8259, every key once; ValueError says where it is not."""

    def refuse(name: str) -> float:
        raise ValueError(f"{name} is not a JSON number")

    def finite(text: str) -> float:
        return float(text) if math.isfinite(float(text)) else refuse(text)

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is given twice")
        return found

    document = json.loads(
        content.decode(), parse_constant=refuse, parse_float=finite, object_pairs_hook=table
    )
    if not isinstance(document, dict):
        raise ValueError("a JSON object was expected")
    return document


def chained_lines(content: bytes) -> tuple[list[dict[str, Any]], str, bool]:
    """The lines of a journal up to the first fault, the fault, whether the last line is torn."""
    lines: list[dict[str, Any]] = []
    *whole, tail = content.split(b"\n")
    for number, raw in enumerate(whole, start=1):
        line = _chained(raw)
        if line is None:
            return lines, f"line {number} is not as it was written", False
        if line.get("previous") != (lines[-1]["digest"] if lines else None):
            return lines, f"line {number} does not follow the line before", False
        lines.append(line)
    if _chained(tail[:-1]) is not None:
        return lines, f"the end of line {len(lines) + 1} is not as it was written", False
    return lines, "", bool(tail)


def _chained(raw: bytes) -> dict[str, Any] | None:
    try:
        line = parse_json(raw)
        body = {key: value for key, value in line.items() if key != "digest"}
        same = canonical(line).encode("ascii") == raw and line.get("digest") == content_digest(body)
    except ValueError:
        return None
    return line if same else None


def identity(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the digest of a manifest covers: what it is, and no place on any disk.

    `input_places` say where in the configuration a path of an input stands: its content stands for
    it there.  A manifest of an earlier version has inputs and no such list; it covers the paths.
    """
    outputs, hashes = document["outputs"], document["hashes"]
    files = {outputs.get(key, key): hashes.get(key) for key in document["identity"]}
    config = without_circumstance(document["config"])
    inputs: dict[str, str] = document.get("inputs", {})
    if "input_places" not in document:
        read = {"inputs": inputs} if "inputs" in document else {}
        return {"schema": document["schema"], "config": config, "files": files, **read}
    named: set[str] = set()
    for place in document["input_places"]:
        text = _at(config, place)
        named.update(name for name in inputs if name == text or name.startswith(f"{text}/"))
        config = _with_content(config, place, inputs)
    others = sorted(digest for name, digest in inputs.items() if name not in named)
    body = {"schema": document["schema"], "config": config, "files": files}
    return {**body, "inputs": others} if others else body


def _at(table: Any, place: Sequence[Any]) -> Any:
    for part in place:
        table = table[part]
    return table


def _with_content(value: Any, place: Sequence[Any], inputs: Mapping[str, str]) -> Any:
    """`value` with the digest of what is read in the place of its path; of a folder, by file."""
    if place:
        inner = _with_content(value[place[0]], place[1:], inputs)
        if isinstance(value, list | tuple):
            return [inner if n == place[0] else entry for n, entry in enumerate(value)]
        return {**value, place[0]: inner}
    below = f"{value}/"
    files = {n.removeprefix(below): found for n, found in inputs.items() if n.startswith(below)}
    return {"sha256": inputs.get(value, files)}


def without_dates(value: Any) -> Any:
    """A value of TOML as JSON holds it: dates as text."""
    if isinstance(value, dict):
        return {key: without_dates(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_dates(entry) for entry in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def without_circumstance(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the keys that say where it ran, and under which name."""
    kept = {key: value for key, value in config.items() if key not in CIRCUMSTANCE}
    for name in ("workflow", "comparison"):
        if isinstance(kept.get(name), Mapping):
            kept[name] = without_circumstance(kept[name])
    return kept


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Digest of what decides trajectory, diagnostics and thresholds."""
    config, duration = plan["config"], plan["duration_assessment"]
    return content_digest(
        {
            "schema": plan["schema"],
            "config": {name: config[name] for name in PLAN_TABLES},
            "target_step": plan["estimated_steps"],
            "thresholds": plan["thresholds"],
            "duration": {name: duration[name] for name in PLAN_DURATION},
        }
    )


def wrong_verdicts(document: Mapping[str, Any]) -> Iterator[str]:
    """What a validation file says against its own values and bounds."""
    checks, verdicts = document["checks"], document["verdicts"]
    if checks.keys() != verdicts.keys():
        yield "its checks and its verdicts name different gates"
        return
    for name, stored in verdicts.items():
        computed = _verdict(stored["value"], stored["bound"]["low"], stored["bound"]["high"])
        if stored["verdict"] != computed:
            yield f"{name}: its value and bound say {computed}, not {stored['verdict']}"
        if checks[name] is not (computed == "pass"):
            yield f"{name}: its check is {checks[name]}, its verdict {computed}"
    if document["passed"] is not (bool(checks) and all(checks.values())):
        yield f"passed is {document['passed']}, its checks say otherwise"


def seal_holds(content: bytes, seal: str) -> bool:
    """True when the bytes, with zeros in the place of the seal, have it as their SHA-256."""
    entry = f'\n  "seal": "{seal}"'.encode()
    text = content.replace(entry, f'\n  "seal": "{"0" * 64}"'.encode(), 1)
    return hashlib.sha256(text).hexdigest() == seal


def _verdict(value: float | None, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        raise ValueError("a gate that bounds nothing")
    if value is None or not math.isfinite(value):
        return "unknown"
    inside = (low is None or low <= value) and (high is None or value <= high)
    return "pass" if inside else "fail"


def _is_loose(judged: tuple[str, Mapping[str, Any]]) -> bool:
    """True for a gate of a claim that was judged at a looser bound than a claim allows."""
    name, verdict = judged
    low, high = CLAIM_GATES.get(name, (None, None))
    used = verdict["bound"]
    below = low is not None and (used["low"] is None or used["low"] < low)
    return below or (high is not None and (used["high"] is None or used["high"] > high))


# -- evidence from other runs, computed again ------------------------------------------------------


class Arrays:
    """Arrays of an NPZ file without numpy: columns of numbers or text; None for what is not there.

    Numbers that are not finite are None.  Only types that mhx writes there: float64, int64, bool,
    text; of others nothing is said.
    """

    def __init__(self, path: Path) -> None:
        import zipfile  # noqa: PLC0415  (5 ms, and few folders hold arrays that are read)
        import zlib  # noqa: PLC0415

        self._torn = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
        try:
            self._file = zipfile.ZipFile(path)
        except self._torn as error:
            raise ValueError(str(error)) from error
        self._known: dict[str, tuple[tuple[int, ...], list[Any]] | None] = {}

    def __enter__(self) -> "Arrays":
        return self

    def __exit__(self, *ended: object) -> None:
        self._file.close()

    def column(self, name: str) -> list[Any] | None:
        """All values in the order of the file; of a table row by row."""
        found = self._values(name)
        return None if found is None else found[1]

    def rows(self, name: str) -> list[list[Any]]:
        """The rows of a table."""
        shape, values = self._values(name) or ((0, 0), [])
        width = shape[-1] if shape else 1
        return [values[n : n + width] for n in range(0, len(values), width)] if width else []

    def names(self) -> set[str]:
        return {name.removesuffix(".npy") for name in self._file.namelist()}

    def _values(self, name: str) -> tuple[tuple[int, ...], list[Any]] | None:
        if name not in self._known:
            self._known[name] = self._parsed(name)
        return self._known[name]

    def _parsed(self, name: str) -> tuple[tuple[int, ...], list[Any]] | None:
        try:
            content = self._file.read(f"{name}.npy")
        except KeyError:
            return None
        except self._torn as error:
            raise ValueError(f"{name}: {error}") from error
        if content[:6] != b"\x93NUMPY":
            raise ValueError(f"{name} is no array")
        long = content[6] > 1
        start = 12 if long else 10
        end = start + int.from_bytes(content[8:start], "little")
        header = ast.literal_eval(content[start:end].decode("latin-1"))
        kind, shape = header["descr"], header["shape"]
        count = math.prod(shape)
        if kind in ("<f8", "<i8", "|b1") and not (header["fortran_order"] and len(shape) > 1):
            spelling = {"<f8": "d", "<i8": "q", "|b1": "?"}[kind]
            found = struct.unpack_from(f"<{count}{spelling}", content, end)
            return shape, [v if math.isfinite(v) else None for v in found]
        if isinstance(kind, str) and kind.startswith("<U"):
            width = 4 * int(kind[2:])
            cells = (content[end + n * width : end + (n + 1) * width] for n in range(count))
            return shape, [cell.decode("utf-32-le").rstrip("\0") for cell in cells]
        return None


Numbers = dict[str, list[float | None]]
"""Metric -> what it may be, as the arrays have it."""


@dataclass(frozen=True)
class StudyFile:
    """The compact file of a kind of study, and what of its numbers can be computed again."""

    file: str
    metrics: Callable[[Arrays], Numbers]
    wrong_cases: Callable[[Arrays, Mapping[str, Path]], Iterator[str]]


SPREADS = {
    "growth_rate": "linear_growth_rate",
    "max_growth": "max_growth_factor",
    "flux_amplification": "reconnected_flux_amplification",
    "width_amplification": "island_width_amplification",
}
NEGLIGIBLE, NO_TAIL, FORMAL_ORDER = 1e-6, 1e-20, 4
ROBUST = (
    *("linear_growth_rate", "peak_sheet_flux", "peak_island_width", "final_total_energy"),
    "final_magnetic_energy",
)


def _convergence_numbers(arrays: Arrays) -> Numbers:
    """Spreads along both ladders, differences to the finest grid, tails, the order in time."""
    kinds = arrays.column("case_kind") or []
    ladders = {
        axis: [n for n, kind in enumerate(kinds) if kind == axis]
        for axis in ("resolution", "timestep")
    }

    def along(axis: str, name: str) -> list[float | None]:
        column = arrays.column(name) or []
        return [column[n] if n < len(column) else None for n in ladders[axis]]

    apart = along("resolution", "history_difference")[:-1]
    tails = along("resolution", "max_spectral_tail")
    spreads: Numbers = {
        f"{axis}_{word}_spread": [_range_over_mean(along(axis, name))]
        for axis in ladders
        for word, name in SPREADS.items()
    }
    return {
        **spreads,
        "resolution_difference": [apart[-1] if apart else None],
        "resolution_difference_rises": [_rises(apart, NEGLIGIBLE)],
        "spectral_tail_rises": [_rises(tails, NO_TAIL)],
        **_order_numbers(arrays, along("timestep", "dt")),
    }


def _order_numbers(arrays: Arrays, steps: list[float | None]) -> Numbers:
    """Every order and every difference that the pairs in the file allow; None: not measured."""
    known = sorted(step for step in steps if step)
    errors: list[float | None] = [None]
    differences: list[float | None] = [None]
    for row, cosine in zip(
        arrays.rows("order_differences"), arrays.column("order_cosine") or (), strict=False
    ):
        d1, d2 = row
        differences.append(d1)
        if not d1 or not d2 or cosine is None or cosine < 0.99 or d2 < 1e-12:
            continue
        for fine, middle, coarse in zip(known, known[1:], known[2:], strict=False):
            order = _order(d2, d1, middle / fine, coarse / middle)
            errors.append(abs(order / FORMAL_ORDER - 1))
    return {"timestep_order_error": errors, "timestep_difference": differences}


def _range_over_mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(known) < len(values):
        return None
    centre = abs(math.fsum(known) / len(known))
    return (max(known) - min(known)) / centre if centre else None


def _rises(values: list[float | None], floor: float) -> float | None:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    if len(known) == 1:  # of a single one only this can be said
        return 0.0 if floor == NEGLIGIBLE and known[0] <= floor else None
    return float(sum(not (b < a or b <= floor) for a, b in pairwise(known)))


def _seed_numbers(arrays: Arrays) -> Numbers:
    """Student's intervals of 95 % over the seeds, and the counts of an ensemble."""
    names = arrays.column("metric_names") or []
    table = list(zip(*arrays.rows("metric_values"), strict=True)) or [()] * len(names)
    columns = dict(zip(names, table, strict=True))
    seeds, states = arrays.column("seeds") or [], arrays.column("initial_state_digest") or []
    limited = columns.get("final_magnetic_divergence_linf", ())
    whole = bool(limited) and None not in limited
    found: Numbers = {f"{n}_half_width": [_half_width(columns.get(n, ()))] for n in ROBUST}
    found["largest_final_divergence"] = [max(limited) if whole else None]
    found["ensemble_size"] = [float(len(set(seeds))), *([] if seeds else [None])]
    found["repeated_seeds"] = [float(len(seeds) - len(set(seeds))), *([] if seeds else [None])]
    found["equal_initial_states"] = [
        float(len(states) - len(set(states))), *([] if states else [None])
    ]  # fmt: skip
    return found


def _half_width(values: Sequence[float | None]) -> float | None:
    """t s/sqrt(n) over |mean|, two-sided at 5 %."""
    known = [value for value in values if value is not None]
    n = len(known)
    if n < 2 or n < len(values):
        return None
    mean = abs(math.fsum(known) / n)
    if not mean:
        return None
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tails(middle, n - 1) > 0.05 else (low, middle)
    return high * _deviation(known) / math.sqrt(n) / mean


def _sweep_numbers(arrays: Arrays) -> Numbers:
    """The worst mismatch of a measured growth rate with its eigenvalue."""
    measured = arrays.column("linear_growth_rate") or []
    computed = arrays.column("growth_rate_computed") or []
    apart = [
        abs(rate - gamma) / gamma
        for rate, gamma in zip(measured, computed, strict=True)
        if rate is not None and gamma is not None and gamma > 0
    ]
    whole = bool(apart) and len(apart) == len(measured)  # of a case without one nothing is told
    return {"worst_growth_mismatch": [max(apart, default=None), *([] if whole else [None])]}


def _no_numbers(arrays: Arrays) -> Numbers:
    return {}


def _wrong_rows_of_cases(arrays: Arrays, folders: Mapping[str, Path]) -> Iterator[str]:
    """Rows that are not what the histories of their cases say."""
    digests = arrays.column("config_digest") or []
    told = {name: arrays.column(name) for name in FROM_HISTORY}
    names = arrays.column("metric_names")
    if names:  # an ensemble has them as a table
        table = zip(*arrays.rows("metric_values"), strict=True)
        told = dict(zip(names, map(list, table), strict=False))
    for place, digest in enumerate(digests):
        folder = folders.get(digest)
        if folder is None or not (folder / HISTORY).is_file():
            yield f"row {place + 1} is of no case that is planned and there"
            continue
        with Arrays(folder / HISTORY) as history:
            for name, possible in FROM_HISTORY.items():
                column = told.get(name)
                if column is None or column[place] is None:
                    continue
                found = possible(history)
                if found and not any(_alike(column[place], value) for value in found):
                    yield (
                        f"{name} of {folder.name} is {column[place]!r}, its history says "
                        f"{_told(found)}"
                    )


def _wrong_history(arrays: Arrays, folders: Mapping[str, Path]) -> Iterator[str]:
    """A long run keeps the history of its one case as it is."""
    if not arrays.names() - {"schema"}:
        return  # nothing was measured
    for folder in folders.values():
        with Arrays(folder / HISTORY) as history:
            for name in sorted(history.names() - {"schema"}):
                found = history.column(name)
                numbers = found and not isinstance(found[0], str)
                if numbers and arrays.column(name) != found:
                    yield f"{name} is not that of {folder.name}"


Possible = Callable[[Arrays], list[float | None]]


def _largest(name: str) -> Possible:
    return lambda history: [max(x) for x in _series(history, name)]


def _last(name: str) -> Possible:
    return lambda history: [x[-1] for x in _series(history, name)]


def _amplified(name: str) -> Possible:
    return lambda history: [max(map(abs, x)) / abs(x[0]) for x in _series(history, name) if x[0]]


def _series(history: Arrays, pattern: str) -> Iterator[list[float]]:
    """The columns whose names fit, as far as they have no gap."""
    for name in sorted(history.names()):
        found = history.column(name) if re.fullmatch(pattern, name) else None
        if found and None not in found:
            yield found


_FLUX, _WIDTH = r"sheet_flux_\d+", r"island_width_\d+"
FROM_HISTORY: dict[str, Possible] = {
    "samples": lambda history: [float(len(history.column("step") or ()))],
    "max_growth_factor": _amplified("perturbation_norm"),
    "reconnected_flux_amplification": _amplified(_FLUX),
    "island_width_amplification": _amplified(_WIDTH),
    "max_current_density_linf": _largest("current_density_linf"),
    "max_kinetic_energy": _largest("kinetic_energy"),
    "max_spectral_tail": _largest("spectral_tail"),
    "peak_sheet_flux": _largest(_FLUX),
    "peak_island_width": _largest(_WIDTH),
    "final_total_energy": _last("total_energy"),
    "final_magnetic_energy": _last("magnetic_energy"),
    "final_kinetic_energy": _last("kinetic_energy"),
    "final_magnetic_divergence_linf": _last("magnetic_divergence_linf"),
}
"""What of a case its history says outright; any sheet may be the leading one."""

_STUDY = "mhx.validation.periodic_double_harris_"
STUDIES = {
    f"{_STUDY}convergence.gates.v1": StudyFile(
        "periodic_double_harris_convergence.npz", _convergence_numbers, _wrong_rows_of_cases
    ),
    f"{_STUDY}parameter_sweep.gates.v1": StudyFile(
        "periodic_double_harris_parameter_sweep.npz", _sweep_numbers, _wrong_rows_of_cases
    ),
    f"{_STUDY}seeded_long_run.gates.v1": StudyFile(
        "periodic_double_harris_seeded_long_run.npz", _no_numbers, _wrong_history
    ),
    "mhx.validation.seed_robust_qi.gates.v1": StudyFile(
        "ensemble.npz", _seed_numbers, _wrong_rows_of_cases
    ),
}
"""Schema of the verdicts of a bundle -> where its numbers lie."""


ROUND = 1e-12  # of a ratio of numbers that were added up in another order


def _alike(stated: Any, found: float | None, round_off: float = 0.0) -> bool:
    """Equal to the last digits; nothing is equal to nothing."""
    value = _finite(stated)
    if value is None or found is None:
        return value is None and found is None
    return math.isclose(value, found, rel_tol=1e-9, abs_tol=round_off)


def _told(values: Sequence[float | None]) -> str:
    return " or ".join("nothing" if v is None else f"{v:.10g}" for v in dict.fromkeys(values))


# -- a matrix of cases, judged again --------------------------------------------------------------

VOLATILE = frozenset(
    {
        *("duration_seconds", "wall_time_seconds", "started_utc", "finished_utc", "attempt"),
        *("reused", "reuse_reason", "backend_job", "summary_sha256", "error", "open_gates"),
    }
)
CHECK_DEFAULTS: dict[str, dict[str, Any]] = {
    "bounds": {"low": None, "high": None},
    "monotonic": {"direction": None, "strict": True, "noise": 0.0},
    "spread": {"max_cv": None, "max_half_width": None, "max_std": None, "min_n": 5},
    "difference": dict.fromkeys(("reference", "max_abs", "max_rel", "min_abs", "min_rel")),
    "order": {"method": "algebraic", "formal_order": None, "order_tolerance": None,
              "max_uncertainty": None, "noise": 0.0, "h": None},
}  # fmt: skip

Judged = tuple[str, float | None]
"""Verdict, and the value that decided; None where there is none to compare."""


def testbed_digest(document: Mapping[str, Any]) -> str:
    """Identity of a matrix: its plan, what each case gave, the verdicts of its checks."""
    timed = {c["name"] for c in document["metric_contract"] if c.get("kind") == "duration"}
    cases = [{k: v for k, v in row.items() if k not in VOLATILE} for row in document["cases"]]
    metrics = [
        {key: value for key, value in row.items() if key not in timed and key != "error"}
        for row in document["metrics"]
    ]
    checks = document["checks"]
    body = {
        "schema": document["schema"],
        "testbed_id": document["testbed_id"],
        "plan_digest": document["plan_digest"],
        "results": content_digest({"cases": list(map(content_digest, cases)), "metrics": metrics}),
        "checks": [[check["check_id"], check["group"], check["verdict"]] for check in checks],
    }
    return content_digest(body)


def wrong_matrix(document: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    """What a matrix says against its own plan, cases and metrics."""
    cases = [[c["case_id"], c["child_digest"]] for c in plan["cases"] if c["child_digest"]]
    asked = {"cases": cases, "metrics": plan["metrics"], "checks": plan["checks"]}
    if not document["plan_digest"] == plan["plan_digest"] == content_digest(asked):
        yield "its plan_digest is not that of the plan"
    if document["digest"] != testbed_digest(document):
        yield "its digest is not that of its content"
    yield from _wrong_rows(document, plan)
    checks = _Checks(plan, document["metrics"])
    yield from checks.wrong(document["checks"])
    found = {check["verdict"] for check in document["checks"] if check["required"]}
    worst = next((word for word in ("fail", "unknown", "pass") if word in found), None)
    if document["verdict"] != worst:
        yield f"its verdict is {document['verdict']}, its checks say {worst}"


def _wrong_rows(document: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    names = [row["case_id"] for row in document["cases"]]
    if names != [case["case_id"] for case in plan["cases"]]:
        yield "its cases are not those of the plan"
    status = {row["case_id"]: row["status"] for row in document["cases"]}
    executed = [name for name in names if status[name] in ("ok", "failed", "timeout")]
    if [row["case_id"] for row in document["metrics"]] != executed:
        yield "its metrics are not those of the cases that ran"
    for row in document["metrics"]:
        if row["status"] != status.get(row["case_id"]):
            yield f"case {row['case_id']!r} has two statuses"
        lost = [c["name"] for c in document["metric_contract"]
                if c.get("required") and row.get(c["name"]) is None]  # fmt: skip
        if lost and row["status"] == "ok":
            yield f"case {row['case_id']!r} is ok without its required metric {lost[0]!r}"
    counts = {
        "case_count": len(names),
        "executed_count": len(executed),
        "successful_count": sum(word == "ok" for word in status.values()),
    }
    for key, count in counts.items():
        if document[key] != count:
            yield f"its {key} is {document[key]}, its rows say {count}"


def wrong_metrics(
    row: Mapping[str, Any], contract: list[Mapping[str, Any]], summary: Mapping[str, Any]
) -> Iterator[str]:
    """Columns of a case that are not what the summary of its run says."""
    metrics, notes = summary["metrics"], summary["notes"]
    for column in contract:
        source = column["source"]
        told = metrics.get(source)
        if isinstance(told, bool | str):
            told = None
        if source not in metrics and (source.startswith("notes.") or "." not in source):
            told = notes.get(source.removeprefix("notes."))
        if row.get(column["name"]) != told:
            name = column["name"]
            yield f"case {row['case_id']!r}: {name} is {row.get(name)!r}, its run says {told!r}"


class _Checks:
    """The declared checks, judged from plan and metrics by lines of their own."""

    def __init__(self, plan: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
        self.declared = {check["id"]: check for check in plan["checks"]}
        self.axes = {axis["id"]: axis for axis in plan["axes"]}
        self.designs = {design["id"]: design for design in plan["designs"]}
        self.cases = {case["case_id"]: case for case in plan["cases"] if case["enabled"]}
        self.rows = {row["case_id"]: row for row in rows}
        self.columns = {m.get("source") or m["name"]: m["name"] for m in plan["metrics"]}

    def wrong(self, stored: list[dict[str, Any]]) -> Iterator[str]:
        """Checks that were left out, cases that were dropped, verdicts that do not follow."""
        by_id: dict[str, list[dict[str, Any]]] = {}
        for row in stored:
            by_id.setdefault(row["check_id"], []).append(row)
        if list(by_id) != list(self.declared):
            yield "its checks are not those of the plan"
            return
        for name, check in self.declared.items():
            judged = {case for row in by_id[name] for case in row["cases"]}
            told = {case for row in by_id[name] for case in row["detail"].get("elsewhere", ())}
            dropped = [c for c in self.selected(check) if c not in judged and c not in told]
            axis = check.get("axis") or ""
            on = [c for c in told if self.place(c, axis) is not None and not self.moved(c, axis)]
            if dropped or on:
                yield f"check {name!r} leaves out cases that it selects"
            for row in by_id[name]:
                where = f"check {name!r}" + (f" ({row['group']})" if row["group"] else "")
                yield from (f"{where}: {fault}" for fault in self.wrong_row(check, row))

    def wrong_row(self, check: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
        """What one row says against its check and its values."""
        defaults = CHECK_DEFAULTS[check["kind"]]
        bound = {
            k: default if check.get(k) is None else check[k] for k, default in defaults.items()
        }
        bound = {key: value for key, value in bound.items() if value is not None}
        stated = {key: row[key] for key in ("kind", "metric", "required", "reason")}
        asked = {**{key: check[key] for key in ("kind", "metric", "reason")},
                 "required": check.get("required", True)}  # fmt: skip
        if row["bound"] != bound or stated != asked:
            yield "it is not the check that the plan declares"
            return
        verdict, value = self.judged(check, bound, row["cases"])
        if row["verdict"] != verdict:
            yield f"its values say {verdict}, not {row['verdict']}"
        elif value is not None and not _near(value, row["value"]):
            yield f"its value is {row['value']!r}, its cases say {value!r}"

    def selected(self, check: Mapping[str, Any]) -> list[str]:
        """The enabled cases that a check names."""
        globs, design = check.get("cases"), check.get("design")
        return [
            name
            for name, case in self.cases.items()
            if (design is None or case.get("design") == design)
            and (globs is None or any(fnmatchcase(name, glob) for glob in globs))
        ]

    def place(self, name: str, axis: str) -> Any:
        """Where a case stands on an axis; None where it does not."""
        case = self.cases[name]
        if axis in (case.get("coordinates") or {}):
            return case["coordinates"][axis]
        row = self.rows.get(name, case)
        return row.get("axis_value") if axis and case["axis"] == axis else None

    def moved(self, name: str, axis: str) -> bool:
        """True for a case that a one-at-a-time design moves along another axis."""
        case = self.cases[name]
        if self.designs.get(case.get("design") or "", {}).get("kind") != "one_at_a_time":
            return False
        others = {k: v for k, v in case["coordinates"].items() if k != axis and k in self.axes}
        return any(_plain(value) != _plain(self.centre(key)) for key, value in others.items())

    def centre(self, axis: str) -> Any:
        """The reference value of an axis."""
        table = self.axes[axis]
        values = _levels(table)
        names = table.get("names") or [level["id"] for level in table.get("level") or ()]
        wanted = table.get("reference")
        if wanted is None:
            return values[0] if values else None
        return values[list(names).index(wanted)] if wanted in names else wanted

    def value(self, name: str, metric: str) -> float | None:
        """A finite number of a case that is ok."""
        row = self.rows.get(name, {})
        return _finite(row.get(metric)) if row.get("status") == "ok" else None

    def judged(
        self, check: Mapping[str, Any], bound: Mapping[str, Any], names: list[str]
    ) -> Judged:
        """Verdict and value of a check over these cases."""
        names = [name for name in names if name != bound.get("reference")]
        if "reference" in bound:
            names = [bound["reference"], *names]
        found = {name: self.value(name, check["metric"]) for name in names}
        values = {name: value for name, value in found.items() if value is not None}
        axis = check.get("axis") or ""
        off = axis and any(self.place(n, axis) is None or self.moved(n, axis) for n in names)
        if not values or len(values) < len(names) or off:
            return "unknown", None
        match check["kind"]:
            case "bounds":
                return _bounds(list(values.values()), bound)
            case "monotonic":
                places = {name: self.ordinal(name, axis) for name in names}
                return _monotonic(values, places, bound)
            case "spread":
                return _spread(list(values.values()), bound)
            case "difference":
                return _difference(list(values.values()), bound)
        return self.ladder(check, bound, names)

    def ordinal(self, name: str, axis: str) -> float | None:
        """The number of a case on an axis, or the count of its level."""
        place, levels = self.place(name, axis), _levels(self.axes.get(axis, {}))
        if levels and all(_finite(level) is None for level in levels):
            return float(levels.index(place)) if place in levels else None
        return _finite(place)

    def ladder(
        self, check: Mapping[str, Any], bound: Mapping[str, Any], names: list[str]
    ) -> Judged:
        """An order check: sizes of the grids, the values on them, and the spread between seeds."""
        sizes = {name: self.size(check, name) for name in names}
        grids: dict[float, float] = {}
        for name, size in sizes.items():
            value = self.value(name, check["metric"])
            if size is None or value is None or grids.setdefault(size, value) != value:
                return "unknown", None
        if len(grids) < 3 or not math.isfinite(max(grids.values()) - min(grids.values())):
            return "unknown", None
        ordered = sorted(grids.items())
        seeds = self.between_seeds(check, names[0], [size for size, _ in ordered[:3]])
        if bound["method"] == "spectral":
            return _spectral(ordered, bound, seeds)
        return _algebraic(ordered, bound, seeds)

    def size(self, check: Mapping[str, Any], name: str) -> float | None:
        """h of a case: a metric, or its place on the axis, inverted where that counts."""
        if check.get("h"):
            size = _finite(self.rows[name].get(self.columns.get(check["h"], check["h"])))
            return size if size is not None and size > 0 else None
        place = _finite(self.place(name, check["axis"]))
        if place is None or place <= 0:
            return None
        return 1 / place if self.axes[check["axis"]].get("refines") == "count" else place

    def between_seeds(
        self, check: Mapping[str, Any], name: str, finest: list[float]
    ) -> float | None:
        """Largest standard deviation between seeds on the finest grids."""
        design = self.designs.get(self.cases[name].get("design") or "", {})
        if design.get("kind") != "seeds":
            return None
        kept = set(design.get("axes") or ()) - {check.get("axis")}
        here = self.cases[name]["coordinates"]
        found: dict[float, list[float]] = {}
        for other in self.selected(check):
            there = self.cases[other].get("coordinates") or {}
            value, size = self.value(other, check["metric"]), self.size(check, other)
            alike = self.cases[other].get("design") == self.cases[name].get("design")
            alike = alike and all(here.get(key) == there.get(key) for key in kept)
            if alike and size is not None and value is not None:
                found.setdefault(size, []).append(value)
        spreads = [_deviation(found[size]) for size in finest if len(found.get(size, ())) > 1]
        return max(spreads, default=None)


def _csv_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _levels(axis: Mapping[str, Any]) -> list[Any]:
    if axis.get("values") is not None:
        return list(axis["values"])
    levels = axis.get("level") or ()
    return [level["id"] if level.get("value") is None else level["value"] for level in levels]


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _near(one: float, other: Any) -> bool:
    found = _finite(other)
    return found is not None and abs(one - found) <= 1e-6 * max(abs(one), abs(found))


def _bounds(values: list[float], bound: Mapping[str, Any]) -> Judged:
    low, high = bound.get("low", -math.inf), bound.get("high", math.inf)
    return ("pass" if all(low <= value <= high for value in values) else "fail"), None


def _monotonic(
    values: Mapping[str, float], places: Mapping[str, float | None], bound: Mapping[str, Any]
) -> Judged:
    levels: dict[float, list[float]] = {}
    for name, value in values.items():
        place = places[name]
        if place is None:
            return "unknown", None
        levels.setdefault(place, []).append(value if bound["direction"] == "increasing" else -value)
    if len(levels) < 2:
        return "unknown", None
    ordered = [levels[place] for place in sorted(levels)]
    step = min(min(b) - max(a) for a, b in pairwise(ordered))
    noise = bound["noise"]
    return ("pass" if (step > noise if bound["strict"] else step >= -noise) else "fail"), step


def _difference(values: list[float], bound: Mapping[str, Any]) -> Judged:
    base, *others = values
    if not others:
        return "unknown", None
    apart = [abs(value - base) for value in others]
    holds = []
    for key, extreme in (("max_abs", max), ("min_abs", min), ("max_rel", max), ("min_rel", min)):
        if key not in bound:
            continue
        found = extreme(apart)
        if key.endswith("rel"):
            found = found / abs(base) if base else math.inf
            if not math.isfinite(found):
                return "unknown", None
        holds.append(found <= bound[key] if extreme is max else found >= bound[key])
    return ("pass" if all(holds) else "fail"), None


def _deviation(values: list[float]) -> float:
    if min(values) == max(values):
        return 0.0
    scale = max(map(abs, values))
    parts = [value / scale for value in values]
    middle = math.fsum(parts) / len(parts)
    square = math.fsum((part - middle) * (part - middle) for part in parts)
    return scale * math.sqrt(square / (len(parts) - 1))


def _spread(values: list[float], bound: Mapping[str, Any]) -> Judged:
    """A half width t s/sqrt(n) is below a bound where P(|T| > t) is at most 5 % there."""
    n = len(values)
    if n < max(bound["min_n"], 2):
        return "unknown", None
    scale = max(map(abs, values)) or 1.0
    middle, s = abs(math.fsum(value / scale for value in values) / n) * scale, _deviation(values)
    if min(values) == max(values):
        middle = abs(values[0])
    holds = [s <= bound["max_std"]] if "max_std" in bound else []
    relative = [key for key in ("max_cv", "max_half_width") if key in bound]
    if "max_cv" in relative and middle:
        holds.append(s / middle <= bound["max_cv"])
    if "max_half_width" in relative and middle:
        t = bound["max_half_width"] * middle * math.sqrt(n) / s if s else math.inf
        holds.append(t == math.inf or student_tails(t, n - 1) <= 0.05)
    if not all(holds):
        return "fail", None
    return ("unknown", None) if relative and not middle else ("pass", None)


def student_tails(t: float, dof: int) -> float:
    """P(|T| > t) of Student's t with whole degrees of freedom: Abramowitz and Stegun 26.7.3, 4."""
    angle = math.atan2(t, math.sqrt(dof))
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine, 0.0) if dof % 2 else (1.0, 0.0)
    for k in range(1 + dof % 2, dof, 2):
        total += term
        term *= k / (k + 1) * cosine * cosine
    inside = 2 / math.pi * (angle + sine * total) if dof % 2 else sine * total
    return 1 - inside


def _order(e21: float, e32: float, r21: float, r32: float) -> float:
    """p of |e32/e21| = r21^p (r32^p - s)/(r21^p - s); s = 1 where both have one sign, else -1."""
    a, b, alike = math.log(r21), math.log(r32), e21 * e32 > 0

    def power(x: float) -> float:
        if x > 40:
            return x
        return math.log(abs(math.expm1(x))) if alike else math.log1p(math.exp(x))

    def side(p: float) -> float:
        return math.log(b / a) if alike and abs(p) < 1e-9 else p * a + power(p * b) - power(p * a)

    wanted = math.log(abs(e32)) - math.log(abs(e21))
    low, high = -1.0, 1.0
    while side(low) > wanted and low > -1e6:
        low *= 2
    while side(high) < wanted and high < 1e6:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if side(middle) < wanted else (low, middle)
    return high


def _algebraic(
    ladder: list[tuple[float, float]], bound: Mapping[str, Any], seeds: float | None
) -> Judged:
    """The table of order checks on the three finest grids, line by line."""
    (h1, f1), (h2, f2), (h3, f3) = ladder[:3]
    e21, e32, noise = f2 - f1, f3 - f2, bound["noise"]
    r21, formal, tolerance = h2 / h1, bound.get("formal_order"), bound.get("order_tolerance")
    p = _order(e21, e32, r21, h3 / h2) if e21 and e32 else None
    near, monotone = abs(e21) <= noise, e21 * e32 > 0
    u: float | None = 3 * max(abs(e21), abs(e32), abs(f3 - f1))
    if near and abs(e32) > noise:
        u = 3 * noise
    elif not near and p is not None and formal is not None:
        trusted = abs(p - formal) <= 0.1 * formal
        used = formal if trusted else min(max(0.5, p), formal)
        u = (1.25 if trusted else 3) * _over(abs(e21), r21, used)
    elif not near:
        u = None
    highest = bound.get("max_uncertainty")
    size = u if u is None or abs(f1) <= noise else u / abs(f1)
    lines = (
        (min(r21, h3 / h2) < 1.3 * (1 - 1e-9), "unknown"),
        (seeds is not None and seeds >= min(abs(e21), abs(e32)), "unknown"),
        (not near and (p is None or p <= 0), "fail"),
        (not near and not monotone, "unknown"),
        (near and not noise and e32 != 0, "unknown"),
        (tolerance is not None and (near or formal is None), "unknown"),
        (_beyond(p, formal, tolerance, -1), "fail"),
        (highest is not None and size is None, "unknown"),
        (highest is not None and size is not None and not size <= highest, "fail"),
        (_beyond(p, formal, tolerance, 1), "unknown"),
    )
    return next((verdict for holds, verdict in lines if holds), "pass"), p


def _beyond(p: float | None, formal: float | None, tolerance: float | None, side: int) -> bool:
    """True for an observed order that is lower (-1) or higher (1) than allowed."""
    if p is None or formal is None or tolerance is None:
        return False
    return side * p > side * formal * (1 + side * tolerance)


def _over(step: float, ratio: float, order: float) -> float:
    power = order * math.log(ratio)
    return step / math.expm1(power) if power < 700 else 0.0


def _spectral(
    ladder: list[tuple[float, float]], bound: Mapping[str, Any], seeds: float | None
) -> Judged:
    """The rules for errors that fall like exp(-b N); the coarsest grid first."""
    grids = sorted((_whole(1 / size), value) for size, value in ladder)
    (n1, f1), (n2, f2), (n3, f3) = grids[-3:]
    steps = [(n, after - before) for (n, before), (_, after) in pairwise(grids)]
    noise = bound["noise"]
    above = [step for _, step in steps if abs(step) > noise]
    u, last, rate = 3 * max((abs(step) for _, step in steps)), max(abs(f3 - f2), noise), None
    if above:
        if seeds is not None and seeds >= min(abs(f2 - f1), abs(f3 - f2)):
            return "unknown", None
        if any(step * above[0] < 0 for step in above) or last == 0:
            return "unknown", None
        if abs(f2 - f1) <= noise:
            return "fail", None
        rate = _rate(abs(f2 - f1) / last, n2 - n1, n3 - n2)
        if rate <= 0:
            return "fail", rate
        line = _straight([(n, math.log(abs(step))) for n, step in steps if step])
        trusted = len(grids) >= 4 and all(step for _, step in steps) and line >= 0.95
        rho = math.exp(-rate * (n3 - n2))
        u = (1.25 if trusted else 3) * last * rho / -math.expm1(-rate * (n3 - n2))
    highest = bound.get("max_uncertainty", math.inf)
    inside = (u if abs(f3) <= noise else u / abs(f3)) <= highest
    return ("pass" if inside else "fail"), rate


def _whole(count: float) -> float:
    return float(round(count)) if abs(count - round(count)) <= 1e-12 * count else count


def _rate(ratio: float, first: float, second: float) -> float:
    """b of (e^(b first) - 1)/(1 - e^(-b second)) = ratio."""
    low, high, wanted = -1 / first, 1 / first, math.log(ratio)

    def side(b: float) -> float:
        if abs(b) * max(first, second) < 1e-9:
            return math.log(first / second)
        x, y = b * first, b * second
        one = x if x > 40 else math.log(abs(math.expm1(x)))
        return one - (y if y > 40 else math.log(abs(math.expm1(y)))) + y

    while side(low) > wanted and low > -1e9:
        low *= 2
    while side(high) < wanted and high < 1e9:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if side(middle) < wanted else (low, middle)
    return high


def _straight(points: list[tuple[float, float]]) -> float:
    """R2 of a line through points; 1 where nothing varies."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if len(points) < 3 or min(ys) == max(ys):
        return 1.0
    x0, y0 = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    xy = math.fsum((x - x0) * (y - y0) for x, y in points)
    square = math.fsum((x - x0) ** 2 for x in xs) * math.fsum((y - y0) ** 2 for y in ys)
    return xy * xy / square if square else 1.0


# -- words and paths -----------------------------------------------------------------------------


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _plain_path(name: Any) -> bool:
    """True for a POSIX path that stays below its folder."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name != "."


def _below(target: str, folder: str) -> bool:
    return target == folder or target.startswith(folder.rstrip(os.sep) + os.sep)


def main(words: list[str]) -> int:
    """Print the report and return the exit code."""
    places = [word for word in words if word != "--json"]
    try:
        report = verify(places[0] if places else Path(__file__).parent)
    except NothingToVerify as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    if "--json" in words:
        print(json.dumps(report.document(), indent=2))
    else:
        print("\n".join([*report.lines(), report.headline]))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
