"""Evidence bundles beside a run: found, re-hashed, judged again, held against the run.

A bundle is a testbed folder with a validation, a manifest and an artifact manifest.  What it states
of itself is not believed: every file is hashed again, and whoever knows the physics (`Rejudge`)
reads the cases, judges them at the bounds in use, and says what differs from what is stated and
from the run.  Each thing that keeps a bundle from being evidence has a check with a name.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.supporting import (
    DISTINCT,
    FAMILY,
    HASHES,
    KIND,
    THERE,
    Bundle,
    Bundles,
    Content,
    Rejudge,
)
from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.manifest import ARTIFACT_MANIFEST_NAME, MANIFEST_NAME
from mhx.evidence.store import read_json
from mhx.evidence.verify import NothingToVerify, verify

VALIDATION = "validation.json"
LEVELS = (ClaimLevel.VALIDATION.value, ClaimLevel.PRODUCTION.value)
RECOMPUTED, REPEATED, COMPLETE = "verdicts_recomputed", "case_reintegrated", "all_cases_kept"
STRICT = "thresholds_not_relaxed"


@dataclass(frozen=True, kw_only=True)
class Given:
    """Bundles named on the command line; what is not named is looked for in the run directory."""

    convergence: Sequence[Path] = ()
    seeds: Path | None = None
    width_sweep: Path | None = None
    eta_sweep: Path | None = None


def find_bundles(folder: RunFolder, family: str, given: Given, rejudge: Rejudge) -> Bundles:
    """Judge the bundles that are named, else those in `convergence/*` and `seed_qi`.

    family: the family digest of the run's configuration, which is that of its evidence.
    """
    found = sorted(path for path in (folder.root / "convergence").glob("*") if path.is_dir())
    look = _Look(folder.root, family, rejudge)
    convergence: list[Bundle] = []
    for path in given.convergence or found:
        convergence.append(look.at(path, schemas.CONVERGENCE, convergence))
    seeds = given.seeds or (folder.root / "seed_qi")
    sweeps = {"width": given.width_sweep, "eta": given.eta_sweep}
    return Bundles(
        convergence=convergence,
        seeds=look.at(seeds, schemas.SEED_ROBUST_QI) if given.seeds or seeds.is_dir() else None,
        sweeps={
            axis: look.at(path, schemas.PARAMETER_SWEEP, axis=axis)
            for axis, path in sweeps.items()
            if path is not None
        },
    )


@dataclass(frozen=True)
class _Look:
    """The run for which bundles are looked at."""

    root: Path
    family: str
    rejudge: Rejudge

    def at(self, path: Path, schema: str, seen: Sequence[Bundle] = (), axis: str = "") -> Bundle:
        """One folder, which should be a bundle of `schema` and add to those `seen`."""
        told = _Told.of(path)
        content, unreadable = None, ""
        if told.intact and told.is_of(schema):
            try:
                content = self.rejudge(path, axis or schema)
            except EvidenceError as error:
                unreadable = f"unreadable: {error}"
        altered = [*told.problems, *(content.altered if content else ()), unreadable]
        problems = [problem for problem in altered if problem]
        own = told.manifest.get("family_digest") == self.family
        checks = {
            **told.checks(schema),
            HASHES: told.intact and bool(told.artifacts) and not problems,
            FAMILY: own if content is None else bool(content.cases) and not content.foreign,
            DISTINCT: _distinct(told.digest, content, seen),
            **_judged_anew(content),
        }
        return Bundle(
            path=stated(path, self.root),
            checks=checks,
            problems=problems,
            digest=told.digest,
            claim_level=told.manifest.get("claim_level"),
            validation_schema=told.validation.get("schema"),
            content=content,
        )


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What a folder says of itself, and what hashing it again finds."""

    there: bool
    validation: Mapping[str, Any]
    manifest: Mapping[str, Any]
    artifacts: Mapping[str, Any]
    problems: Sequence[str]

    @classmethod
    def of(cls, path: Path) -> "_Told":
        return cls(
            there=path.is_dir(),
            validation=_read(path / VALIDATION),
            manifest=_read(path / MANIFEST_NAME),
            artifacts=_read(path / ARTIFACT_MANIFEST_NAME),
            problems=_problems(path),
        )

    @property
    def intact(self) -> bool:
        return self.there and not self.problems

    @property
    def digest(self) -> str | None:
        found = self.manifest.get("digest")
        return found if isinstance(found, str) else None

    def is_of(self, schema: str) -> bool:
        kind = self.manifest.get("kind"), self.validation.get("schema")
        return kind == ("bundle", schemas.gates_of(schema))

    def checks(self, schema: str) -> dict[str, bool]:
        """The checks of a bundle report that need no case."""
        listed = _listed(self.artifacts)
        return {
            THERE: self.there,
            "validation_json_present": bool(self.validation),
            "validation_passed": self.validation.get("passed") is True,
            KIND: self.is_of(schema),
            "manifest_present": bool(self.manifest),
            "manifest_claim_level_valid": self.manifest.get("claim_level") in LEVELS,
            "artifact_manifest_present": bool(self.artifacts),
            "artifact_manifest_schema_supported": self.artifacts.get("schema") == schemas.ARTIFACTS,
            "artifact_manifest_hashes_validation": self.intact and VALIDATION in listed,
            "artifact_manifest_hashes_manifest": self.intact and MANIFEST_NAME in listed,
        }


def _judged_anew(content: Content | None) -> dict[str, bool]:
    """The checks that need the cases; without them none holds."""
    if content is None:
        return dict.fromkeys((RECOMPUTED, COMPLETE, STRICT, REPEATED), False)
    return {
        RECOMPUTED: not content.contradicted and bool(content.results),
        COMPLETE: not content.left_out,
        STRICT: not content.relaxed,
        REPEATED: content.repeated.get("passed") is True,
    }


def _distinct(digest: str | None, content: Content | None, seen: Sequence[Bundle]) -> bool:
    """Whether a bundle adds a case to each one before it; a copy under another name does not."""
    if digest is None or any(bundle.digest == digest for bundle in seen):
        return False
    if content is None:
        return True
    cases = set(content.cases.values())
    others = [set(b.content.cases.values()) for b in seen if b.content is not None]
    return bool(cases) and not any(cases <= other or other <= cases for other in others)


def stated(path: Path, root: Path) -> str:
    """A path as files of the run name it: from the run directory, or absolute as it was given.

    What lies in the run or beside it moves with it, and is named from there in any case.
    """
    here, there = os.path.abspath(root), os.path.abspath(path)
    beside = os.path.commonpath([os.path.dirname(here), there]) == os.path.dirname(here)
    if path.is_absolute() and not beside:
        return path.as_posix()
    return Path(os.path.relpath(there, here)).as_posix()


def _listed(artifacts: Mapping[str, Any]) -> list[Any]:
    """The paths of an artifact manifest; what is no list of files names none."""
    files = artifacts.get("files")
    entries = files if isinstance(files, list) else []
    return [entry.get("path") for entry in entries if isinstance(entry, dict)]


def _problems(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    try:
        return [str(problem) for problem in verify(path).problems]
    except NothingToVerify as nothing:
        return [str(nothing)]


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except EvidenceError:
        return {}
