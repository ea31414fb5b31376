"""Re-hash a folder of mhx and judge it again, with a plain Python and nothing else.

    python verify.py [FOLDER] [--json]      exit 0: all as recorded; 4: not; 2: nothing to verify

Every file that a manifest, a checkpoint record or a journal names is hashed; what is altered,
missing or unexpected is named.  Digests of plan, family, manifests, records and run are computed
anew, and so is every verdict of a validation file, from its stored value and bound.  Nested folders
with manifests of their own are judged by these.  The lines on digests repeat `hashing.py` and
`store.py`, because a copy of this file travels with every run.
"""

import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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

TESTBED, TESTBED_SCHEMA = "testbed_manifest.json", "mhx.testbed.manifest.v1"
TESTBED_PLAN, TESTBED_JOURNAL = "testbed_plan.json", "testbed_events.jsonl"
CHILDREN, CASES = "_generated_configs", "cases"

UNSPECIFIED = "unspecified"
NEEDS_NO_REPORT = frozenset({UNSPECIFIED, "smoke", "validation", "production_template"})
REPORT = "promotion/promotion_readiness.json"
PLAN, RECORDS = "campaign_plan.json", "checkpoints/step_*.json"
INDEX, INITIAL = "checkpoints/checkpoint_index.json", "checkpoints/initial_state.npz"
REPLANNED = frozenset({INDEX, "job_array.json", "diagnostics.json", "validation.json", MANIFEST})
"""Planned files that an execution writes anew; a later manifest then answers for them."""

PLAN_TABLES = ("mesh", "time", "physics", "initial", "numerics", "diagnostics")
PLAN_DURATION = ("required_efolds", "safety_factor", "growth_rate_declared")
RUN_FILES = (
    *("campaign_plan.json", "campaign_config.toml", "production_history.npz"),
    *("checkpoints/initial_state.*", "checkpoints/step_*.json", "checkpoints/*_step_*.npz"),
    *("checkpoints/registered/*", "frames/*.npz", "figures/*.gif", "figures/*.json"),
)


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
    """Judge a folder and the folders in it that have manifests of their own."""
    top = Path(root)
    if not top.is_dir():
        raise NothingToVerify(f"{top} is no directory")
    tree = _Tree(top)
    if PurePosixPath() not in tree.folders:
        raise NothingToVerify(
            f"{top} holds no {MANIFEST}, {PLAN_MANIFEST}, {ARTIFACTS} or {TESTBED}: "
            "nothing to verify"
        )
    report = tree.report
    for folder in sorted(tree.folders, key=lambda path: -len(path.parts)):
        report.stated_level = _Folder(tree, folder).judge()  # the outermost comes last
    report.problems[:] = sorted(set(report.problems), key=lambda fault: (fault.path, fault.kind))
    report.notes[:] = dict.fromkeys(report.notes)
    report.files_hashed = sum(digest is not None for digest in tree.digests.values())
    report.folders = sorted(str(folder) for folder in tree.folders)
    return report


class _Tree:
    """What lies below the folder: files, links, nested folders of evidence; digests, each once."""

    def __init__(self, root: Path) -> None:
        self.root = root
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
        marks = {*SCHEMAS, LEDGER, TESTBED}
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

    def home(self, path: str) -> PurePosixPath:
        """The innermost folder of evidence in which a file lies."""
        return next(folder for folder in PurePosixPath(path).parents if folder in self.folders)


class _Folder:
    """One folder of evidence; names inside are relative to it, reported paths to the outermost."""

    def __init__(self, tree: _Tree, below: PurePosixPath) -> None:
        self.tree = tree
        self.below = below
        self.listed: dict[str, str] = {}
        self.accounted: set[str] = {MANIFEST, PLAN_MANIFEST, ARTIFACTS, "verify.py"}
        self.answered: set[str] = {INDEX}  # for these the chain of records speaks
        self.documents: dict[str, dict[str, Any]] = {}

    def judge(self) -> str:
        """Find every fault and return the level that the folder states."""
        for name in SCHEMAS:
            self._guarded(name, self._read_manifest, name)
        self._guarded(RECORDS, self._check_chain)
        self._guarded(TESTBED, self._check_testbed)
        self._check_listed()
        self._check_unexpected()
        self._guarded(PLAN, self._check_plan)
        for name in ("validation.json", "plan_validation.json"):
            self._guarded(name, self._check_verdicts, name)
        self._guarded(LEDGER, self._check_journals)
        if self.stated not in NEEDS_NO_REPORT:
            self._guarded(REPORT, self._check_claim)
        return self.stated

    @property
    def stated(self) -> str:
        return str(self._manifest().get("claim_level", UNSPECIFIED))

    def _guarded(self, name: str, check: Callable[..., None], *words: str) -> None:
        try:
            check(*words)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
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
            identity = {outputs.get(key, key): hashes.get(key) for key in document["identity"]}
            config = without_circumstance(document["config"])
            stated = {"schema": document["schema"], "config": config, "files": identity}
            if "inputs" in document:
                stated["inputs"] = document["inputs"]
            if document["digest"] != content_digest(stated):
                self._fault("contradicted", name, "its digest is not that of what it lists")
        for path, digest in entries:
            if not _plain_path(path):
                self._fault("refused", str(path), f"{name} names a path that leaves the folder")
            elif name == PLAN_MANIFEST and path in REPLANNED and self._executed():
                self.accounted.add(path)
            elif self.listed.setdefault(path, digest) != digest:
                self._fault("contradicted", path, "the manifests state different digests")

    def _executed(self) -> bool:
        return MANIFEST in self.documents or any(self._records())

    def _check_listed(self) -> None:
        for name, digest in self.listed.items():
            found = self._digest(name)
            if found == digest or (name in self.answered and self._is_behind()):
                continue
            home = self.tree.home(self._path(name))
            if self._made_again(home):
                note = f"{home} was made again after {self._path(ARTIFACTS)} was written"
                self.tree.report.notes.append(note)
            else:
                self._fault("altered" if self._exists(name) else "missing", name)

    def _made_again(self, home: PurePosixPath) -> bool:
        """A nested folder that was listed as one and now verifies by newer manifests of its own."""
        if home == self.below or self.stated not in NEEDS_NO_REPORT:
            return False
        inner = home.relative_to(self.below)
        faults = (PurePosixPath(fault.path) for fault in self.tree.report.problems)
        was_one = any(str(inner / name) in self.listed for name in SCHEMAS)
        return was_one and not any(home in path.parents for path in faults)

    def _check_unexpected(self) -> None:
        known = {self._path(name) for name in (*self.listed, *self.accounted)}
        for path in sorted(self.tree.files - known):
            if self.tree.home(path) != self.below:
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
        places = sorted(path for path in self.tree.files if pattern.fullmatch(path))
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
        for fault in wrong_checks(document):
            self._fault("contradicted", TESTBED, fault)

    def _account_for_cases(self, document: Mapping[str, Any]) -> None:
        """What runs that did not finish left, and children of cases that are gone, is no riddle."""
        finished = {row["run_dir"] for row in document["cases"] if row["run_digest"]}
        for path in self.tree.files:
            if self.tree.home(path) != self.below:
                continue
            inner = PurePosixPath(path).relative_to(self.below)
            stale = inner.parts[:2] == (CHILDREN, "_stale")
            unfinished = inner.parts[0] == CASES and "/".join(inner.parts[:2]) not in finished
            if stale or unfinished:
                self.accounted.add(str(inner))

    def _check_testbed_journal(self, place: Mapping[str, Any]) -> None:
        """The journal is whole, holds what the manifest was made from, and knows the plan."""
        lines = self._journal(TESTBED_JOURNAL)
        if not lines:
            if not self._exists(TESTBED_JOURNAL):
                self._fault("missing", TESTBED_JOURNAL)
            return
        count = place["lines"]
        if len(lines) < count or lines[count - 1]["digest"] != place["digest"]:
            self._fault("altered", TESTBED_JOURNAL, f"not the journal that {TESTBED} was made from")
        elif len(lines) > count:
            note = f"{self._path(TESTBED_JOURNAL)} has {len(lines) - count} later lines: "
            self.tree.report.notes.append(note + "a launcher is at work or was killed; run again")
        plans = [line["plan_sha256"] for line in lines if line.get("event") == "planned"]
        if self._digest(TESTBED_PLAN) not in plans[-2:]:
            self._fault("altered", TESTBED_PLAN, "the journal knows another plan")

    # -- verdicts, journals, claim -------------------------------------------------------------

    def _check_verdicts(self, name: str) -> None:
        document = self._json(name)
        for fault in wrong_verdicts(document) if document else ():
            self._fault("contradicted", name, fault)

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
        bound: dict[str, str] = {}
        for line in ledger:
            bound |= line.get("digests") or {}
        files = {
            "manifest": MANIFEST,
            "plan_manifest": PLAN_MANIFEST,
            "artifact_manifest": ARTIFACTS,
        }
        for key, name in files.items():
            if key in bound and self._digest(name) != bound[key]:
                kind = "altered" if self._exists(name) else "missing"
                self._fault(kind, name, f"the newest line of {LEDGER} states another digest")
        if "commands" in bound and bound["commands"] not in {line["digest"] for line in commands}:
            self._fault("altered" if commands else "missing", COMMANDS, "lines are missing")
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
        checks, answers = report.get("checks") or {}, report.get("reviewer_answers") or []
        needed = {
            "the promotion report does not support it": (
                report.get("production_ready") is True and bool(checks) and all(checks.values())
            ),
            "a promotion gate did not pass": gates.get("passed") is True,
            "a reviewer question is unanswered": bool(answers)
            and all(answer.get("status") == "answered" for answer in answers),
            "a bound was waived": not report.get("waivers") and not manifest.get("waivers"),
        }
        if not judged:
            digest, run = self._digest(REPORT), self._run_digest()
            needed |= {
                "the promotion report is not the one that it names": (
                    digest is not None and manifest.get("promotion_report_sha256") == digest
                ),
                "the run is not the one that was judged": (
                    run == manifest.get("run_digest") == report.get("run_digest")
                ),
            }
            for bundle, stated in (report.get("evidence_digests") or {}).items():
                self._check_bundle(bundle, stated)
        for reason in [reason for reason, holds in needed.items() if not holds]:
            self._fault("contradicted", MANIFEST, f"it states {self.stated}, but {reason}")

    def _check_bundle(self, bundle: str, stated: str) -> None:
        """Evidence below the folder is the one that was judged; evidence elsewhere is told."""
        place = f"{bundle}/{MANIFEST}"
        found = self._json(place) if _plain_path(bundle) else None
        if found is None:
            note = f"evidence in {bundle} lies outside: verify it there, manifest digest {stated}"
            self.tree.report.notes.append(note)
        elif found.get("digest") != stated:
            self._fault("contradicted", place, f"{REPORT} judged another")

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


def without_circumstance(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the keys that say where it ran."""
    kept = {key: value for key, value in config.items() if key != "output_dir"}
    if isinstance(kept.get("workflow"), dict):
        kept["workflow"] = without_circumstance(kept["workflow"])
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


def wrong_checks(document: Mapping[str, Any]) -> Iterator[str]:
    """What the checks of a matrix say against its own metrics, and its verdict against them."""
    rows = {row["case_id"]: row for row in document["metrics"]}
    for check in document["checks"]:
        values = [
            rows[case].get(check["metric"]) if rows.get(case, {}).get("status") == "ok" else None
            for case in check["cases"]
        ]
        unknown = not values or any(value is None for value in values)
        if unknown and check["verdict"] == "pass":
            yield f"check {check['check_id']!r} passes without all its values"
        if check["kind"] == "bounds" and not unknown:
            low, high = (check["bound"].get(side) for side in ("low", "high"))
            inside = all(_verdict(value, low, high) == "pass" for value in values)
            if check["verdict"] != ("pass" if inside else "fail"):
                yield f"check {check['check_id']!r}: its values say otherwise"
    found = {check["verdict"] for check in document["checks"] if check["required"]}
    worst = next((word for word in ("fail", "unknown", "pass") if word in found), None)
    if document["verdict"] != worst:
        yield f"its verdict is {document['verdict']}, its checks say {worst}"


def _verdict(value: float | None, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        raise ValueError("a gate that bounds nothing")
    if value is None or not math.isfinite(value):
        return "unknown"
    inside = (low is None or low <= value) and (high is None or value <= high)
    return "pass" if inside else "fail"


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
