"""Convergence: each gate passes on a converged study and fails on one that is damaged."""

import dataclasses

import numpy as np
import pytest

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies import convergence
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.ladders import (
    field_difference,
    history_difference,
    least_refinement,
    resolution_ladder,
    timestep_ladder,
    whole_refinement,
)
from mhx.campaigns.rutherford.studies.study import CONVERGENCE

from .synthetic import Law, case, cases

CLAIM = {name: row.value for name, row in thresholds.BOUNDS.items()}
GRIDS = (16, 24, 32)
REFINED = (least_refinement, whole_refinement)


def error(points: int) -> float:
    """Geometric, as of a spectral scheme."""
    return 10.0 ** (-points / 8)


def tail(points: int) -> float:
    return 10.0 ** (-points / 4)


def study(laws=None, grids=GRIDS, steps=(0.04, 0.02)):
    """A ladder of grids at dt = 0.08 and one of steps on 24 points; laws: by case id."""
    laws = laws or {}
    runs = [
        case(
            f"n{n}",
            laws.get(f"n{n}", Law(grid_error=error(n), tail=tail(n))),
            mesh__shape=[n, n],
        )
        for n in grids
    ]
    runs += [
        case(
            f"dt{dt}",
            laws.get(f"dt{dt}", Law(grid_error=error(24), tail=tail(24))),
            mesh__shape=[24, 24],
            time__dt=dt,
            time__save_every=round(0.8 / dt),
        )
        for dt in steps
    ]
    return cases(*runs)


def verdicts(found, bounds=CLAIM):
    return {r.gate.name: r.verdict.value for r in judge(CONVERGENCE, found, bounds).results}


def test_a_converged_study_passes_every_gate():
    judged = judge(CONVERGENCE, study(), CLAIM)
    assert [str(result) for result in judged.results if not result.passed] == []
    assert set(verdicts(study())) == {
        "finite_case_metrics",
        "all_subcases_passed",
        "resolutions_apart",
        "resolutions_span",
        "timesteps_apart",
        *(
            f"{axis}_{word}_spread_bounded"
            for axis in ("resolution", "timestep")
            for word in ("growth_rate", "max_growth", "flux_amplification", "width_amplification")
        ),
        "resolution_converged",
        "resolution_error_decreases",
        "spectral_tail_decreases",
        "timestep_order",
    }


def test_roles_follow_from_the_configurations():
    runs = study().usable[::-1]
    assert [run.id for run in resolution_ladder(runs)] == ["n16", "n24", "n32"]
    assert [run.id for run in timestep_ladder(runs)] == ["n24", "dt0.04", "dt0.02"]


def test_cases_that_differ_in_more_are_no_ladder():
    runs = [case("a", mesh__shape=[16, 16]), case("b", mesh__shape=[24, 24], initial__seed=1)]
    assert resolution_ladder(runs) == () == timestep_ladder(runs)


WORSE = {
    "another growth rate on the coarse grid": (
        {"n16": Law(rate=0.083)},
        "resolution_growth_rate_spread_bounded",
    ),
    "more growth on the coarse grid": (
        {"n16": Law(top=0.21)},
        "resolution_max_growth_spread_bounded",
    ),
    "more flux on the coarse grid": (
        {"n16": Law(top=0.21)},
        "resolution_flux_amplification_spread_bounded",
    ),
    "wider islands on the coarse grid": (
        {"n16": Law(top=0.22)},
        "resolution_width_amplification_spread_bounded",
    ),
    "another growth rate at a small step": (
        {"dt0.02": Law(rate=0.083)},
        "timestep_growth_rate_spread_bounded",
    ),
    "more growth at a small step": (
        {"dt0.02": Law(top=0.21)},
        "timestep_max_growth_spread_bounded",
    ),
    "more flux at a small step": (
        {"dt0.02": Law(top=0.21)},
        "timestep_flux_amplification_spread_bounded",
    ),
    "wider islands at a small step": (
        {"dt0.02": Law(top=0.22)},
        "timestep_width_amplification_spread_bounded",
    ),
    "the finest grids apart": ({"n24": Law(grid_error=0.03)}, "resolution_converged"),
    "differences that grow": (
        {"n16": Law(grid_error=1e-4), "n24": Law(grid_error=5e-3)},
        "resolution_error_decreases",
    ),
    "a tail that grows": ({"n32": Law(tail=1e-5)}, "spectral_tail_decreases"),
    "a first-order step": (
        {f"dt{dt}": Law(step_coefficient=1e-3 * dt ** (1 - 4)) for dt in (0.04, 0.02)}
        | {"n24": Law(step_coefficient=1e-3 * 0.08 ** (1 - 4))},
        "timestep_order",
    ),
    "a case that fails by itself": (
        {"n16": Law(divergence=1e-6, tail=tail(16))},
        "all_subcases_passed",
    ),
}


@pytest.mark.parametrize(("laws", "gate"), WORSE.values(), ids=WORSE)
def test_a_damaged_study_fails_the_gate_that_is_there_for_it(laws, gate):
    assert verdicts(study(laws))[gate] == "fail"


NO_LADDER = {
    "grids of nearly one size": ({"grids": (24, 25, 26)}, "resolutions_apart", "fail"),
    "two grids of nearly one size among three": (
        {"grids": (16, 24, 26)}, "resolutions_apart", "fail",
    ),
    "a short ladder of grids": ({"grids": (24, 28)}, "resolutions_span", "fail"),
    "one grid": ({"grids": (24,)}, "resolutions_span", "unknown"),
    "time steps of nearly one size": ({"steps": (0.08 / 1.01,)}, "timesteps_apart", "fail"),
    "time steps apart by round-off": ({"steps": (0.08 * (1 - 1e-15),)}, "timesteps_apart", "fail"),
    "one time step": ({"steps": ()}, "timesteps_apart", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize(("ladder", "gate", "verdict"), NO_LADDER.values(), ids=NO_LADDER)
def test_a_ladder_whose_rungs_are_one_rung_is_none(ladder, gate, verdict):
    assert verdicts(study(**ladder))[gate] == verdict


def test_an_axis_that_is_never_refined_is_not_tested():
    """Along y all grids may be wrong alike."""
    flat = [
        case(f"n{nx}", Law(grid_error=error(nx), tail=tail(nx)), mesh__shape=[nx, 16])
        for nx in GRIDS
    ]
    found = verdicts(cases(*flat))
    assert (found["resolutions_apart"], found["resolutions_span"]) == ("fail", "fail")
    assert found["resolution_converged"] == "pass"


@pytest.mark.parametrize("grids", [(128, 192, 256), (160, 224, 256), (112, 144, 192)])
def test_the_ladders_of_a_lane_are_ladders(grids):
    one, other = (f(resolution_ladder(study(grids=grids, steps=()).usable)) for f in REFINED)
    assert one >= convergence.APART
    assert other >= convergence.SPAN


def test_a_quantity_that_a_case_lacks_is_no_pass():
    whole = study()
    torn = {k: v for k, v in whole.runs[0].history.items() if k != "perturbation_norm"}
    runs = (dataclasses.replace(whole.runs[0], history=torn), *whole.runs[1:])
    found = verdicts(dataclasses.replace(whole, runs=runs))
    assert found["finite_case_metrics"] == "fail"
    assert found["resolution_max_growth_spread_bounded"] == "unknown"


def test_a_case_left_out_or_altered_is_a_failed_case():
    whole = study()
    gone = dataclasses.replace(whole, runs=whole.runs[1:], missing={"n16": "no finished run"})
    altered = dataclasses.replace(
        whole,
        runs=(dataclasses.replace(whole.runs[0], problems=("history.npz",)), *whole.runs[1:]),
    )
    for found in (gone, altered):
        judged = judge(CONVERGENCE, found, CLAIM)
        told = {r.gate.name: r.value for r in judged.results}
        assert told["all_subcases_passed"] == 1
        assert list(judged.facts["not_counted"]) == ["n16"]
        assert judged.covers["resolutions"] == [[24, 24], [32, 32]]


def test_one_grid_and_one_step_are_unknown_not_zero():
    """A single case has spread 0: that is no convergence."""
    found = verdicts(cases(case("only")))
    for gate, verdict in found.items():
        if gate not in ("finite_case_metrics", "all_subcases_passed"):
            assert verdict == "unknown", gate


def test_two_grids_show_no_fall_unless_they_agree():
    apart = study(grids=(16, 24))
    near = study({"n16": Law(grid_error=1e-8, tail=1e-8), "n24": Law(tail=1e-9)}, grids=(16, 24))
    assert verdicts(apart)["resolution_error_decreases"] == "unknown"
    assert verdicts(near)["resolution_error_decreases"] == "pass"


def test_no_case_at_all_passes_nothing():
    judged = judge(CONVERGENCE, cases(), CLAIM)
    assert {result.verdict.value for result in judged.results} == {"unknown"}
    assert not judged.passed


def test_bounds_of_a_validation_are_wider_where_the_table_says_so():
    laws = {"n24": Law(grid_error=0.03, tail=tail(24)), "n16": Law(grid_error=0.1, tail=tail(16))}
    assert verdicts(study(laws))["resolution_converged"] == "fail"
    assert verdicts(study(laws), thresholds.at_validation())["resolution_converged"] == "pass"


def test_steps_below_the_floor_pass_by_their_size_and_say_so():
    quiet = {name: Law(step_coefficient=0.0, grid_error=error(24), tail=tail(24))
             for name in ("n24", "dt0.04", "dt0.02")}  # fmt: skip
    judged = judge(CONVERGENCE, study(quiet), CLAIM)
    gate = next(r for r in judged.results if r.gate.name == "timestep_order")
    assert gate.passed and gate.gate.metric == "timestep_difference" and gate.gate.high == 1e-6
    assert judged.facts["timestep"]["status"] == "below floor"
    assert "below floor" in gate.gate.reason


def test_the_arrays_are_sorted_by_role_and_value():
    arrays = judge(CONVERGENCE, study(), CLAIM).arrays
    assert arrays["case_kind"].tolist() == ["resolution"] * 3 + ["timestep"] * 3
    assert arrays["resolution"].tolist() == [16, 24, 32, 24, 24, 24]
    assert arrays["dt"].tolist() == [0.08, 0.08, 0.08, 0.08, 0.04, 0.02]
    assert arrays["final_field_difference"][[2, 5]].tolist() == [0.0, 0.0]
    assert arrays["history_sheet_flux_0"].shape == (6, len(arrays["history_time"]))
    assert (np.diff(arrays["history_difference"][:3]) < 0).all()
    for name in ("samples", "fitted_early_growth_rate", "early_growth_factor", "max_growth_factor",
                 "reconnected_flux_amplification", "island_width_amplification",
                 "relative_energy_increase", "max_current_density_linf", "max_kinetic_energy",
                 "linear_growth_rate", "config_digest"):  # fmt: skip
        assert arrays[name].shape == (6,), name


def test_differences_are_those_of_the_law():
    coarse, fine = case("a", Law(grid_error=0.02)), case("b", Law())
    assert history_difference(coarse, fine) == pytest.approx(0.02, rel=0.5)
    assert history_difference(fine, fine) == 0.0


def test_fields_of_two_grids_are_compared_as_series():
    """The same coefficients on another grid are the same fields."""
    coarse, fine = (case(f"n{n}", Law(step_coefficient=0), mesh__shape=[n, n]) for n in (24, 48))
    apart = field_difference(coarse, fine)
    energy = fine.config.grid.weight * np.abs(fine.state.psi_hat) ** 2
    lost = energy[np.abs(fine.config.grid.mx[:, 0]) > coarse.config.grid.mx_max]
    assert apart == pytest.approx(np.sqrt(lost.sum() / energy.sum()), rel=1e-6)
