"""One small run that was really executed and passes every gate on physics; copied for each test.

The sheet is resistive, so that 64 x 32 points carry it through a linear and an algebraic phase in
678 steps.  The grid lies below the production floor and the tail has a looser bound: two waivers.
"""

import shutil
from pathlib import Path

import pytest

from mhx.campaigns import promotion as reports
from mhx.campaigns.rutherford import claim_figures, conclusion, execute, plan, stepper
from mhx.evidence import store

SHEET = {
    "equilibrium": "periodic_double_harris",
    "width": 0.4,
    "perturbation_amplitude": 4e-3,
    "mode_x": 2,
    "mode_y": 1,
    "eta": 1e-2,
    "nu": 1e-2,
    "nx": 64,
    "ny": 32,
    "target_saved_frames": 110,
    "min_production_resolution": 8,
    "production_efolds": 8.0,
    "safety_factor": 1.0,
    "seconds_per_step_estimate": 1e-4,
    "threshold": ["max_spectral_tail=1e-4"],
}


def executed(folder: Path, *, max_steps: int | None = None, movies: bool = True, **flags) -> Path:
    """Plan and execute the small run, or a variation of it."""
    plan.plan_production(plan.Options(outdir=folder, **(SHEET | flags)))
    execute.execute(
        folder, execute.Options(json=True, keep_states=99, movies=movies, max_steps=max_steps)
    )
    return folder


@pytest.fixture(scope="session")
def swiftly():
    """Patches away what is slow and not looked at: compilation, figures, the picture of gates."""
    made, real = {}, stepper.Solver

    def solver(grid, physics, dt, dtype):
        held = None if physics.held is None else physics.held.tobytes()
        key = (grid, physics.coefficients, dt, dtype, held)
        if key not in made:
            made[key] = real(grid, physics, dt, dtype)
        return made[key]

    def patch(monkeypatch):
        monkeypatch.setattr(stepper, "Solver", solver)
        monkeypatch.setattr(conclusion.figures, "all_histories", lambda *a, **k: [])
        monkeypatch.setattr(claim_figures, "draw", lambda *a, **k: [])
        monkeypatch.setattr(store.os, "fsync", lambda handle: None)  # no power is lost here
        monkeypatch.setattr(
            reports, "gate_matrix", lambda path, *a, **k: store.write_json(path, {})
        )

    return patch


@pytest.fixture
def swift(swiftly, monkeypatch):
    swiftly(monkeypatch)


@pytest.fixture(scope="session")
def promotable(swiftly, tmp_path_factory):
    """Complete, with movies; never touched by a test."""
    with pytest.MonkeyPatch.context() as patch:
        swiftly(patch)
        return executed(tmp_path_factory.mktemp("promotable") / "run")


@pytest.fixture
def finished(promotable, tmp_path, swift):
    """A copy of the complete run."""
    return Path(shutil.copytree(promotable, tmp_path / "run"))
