"""`rutherford-template`: a plan sketch that is long enough for a Rutherford claim; nothing is run.

Always the decaying cosine sheet with eta = nu = 1e-3, seed 1e-3 in mode (1, 1).  Times in L/v_A.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from mhx.campaigns import plan as planning
from mhx.campaigns.duration import HARRIS_REFERENCE_RATE, Duration, choose_rate, required_time
from mhx.campaigns.rutherford import design, outputs, sketch
from mhx.campaigns.rutherford.parameters import (
    MAX_CELLS,
    MIN_CELLS,
    MOST,
    Auto,
    Parameters,
    asked,
)
from mhx.config import Table, parse, read_toml, to_toml
from mhx.evidence import schemas
from mhx.evidence.claims import PRODUCTION_TEMPLATE, UNSPECIFIED
from mhx.evidence.gates import Gate, GateResult, all_pass, judge_all, validation_document
from mhx.evidence.store import read_json, write_json, write_text
from mhx.execution.lock import hold
from mhx.reconnection.config import Reconnection
from mhx.reconnection.timestep import TimeStep
from mhx.report.answer import Answer

OUTDIR = Path("outputs/campaigns/rutherford_template")
COMMAND = "rutherford-template"
CAMPAIGN, CONFIG, ASSESSMENT = "campaign.json", "campaign_config.toml", "duration_assessment.json"
BOUNDARY = "a sketch of a plan: nothing has run; it supports no statement about physics"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the command; None is ours (`Sketch` says what that is)."""

    outdir: Path | None = None
    harris_growth_rate: float | None = None
    production_efolds: float | None = None
    safety_factor: float | None = None
    nx: int | None = None
    ny: int | None = None
    dt: float | str | None = None
    target_saved_frames: int | None = None
    run_output_dir: Path | None = None


class Sketch(Table):
    """What a template may be asked for."""

    harris_growth_rate: float = Field(HARRIS_REFERENCE_RATE, gt=0, description="rate [v_A/L]")
    production_efolds: float = Field(10.0, gt=0, description="e-folding times to cover [1]")
    safety_factor: float = Field(3.0, gt=0, description="factor on top of them [1]")
    nx: int = Field(128, ge=MIN_CELLS, le=MAX_CELLS, description="points along x [1]")
    ny: int = Field(128, ge=MIN_CELLS, le=MAX_CELLS, description="points along y [1]")
    dt: Auto = Field("auto", description="time step [L/v_A]")
    target_saved_frames: int = Field(400, ge=10, le=MOST, description="samples to aim at [1]")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A template, thought through: long enough, with a step that is stable."""

    config: Reconnection
    duration: Duration
    step: TimeStep


def outline(wanted: Sketch) -> Outline:
    """The duration-guarded configuration of a template."""
    sheet = Parameters.model_validate({"nx": wanted.nx, "ny": wanted.ny, "dt": wanted.dt})
    step = design.stable_step(sheet, COMMAND)
    rate = choose_rate(computed=None, declared=wanted.harris_growth_rate)
    needed = required_time(
        wanted.harris_growth_rate, wanted.production_efolds, wanted.safety_factor
    )
    steps = design.countable(needed, step.dt, COMMAND, design.SETTERS)
    stride = planning.stride(steps, wanted.target_saved_frames)
    t1 = steps * step.dt
    return Outline(
        config=design.configuration(
            sheet,
            dt=step.dt,
            t1=t1,
            save_every=stride,
            window=design.fit_window(rate.used, stride * step.dt, t1),
        ),
        step=step,
        duration=Duration(
            t_end=t1,
            rate=rate,
            efolds=wanted.production_efolds,
            safety_factor=wanted.safety_factor,
        ),
    )


def document(drawn: Outline) -> dict[str, Any]:
    """`campaign.json`: what a production run of this length has to record."""
    steps, stride = drawn.config.steps, drawn.config.save_every
    return {
        "schema": schemas.CAMPAIGN_TEMPLATE,
        "api_version": planning.API_VERSION,
        "claim_level": PRODUCTION_TEMPLATE,
        "claim_boundary": BOUNDARY,
        "duration_assessment": drawn.duration.document(
            name="rutherford", purpose="Rutherford island growth"
        ),
        "time_step": drawn.step.document(),
        "estimated_steps": steps,
        "save_every": stride,
        "estimated_saved_frames": planning.samples(steps, stride),
        "required_outputs": outputs.required_outputs(),
        "movie_requirements": [
            {"movie": name, "fixed_limits": True, "time_stamp_in_each_frame": True}
            for name in outputs.MOVIES
        ],
        "nonlinear_diagnostics": list(outputs.LEGACY_HISTORIES),
    }


def write(options: Options) -> Answer:
    """Write a template and judge it."""
    wanted = asked(Sketch, options, COMMAND)
    root = options.outdir or OUTDIR
    drawn = outline(wanted)
    sketch.refuse_foreign(root, CAMPAIGN)
    target = options.run_output_dir or Path("outputs/production/rutherford_island")
    config = {**drawn.config.document(), "output_dir": target.as_posix()}
    with hold(root):
        sketch.clear(root, CAMPAIGN, schemas.CAMPAIGN_TEMPLATE)
        content = document(drawn)
        write_json(root / CAMPAIGN, content)
        write_text(root / CONFIG, to_toml(config))
        results = judged(root)
        if not all_pass(results):
            content = {**content, "claim_level": UNSPECIFIED}
            write_json(root / CAMPAIGN, content)
        write_json(root / ASSESSMENT, content["duration_assessment"])
        write_json(
            root / "validation.json",
            validation_document(schemas.gates_of(schemas.CAMPAIGN_TEMPLATE), results, {}),
        )
        claim = {"claim_level": content["claim_level"], "claim_scope": BOUNDARY, "waivers": []}
        sketch.seal(root, config, claim, kind="template", dtype="float64")
    return _answer(root, content, results)


def judged(root: Path) -> list[GateResult]:
    """The template gates, on the files read back."""
    campaign = read_json(root / CAMPAIGN, schemas.CAMPAIGN_TEMPLATE)
    data, source = read_toml(root / CONFIG)
    return judge_all(GATES, measure(campaign, parse(Reconnection, data, source)))


def measure(campaign: Mapping[str, Any], config: Reconnection) -> dict[str, float | None]:
    """The metrics of the template gates."""
    assessment = campaign["duration_assessment"]
    needed = required_time(
        assessment["growth_rate"], assessment["required_efolds"], assessment["safety_factor"]
    )
    movies = {
        row["movie"]
        for row in campaign["movie_requirements"]
        if row["fixed_limits"] is True and row["time_stamp_in_each_frame"] is True
    }
    names = set(campaign["nonlinear_diagnostics"]) & set(config.diagnostics.quantities or ())
    return {
        "duration_over_required": campaign["estimated_steps"]
        / planning.steps_to(needed, config.dt),
        "resolution": min(config.grid.shape),
        "missing_steps": planning.steps_to(needed, config.dt) - config.steps,
        "saved_frames": campaign["estimated_saved_frames"],
        "missing_movies": len(set(outputs.MOVIES) - movies),
        "missing_histories": len(set(outputs.LEGACY_HISTORIES) - names),
    }


GATES = (
    Gate(
        name="duration_guard_passed",
        metric="duration_over_required",
        low=1.0,
        reason="a transient is no nonlinear evolution",
        remedy="a longer run",
    ),
    Gate(
        name="not_fast_resolution",
        metric="resolution",
        low=64,
        reason="below 64 points an axis shows that code runs, and no more",
        remedy="larger --nx and --ny",
    ),
    Gate(
        name="long_time_window",
        metric="missing_steps",
        high=0,
        reason="the run file itself reaches s_f N_e / gamma",
        remedy="a longer run",
    ),
    Gate(
        name="sufficient_saved_frames",
        metric="saved_frames",
        low=100,
        reason="too few samples hide what happens between them",
        remedy="more --target-saved-frames",
    ),
    Gate(
        name="fixed_scale_movie_requirements_recorded",
        metric="missing_movies",
        high=0,
        reason="runs are compared by movies of one colour range",
    ),
    Gate(
        name="nonlinear_diagnostics_requirements_recorded",
        metric="missing_histories",
        high=0,
        reason="what is not recorded cannot be judged",
    ),
)


def _answer(root: Path, content: Mapping[str, Any], results: list[GateResult]) -> Answer:
    duration, step = content["duration_assessment"], content["time_step"]
    return Answer(
        headline=f"template: {content['claim_level']}",
        wrote=root,
        results=results,
        details=[
            f"t_end {duration['t_end']:.6g} L/v_A, required {duration['required_t_end']:.6g} = "
            f"{duration['safety_factor']:g} * {duration['required_efolds']:g} / "
            f"{duration['growth_rate']:.4g}",
            f"dt {step['dt']:.4g} ({step['source']}), largest stable {step['dt_max']:.4g}; "
            f"{content['estimated_steps']} steps, {content['estimated_saved_frames']} samples",
        ],
        next="mhx campaign rutherford-plan-production",
        document=dict(content),
        exit_code=0 if all_pass(results) else 1,
    )
