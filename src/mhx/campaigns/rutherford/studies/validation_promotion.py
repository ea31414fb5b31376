"""`mhx benchmark double-harris-promotion-check`: one long run and its convergence, as a validation.

The gates are those of the campaign's promotion, with the bounds of a validation and the same
definitions; every number is drawn from the files of the long run and of the bundles again.  What
passes is a validation and never more: no plan has fixed bounds and duration beforehand.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.campaigns import thresholds
from mhx.campaigns.bundles import Given
from mhx.campaigns.criteria import CRITERIA
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.rutherford.evidence import About, judged_evidence
from mhx.campaigns.rutherford.file_metrics import faulty
from mhx.campaigns.rutherford.outputs import LEGACY_HISTORIES, MOVIES
from mhx.campaigns.rutherford.studies.bundle import DIAGNOSTICS, VALIDATION
from mhx.campaigns.rutherford.studies.cases import CaseRun, read_cases
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.measures import measures
from mhx.campaigns.rutherford.studies.study import LONG_RUN
from mhx.campaigns.supporting import Bundles
from mhx.campaigns.thresholds import Bound
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import manifest, schemas, store
from mhx.evidence.claims import ClaimLevel, Waiver
from mhx.evidence.gates import Gate, GateResult, all_pass, judge_all, validation_document
from mhx.evidence.provenance import API_VERSION, provenance
from mhx.evidence.verify import NothingToVerify, verify
from mhx.execution.lock import hold
from mhx.reconnection.config import family_digest
from mhx.report.answer import Answer
from mhx.report.matrix import gate_matrix

REPORT, MATRIX = "promotion_readiness.json", "figures/promotion_matrix.png"
COUNTS = ("x_point_count", "o_point_count")
BOUNDARY = "one long run at stated settings, and its convergence; a validation, never more"
AGAIN = "mhx benchmark double-harris-long-run --outdir RUN_DIR ..."
MOVIES_GATE = "fixed_scale_movies_present"


def _row(name: str, value: float, metric: str, gate: str = "") -> tuple[Bound, str]:
    """A bound of a campaign's promotion at the value that is meant here, and what it bounds."""
    row = thresholds.BOUNDS[name]
    return replace(row, value=value, gate=gate or row.gate), metric


BOUNDS: Mapping[str, tuple[Bound, str]] = {
    "min_history_samples": _row("min_history_samples", 30.0, "history_samples"),
    "min_t_end": (
        Bound(
            gate="minimum_duration_reached",
            side="low",
            value=30.0,
            unit="L/v_A",
            meaning="end time",
        ),
        "t_end",
    ),
    "max_relative_energy_increase": _row(
        *("max_relative_energy_increase", 1e-8, "relative_energy_increase"),
        gate="energy_increase_within_tolerance",
    ),
    "min_reconnected_flux_amplification": _row(
        "min_reconnected_flux_amplification", 1.05, "reconnected_flux_amplification"
    ),
    "min_island_width_amplification": _row(
        "min_island_width_amplification", 1.05, "island_width_amplification"
    ),
    "min_convergence_dirs": _row("min_convergence_dirs", 1.0, "convergence_bundles"),
}
"""Bounds of this check by flag, and the metric of each; a looser one is recorded."""
DEFAULTS = {name: row.value for name, (row, _) in BOUNDS.items()}

Metrics = dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags; None is ours."""

    outdir: Path | None = None
    convergence_dir: Sequence[Path] | None = None
    require_movies: bool | None = None
    min_history_samples: int | None = None
    min_convergence_dirs: int | None = None
    min_t_end: float | None = None
    min_reconnected_flux_amplification: float | None = None
    min_island_width_amplification: float | None = None
    max_relative_energy_increase: float | None = None

    @property
    def bounds(self) -> dict[str, float]:
        """Every bound in use."""
        given = {name: getattr(self, name) for name in DEFAULTS}
        return {
            name: DEFAULTS[name] if value is None else float(value) for name, value in given.items()
        }

    @property
    def waivers(self) -> list[Waiver]:
        """Bounds looser than ours."""
        return [
            Waiver(
                gate=row.gate,
                production_bound=row.value,
                used_bound=self.bounds[name],
                where=f"--{name.replace('_', '-')}",
            )
            for name, (row, _) in BOUNDS.items()
            if row.looser(self.bounds[name])
        ]


_SHARED = (
    *("execution_diagnostics_present", "execution_validation_present", "run_manifest_present"),
    *("execution_validation_passed", "history_schema_supported", "required_history_keys_present"),
    *("finite_history_arrays", "critical_point_counts_present", "x_critical_points_detected"),
    *("o_critical_points_detected", MOVIES_GATE, "convergence_bundles_passed"),
)
"""Gates of a campaign's promotion that are asked for here with the same bounds."""


def check(run_dir: Path, options: Options) -> Answer:
    """Judge a long run, write the report, and say what does not pass.

    ConfigError: flags, or a folder without a long run.  Exit code 4: evidence is altered.
    """
    _refuse(run_dir, options)
    out = options.outdir or run_dir / "promotion"
    with hold(run_dir, "double-harris-promotion-check"):
        run = _long_run(run_dir)
        bundles = _bundles(run_dir, run, options)
        faults = [*_faults(run_dir, out), *bundles.problems]
        metrics = _metrics(run_dir, run, bundles)
        results = judge_all(_gates(options), metrics)
        report = _report(run_dir, out, run, options, (results, metrics, bundles))
        _write(out, report, results, _Judged(run_dir, run, options))
    return _answer(out, results, faults, bundles.told)


def _refuse(run_dir: Path, options: Options) -> None:
    faults = []
    for name, value in options.bounds.items():
        flag = f"--{name.replace('_', '-')}"
        if not 0 <= value < float("inf"):
            faults.append(f"{flag} must be a finite number >= 0, got {value!r}")
        elif name.endswith("amplification") and value < 1:
            faults.append(f"{flag} must be >= 1 [1], got {value!r}")
    if not (run_dir / manifest.MANIFEST_NAME).is_file():
        faults.append(f"{run_dir} holds no finished long run; make one: {AGAIN}")
    if faults:
        raise ConfigError("\n".join(faults).replace("RUN_DIR", str(run_dir)))


def _long_run(run_dir: Path) -> CaseRun | None:
    """The one case of a long run; None where it cannot be read or does not count."""
    try:
        runs = read_cases(run_dir).usable
    except EvidenceError:
        return None
    return runs[0] if len(runs) == 1 else None


def _bundles(run_dir: Path, run: CaseRun | None, options: Options) -> Bundles:
    if run is None:
        return Bundles()
    about = About(run.config, run.config.t_end, thresholds.at_validation())
    given = Given(convergence=tuple(options.convergence_dir or ()))
    return judged_evidence(RunFolder(run_dir), about, given)


def _faults(run_dir: Path, out: Path) -> list[str]:
    """What of the long run is not as recorded; a report that lies in it is made again."""
    own = out.relative_to(run_dir).parts[:1] if out.is_relative_to(run_dir) else ("",)
    try:
        found = verify(run_dir).problems
    except NothingToVerify as nothing:
        return [str(nothing)]
    return [str(one) for one in found if Path(one.path).parts[:1] != own]


def _metrics(run_dir: Path, run: CaseRun | None, bundles: Bundles) -> Metrics:
    """What the gates read; None where the files do not give it."""
    found = bundles.metrics()
    metrics: Metrics = {
        "diagnostics_faults": faulty(run_dir / DIAGNOSTICS, schemas.LONG_RUN),
        "validation_faults": faulty(run_dir / VALIDATION, schemas.gates_of(schemas.LONG_RUN)),
        "manifest_faults": faulty(run_dir / manifest.MANIFEST_NAME, schemas.MANIFEST),
        "history_schema_faults": float(run is None),
        "missing_movies": float(_missing_movies(run_dir)),
        "convergence_bundles": found["convergence_bundles"],
        "failed_convergence_gates": found["failed_convergence_gates"],
    }
    if run is None:
        return metrics
    tier = thresholds.at_validation()
    judged = judge(LONG_RUN, read_cases(run_dir), tier)
    own = measures(run, tier)
    counts = {name: run.history[name] for name in COUNTS if name in run.history}
    return {
        **metrics,
        "failed_execution_gates": float(sum(not one.passed for one in judged.results)),
        "missing_history_keys": float(len(set(LEGACY_HISTORIES) - run.history.keys())),
        "missing_critical_point_keys": float(len(COUNTS) - len(counts)),
        **{f"max_{name}": float(values.max()) for name, values in counts.items()},
        "non_finite_values": own["non_finite_values"],
        "history_samples": own["samples"],
        "t_end": own["t_end"],
        "relative_energy_increase": own["relative_energy_increase"],
        "reconnected_flux_amplification": own["reconnected_flux_amplification"],
        "island_width_amplification": own["island_width_amplification"],
    }


def _missing_movies(run_dir: Path) -> int:
    paths = [run_dir / "figures" / name for name in MOVIES]
    return sum(not (one.is_file() and one.with_suffix(".json").is_file()) for one in paths)


def _gates(options: Options) -> Iterator[Gate]:
    shared = {row.gate.name: row.gate for row in CRITERIA}
    for name in _SHARED:
        if name != MOVIES_GATE or options.require_movies is not False:
            yield shared[name]
    for flag, value in options.bounds.items():
        row, metric = BOUNDS[flag]
        reason = shared[row.gate].reason if row.gate in shared else _REASONS[row.gate]
        side = {row.side: value}
        yield Gate(name=row.gate, metric=metric, reason=reason, remedy=AGAIN, **side)


_REASONS = {
    "minimum_duration_reached": "a transient is no nonlinear evolution",
    "energy_increase_within_tolerance": "energy beyond what is fed in is made by the scheme",
}


def _report(
    run_dir: Path,
    out: Path,
    run: CaseRun | None,
    options: Options,
    found: tuple[Sequence[GateResult], Metrics, Bundles],
) -> dict[str, Any]:
    results, metrics, bundles = found
    return {
        **bundles.facts(),
        "schema": schemas.DOUBLE_HARRIS_PROMOTION,
        "validation_schema": schemas.gates_of(schemas.DOUBLE_HARRIS_PROMOTION),
        "api_version": API_VERSION,
        "run_dir": Path(os.path.relpath(run_dir, out)).as_posix(),
        "claim_level_if_passed": ClaimLevel.VALIDATION.value,
        "claim_boundary": BOUNDARY,
        "family_digest": family_digest(run.config) if run else None,
        "config_digest": run.digest if run else None,
        "thresholds": options.bounds,
        "waivers": [waiver.document() for waiver in options.waivers],
        "promotion_ready": all_pass(results),
        "checks": {result.gate.name: result.passed for result in results},
        "metrics": dict(metrics),
        "evidence_digests": bundles.digests,
    }


@dataclass(frozen=True)
class _Judged:
    """What a report is about: a long run, its one case where that counts, and at which bounds."""

    run_dir: Path
    run: CaseRun | None
    options: Options

    @property
    def scope(self) -> str:
        """The long run's own scope where it can be read, and what more is not said."""
        try:
            told = manifest.read_manifest(self.run_dir / manifest.MANIFEST_NAME)["claim_scope"]
        except (EvidenceError, KeyError):
            return BOUNDARY
        return f"{told}; {BOUNDARY}"


def _write(
    out: Path, report: Mapping[str, Any], results: Sequence[GateResult], about: _Judged
) -> None:
    schema = schemas.gates_of(schemas.DOUBLE_HARRIS_PROMOTION)
    store.write_json(out / REPORT, report)
    store.write_json(
        out / VALIDATION, validation_document(schema, results, dict(report["metrics"]))
    )
    gate_matrix(out / MATRIX, {"one long run": results}, title="Validation gates", note=BOUNDARY)
    run, options = about.run, about.options
    made = manifest.Manifest(
        kind="promotion",
        config=run.config.document() if run else {},
        files=manifest.describe(out, [REPORT, VALIDATION]),
        figures=manifest.describe(out, [MATRIX]),
        provenance=provenance(
            device=run.environment.get("device") if run else None,
            dtype=run.config.numerics.dtype if run else None,
        ),
        claim={
            "claim_level": ClaimLevel.VALIDATION.value,
            "claim_scope": about.scope,
            "waivers": [waiver.document() for waiver in options.waivers],
            "family_digest": report["family_digest"],
        },
    )
    manifest.seal(out, made)


def _answer(
    out: Path, results: Sequence[GateResult], faults: Sequence[str], told: Sequence[str]
) -> Answer:
    failed = sum(not result.passed for result in results)
    verdict = f"{failed} of {len(results)} gates did not pass" if failed else "all gates pass"
    ready = not failed and not faults
    return Answer(
        headline=f"double Harris promotion: {verdict}; {ClaimLevel.VALIDATION.value} at most",
        wrote=out,
        results=results,
        details=[
            *(f"altered evidence: {fault}" for fault in faults),
            *(f"no evidence: {reason}" for reason in told),
        ],
        next=f"mhx verify {quote(str(out))}",
        document={"promotion_ready": ready, "altered": list(faults), "evidence": list(told)},
        exit_code=EvidenceError.exit_code if faults else int(not ready),
    )
