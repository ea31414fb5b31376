"""From verdicts to a promotion report: bounds in use, reviewer questions, what is missing, files.

Knows no physics: metrics come in as plain numbers (`rutherford/promotion.py`), verdicts come from
`criteria.py` and `evidence.gates`.  A report elsewhere than in `RUN_DIR/promotion` is a trial.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns import thresholds
from mhx.campaigns.criteria import READINESS, Criterion
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import IN_THE_PLAN, Plan
from mhx.campaigns.questions import UNKNOWN, reviewer_answers
from mhx.errors import EvidenceError
from mhx.evidence import schemas
from mhx.evidence.claims import UNSPECIFIED, ClaimLevel, Waiver
from mhx.evidence.gates import GateResult, Verdict, all_pass, judge, validation_document
from mhx.evidence.manifest import (
    Manifest,
    describe,
    read_manifest,
    write_artifact_manifest,
    write_manifest,
)
from mhx.evidence.provenance import API_VERSION, provenance
from mhx.evidence.store import write_json
from mhx.report.matrix import gate_matrix

AT_THE_CHECK = "rutherford-promotion-check"
REPORT, VALIDATION = "promotion_readiness.json", "validation.json"
FIGURES = "figures"
MATRIX = f"{FIGURES}/promotion_matrix.png"
MOVIES_WAIVED = "fixed_scale_movies_present"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The bounds of one check: the plan's, with what the command line gave instead."""

    bounds: Mapping[str, float]
    waivers: Sequence[Waiver]
    require_movies: bool = True
    require_sweeps: bool = False


def policy(
    plan: Plan,
    given: Mapping[str, float | None],
    *,
    require_movies: bool = True,
    require_sweeps: bool = False,
    unmet: Sequence[Waiver] = (),
) -> Policy:
    """The plan's bounds with `given` in their place; None keeps the plan's, looser is a waiver.

    unmet: plan gates that this run does not meet, whatever its plan says of them.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    thresholds.resolved(asked)
    waived = [*plan.waivers, *thresholds.waivers(asked, where=AT_THE_CHECK)]
    known = {waiver.gate for waiver in waived}
    waived += [waiver for waiver in unmet if waiver.gate not in known]
    if not require_movies:
        waived.append(
            Waiver(
                gate=MOVIES_WAIVED,
                production_bound=0,
                used_bound=math.inf,
                where="--no-require-movies",
            )
        )
    return Policy(
        bounds={**plan.thresholds, **asked},
        waivers=waived,
        require_movies=require_movies,
        require_sweeps=require_sweeps,
    )


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """Every promotion gate judged, by theme, and what follows from them."""

    judged: Sequence[tuple[str, GateResult]]
    policy: Policy
    metrics: Mapping[str, float | None]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def results(self) -> list[GateResult]:
        return [result for _, result in self.judged]

    @property
    def themes(self) -> dict[str, list[GateResult]]:
        found: dict[str, list[GateResult]] = {}
        for theme, result in self.judged:
            found.setdefault(theme, []).append(result)
        return {**found, "claim": self.readiness}

    @property
    def answers(self) -> list[dict[str, Any]]:
        return reviewer_answers(self.results, {**self.metrics, **self.facts})

    @property
    def readiness(self) -> list[GateResult]:
        """What stands between a promotable run and the claim itself."""
        open_questions = sum(answer["status"] == UNKNOWN for answer in self.answers)
        counts: dict[str, float | None] = {
            "waivers": float(len(self.policy.waivers)),
            "unanswered_questions": float(open_questions),
        }
        return [judge(gate, counts) for gate in READINESS]

    @property
    def promotion_ready(self) -> bool:
        return all_pass(self.results)

    @property
    def production_ready(self) -> bool:
        return self.promotion_ready and all_pass(self.readiness)

    @property
    def level(self) -> str:
        """What the run may be called if the claim is made; altered evidence supports nothing."""
        if self.metrics.get("artifact_faults"):
            return UNSPECIFIED
        top = ClaimLevel.PRODUCTION if self.production_ready else ClaimLevel.VALIDATION
        return top.value


def judged(
    rows: Sequence[Criterion], metrics: Mapping[str, float | None], policy: Policy
) -> list[tuple[str, GateResult]]:
    """Theme and result of each row; movies are not asked for where that was waived."""
    waived = set() if policy.require_movies else {"missing_movies", "movie_faults"}
    return [(row.theme, judge(row.gate, metrics)) for row in rows if row.gate.metric not in waived]


def missing(
    verdicts: Verdicts, run_dir: Path, costs: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """Each gate that did not pass, what it read, the command that would help, and its cost [s].

    costs: seconds by command as it stands in `criteria.py`; None where nobody has measured it.
    """
    rows = []
    for result in [*verdicts.results, *verdicts.readiness]:
        if result.verdict is Verdict.PASS:
            continue
        remedy = result.gate.remedy
        rows.append(
            {
                "gate": result.gate.name,
                "verdict": result.verdict.value,
                "what": str(result),
                "command": remedy.replace("RUN_DIR", str(run_dir)),
                "command_available": remedy.startswith("mhx "),
                "estimated_seconds": costs.get(remedy),
            }
        )
    return rows


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What a report is about: the run as it was judged, and where the report goes."""

    folder: RunFolder
    outdir: Path
    plan: Plan | None
    run_digest: str
    family: str | None = None
    evidence_digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def trial(self) -> bool:
        """True when the report lies where no claim looks for it."""
        return self.outdir.resolve() != self.folder.promotion.resolve()


def document(verdicts: Verdicts, binding: Binding, lacking: Sequence[Any]) -> dict[str, Any]:
    """The content of `promotion_readiness.json`."""
    plan, facts = binding.plan, dict(verdicts.facts)
    metrics = verdicts.metrics
    return {
        "convergence_dirs": [],
        "convergence_reports": [],
        "seed_qi_dir": None,
        "seed_qi_report": None,
        **facts,
        "schema": schemas.CAMPAIGN_PROMOTION,
        "validation_schema": schemas.gates_of(schemas.CAMPAIGN_PROMOTION),
        "api_version": API_VERSION,
        "run_dir": ".." if not binding.trial else str(binding.folder.root),
        "claim_level_if_passed": verdicts.level,
        "claim_boundary": _boundary(verdicts),
        "target_step": plan.target_step if plan else None,
        "history_sample_count": metrics.get("history_samples"),
        **{name: metrics.get(name) for name in _NUMBERS},
        "thresholds": dict(verdicts.policy.bounds),
        "waivers": [waiver.document() for waiver in verdicts.policy.waivers],
        "promotion_ready": verdicts.promotion_ready,
        "production_ready": verdicts.production_ready,
        "checks": {result.gate.name: result.passed for result in verdicts.results},
        "reviewer_answers": verdicts.answers,
        "run_digest": binding.run_digest,
        "plan_digest": plan.digest if plan else None,
        "evidence_digests": dict(binding.evidence_digests),
        "missing": list(lacking),
    }


_NUMBERS = (
    "max_energy_budget_residual",
    "max_magnetic_divergence_linf",
    "reconnected_flux_amplification",
    "island_width_amplification",
    "max_x_point_count",
    "max_o_point_count",
)


def _boundary(verdicts: Verdicts) -> str:
    if verdicts.production_ready:
        return "positive nonlinear response at the settings of the plan, within its scope"
    return "executed at the settings of the plan and judged; no claim beyond that"


def write(
    verdicts: Verdicts,
    binding: Binding,
    report: Mapping[str, Any],
    pictures: Sequence[str] = (),
) -> None:
    """Write report, verdicts, matrix and manifests; the manifest names what it was judged on.

    pictures: drawn before, beside the matrix, by name.
    """
    out = binding.outdir
    write_json(out / REPORT, report)
    results = [*verdicts.results, *verdicts.readiness]
    schema = schemas.gates_of(schemas.CAMPAIGN_PROMOTION)
    write_json(out / VALIDATION, validation_document(schema, results, dict(verdicts.metrics)))
    gate_matrix(out / MATRIX, verdicts.themes, title="Promotion gates", note=headline(verdicts))
    plan = binding.plan
    claim = {
        "claim_level": verdicts.level,
        "claim_scope": _boundary(verdicts),
        "waivers": [waiver.document() for waiver in verdicts.policy.waivers],
        "run_digest": binding.run_digest,
        "plan_digest": plan.digest if plan else None,
        "family_digest": binding.family,
    }
    manifest = Manifest(
        kind="promotion",
        config=plan.config if plan else {},
        files=describe(out, [REPORT, VALIDATION]),
        figures=describe(out, [MATRIX, *(f"{FIGURES}/{name}" for name in pictures)]),
        provenance=provenance(**_where(binding.folder)),
        claim=claim,
    )
    write_manifest(out, manifest)
    write_artifact_manifest(out)


def _where(folder: RunFolder) -> dict[str, str | None]:
    """Device and precision of the run that was judged, where its manifest can be read."""
    try:
        run = read_manifest(folder.manifest)
    except EvidenceError:
        run = {}
    return {name: run.get(name) for name in ("device", "dtype")}


def headline(verdicts: Verdicts) -> str:
    """The verdict in one line; a waiver is named, for it caps the level."""
    if verdicts.production_ready:
        return f"ready: every gate passes; the run may be called {verdicts.level}"
    waived = _waived(verdicts.policy.waivers)
    if verdicts.promotion_ready:
        return f"promotion ready, validation only: {waived or 'open questions'}"
    failed = sum(not result.passed for result in verdicts.results)
    reason = f"; validation only: {waived}" if waived else ""
    return f"not ready: {failed} of {len(verdicts.results)} gates did not pass{reason}"


def _waived(waivers: Sequence[Waiver]) -> str:
    """Every waiver with the bound in use, those of this check first."""
    ordered = sorted(waivers, key=lambda waiver: waiver.where == IN_THE_PLAN)
    return ", ".join(
        f"waiver {one.gate} {'left out' if math.isinf(one.used_bound) else f'{one.used_bound:g}'}"
        for one in ordered
    )
