"""A bundle judged again from its data: nothing that it says of itself is taken over.

The cases are read, one of them, drawn by the operating system, is integrated again over its first
samples, and all gates are judged at bounds that come from elsewhere.  What the bundle states is
then held against what its cases give.  A case is known by its physics, grid, step, length and seed,
not by its folder or its name, so that a copy is a copy whatever it is called.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies.bundle import DIAGNOSTICS, VALIDATION, declared_bounds
from mhx.campaigns.rutherford.studies.cases import (
    PLAN,
    CaseRun,
    Cases,
    read_cases,
    reintegrated,
)
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import SCHEMAS
from mhx.errors import EvidenceError
from mhx.evidence import schemas, store
from mhx.evidence.hashing import content_digest
from mhx.evidence.manifest import MANIFEST_NAME, read_manifest
from mhx.evidence.provenance import code_digest, dependencies
from mhx.reconnection.config import family, family_digest
from mhx.reconnection.run import solver_of

JOURNAL = "testbed_events.jsonl"
ROUND_OFF = 1e-9  # relative; the linear algebra of another machine


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """One case, drawn at random, integrated again: the largest relative difference of its rows."""

    case: str
    difference: float
    limit: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.limit

    def document(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "difference": self.difference if math.isfinite(self.difference) else None,
            "limit": self.limit,
            "passed": self.passed,
            "random_source": "operating system",
        }


@dataclass(frozen=True, kw_only=True)
class Rejudged:
    """What a bundle's cases give.

    problems: faults of cases.  contradicted: what it states and its cases do not give.
    left_out: cases that its journal saw finish and its plan does not name.
    families: by case id.  digest: of what all cases are about.
    """

    kind: str
    cases: Cases
    judged: Judged
    problems: Sequence[str]
    contradicted: Sequence[str]
    left_out: Sequence[str]
    relaxed: Sequence[str]
    repeated: Repeated | None
    families: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()

    @property
    def covers(self) -> Mapping[str, Any]:
        return self.judged.covers

    @property
    def digest(self) -> str:
        return content_digest(sorted(self.contents.values()))


def rejudged(folder: Path, kind: str, bounds: Mapping[str, float]) -> Rejudged:
    """Read and judge a bundle folder; EvidenceError where plan or journal cannot be read.

    bounds: of the plan, by their names.
    """
    cases = Cases(planned=(), runs=()) if _nothing_can_run(folder) else read_cases(folder)
    manifest = read_manifest(folder / MANIFEST_NAME)
    used = declared_bounds(manifest)
    validation = store.read_json(folder / VALIDATION, schemas.gates_of(SCHEMAS[kind]))
    judged = judge(kind, cases, thresholds.strictest(bounds, used, kind))
    waived = [str(row) for row in thresholds.relaxed(used, kind, where=str(folder))]
    waived += [f"waiver {row.get('gate')} is recorded" for row in manifest.get("waivers") or ()]
    return Rejudged(
        kind=kind,
        cases=cases,
        judged=judged,
        problems=[f"{run.id}: {told}" for run in cases.runs for told in run.problems],
        contradicted=_contradicted(validation, judged) + _misstated(manifest, cases),
        left_out=_left_out(folder, cases),
        relaxed=waived,
        repeated=_repeated(cases, bounds),
        families={run.id: family(run.config) for run in cases.runs},
        contents={run.id: about(run) for run in cases.runs},
        codes=_codes(manifest, cases),
    )


def _nothing_can_run(folder: Path) -> bool:
    """A study that says so (the cosine sheet has no width) was never planned: it has no cases."""
    if (folder / PLAN).exists() or not (folder / DIAGNOSTICS).exists():
        return False
    return bool(store.read_json(folder / DIAGNOSTICS).get("unavailable"))


def about(run: CaseRun) -> str:
    """Digest of what a case computes, whatever it saves, and wherever it lies."""
    config = run.config
    return content_digest(
        {
            "family": family(config),
            "shape": list(config.grid.shape),
            "dt": config.dt,
            "steps": config.steps,
            "seed": config.initial.seed,
            "dtype": config.numerics.dtype,
        }
    )


def _contradicted(validation: Mapping[str, Any], judged: Judged) -> list[str]:
    """Values of the stored verdicts that the cases do not give."""
    verdicts: Any = validation.get("verdicts")
    try:
        stated = {row["metric"]: row["value"] for row in verdicts.values()}
    except (AttributeError, KeyError, TypeError) as error:
        raise EvidenceError(f"{VALIDATION} holds no verdicts: {error!r}") from error
    ours = {result.gate.metric: result.value for result in judged.results}
    told = [
        f"states {name} {_told(stated.get(name))}, its cases give {_told(value)}"
        for name, value in ours.items()
        if not _same(stated.get(name), value)
    ]
    lacking = {result.gate.name for result in judged.results} - verdicts.keys()
    return told + [f"states no verdict on {name}" for name in sorted(lacking)]


def _misstated(manifest: Mapping[str, Any], cases: Cases) -> list[str]:
    """Configurations and family of the manifest that are not those of the cases."""
    stated, ours = manifest.get("case_digests"), {run.id: run.digest for run in cases.runs}
    told = [] if stated == ours else ["its manifest states other cases than those in its folder"]
    families = {family_digest(run.config) for run in cases.runs}
    if cases.base is not None:
        families.add(family_digest(cases.base))
    if families and manifest.get("family_digest") not in families:
        told.append("its manifest states a family that none of its cases has")
    return told


def _same(stated: Any, found: float | None) -> bool:
    none = found is None or not math.isfinite(found)
    if stated is None or none or not isinstance(stated, int | float):
        return stated is None and none
    return math.isclose(stated, found or 0.0, rel_tol=ROUND_OFF, abs_tol=1e-14)


def _told(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, int | float) else "nothing"


def _left_out(folder: Path, cases: Cases) -> list[str]:
    """Cases with an outcome in the journal that are not planned any more."""
    ended = {
        line["case_id"]
        for line in store.read_chained(folder / JOURNAL)
        if line.get("event") == "outcome"
    }
    return [
        f"case {name} was carried out and is left out of the study"
        for name in sorted(ended - set(cases.planned))
    ]


def _repeated(cases: Cases, bounds: Mapping[str, float]) -> Repeated | None:
    if not cases.runs:
        return None
    run = secrets.choice(list(cases.runs))
    bound = thresholds.BOUNDS["max_restart_difference"].value
    limit = bounds.get("max_restart_difference", bound)
    return Repeated(
        case=run.id, difference=reintegrated(run), limit=0.0 if _same_machine(run) else limit
    )


def _same_machine(run: CaseRun) -> bool:
    """Whether code, JAX and device are those that wrote the case: then bits are compared."""
    here = {
        "code_digest": code_digest(),
        "jax": dependencies().get("jax"),
        "device": solver_of(run.config).device,
    }
    return dict(run.environment) == here


def _codes(manifest: Mapping[str, Any], cases: Cases) -> frozenset[str]:
    own = {run.environment.get("code_digest", "") for run in cases.runs}
    return frozenset({str(manifest.get("code_digest")), *own})
