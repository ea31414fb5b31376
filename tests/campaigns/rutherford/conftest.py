"""A planned run of 48 steps on 8 x 8 points, and quick calls of its executor."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from mhx.campaigns.rutherford import conclusion, execute, plan, stepper
from mhx.evidence.hashing import file_digest

STEPS = 48


def plan_into(folder: Path, **flags) -> Path:
    given = {
        "nx": 8,
        "ny": 8,
        "dt": 1e-2,
        "t_end": STEPS * 1e-2,
        "save_every": 5,
        "min_production_resolution": 8,
        "seconds_per_step_estimate": 1e-4,
    }
    plan.plan_production(plan.Options(outdir=folder, **(given | flags)))
    return folder


@pytest.fixture(scope="session")
def planned(tmp_path_factory):
    """Checkpoints every 6 steps, samples every 5; never executed itself."""
    return plan_into(tmp_path_factory.mktemp("planned") / "run")


@pytest.fixture
def run_dir(planned, tmp_path):
    return Path(shutil.copytree(planned, tmp_path / "run"))


@pytest.fixture(scope="session")
def shared_solver():
    made = {}

    def solver(grid, physics, dt, dtype):
        key = (grid, physics.eta, physics.nu, dt, dtype, physics.held is None)
        if key not in made:
            made[key] = stepper_solver(grid, physics, dt, dtype)
        return made[key]

    stepper_solver = stepper.Solver
    return solver


@pytest.fixture
def quick(monkeypatch, shared_solver):
    """One compiled solver for all calls, and no figures: what is tested is neither."""
    monkeypatch.setattr(stepper, "Solver", shared_solver)
    monkeypatch.setattr(conclusion.figures, "all_histories", lambda *a, **k: [])


def go(run_dir: Path, **flags):
    return execute.execute(run_dir, execute.Options(json=True, **flags))


@cache
def unbroken(planned: Path, scratch: Path) -> dict[str, str]:
    """Digests of the history and of each state of the run made in one call."""
    run = Path(shutil.copytree(planned, scratch))
    go(run, keep_states=99)
    return digests(run)


def digests(run: Path) -> dict[str, str]:
    states = run.glob("checkpoints/state_step_*.npz")
    return {path.name: file_digest(path) for path in [*states, run / "production_history.npz"]}


@pytest.fixture(scope="session")
def reference(planned, tmp_path_factory, shared_solver):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepper, "Solver", shared_solver)
        patch.setattr(conclusion.figures, "all_histories", lambda *a, **k: [])
        return unbroken(planned, tmp_path_factory.mktemp("unbroken") / "run")
