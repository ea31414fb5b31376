"""`rutherford-run-fast`: a tiny deterministic nonlinear run with the history names of a long one.

Always the decaying cosine sheet, seed 1e-3 in mode (1, 1); one trajectory per seed of the noise,
all by one compiled program.  It shows that the machinery runs, never that islands grow: the level
is validation, or smoke when asked for.  Times in L/v_A, arrays (n_seed, n_time).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mhx.campaigns import plan as planning
from mhx.campaigns.duration import required_time
from mhx.campaigns.rutherford import design, fast_gates, outputs, sketch, template
from mhx.campaigns.rutherford.parameters import MIN_CELLS, SEEDS, Parameters, asked
from mhx.config import Table
from mhx.config.faults import RULE, shown
from mhx.errors import ConfigError
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import GateResult, all_pass, judge_all, validation_document
from mhx.evidence.store import write_json
from mhx.execution.lock import hold
from mhx.reconnection import figures
from mhx.reconnection.arrays import write_arrays
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler, assemble
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.run import solver_of
from mhx.reconnection.tables import LARGE
from mhx.reconnection.trajectory import Frame, frame_of
from mhx.report import movies, style
from mhx.report.answer import Answer

OUTDIR = Path("outputs/campaigns/rutherford_fast")
COMMAND = "rutherford-run-fast"
TEMPLATE, HISTORIES = "campaign_template.json", "rutherford_fast_histories.npz"
PICTURE, MOVIE = "figures/rutherford_fast_histories.png", "figures/flux_movie.gif"
BOUNDARY = (
    "a tiny run on a stable sheet: the code ran at these settings; no statement about reconnection"
)
NAMES = (
    *("reconnected_flux", "rutherford_island_width", "reconnection_rate_proxy"),
    *("magnetic_energy", "kinetic_energy", "total_energy"),
    *("current_density_linf", "magnetic_divergence_linf"),
)
MAX_CELLS, MAX_STEPS = 256, 10_000  # beyond that it is not fast


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the command; None is ours (`Tiny` says what that is)."""

    outdir: Path | None = None
    nx: int | None = None
    ny: int | None = None
    t_end: float | None = None
    dt: float | str | None = None
    save_every: int | None = None
    seed: int | None = None
    seeds: str | None = None
    eta: float | None = None
    nu: float | None = None
    noise_amplitude: float | None = None
    gif: bool | None = None
    smoke: bool | None = None


class Tiny(Table):
    """What a FAST run may be asked for."""

    nx: int = Field(24, ge=MIN_CELLS, le=MAX_CELLS, description="points along x [1]")
    ny: int = Field(24, ge=MIN_CELLS, le=MAX_CELLS, description="points along y [1]")
    dt: float = Field(1e-2, gt=0, description="time step [L/v_A]")
    t_end: float = Field(0.24, gt=0, description="end time [L/v_A]", validate_default=True)
    save_every: int = Field(1, ge=1, le=MAX_STEPS, description="steps between samples [1]")
    seed: int = Field(0, ge=0, lt=SEEDS, description="seed of the noise [1]")
    seeds: str | None = Field(None, description="several seeds, separated by commas")
    eta: float = Field(1e-3, ge=0, le=LARGE, description="resistivity 1/S [L v_A]")
    nu: float = Field(1e-3, ge=0, le=LARGE, description="viscosity 1/Re [L v_A]")
    noise_amplitude: float = Field(
        1e-6, ge=0, le=LARGE, description="RMS of the noise in psi [L v_A]"
    )
    gif: bool = Field(False, description="also write a movie of psi")
    smoke: bool = Field(False, description="label the result smoke")

    @field_validator("t_end")
    @classmethod
    def _is_fast(cls, value: float, info: ValidationInfo) -> float:
        dt = info.data.get("dt")
        if dt is not None and value > MAX_STEPS * dt:
            raise PydanticCustomError(
                RULE,
                "must be <= {most} [L/v_A], {steps} steps of --dt {dt}",
                {"most": f"{MAX_STEPS * dt:g}", "steps": MAX_STEPS, "dt": f"{dt:g}"},
            )
        return value

    @field_validator("save_every")
    @classmethod
    def _divides(cls, value: int, info: ValidationInfo) -> int:
        if {"t_end", "dt"} <= info.data.keys():
            steps = max(1, round(info.data["t_end"] / info.data["dt"]))
            if steps % value:
                raise ValueError(f"must divide the {steps} steps of t_end/dt, got {value}")
        return value

    @field_validator("seeds")
    @classmethod
    def _are_seeds(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None:
            return None
        words = [word.strip() for word in text.split(",")]
        if not all(word.isdecimal() and len(word) < 20 and int(word) < SEEDS for word in words):
            raise ValueError(
                f"must be whole numbers >= 0 and < {SEEDS} separated by commas, got {shown(text)}"
            )
        if len(set(map(int, words))) < len(words):
            raise ValueError(f"must name each seed once, got {shown(text)}")
        return text

    @property
    def steps(self) -> int:
        return max(1, round(self.t_end / self.dt))

    @property
    def all_seeds(self) -> list[int]:
        return [int(word) for word in self.seeds.split(",")] if self.seeds else [self.seed]


@dataclass(frozen=True, kw_only=True)
class Trajectories:
    """All seeds of one FAST run; histories are (n_seed, n_time)."""

    config: Reconnection
    seeds: list[int]
    time: np.ndarray
    histories: Mapping[str, np.ndarray]
    frames: Sequence[Frame]
    device: str


def run(options: Options) -> Answer:
    """Run, draw, judge and seal a FAST run."""
    wanted = asked(Tiny, options, COMMAND)
    if options.seed is not None and options.seeds is not None:
        raise ConfigError(f"{COMMAND}: give --seed or --seeds, not both")
    root = options.outdir or OUTDIR
    drawn = template.outline(template.Sketch.model_validate({}))
    configs = [_configuration(wanted, seed) for seed in wanted.all_seeds]
    sketch.refuse_foreign(root, TEMPLATE)
    with hold(root):
        sketch.clear(root, TEMPLATE, schemas.CAMPAIGN_TEMPLATE)
        write_json(root / TEMPLATE, template.document(drawn))
        course = _trajectories(configs, wanted)
        _write_histories(root, course)
        diagnostics = _diagnostics(wanted, course, drawn)
        write_json(root / "diagnostics.json", diagnostics)
        results = judge_all(fast_gates.GATES, fast_gates.measure(root))
        write_json(
            root / "validation.json",
            validation_document(schemas.gates_of(schemas.FAST_RUN), results, {}),
        )
        claim = {
            "claim_level": diagnostics["claim_level"],
            "claim_scope": BOUNDARY,
            "waivers": [],
        }
        config = course.config.document()
        sketch.seal(root, config, claim, kind="case", device=course.device, dtype="float64")
    return _answer(root, diagnostics, results)


def _configuration(wanted: Tiny, seed: int) -> Reconnection:
    given = {
        **{name: getattr(wanted, name) for name in ("nx", "ny", "eta", "nu", "noise_amplitude")},
        "seed": seed,
        "dt": wanted.dt,
    }
    sheet = Parameters.model_validate(given)
    step = design.stable_step(sheet, COMMAND)
    return design.configuration(
        sheet, dt=step.dt, t1=wanted.steps * step.dt, save_every=wanted.save_every
    )


def _trajectories(configs: Sequence[Reconnection], wanted: Tiny) -> Trajectories:
    """One program for all seeds: they differ in nothing but the initial state."""
    solver = solver_of(configs[0])
    courses: list[dict[str, np.ndarray]] = []
    frames: Sequence[Frame] = ()
    for config in configs:
        state = initial_state(config)
        sampler = Sampler(config, state, solver.fields)
        rows = [sampler.row(state)]
        filmed = wanted.gif and config is configs[0]
        pictures = [frame_of(state, config.grid)] if filmed else []
        while state.step < wanted.steps:
            state = solver.run(state, wanted.save_every)
            rows.append(sampler.row(state))
            if filmed:
                pictures.append(frame_of(state, config.grid))
        courses.append(assemble(rows))
        frames = frames or pictures
    return Trajectories(
        config=configs[0],
        seeds=wanted.all_seeds,
        time=courses[0]["time"],
        histories={name: np.stack([course[name] for course in courses]) for name in NAMES},
        frames=frames,
        device=solver.device,
    )


def _write_histories(root: Path, course: Trajectories) -> None:
    write_arrays(
        root / HISTORIES,
        schemas.FAST_RUN,
        {
            "seed": np.asarray(course.seeds, np.int64),
            "time": course.time,
            **course.histories,
            "final_magnetic_divergence_linf": course.histories["magnetic_divergence_linf"][:, -1],
        },
    )
    figures.rutherford_fast_histories(root / PICTURE, course.time, course.histories, course.seeds)
    if course.frames:
        _write_movie(root / MOVIE, course)


def _write_movie(path: Path, course: Trajectories) -> None:
    psi = np.stack([frame.psi for frame in course.frames])
    top = float(np.abs(psi).max())
    grid = course.config.grid
    movies.write_movie(
        path,
        movies.Movie(
            frames=psi.transpose(0, 2, 1),
            times=course.time,
            steps=np.asarray([frame.step for frame in course.frames]),
            extent=(0.0, grid.lx, 0.0, grid.ly),
            vmin=-top,
            vmax=top,
            title=f"Magnetic flux, seed {course.seeds[0]}",
            colour_label="$\\psi$  [$L\\,v_A$]",
            colormap=style.DIVERGING,
            stride=course.config.save_every,
        ),
    )


def _diagnostics(wanted: Tiny, course: Trajectories, drawn: template.Outline) -> dict[str, Any]:
    config, histories = course.config, course.histories
    energy = histories["total_energy"]
    final = required_time(
        drawn.duration.rate.used or 0.0, drawn.duration.efolds, drawn.duration.safety_factor
    )
    level = ClaimLevel.SMOKE if wanted.smoke else ClaimLevel.VALIDATION
    return {
        "schema": schemas.FAST_RUN,
        "template_schema": schemas.CAMPAIGN_TEMPLATE,
        "api_version": planning.API_VERSION,
        "claim_level": level.value,
        "claim_boundary": BOUNDARY,
        "seeds": course.seeds,
        "shape": list(config.grid.shape),
        "t_end": float(course.time[-1]),
        "dt": config.dt,
        "steps": wanted.steps,
        "save_every": wanted.save_every,
        "samples": len(course.time),
        "mode": list(config.mode),
        "resistivity": wanted.eta,
        "viscosity": wanted.nu,
        "perturbation_amplitude": config.parameters["perturbation_amplitude"],
        "noise_amplitude": wanted.noise_amplitude,
        "max_relative_energy_growth": float(
            (np.diff(energy, axis=1) / np.abs(energy[:, :1])).max(initial=0.0)
        ),
        "max_magnetic_divergence_linf": float(histories["magnetic_divergence_linf"].max()),
        "production_template_final_time": final,
        "duration_fraction_of_template": float(course.time[-1]) / final,
        "template_claim_level": template.document(drawn)["claim_level"],
        "required_runtime_outputs_inherited": list(outputs.LEGACY_HISTORIES),
        "device": course.device,
        "dtype": config.numerics.dtype,
    }


def _answer(root: Path, diagnostics: Mapping[str, Any], results: list[GateResult]) -> Answer:
    passed = sum(result.passed for result in results)
    return Answer(
        headline=f"FAST run: {diagnostics['claim_level']}, {passed} of {len(results)} gates pass",
        wrote=root,
        results=results,
        details=[
            f"{len(diagnostics['seeds'])} seed(s), {diagnostics['steps']} steps to t = "
            f"{diagnostics['t_end']:g} L/v_A, "
            f"{diagnostics['duration_fraction_of_template']:.2g} of a production run",
            f"energy growth {diagnostics['max_relative_energy_growth']:.2g}, "
            f"max |div B| {diagnostics['max_magnetic_divergence_linf']:.2g} v_A/L",
        ],
        next="mhx campaign rutherford-plan-production",
        document=dict(diagnostics),
        exit_code=0 if all_pass(results) else 1,
    )
