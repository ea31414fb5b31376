"""The picture of a bundle shows the numbers and the bounds that were judged, and nothing else."""

import numpy as np
import pytest
from PIL import Image

from mhx.campaigns.rutherford import claim_figures
from mhx.campaigns.rutherford.run_figures import Run
from mhx.campaigns.rutherford.studies import figures
from mhx.campaigns.rutherford.studies.convergence_figure import convergence
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, LONG_RUN, SCHEMAS, SEEDS, SWEEP
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence.gates import Gate, judge_all
from mhx.report import paper, style

T = np.linspace(0, 100, 21)
GRIDS, STEPS = (64.0, 96.0, 128.0), (0.04, 0.02, 0.01)
APART, TAILS = (1e-3, 2e-5, 0.0), (1e-5, 1e-7, 1e-9)
RATES = 0.08 * (1 + 1e-3 * np.array([-1.0, 1.0, 3.0, -3.0]))


def gates(bounds, values):
    """Results of gates that read a metric of their own name."""
    made = [Gate(name=name, metric=name, high=high, reason="r") for name, high in bounds.items()]
    return judge_all(made, values)


def a_convergence(order=4.0):
    bounds = {"resolution_converged": 0.01, "resolution_growth_rate_spread_bounded": 0.02}
    values = {"resolution_converged": 2e-5, "resolution_growth_rate_spread_bounded": 3e-3}
    d1 = 1.6e-8
    told = {"status": "measured", "quantity": "kinetic_energy", "d1": d1, "d2": d1 / 2**order}
    return Judged(
        kind=CONVERGENCE,
        results=gates(bounds, values),
        metrics=values,
        facts={"timestep": told | {"time_steps": list(STEPS), "order": order}},
        arrays={
            "case_kind": np.array(["resolution"] * 3 + ["timestep"] * 3),
            "resolution": np.array([*GRIDS, 96, 96, 96]),
            "history_difference": np.array([*APART, 0, 0, 0]),
            "max_spectral_tail": np.array([*TAILS, 1e-7, 1e-7, 1e-7]),
        },
    )


def an_ensemble():
    names = ["linear_growth_rate", "peak_sheet_flux", "final_kinetic_energy"]
    values = np.stack([RATES, np.full(4, 0.37), np.full(4, 1e-4)], axis=1)
    half = {"linear_growth_rate_passed": 2e-3, "peak_sheet_flux_passed": 1e-9}
    return Judged(
        kind=SEEDS,
        results=gates(dict.fromkeys(half, 0.05), half),
        metrics=half,
        arrays={
            "seeds": np.array([3, 5, 8, 13]),
            "metric_names": np.array(names),
            "metric_values": values,
            "history_time": T,
            "history_island_width_0": np.outer([0.9, 1.0, 1.0, 1.1], T),
        },
    )


def a_sweep(axis="width"):
    values = {"growth_matches_eigenvalue_all": 0.04}
    return Judged(
        kind=SWEEP,
        results=gates({"growth_matches_eigenvalue_all": 0.1}, values),
        metrics=values,
        facts={"sweep_axis": axis},
        arrays={
            "sweep_axis": np.array([axis] * 3),
            "case_label": np.array(["b", "a", "c"]),
            "width": np.array([0.45, 0.4, 0.5]),
            "resistivity": np.array([0.008, 0.006, 0.01]),
            "mode_x": np.array([2, 2, 4]),
            "mode_y": np.array([1, 2, 1]),
            "linear_growth_rate": np.array([0.08, 0.09, 0.07]),
            "growth_rate_computed": np.array([0.0833, 0.0938, 0.0729]),
            "reconnected_flux_amplification": np.array([90.0, 95, 100]),
            "island_width_amplification": np.array([9.0, 9.5, 10]),
            "history_time": T,
            "history_island_width_0": np.outer([2, 1, 3], T),
        },
    )


def a_long_run():
    names = ("perturbation_norm", "sheet_flux_0", "island_width_0", "total_energy", "x_point_count",
             "o_point_count", "dominant_flux_mode_x", "dominant_flux_mode_y")  # fmt: skip
    arrays = {name: np.full(len(T), 2.0) for name in names} | {"time": T}
    return Judged(kind=LONG_RUN, results=(), metrics={}, arrays=arrays)


MADE = {CONVERGENCE: a_convergence, SEEDS: an_ensemble, SWEEP: a_sweep, LONG_RUN: a_long_run}


def curve(panel, start):
    (found,) = [one for one in panel.curves if one.label.startswith(start)]
    return np.asarray(found.x, float), np.asarray(found.y, float)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_kind_of_study_has_its_picture(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "PRINT_DPI", 40)  # what is tested is not the printing
    (name,) = figures.draw(MADE[kind](), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with Image.open(tmp_path / name) as picture:
        assert picture.size[0] == paper.PAGE * 40


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_study_of_which_no_case_counts_leaves_no_picture_of_an_earlier_one(kind, tmp_path):
    stale = tmp_path / figures.DRAWN[kind][0]
    stale.write_bytes(b"earlier")
    assert figures.draw(Judged(kind=kind, results=(), metrics={}), tmp_path) == []
    assert not stale.exists()


def test_differences_in_space_leave_out_the_finest_grid_and_carry_the_bound_in_use():
    space, *_ = convergence({"main": a_convergence()})
    x, y = curve(space, "main")
    np.testing.assert_array_equal(x, GRIDS[:2])
    np.testing.assert_array_equal(y, APART[:2])
    assert [level.y for level in space.levels] == [0.01, 1e-6]


def test_differences_in_time_lie_on_a_line_of_the_order_when_it_is_observed():
    _, time, *_ = convergence({"": a_convergence()})
    x, y = curve(time, "kinetic energy")
    np.testing.assert_array_equal(x, STEPS[:2])
    np.testing.assert_allclose(curve(time, "order")[1], y)
    assert time.note == "observed order 4.000"
    _, time, *_ = convergence({"": a_convergence(order=3.0)})
    assert time.note == "observed order 3.000"
    assert curve(time, "order")[1][1] == pytest.approx(curve(time, "kinetic")[1][1] / 2)


def test_the_tail_of_the_spectrum_is_held_against_the_bound_of_a_claim():
    tails = convergence({"": a_convergence()})[2]
    np.testing.assert_array_equal(tails.curves[0].y, TAILS)
    assert [level.y for level in tails.levels] == [BOUNDS["max_spectral_tail"].value]


def test_spreads_stand_in_the_row_of_their_quantity():
    spreads = convergence({"a": a_convergence(), "b": a_convergence()})[-1]
    x, y = curve(spreads, "a, grids")
    assert x.tolist() == [3e-3]
    assert abs(y[0] - spreads.yticks["growth rate"]) < 0.5
    assert [mark.x for mark in spreads.uprights] == [0.02]
    assert len({one.marker for one in spreads.curves}) == 2  # bundles are told apart without colour


def test_the_spread_over_seeds_is_the_half_width_that_was_judged():
    spread, by_seed, together, away = figures.seeds(an_ensemble())
    x, y = curve(spread, "half width")
    assert x.tolist() == [2e-3, 1e-9]
    assert y.tolist() == [spread.yticks["growth rate"], spread.yticks["peak flux"]]
    x, _ = curve(spread, "each seed")
    np.testing.assert_allclose(x[:4], np.abs(RATES / RATES.mean() - 1))
    assert np.isnan(x[4:]).all()  # equal to the last bit: nothing to show on a logarithmic axis
    assert list(by_seed.xticks) == ["3", "5", "8", "13"]
    assert (by_seed.bands[0].low, by_seed.bands[0].high) == pytest.approx((-0.2, 0.2))
    assert len(together.curves) == 4
    np.testing.assert_allclose(np.asarray(away.curves[3].y)[1:], 0.1)


def test_a_sweep_is_drawn_in_the_order_of_its_axis():
    rate, mismatch, *_, width = figures.sweep(a_sweep())
    x, y = curve(rate, "run")
    assert x.tolist() == [0.4, 0.45, 0.5]
    assert y.tolist() == [0.09, 0.08, 0.07]
    assert [one.label for one in width.curves] == ["a", "b", "c"]
    (points,) = mismatch.curves
    np.testing.assert_allclose(points.y, -4, atol=0.1)
    assert (mismatch.bands[0].low, mismatch.bands[0].high) == (-10, 10)


def test_modes_stand_on_their_axis_as_words():
    rate, *_ = figures.sweep(a_sweep("mode"))
    assert list(rate.xticks) == ["(2, 1)", "(2, 2)", "(4, 1)"]


def test_a_claim_has_the_figures_of_its_evidence_and_no_older_ones(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        claim_figures.paper, "figure", lambda path, panels, layout: seen.update({path.name: panels})
    )
    (tmp_path / "width_sweep.png").write_bytes(b"earlier")
    bounds = {name: bound.value for name, bound in BOUNDS.items()}
    run = Run(history={"time": T}, facts={}, bounds=bounds)
    evidence = {"main": a_convergence(), "cross": a_convergence(), "seeds": an_ensemble()}
    evidence["sweep"] = a_sweep("resistivity")
    names = claim_figures.draw(tmp_path, run, evidence)
    assert names == ["convergence.png", "seeds.png", "resistivity_sweep.png"] == list(seen)
    assert set(names) <= set(claim_figures.NAMES)
    assert {one.label for one in seen["convergence.png"][0].curves} == {"main", "cross"}
    assert not list(tmp_path.iterdir())


def test_a_stable_sheet_in_a_sweep_has_no_mismatch_to_show():
    swept = a_sweep()
    swept.arrays["growth_rate_computed"][:] = [0.0833, -0.01, 0.0]
    (points,) = figures.sweep(swept)[1].curves
    assert np.isfinite(points.y).tolist() == [False, True, False]


def test_a_quantity_whose_mean_is_zero_has_no_relative_spread():
    ensemble = an_ensemble()
    ensemble.arrays["metric_values"][:] = 0.0
    spread, *_ = figures.seeds(ensemble)
    assert np.isnan(curve(spread, "each seed")[0]).all()
