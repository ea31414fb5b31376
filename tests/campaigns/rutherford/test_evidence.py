"""Evidence held against the run: every condition under which it is about this run, named."""

from pathlib import Path

import pytest

from mhx.campaigns.rutherford import evidence
from mhx.campaigns.rutherford.evidence import About
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.rejudging import Rejudged, about
from mhx.campaigns.supporting import Bundle, Content
from mhx.evidence import schemas
from mhx.evidence.gates import Gate, judge_all
from mhx.reconnection.config import family

from .studies.synthetic import Law, case, cases, config

PARAMETER = "physics__equilibrium_parameters__"
T_END = 80.0


def rejudge(monkeypatch, what, *runs, run=None, t_end=T_END):
    """The content of a bundle of these cases, held against a run."""
    found = Rejudged(
        kind=evidence.KINDS[what],
        cases=cases(*runs),
        judged=Judged(kind=what, results=(), metrics={}),
        problems=(),
        contradicted=(),
        left_out=(),
        relaxed=(),
        repeated=None,
        families={one.id: family(one.config) for one in runs},
        contents={one.id: about(one) for one in runs},
    )
    monkeypatch.setattr(evidence, "rejudged", lambda *words, **more: found)
    return About(run or config(), t_end, {}).rejudge(Path("one"), what)


# -- one bundle: the physics of its cases ------------------------------------------------------

FOREIGN = {
    "resistivity": {"physics__resistivity": 0.009},
    "viscosity": {"physics__viscosity": 0.009},
    "hyper_resistivity": {"physics__hyper_resistivity": 1e-6},
    "hold_equilibrium": {"physics__hold_equilibrium": False},
    "width": {f"{PARAMETER}width": 0.44},
    "amplitude": {f"{PARAMETER}amplitude": 0.9},
    "perturbation_amplitude": {f"{PARAMETER}perturbation_amplitude": 5e-3},
    "perturbation_mode_x": {f"{PARAMETER}perturbation_mode_x": 3},
    "perturbation_mode_y": {f"{PARAMETER}perturbation_mode_y": 2},
    "lx": {"mesh__upper": [6.0, 6.283185307179586]},
    "noise_amplitude": {"initial__noise_amplitude": 2e-6},
}


@pytest.mark.parametrize(("key", "changes"), FOREIGN.items(), ids=FOREIGN)
def test_a_convergence_case_of_another_physics_is_refused_by_what_differs(
    monkeypatch, key, changes
):
    content = rejudge(monkeypatch, schemas.CONVERGENCE, case("a"), case("b", **changes))
    assert [told for told in content.foreign if f"case b has {key} = " in told]
    assert not [told for told in content.foreign if "case a" in told]


def test_grid_step_seed_and_stride_are_no_other_physics(monkeypatch):
    runs = [case("a", mesh__shape=[24, 24]), case("b", time__dt=0.04), case("c", initial__seed=7)]
    assert rejudge(monkeypatch, schemas.CONVERGENCE, *runs).foreign == []


def test_seeds_may_be_noisier_than_the_run_and_never_quieter(monkeypatch):
    louder, quieter = (case(n, initial__noise_amplitude=x) for n, x in (("l", 1e-4), ("q", 1e-7)))
    assert rejudge(monkeypatch, schemas.SEED_ROBUST_QI, louder).foreign == []
    (told,) = rejudge(monkeypatch, schemas.SEED_ROBUST_QI, quieter).foreign
    assert "noise_amplitude = 1e-07, the run 1e-06" in told
    other = case("o", physics__resistivity=0.009, initial__noise_amplitude=1e-4)
    assert rejudge(monkeypatch, schemas.SEED_ROBUST_QI, other).foreign


def widths(*values, **changes):
    return [case(f"w{value}", **{f"{PARAMETER}width": value}, **changes) for value in values]


def test_a_sweep_varies_its_own_parameter_around_the_run_and_no_other(monkeypatch):
    good = rejudge(monkeypatch, "width", *widths(0.42, 0.45, 0.48))
    assert (good.foreign, good.covers["values"]) == ([], [0.42, 0.45, 0.48])
    without = rejudge(monkeypatch, "width", *widths(0.42, 0.48))
    assert without.foreign == ["no case has the run's own width"]
    other = rejudge(monkeypatch, "width", *widths(0.42, 0.45), *widths(0.48, physics__viscosity=1))
    assert any("viscosity" in told for told in other.foreign)


def test_a_width_sweep_is_no_resistivity_sweep(monkeypatch):
    told = rejudge(monkeypatch, "eta", *widths(0.42, 0.45, 0.48)).foreign
    assert "resistivity is not varied: the sweep is about something else" in told
    assert any("width" in one for one in told)


@pytest.mark.parametrize("what", [schemas.CONVERGENCE, schemas.SEED_ROBUST_QI])
def test_a_case_that_ends_before_the_run_does_is_named(monkeypatch, what):
    content = rejudge(monkeypatch, what, case("short", time__t1=40.0), case("long"))
    assert content.unmatched == ["case short ends at t = 40, the run at t = 80"]


OTHERWISE = {
    "another mode": ({"diagnostics__mode": [2, 2]}, "follows mode (2, 2), the run (2, 1)"),
    "another precision": ({"numerics__dtype": "float32"}, "is of float32, the run of float64"),
    "too few samples": ({"time__save_every": 20}, "has 51 samples, at least 100 are compared"),
}


@pytest.mark.parametrize("what", [schemas.CONVERGENCE, schemas.SEED_ROBUST_QI])
@pytest.mark.parametrize(("changes", "words"), OTHERWISE.values(), ids=OTHERWISE)
def test_a_case_of_the_same_physics_that_is_measured_otherwise_is_named(
    monkeypatch, what, changes, words
):
    content = rejudge(monkeypatch, what, case("same"), case("other", **changes))
    assert content.foreign == []
    assert content.unmatched == [f"case other {words}"]


def test_a_sweep_may_be_shorter_than_the_run(monkeypatch):
    runs = widths(0.42, 0.45, 0.48, time__t1=40.0)
    assert rejudge(monkeypatch, "width", *runs).unmatched == []


# -- all bundles together ----------------------------------------------------------------------

GOOD = judge_all([Gate(name="g", metric="m", high=1, reason="r")], {"m": 0})


def told(monkeypatch, *runs):
    content = rejudge(monkeypatch, schemas.CONVERGENCE, *runs)
    return Bundle(path="../one", checks={}, content=content)


def ladder(*points, law=None, **changes):
    law = law or Law()
    return [case(f"n{n}", law, mesh__shape=[n, n], **changes) for n in points]


def apart(bundle, **changes):
    return list(About(config(**changes), T_END, {}).apart([bundle]))


def test_a_run_inside_what_was_tested_has_nothing_against_it(monkeypatch):
    bundle = told(monkeypatch, *ladder(12, 16, 24))
    assert apart(bundle) == []
    assert apart(bundle, mesh__shape=[32, 32]) == []


def test_a_run_coarser_than_every_tested_grid_is_named(monkeypatch):
    found = apart(told(monkeypatch, *ladder(16, 24, 32)), mesh__shape=[12, 12])
    assert found[0] == "the run has 12 x 12 points, the coarsest tested grid 16 x 16"


def test_a_run_with_a_larger_step_than_any_tested_one_is_named(monkeypatch):
    runs = [*ladder(12, 16, 24, time__dt=0.04), case("half", time__dt=0.02)]
    (found,) = apart(told(monkeypatch, *runs))
    assert found == "the run has dt = 0.08, the largest tested one is 0.04"


def test_the_tested_grid_nearest_below_the_run_must_be_converged(monkeypatch):
    runs = [*ladder(12, law=Law(grid_error=0.2)), *ladder(16, law=Law(grid_error=0.1))]
    bundle = told(monkeypatch, *runs, *ladder(24))
    (found,) = apart(bundle)
    assert found.startswith("../one: 16 x 16, the tested grid nearest below the run's, differs by")
    assert apart(bundle, mesh__shape=[24, 24]) == []


def seeds_apart(monkeypatch, bundle, *runs):
    content = rejudge(monkeypatch, schemas.SEED_ROBUST_QI, *runs)
    seeds = Bundle(path="../seeds", checks={}, content=content)
    return list(About(config(), T_END, {}).seeds_apart([bundle], seeds))


def test_seeds_on_a_grid_that_was_tested_and_is_converged_count(monkeypatch):
    bundle = told(monkeypatch, *ladder(12, 16, 24))
    assert seeds_apart(monkeypatch, bundle, *ladder(12), *ladder(16)) == []


def test_seeds_on_a_grid_that_is_too_coarse_are_named(monkeypatch):
    worse = [*ladder(12, law=Law(grid_error=0.2)), *ladder(16, 24)]
    bundle = told(monkeypatch, *worse)
    (found,) = seeds_apart(monkeypatch, bundle, *ladder(16), *ladder(12))
    start = "../seeds: ../one: 12 x 12, the tested grid nearest below a seed's, differs by "
    assert found.startswith(start)
    (found, none) = seeds_apart(monkeypatch, bundle, *ladder(10))
    assert found == "../seeds: a seed has 10 x 10 points, the coarsest tested grid 12 x 12"
    assert none == "../seeds: no grid of a ladder is as coarse as a seed's 10 x 10"


def test_seeds_with_a_larger_step_than_any_tested_one_are_named(monkeypatch):
    bundle = told(monkeypatch, *ladder(12, 16, 24, time__dt=0.04))
    (found,) = seeds_apart(monkeypatch, bundle, *ladder(16))
    assert found == "../seeds: a seed has dt = 0.08, the largest tested one is 0.04"


def test_without_a_case_that_can_be_read_nothing_is_about_the_run(monkeypatch):
    assert apart(Bundle(path="one", checks={}, content=Content(results=(), cases={}))) == [
        "no convergence case can be read"
    ]


AXES = {
    "three grids and two steps": ([12, 16, 24], [0.04], []),
    "three grids alone": ([12, 16, 24], [], ["all bundles together cover 1 time step, 2 are"]),
    "two grids and two steps": ([12, 16], [0.04], []),
    "two grids": ([12, 16], [], ["together cover 1 time step,", "../one covers 2 resolutions and"]),
    "two steps": (
        [16],
        [0.04],
        ["together cover 1 resolution,", "../one covers 1 resolution and 2 time steps; 3"],
    ),
}


@pytest.mark.parametrize(("grids", "steps", "named"), AXES.values(), ids=AXES)
def test_both_axes_are_covered_or_what_lacks_is_named(monkeypatch, grids, steps, named):
    finer = [case(f"dt{dt}", time__dt=dt, mesh__shape=[16, 16]) for dt in steps]
    found = list(evidence._axes([told(monkeypatch, *ladder(*grids), *finer)]))
    assert len(found) == len(named)
    for line, words in zip(found, named, strict=True):
        assert words in line
