"""Evidence bundles beside a run: found, re-hashed, held against the family of the plan.

A bundle is a folder with a validation, a manifest and an artifact manifest.  What it states of
itself is not believed: every file is hashed again and every verdict computed from its stored value
and bound.  Whether the values follow from the data of its cases is judged with the commands that
make bundles, which this version does not have; until then the gates on content stay unknown.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.manifest import ARTIFACT_MANIFEST_NAME, MANIFEST_NAME
from mhx.evidence.store import read_json
from mhx.evidence.verify import NothingToVerify, verify

VALIDATION = "validation.json"
LEVELS = (ClaimLevel.VALIDATION.value, ClaimLevel.PRODUCTION.value)
HASHES, FAMILY, DISTINCT = "all_hashes_verified", "family_matches", "content_distinct"
KIND, THERE = "bundle_kind_matches", "directory_exists"
COUNTS = (HASHES, FAMILY, DISTINCT, KIND)  # what a bundle must be to count as one


@dataclass(frozen=True, kw_only=True)
class Given:
    """Bundles named on the command line; what is not named is looked for in the run directory."""

    convergence: Sequence[Path] = ()
    seeds: Path | None = None
    width_sweep: Path | None = None
    eta_sweep: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One folder and what was found in it; `problems` are altered or missing files.

    path: below the run directory, or from there; absolute only where it was given so.
    """

    path: str
    checks: Mapping[str, bool]
    problems: Sequence[str] = ()
    digest: str | None = None
    claim_level: str | None = None
    validation_schema: str | None = None

    @property
    def passed(self) -> bool:
        return all(self.checks.values())

    @property
    def failed(self) -> list[str]:
        return [name for name, passed in self.checks.items() if not passed]

    def document(self) -> dict[str, Any]:
        """One entry of `convergence_reports`, or `seed_qi_report`."""
        return {
            "path": self.path,
            "passed": self.passed,
            "checks": dict(self.checks),
            "problems": list(self.problems),
            "validation_schema": self.validation_schema,
            "claim_level": self.claim_level,
        }


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """All evidence that was found for a run."""

    convergence: Sequence[Bundle] = ()
    seeds: Bundle | None = None
    sweeps: Mapping[str, Bundle] = field(default_factory=dict)

    @property
    def every(self) -> list[Bundle]:
        return [*self.convergence, *([self.seeds] if self.seeds else []), *self.sweeps.values()]

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each bundle by its path; one that cannot be read has none."""
        return {bundle.path: bundle.digest for bundle in self.every if bundle.digest}

    @property
    def problems(self) -> list[str]:
        """Every altered or missing file, below the folder in which it lies."""
        return [f"{b.path}: {problem}" for b in self.every for problem in b.problems]

    @property
    def told(self) -> list[str]:
        """What keeps each bundle from being evidence, one line per bundle."""
        return [f"{b.path}: did not pass {', '.join(b.failed)}" for b in self.every if b.failed]

    def metrics(self) -> dict[str, float | None]:
        """What the gates on evidence read; None where content would have to be judged anew."""
        distinct = [b for b in self.convergence if all(b.checks[name] for name in COUNTS)]
        failed = sum(len(bundle.failed) for bundle in self.convergence)
        foreign = sum(not b.checks[FAMILY] for b in (*self.convergence, *_some(self.seeds)))
        seeds = self.seeds is not None and self.seeds.checks[THERE] and self.seeds.checks[KIND]
        return {
            "convergence_bundles": float(len(distinct)),
            "failed_convergence_gates": float(failed) or None,
            "missing_convergence_axes": None,
            "evidence_mismatches": float(foreign) or None,
            "missing_seed_bundles": float(not seeds),
            "failed_seed_gates": _count(self.seeds),
            "failed_width_sweep_gates": _count(self.sweeps.get("width")),
            "failed_eta_sweep_gates": _count(self.sweeps.get("eta")),
        }

    def facts(self) -> dict[str, Any]:
        """The keys of a promotion report that list the evidence."""
        return {
            "convergence_dirs": [bundle.path for bundle in self.convergence],
            "convergence_reports": [bundle.document() for bundle in self.convergence],
            "seed_qi_dir": self.seeds.path if self.seeds else None,
            "seed_qi_report": self.seeds.document() if self.seeds else None,
            "sweep_reports": {axis: bundle.document() for axis, bundle in self.sweeps.items()},
        }


def _some(bundle: Bundle | None) -> list[Bundle]:
    return [] if bundle is None else [bundle]


def _count(bundle: Bundle | None) -> float | None:
    return None if bundle is None else float(len(bundle.failed)) or None


def find_bundles(folder: RunFolder, family: str, given: Given) -> Bundles:
    """Verify the bundles that are named, else those in `convergence/*` and `seed_qi`.

    family: the family digest of the run's configuration, which is that of its evidence.
    """
    found = sorted(path for path in (folder.root / "convergence").glob("*") if path.is_dir())
    look = _Look(folder.root, family)
    convergence: list[Bundle] = []
    for path in given.convergence or found:
        seen = [bundle.digest for bundle in convergence]
        convergence.append(look.at(path, schemas.CONVERGENCE, seen))
    seeds = given.seeds or (folder.root / "seed_qi")
    sweeps = {"width": given.width_sweep, "eta": given.eta_sweep}
    return Bundles(
        convergence=convergence,
        seeds=look.at(seeds, schemas.SEED_ROBUST_QI) if given.seeds or seeds.is_dir() else None,
        sweeps={
            axis: look.at(path, schemas.PARAMETER_SWEEP)
            for axis, path in sweeps.items()
            if path is not None
        },
    )


@dataclass(frozen=True)
class _Look:
    """The run for which bundles are looked at."""

    root: Path
    family: str

    def at(self, path: Path, schema: str, seen: Iterable[str | None] = ()) -> Bundle:
        """One folder, which should be a bundle of `schema` and none of those `seen`."""
        return _bundle(path, _stated(path, self.root), self.family, schema, set(seen))


def _stated(path: Path, root: Path) -> str:
    """A path as files of the run name it: from the run directory, or absolute as it was given."""
    here, there = os.path.abspath(root), os.path.abspath(path)
    inside = os.path.commonpath([here, there]) == here
    if path.is_absolute() and not inside:
        return path.as_posix()
    return Path(os.path.relpath(there, here)).as_posix()


def _bundle(path: Path, stated: str, family: str, schema: str, seen: set[str | None]) -> Bundle:
    validation, manifest, artifacts = (
        _read(path / name) for name in (VALIDATION, MANIFEST_NAME, ARTIFACT_MANIFEST_NAME)
    )
    problems = _problems(path)
    listed = _listed(artifacts)
    digest = manifest.get("digest")
    digest = digest if isinstance(digest, str) else None
    intact = path.is_dir() and not problems
    kind = manifest.get("kind"), validation.get("schema")
    checks = {
        THERE: path.is_dir(),
        "validation_json_present": bool(validation),
        "validation_passed": validation.get("passed") is True,
        KIND: kind == ("bundle", schemas.gates_of(schema)),
        "manifest_present": bool(manifest),
        "manifest_claim_level_valid": manifest.get("claim_level") in LEVELS,
        "artifact_manifest_present": bool(artifacts),
        "artifact_manifest_schema_supported": artifacts.get("schema") == schemas.ARTIFACTS,
        "artifact_manifest_hashes_validation": intact and VALIDATION in listed,
        "artifact_manifest_hashes_manifest": intact and MANIFEST_NAME in listed,
        HASHES: intact and bool(artifacts),
        "verdicts_recomputed": intact and bool(validation.get("verdicts")),
        FAMILY: manifest.get("family_digest") == family,
        DISTINCT: digest is not None and digest not in seen,
    }
    return Bundle(
        path=stated,
        checks=checks,
        problems=problems,
        digest=digest,
        claim_level=manifest.get("claim_level"),
        validation_schema=validation.get("schema"),
    )


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
