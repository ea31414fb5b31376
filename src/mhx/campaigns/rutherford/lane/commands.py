"""The eleven commands of a lane, in order: plan, evidence, run, checks, claim.

Every number is written out (end time, step, stride, fit window), so that equal runs of different
stages have equal configurations and are computed once; `--share` says where they may lie already.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.rutherford.lane.design import LaneDesign
from mhx.campaigns.rutherford.lane.flags import Lane
from mhx.campaigns.thresholds import BOUNDS

RUN, EVIDENCE, SEED_QI = "rutherford", "double_harris", "seed_qi"
LONG_RUN = f"{EVIDENCE}/long_run"
MAIN, CROSSCHECK = f"{EVIDENCE}/convergence_main", f"{EVIDENCE}/convergence_crosscheck"
WIDTH_SWEEP, ETA_SWEEP = f"{EVIDENCE}/width_sweep", f"{EVIDENCE}/eta_lundquist_sweep"
CHECK = f"{EVIDENCE}/promotion"
STAGE_FOLDERS = (RUN, EVIDENCE, SEED_QI)

DOUBLE_HARRIS_BOUNDARY = "evidence and checks of it: never more than validation"
RUTHERFORD_BOUNDARY = (
    "validation until the promotion check passes and the last command asks for the claim"
)
FINALIZE = "rutherford_finalize_production_claim"
PROMOTION = "rutherford_promotion_check"

_BUNDLE = ("diagnostics.json", "validation.json", "manifest.json", "artifact_manifest.json")
_PLANNED = ("campaign_plan.json", "campaign_config.toml", "plan_validation.json")
_PLAN_FILES = (*_PLANNED, "plan_manifest.json", "runbook.md", "job_array.json")
_MOVIES = tuple(
    f"figures/fixed_scale_{name}_movie.{suffix}"
    for name in ("flux", "current_density")
    for suffix in ("gif", "json")
)
_HISTORY = ("production_history.npz", *_MOVIES)
_REPORT = ("promotion_readiness.json", "validation.json", "manifest.json", "artifact_manifest.json")
_IN_THE_PLAN = (
    *("max_energy_budget_residual", "max_relative_energy_growth", "max_relative_energy_increase"),
    *("max_divergence_linf", "min_history_samples"),
    *("min_reconnected_flux_amplification", "min_island_width_amplification"),
)
_FLOORS = ("min_reconnected_flux_amplification", "min_island_width_amplification")


class _Told(NamedTuple):
    """What the list says of a study."""

    id: str
    stage: str
    gate: str
    description: str


def commands(lane: LaneDesign) -> list[LaneCommand]:
    """All commands of a lane; paths are relative to its root, in which they run."""
    return [
        _plan(lane),
        _long_run(lane),
        *_convergence(lane),
        *_sweeps(lane),
        _seeds(lane),
        _execute(lane),
        *_checks(lane),
        _finalize(lane),
    ]


def _plan(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    declared = _given("--harris-growth-rate", asked.harris_growth_rate)
    changed = [
        word
        for name in _IN_THE_PLAN
        if _differs(asked, name)
        for word in ("--threshold", f"{name}={getattr(asked, name)!r}")
    ]
    return LaneCommand(
        id="rutherford_plan",
        stage="plan",
        family="rutherford",
        gate="duration",
        description="plan the run: duration, time step, chunks, bounds",
        words=(
            *("campaign", "rutherford-plan-production", "--outdir", RUN, *_physics(asked)),
            *_flag("--noise-amplitude", asked.noise_amplitude),
            *(*declared, *_flag("--production-efolds", asked.production_efolds)),
            *_flag("--safety-factor", asked.safety_factor),
            *_flag("--t-end", lane.cadence.t1),
            *(*_grid(asked), *_flag("--dt", lane.cadence.dt)),
            *_flag("--target-saved-frames", asked.target_saved_frames),
            *_flag("--save-every", lane.cadence.save_every),
            *_flag("--max-walltime-hours", asked.max_walltime_hours),
            *_flag("--preemption-margin-minutes", asked.preemption_margin_minutes),
            *_flag("--checkpoint-interval-minutes", asked.checkpoint_interval_minutes),
            *_flag("--seconds-per-step-estimate", asked.seconds_per_step_estimate),
            *_flag("--min-production-resolution", asked.min_production_resolution),
            *changed,
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=_below(RUN, _PLAN_FILES),
        lasting=_below(RUN, (*_PLANNED, "plan_manifest.json")),
    )


def _long_run(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    floors = [name for name in _FLOORS if _differs(asked, name)]
    return _study(
        lane,
        LONG_RUN,
        _Told(
            "double_harris_long_run",
            "execute",
            "movie",
            "one run to the end with its movies, judged as a validation",
        ),
        words=(
            *("double-harris-long-run", "--movies", *_grid(asked)),
            *_flag("--dt", lane.cadence.dt),
            *_flag("--save-every", lane.cadence.save_every),
            *_flag("--noise-amplitude", asked.noise_amplitude),
            *_window(lane),
            *_bounds(asked, floors),
        ),
        arrays="periodic_double_harris_seeded_long_run.npz",
    )


def _convergence(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    ladders = (
        ("main", MAIN, asked.convergence_resolutions, lane.dt_values, [LONG_RUN]),
        (
            *("crosscheck", CROSSCHECK, asked.crosscheck_resolutions),
            *(lane.crosscheck_dt_values, [LONG_RUN, MAIN]),
        ),
    )
    return [
        _study(
            lane,
            outdir,
            _Told(
                f"double_harris_convergence_{name}",
                "convergence",
                "convergence",
                "the same run on other grids and with other time steps",
            ),
            words=(
                *("double-harris-convergence", "--resolutions", _list(resolutions)),
                *("--dt-values", _list(steps)),
                *_flag("--reference-resolution", min(resolutions)),
                *_flag("--reference-dt", lane.cadence.dt),
                *_flag("--save-interval", lane.cadence.save_interval),
                *_flag("--noise-amplitude", asked.noise_amplitude),
                *_window(lane),
            ),
            arrays="periodic_double_harris_convergence.npz",
            share=share,
        )
        for name, outdir, resolutions, steps, share in ladders
    ]


def _sweeps(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    widths = ("--widths", _list(asked.widths)) if asked.widths else ()
    etas = ("--etas", _list(asked.etas), "--viscosities", _list(asked.viscosities))
    before = [LONG_RUN, MAIN, CROSSCHECK]
    rows = (
        ("width_sweep", "width_aspect", WIDTH_SWEEP, ("width", *widths), before),
        (
            *("eta_lundquist_sweep", "eta_lundquist", ETA_SWEEP),
            *(("resistivity", *etas), [*before, WIDTH_SWEEP]),
        ),
    )
    return [
        _study(
            lane,
            outdir,
            _Told(
                f"double_harris_{name}",
                "sweep",
                gate,
                "the same run with its neighbours: how far the claim reaches",
            ),
            words=(
                *("double-harris-parameter-sweep", "--sweep-axis", *axis, *_grid(asked)),
                *_flag("--dt", lane.cadence.dt),
                *_flag("--save-interval", lane.cadence.save_interval),
                *_flag("--noise-amplitude", asked.noise_amplitude),
                *_window(lane),
            ),
            # a sheet without width has no cases, hence no arrays
            arrays="" if axis == ("width",) else "periodic_double_harris_parameter_sweep.npz",
            share=share,
        )
        for name, gate, outdir, axis, share in rows
    ]


def _seeds(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    return _study(
        lane,
        SEED_QI,
        _Told(
            "seed_qi",
            "seed_qi",
            "seed_qi",
            "the same run from other random seeds",
        ),
        words=(
            *("seed-robust-qi", "--seeds", _list(asked.seeds), *_grid(asked)),
            *_flag("--dt", lane.cadence.dt),
            *_flag("--save-every", lane.cadence.save_every),
            *_flag("--noise-amplitude", asked.qi_noise_amplitude),
        ),
        arrays="ensemble.npz",
        share=[LONG_RUN, MAIN, CROSSCHECK],
    )


def _execute(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    names = ("max_relative_energy_growth", "max_divergence_linf")
    return LaneCommand(
        id="rutherford_execute",
        stage="execute",
        family="rutherford",
        gate="movie",
        description="the run itself, to its target, with its movies",
        words=(
            *("campaign", "rutherford-execute", RUN, "--movies"),
            *_bounds(asked, [name for name in names if _differs(asked, name)]),
        ),
        timeout_seconds=asked.timeout_seconds,
        expensive=True,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=_below(RUN, (*_HISTORY, *_BUNDLE)),
        lasting=_below(RUN, _HISTORY),
        folders=(RUN,),
        needs=("rutherford_plan",),
    )


def _checks(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    bundles = ("--convergence-dir", MAIN, "--convergence-dir", CROSSCHECK)
    ladders = ("double_harris_convergence_main", "double_harris_convergence_crosscheck")
    sweeps = ("double_harris_width_sweep", "double_harris_eta_lundquist_sweep")
    bounds = (
        *("max_energy_budget_residual", "max_divergence_linf", "min_history_samples", *_FLOORS),
    )
    validation = LaneCommand(
        id="double_harris_promotion_check",
        stage="promotion",
        family="double_harris",
        gate="promotion",
        description="the long run and both ladders together, as a validation",
        words=(
            *("benchmark", "double-harris-promotion-check", LONG_RUN, "--outdir", CHECK),
            *(*bundles, *_flag("--min-t-end", lane.cadence.t1)),
            *_bounds(asked, ["max_relative_energy_increase", *_FLOORS]),
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=DOUBLE_HARRIS_BOUNDARY,
        expected_outputs=_below(CHECK, ("validation.json", "manifest.json")),
        lasting=_below(CHECK, ("validation.json", "manifest.json")),
        needs=("double_harris_long_run", *ladders),
    )
    production = LaneCommand(
        id=PROMOTION,
        stage="promotion",
        family="rutherford",
        gate="promotion",
        description="every gate of a claim, judged from data again",
        words=(
            *("campaign", "rutherford-promotion-check", RUN, *bundles),
            *("--seed-qi-dir", SEED_QI, "--width-sweep-dir", WIDTH_SWEEP),
            *("--eta-sweep-dir", ETA_SWEEP, "--require-sweeps"),
            *_bounds(asked, bounds),
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=_below(f"{RUN}/promotion", (*_REPORT, "figures/promotion_matrix.png")),
        lasting=_below(f"{RUN}/promotion", _REPORT),
        needs=("rutherford_plan", *ladders, *sweeps, "seed_qi", "rutherford_execute"),
    )
    return [validation, production]


def _finalize(lane: LaneDesign) -> LaneCommand:
    return LaneCommand(
        id=FINALIZE,
        stage="promotion",
        family="rutherford",
        gate="promotion",
        description="ask for the claim that the check supports; nothing is integrated",
        words=(
            *("campaign", "rutherford-execute", RUN, "--max-steps", "0"),
            "--allow-production-claim",
        ),
        timeout_seconds=lane.asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=_below(RUN, _BUNDLE),
        lasting=_below(RUN, ("manifest.json",)),
        folders=(RUN,),
        needs=(PROMOTION,),
        only_after=PROMOTION,
    )


def _study(
    lane: LaneDesign,
    outdir: str,
    told: _Told,
    *,
    words: Sequence[str],
    arrays: str,
    share: Sequence[str] = (),
) -> LaneCommand:
    """A `mhx benchmark` command: its own words, then what all of them share."""
    asked = lane.asked
    command, *own = words
    files = (*_BUNDLE, *([arrays] if arrays else []))
    return LaneCommand(
        id=told.id,
        stage=told.stage,
        gate=told.gate,
        description=told.description,
        family="seed_qi" if outdir == SEED_QI else "double_harris",
        words=(
            *("benchmark", command, "--outdir", outdir, *_physics(asked), *own),
            *_flag("--t-end", lane.cadence.t1),
            *(word for folder in share for word in ("--share", folder)),
            *_flag("--jobs", asked.jobs),
        ),
        timeout_seconds=asked.timeout_seconds,
        expensive=True,
        claim_boundary=DOUBLE_HARRIS_BOUNDARY,
        expected_outputs=_below(outdir, files),
        lasting=_below(outdir, ("artifact_manifest.json",)),
        folders=(outdir,),
    )


def _physics(asked: Lane) -> list[str]:
    hold = "--hold-equilibrium" if asked.hold_equilibrium else "--decaying-equilibrium"
    return [
        *_flag("--equilibrium", asked.equilibrium),
        *_given("--width", asked.width),
        *_flag("--eta", asked.eta),
        *_flag("--nu", asked.nu),
        *_flag("--perturbation-amplitude", asked.perturbation_amplitude),
        *_given("--mode-x", asked.mode_x),
        *_given("--mode-y", asked.mode_y),
        hold,
    ]


def _grid(asked: Lane) -> list[str]:
    return [*_flag("--nx", asked.nx), *_flag("--ny", asked.ny)]


def _window(lane: LaneDesign) -> list[str]:
    return [*_flag("--fit-start", 0.0), *_flag("--fit-stop", lane.cadence.fit_stop)]


def _bounds(asked: Lane, names: Sequence[str]) -> list[str]:
    return [
        word
        for name in names
        for word in _flag(f"--{name.replace('_', '-')}", getattr(asked, name))
    ]


def _differs(asked: Lane, name: str) -> bool:
    return bool(getattr(asked, name) != BOUNDS[name].value)


def _flag(name: str, value: float | str) -> list[str]:
    return [name, value if isinstance(value, str) else repr(value)]


def _given(name: str, value: float | None) -> list[str]:
    return [] if value is None else _flag(name, value)


def _list(values: Sequence[float]) -> str:
    return ",".join(map(repr, values))


def _below(folder: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)
