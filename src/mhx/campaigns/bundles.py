"""Evidence bundles beside a run: found, re-hashed, held against the family of the plan.

A bundle is a folder with a validation, a manifest and an artifact manifest.  What it states of
itself is not believed: every file is hashed again and every verdict computed from its stored value
and bound.  Whether the values follow from the data of its cases is judged with the commands that
make bundles, which this version does not have; until then the gates on content stay unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.manifest import ARTIFACT_MANIFEST_NAME, MANIFEST_NAME
from mhx.evidence.store import read_json
from mhx.evidence.verify import NothingToVerify, verify

VALIDATION = "validation.json"
LEVELS = (ClaimLevel.VALIDATION.value, ClaimLevel.PRODUCTION.value)
HASHES, FAMILY, DISTINCT = "all_hashes_verified", "family_matches", "content_distinct"


@dataclass(frozen=True, kw_only=True)
class Given:
    """Bundles named on the command line; what is not named is looked for in the run directory."""

    convergence: Sequence[Path] = ()
    seeds: Path | None = None
    width_sweep: Path | None = None
    eta_sweep: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One folder and what was found in it; `problems` are altered or missing files."""

    path: Path
    checks: Mapping[str, bool]
    problems: Sequence[str] = ()
    digest: str | None = None
    claim_level: str | None = None
    validation_schema: str | None = None

    @property
    def passed(self) -> bool:
        return all(self.checks.values())

    def document(self) -> dict[str, Any]:
        """One entry of `convergence_reports`, or `seed_qi_report`."""
        return {
            "path": str(self.path),
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
        return {str(bundle.path): bundle.digest for bundle in self.every if bundle.digest}

    @property
    def problems(self) -> list[str]:
        """Every altered or missing file, below the folder in which it lies."""
        return [f"{b.path}: {problem}" for b in self.every for problem in b.problems]

    def metrics(self) -> dict[str, float | None]:
        """What the gates on evidence read; None where content would have to be judged anew."""
        distinct = [b for b in self.convergence if b.checks[HASHES] and b.checks[DISTINCT]]
        failed = sum(_failed(bundle) for bundle in self.convergence)
        foreign = sum(not b.checks[FAMILY] for b in (*self.convergence, *_some(self.seeds)))
        return {
            "convergence_bundles": float(len(distinct)),
            "failed_convergence_gates": float(failed) or None,
            "missing_convergence_axes": None,
            "evidence_mismatches": float(foreign) or None,
            "missing_seed_bundles": float(self.seeds is None),
            "failed_seed_gates": _count(self.seeds),
            "failed_width_sweep_gates": _count(self.sweeps.get("width")),
            "failed_eta_sweep_gates": _count(self.sweeps.get("eta")),
        }

    def facts(self) -> dict[str, Any]:
        """The keys of a promotion report that list the evidence."""
        return {
            "convergence_dirs": [str(bundle.path) for bundle in self.convergence],
            "convergence_reports": [bundle.document() for bundle in self.convergence],
            "seed_qi_dir": str(self.seeds.path) if self.seeds else None,
            "seed_qi_report": self.seeds.document() if self.seeds else None,
            "sweep_reports": {axis: bundle.document() for axis, bundle in self.sweeps.items()},
        }


def _some(bundle: Bundle | None) -> list[Bundle]:
    return [] if bundle is None else [bundle]


def _failed(bundle: Bundle) -> int:
    return sum(not passed for passed in bundle.checks.values())


def _count(bundle: Bundle | None) -> float | None:
    return None if bundle is None else float(_failed(bundle)) or None


def find_bundles(folder: RunFolder, plan: Plan, given: Given) -> Bundles:
    """Verify the bundles that are named, else those in `convergence/*` and `seed_qi`."""
    found = sorted(path for path in (folder.root / "convergence").glob("*") if path.is_dir())
    convergence: list[Bundle] = []
    for path in given.convergence or found:
        convergence.append(_bundle(path, plan, (b.digest for b in convergence)))
    seeds = given.seeds or (folder.root / "seed_qi")
    sweeps = {"width": given.width_sweep, "eta": given.eta_sweep}
    return Bundles(
        convergence=convergence,
        seeds=_bundle(seeds, plan) if given.seeds or seeds.is_dir() else None,
        sweeps={axis: _bundle(path, plan) for axis, path in sweeps.items() if path is not None},
    )


def _bundle(path: Path, plan: Plan, seen: Iterable[str | None] = ()) -> Bundle:
    validation, manifest, artifacts = (
        _read(path / name) for name in (VALIDATION, MANIFEST_NAME, ARTIFACT_MANIFEST_NAME)
    )
    problems = _problems(path)
    listed = {entry.get("path") for entry in artifacts.get("files", []) if isinstance(entry, dict)}
    digest = manifest.get("digest")
    intact = path.is_dir() and not problems
    checks = {
        "directory_exists": path.is_dir(),
        "validation_json_present": bool(validation),
        "validation_passed": validation.get("passed") is True,
        "manifest_present": bool(manifest),
        "manifest_claim_level_valid": manifest.get("claim_level") in LEVELS,
        "artifact_manifest_present": bool(artifacts),
        "artifact_manifest_schema_supported": artifacts.get("schema") == schemas.ARTIFACTS,
        "artifact_manifest_hashes_validation": intact and VALIDATION in listed,
        "artifact_manifest_hashes_manifest": intact and MANIFEST_NAME in listed,
        HASHES: intact and bool(artifacts),
        "verdicts_recomputed": intact and bool(validation.get("verdicts")),
        FAMILY: manifest.get("family_digest") == plan.family_digest,
        DISTINCT: digest is not None and digest not in set(seen),
    }
    return Bundle(
        path=path,
        checks=checks,
        problems=problems,
        digest=digest,
        claim_level=manifest.get("claim_level"),
        validation_schema=validation.get("schema"),
    )


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
