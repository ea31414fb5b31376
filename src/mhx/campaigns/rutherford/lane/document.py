"""What the manifest of a lane says of the campaign: duration, grid, cadence, physics, gates."""

from typing import Any

from mhx.campaigns.rutherford.lane import commands as listed
from mhx.campaigns.rutherford.lane import words
from mhx.campaigns.rutherford.lane.design import LaneDesign
from mhx.campaigns.rutherford.lane.flags import Lane

POLICY = {
    "default_claim_level": "validation",
    "double_harris_boundary": words.DOUBLE_HARRIS_BOUNDARY,
    "rutherford_boundary": words.RUTHERFORD_BOUNDARY,
    "production_finalize_command_id": listed.FINALIZE,
}

REQUIRED_GATES = (
    ("duration", ("rutherford_plan",), "rutherford/plan_validation.json"),
    (
        "convergence",
        ("double_harris_convergence_main", "double_harris_convergence_crosscheck"),
        "double_harris/convergence_*/validation.json",
    ),
    ("seed_qi", ("seed_qi",), "seed_qi/validation.json"),
    ("width_aspect", ("double_harris_width_sweep",), "double_harris/width_sweep/validation.json"),
    (
        "eta_lundquist",
        ("double_harris_eta_lundquist_sweep",),
        "double_harris/eta_lundquist_sweep/validation.json",
    ),
    (
        "movie",
        ("double_harris_long_run", "rutherford_execute"),
        "rutherford/figures/fixed_scale_*_movie.gif and their .json",
    ),
    (
        "promotion",
        ("double_harris_promotion_check", listed.PROMOTION, listed.FINALIZE),
        "rutherford/promotion/promotion_readiness.json",
    ),
)


def required_gates() -> list[dict[str, Any]]:
    """`required_gates` of the manifest."""
    return [
        {"gate": gate, "command_ids": list(ids), "required": True, "evidence": evidence}
        for gate, ids, evidence in REQUIRED_GATES
    ]


def campaign(lane: LaneDesign, root: str, python: str) -> dict[str, Any]:
    """`campaign` of the manifest; `root` as it was given."""
    asked, made = lane.asked, lane.cadence
    return {
        "root": root,
        "python_executable": python,
        "duration": {
            **lane.duration.document(name="nonlinear_campaign", purpose="one duration, all stages"),
            "t_end": made.t_end,
            "t1": made.t1,
            "steps": made.steps,
        },
        "grid": {
            "nx": asked.nx,
            "ny": asked.ny,
            "min_production_resolution": asked.min_production_resolution,
            "convergence_resolutions": list(asked.convergence_resolutions),
            "crosscheck_resolutions": list(asked.crosscheck_resolutions),
        },
        "time": {
            "dt": made.dt,
            "dt_source": "auto" if asked.dt == "auto" else "given",
            "dt_values": list(lane.dt_values),
            "crosscheck_dt_values": list(lane.crosscheck_dt_values),
            "largest_stability_ratio": lane.ratio,
            "target_saved_frames": asked.target_saved_frames,
            "save_every": made.save_every,
            "save_interval": made.save_interval,
            "fit_start": 0.0,
            "fit_stop": made.fit_stop,
        },
        "physics": _physics(asked),
        "seed_qi": {
            "seeds": list(asked.seeds),
            "noise_amplitude": asked.qi_noise_amplitude,
            "noise_to_seed_ratio": asked.qi_noise_amplitude / asked.perturbation_amplitude,
        },
        "thresholds": {name: getattr(asked, name) for name in words.THRESHOLDS},
        "timeouts": {
            "timeout_seconds": asked.timeout_seconds,
            "gate_timeout_seconds": asked.gate_timeout_seconds,
            "grace_seconds": asked.grace_seconds,
        },
        "jobs": asked.jobs,
    }


def _physics(asked: Lane) -> dict[str, Any]:
    return {
        "equilibrium": asked.equilibrium,
        "hold_equilibrium": asked.hold_equilibrium,
        "width": asked.width,
        "widths": list(asked.widths),
        "eta": asked.eta,
        "etas": list(asked.etas),
        "nu": asked.nu,
        "viscosities": list(asked.viscosities),
        "lundquist_proxy": _inverse(asked.eta),
        "eta_lundquist_proxy": [_inverse(eta) for eta in asked.etas],
        "perturbation_amplitude": asked.perturbation_amplitude,
        "noise_amplitude": asked.noise_amplitude,
        "mode": [asked.mode_x, asked.mode_y],
    }


def _inverse(eta: float) -> float | None:
    """S = 1/eta; None for an ideal plasma."""
    return 1 / eta if eta else None
