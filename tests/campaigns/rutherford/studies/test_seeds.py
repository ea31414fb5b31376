"""Seeds: intervals of Student's t, and each way in which an ensemble is none."""

import dataclasses
import math

import numpy as np
import pytest

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import SEEDS

from .synthetic import SEED, Law, case, cases

CLAIM = {name: row.value for name, row in thresholds.BOUNDS.items()}
EIGHT = tuple(range(8))


def member(seed, law=None, **changes):
    """The top of the flux differs a little from seed to seed."""
    own = law or Law(top=0.2 * (1 + 1e-3 * math.sin(seed)))
    return case(
        f"s{seed}", own, **{"initial__seed": seed, "initial__noise_amplitude": 2e-4, **changes}
    )


def ensemble(seeds=EIGHT, laws=None):
    return cases(*(member(seed, (laws or {}).get(seed)) for seed in seeds))


def results(found, bounds=CLAIM):
    return {r.gate.name: r for r in judge(SEEDS, found, bounds).results}


def test_eight_seeds_that_agree_pass_every_gate():
    found = results(ensemble())
    assert [str(result) for result in found.values() if not result.passed] == []
    assert set(found) == {
        "ensemble_size", "unique_seeds", "all_planned_seeds_present", "initial_states_distinct",
        "finite_metric_matrix", "noise_matters",
        "linear_growth_rate_passed", "peak_sheet_flux_passed",
        "peak_island_width_passed", "final_total_energy_passed", "final_magnetic_energy_passed",
        "final_kinetic_energy_passed", "final_magnetic_divergence_linf_passed",
        "finite_case_metrics", "all_subcases_passed",
    }  # fmt: skip


def test_the_half_width_is_that_of_students_t():
    """2.364624 is the 97.5 % quantile of Student's t with 7 degrees of freedom."""
    peaks = np.array([member(seed).history["sheet_flux_0"].max() for seed in EIGHT])
    expected = 2.3646242515927853 * peaks.std(ddof=1) / math.sqrt(8) / peaks.mean()
    assert results(ensemble())["peak_sheet_flux_passed"].value == pytest.approx(expected, rel=1e-9)


def test_seven_seeds_are_a_validation():
    seven = ensemble(EIGHT[:7])
    assert results(seven)["ensemble_size"].verdict.value == "fail"
    assert results(seven, thresholds.at_validation())["ensemble_size"].passed


def test_a_seed_left_out_is_seen_in_the_plan():
    whole = ensemble(range(9))
    gone = dataclasses.replace(whole, runs=whole.runs[:-1], missing={"s8": "no finished run"})
    found = results(gone)
    assert found["ensemble_size"].passed
    assert found["all_planned_seeds_present"].value == 1
    assert not found["all_planned_seeds_present"].passed


def test_an_altered_seed_does_not_count():
    whole = ensemble()
    torn = dataclasses.replace(whole.runs[0], problems=("history.npz",))
    found = results(dataclasses.replace(whole, runs=(torn, *whole.runs[1:])))
    assert not found["all_planned_seeds_present"].passed
    assert found["ensemble_size"].value == 7


def test_one_seed_twice_is_one_seed():
    again = dataclasses.replace(member(0), id="again")
    found = results(cases(*ensemble().runs, again))
    assert found["ensemble_size"].value == 8
    assert not found["unique_seeds"].passed
    assert not found["initial_states_distinct"].passed


def test_seeds_without_noise_begin_alike():
    quiet = cases(*(member(seed, initial__noise_amplitude=0.0) for seed in EIGHT))
    found = results(quiet)
    assert found["unique_seeds"].passed
    assert found["initial_states_distinct"].value == 7


NOISE = {
    "none": (0.0, 0.0, "fail"),
    "round-off": (1e-14, 1e-14 / SEED, "fail"),
    "a thousandth of the seed": (1e-3 * SEED, 1e-3, "fail"),
    "a twentieth": (0.05 * SEED, 0.05, "pass"),
    "more than the seed": (2 * SEED, 1.0, "pass"),
}


@pytest.mark.parametrize(("noise", "share", "verdict"), NOISE.values(), ids=NOISE)
def test_seeds_that_differ_in_nothing_that_matters_show_nothing(noise, share, verdict):
    found = results(cases(*(member(seed, initial__noise_amplitude=noise) for seed in EIGHT)))
    assert found["noise_matters"].value == pytest.approx(share)
    assert found["noise_matters"].verdict.value == verdict


def test_noise_alone_is_all_the_seed_there_is():
    key = "physics__equilibrium_parameters__perturbation_amplitude"
    found = results(cases(*(member(seed, **{key: 0.0}) for seed in EIGHT)))
    assert found["noise_matters"].value == 1


def test_a_member_of_another_problem_is_no_member():
    other = case("s7", Law(), initial__seed=7, physics__resistivity=0.009)
    found = results(cases(*ensemble(EIGHT[:7]).runs, other))
    assert found["ensemble_size"].value == 7
    assert not found["all_planned_seeds_present"].passed


SCATTERED = {
    "linear_growth_rate_passed": lambda seed: Law(rate=0.08 * (1 + 0.1 * math.sin(seed))),
    "peak_sheet_flux_passed": lambda seed: Law(top=0.2 * (1 + 0.2 * math.sin(seed))),
    "peak_island_width_passed": lambda seed: Law(top=0.2 * (1 + 0.5 * math.sin(seed))),
    "final_total_energy_passed": lambda seed: Law(energy=0.4 * (1 + 0.2 * math.sin(seed))),
    "final_magnetic_energy_passed": lambda seed: Law(energy=0.4 * (1 + 0.2 * math.sin(seed))),
}


@pytest.mark.parametrize(("gate", "law"), SCATTERED.items(), ids=SCATTERED)
def test_what_depends_on_the_seed_fails(gate, law):
    found = results(ensemble(laws={seed: law(seed) for seed in EIGHT}))
    assert found[gate].verdict.value == "fail"


def test_kinetic_energy_must_be_paid_for():
    assert results(ensemble())["final_kinetic_energy_passed"].value == 0
    rich = results(ensemble(laws={3: Law(kinetic=0.5)}))
    assert rich["final_kinetic_energy_passed"].verdict.value == "fail"


def test_the_divergence_of_every_seed_counts():
    found = results(ensemble(laws={3: Law(divergence=1e-6)}))
    assert found["final_magnetic_divergence_linf_passed"].value == 1e-6
    assert not found["final_magnetic_divergence_linf_passed"].passed
    assert not found["all_subcases_passed"].passed


def test_a_seed_without_a_linear_phase_leaves_a_gap():
    found = results(ensemble(laws={3: Law(rate=-0.05)}))
    assert not found["finite_metric_matrix"].passed
    assert found["linear_growth_rate_passed"].verdict.value == "unknown"


def test_no_seed_passes_nothing():
    assert {one.verdict.value for one in results(cases()).values()} == {"unknown"}


def test_robustness_is_said_for_this_noise():
    judged = judge(SEEDS, ensemble(), CLAIM)
    assert judged.facts["noise_to_seed_ratio"] == pytest.approx(2e-4 / SEED)
    assert judged.facts["intervals"]["gamma_fit"]["n"] == 8
    assert judged.covers["seeds"] == list(EIGHT)


def test_the_matrix_has_a_row_per_seed():
    arrays = judge(SEEDS, ensemble(EIGHT[::-1]), CLAIM).arrays
    assert arrays["seeds"].tolist() == list(EIGHT)
    assert arrays["metric_values"].shape == (8, len(arrays["metric_names"]))
    assert "gamma_fit" in arrays["metric_names"].tolist()
    assert len(set(arrays["initial_state_digest"].tolist())) == 8
