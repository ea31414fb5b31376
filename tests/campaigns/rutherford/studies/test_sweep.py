"""Sweeps: each case against its own eigen-solve, the base among them."""

import dataclasses

import pytest

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.study import SWEEP
from mhx.campaigns.rutherford.studies.sweep import axis_of

from .synthetic import Law, case, cases, config

CLAIM = {name: row.value for name, row in thresholds.BOUNDS.items()}
WIDTH = "physics__equilibrium_parameters__width"
RATES = {0.42: 0.09463, 0.45: 0.08350, 0.48: 0.07361}
"""Of the eigen-solve, eta = nu = 0.008, k = 1; held against it below."""


def study(laws=None, rates=None):
    laws, rates = laws or {}, rates or RATES
    runs = [
        case(f"w{width}", laws.get(width, Law(rate=0.97 * rate)), **{WIDTH: width})
        for width, rate in rates.items()
    ]
    return cases(*runs, base=config())


def results(found):
    return {r.gate.name: r for r in judge(SWEEP, found, CLAIM).results}


def test_a_sweep_that_follows_theory_passes_every_gate():
    found = results(study())
    assert [str(result) for result in found.values() if not result.passed] == []
    assert set(found) == {
        "finite_case_metrics", "all_subcases_passed", "case_count_at_least_three",
        "early_growth_positive_all", "visible_growth_all", "reconnected_flux_amplifies_all",
        "island_width_amplifies_all", "energy_dissipative_all", "growth_matches_eigenvalue_all",
        "base_value_included", "values_apart",
    }  # fmt: skip


def test_each_case_has_its_own_eigenvalue():
    judged = judge(SWEEP, study(), CLAIM)
    computed = judged.arrays["growth_rate_computed"]
    assert computed.tolist() == pytest.approx(list(RATES.values()), rel=1e-3)
    assert judged.arrays["width"].tolist() == list(RATES)
    assert judged.arrays["sweep_axis"].tolist() == ["width"] * 3
    assert judged.covers["axis"] == "width"


SICK = {
    "slower than theory": (Law(rate=0.06), "growth_matches_eigenvalue_all"),
    "no growth": (Law(rate=-0.05), "early_growth_positive_all"),
    "hardly any growth": (Law(top=4.1e-3), "visible_growth_all"),
    "hardly any flux": (Law(top=4.1e-3), "reconnected_flux_amplifies_all"),
    "hardly any island": (Law(top=4.1e-3), "island_width_amplifies_all"),
    "energy from nowhere": (Law(growth_of_energy=1e-3), "energy_dissipative_all"),
}


@pytest.mark.parametrize(("law", "gate"), SICK.values(), ids=SICK)
def test_one_sick_case_fails_the_sweep(law, gate):
    assert results(study({0.48: law}))[gate].verdict.value == "fail"


def test_two_values_are_no_sweep():
    two = {width: RATES[width] for width in (0.42, 0.45)}
    assert not results(study(rates=two))["case_count_at_least_three"].passed


def test_values_of_nearly_one_size_are_no_sweep():
    close = {width: RATES[0.45] for width in (0.4499, 0.45, 0.4501)}
    assert results(study(rates=close))["values_apart"].verdict.value == "fail"
    assert results(study(rates={0.45: RATES[0.45]}))["values_apart"].verdict.value == "unknown"


def test_a_resistivity_with_two_viscosities_is_one_value():
    runs = [
        case(f"c{n}", physics__resistivity=eta, physics__viscosity=nu)
        for n, (eta, nu) in enumerate([(0.008, 0.008), (0.008, 0.004), (0.009, 0.009)])
    ]
    assert results(cases(*runs, base=config()))["case_count_at_least_three"].value == 2


def test_modes_are_apart_as_whole_numbers_are():
    key = "physics__equilibrium_parameters__perturbation_mode_"
    runs = [case(f"m{x}{y}", **{f"{key}x": x, f"{key}y": y}) for x, y in [(2, 1), (2, 2), (4, 1)]]
    found = results(cases(*runs, base=config()))
    assert found["case_count_at_least_three"].passed
    assert "values_apart" not in found


def test_a_missing_value_fails_all_that_speak_of_all():
    whole = study()
    gone = dataclasses.replace(whole, runs=whole.runs[:-1], missing={"w0.48": "no finished run"})
    found = results(gone)
    for name in ("all_subcases_passed", "case_count_at_least_three", "visible_growth_all"):
        assert not found[name].passed, name
    assert found["growth_matches_eigenvalue_all"].verdict.value == "unknown"


def test_a_sweep_without_its_base_is_about_others():
    assert not results(dataclasses.replace(study(), base=config(physics__viscosity=0.01)))[
        "base_value_included"
    ].passed
    lost = dataclasses.replace(study(), base=None)
    assert results(lost)["base_value_included"].verdict.value == "unknown"


def test_more_than_one_parameter_varied_is_no_axis():
    runs = [
        case("a"),
        case("b", **{WIDTH: 0.42}),
        case("c", physics__resistivity=0.009, **{WIDTH: 0.48}),
    ]
    assert axis_of(runs) == ""
    assert not results(cases(*runs, base=config()))["case_count_at_least_three"].passed


@pytest.mark.parametrize(
    ("changes", "axis"),
    [
        ({"physics__resistivity": 0.009, "physics__viscosity": 0.009}, "resistivity"),
        ({"physics__equilibrium_parameters__perturbation_mode_y": 2}, "mode"),
        ({WIDTH: 0.4}, "width"),
        ({"mesh__shape": [32, 32]}, ""),
    ],
)
def test_the_axis_is_read_from_the_cases(changes, axis):
    assert axis_of([case("base"), case("other", **changes)]) == axis


def test_a_sweep_that_could_not_run_is_unknown():
    """The cosine sheet has no width: nothing was planned, and nothing is a pass."""
    assert {one.verdict.value for one in results(cases()).values()} == {"unknown"}
