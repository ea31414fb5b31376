"""Each gate on the history: passes on a run that was executed, and on what damage it does not."""

import shutil

import numpy as np
import pytest

from mhx.campaigns.criteria import criteria
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford import judgement as judging
from mhx.campaigns.rutherford import plan as planning
from mhx.config import parse
from mhx.evidence.gates import judge
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.trajectory import read_history

from ..conftest import SHEET, executed

ON_HISTORY = (
    *("required_history_keys_present", "completed_target", "duration_guard_passed"),
    *("equilibrium_tearing_unstable", "equilibrium_survives_duration"),
    *("execution_validation_passed", "finite_history_arrays", "minimum_history_samples"),
    *("energy_budget_residual_within_tolerance", "magnetic_divergence_within_tolerance"),
    *("spectral_tail_within_tolerance", "time_step_stable_throughout", "linear_phase_observed"),
    *("growth_rate_matches_eigenvalue", "fit_window_sensitivity", "algebraic_phase_detected"),
    *("nonlinear_response_present", "reconnected_flux_amplifies", "island_width_amplifies"),
    *("island_width_definitions_agree", "current_sheet_geometry_present"),
    *("current_sheet_geometry_positive", "critical_point_counts_present"),
    *("x_critical_points_detected", "o_critical_points_detected", "topology_identity_holds"),
)


def parts(run):
    """Configuration, plan, history and eigen-solve of a run."""
    folder = RunFolder(run)
    plan = read_plan(folder)
    config = parse(Reconnection, plan.config)
    arrays = read_history(folder.history).arrays if folder.history.exists() else {}
    return config, plan, dict(arrays), growth_rate(config)


def verdicts(config, plan, history, growth):
    """Verdict by gate, from the history alone."""
    metrics = judging.judgement(config, plan, history, growth).metrics
    rows = criteria(plan.thresholds, require_sweeps=False, same_machine=True)
    judged = (judge(row.gate, metrics) for row in rows if row.gate.name in ON_HISTORY)
    return {result.gate.name: result.verdict.value for result in judged}


@pytest.fixture(scope="session")
def whole(promotable):
    return parts(promotable)


@pytest.fixture
def history(whole):
    return {name: values.copy() for name, values in whole[2].items()}


def test_the_executed_run_passes_every_gate_on_its_history(whole):
    found = verdicts(*whole)
    assert set(found) == set(ON_HISTORY)
    assert {name for name, verdict in found.items() if verdict != "pass"} == set()


# -- one array is damaged ----------------------------------------------------------------------


def put(name, row, value):
    return lambda h: h[name].__setitem__(row, value)


def times(name, factor):
    return lambda h: h.__setitem__(name, (h[name] * factor).astype(h[name].dtype))


def without(*names):
    return lambda h: [h.pop(name) for name in names]


def only(rows):
    return lambda h: h.update({name: values[rows] for name, values in h.items()})


def both_sheets(name, change):
    """The same change on both sheets, so that it does not matter which one leads."""
    return lambda h: [change(h, f"{name}_{sheet}") for sheet in (0, 1)]


def growing(rate):
    """Exponential growth, to the end, at `rate` of time."""

    def change(h, name):
        h[name] = h[name][0] * np.exp(rate(h["time"]))

    return both_sheets("sheet_flux", change)


def zigzag(size):
    def change(h, name):
        h[name] *= np.exp(size * (-1.0) ** np.arange(len(h[name])))

    return both_sheets("sheet_flux", change)


def first(name, factor):
    return both_sheets(name, lambda h, key: put(key, 0, h[key][0] * factor)(h))


def constant(name):
    return both_sheets(name, lambda h, key: h.__setitem__(key, np.full_like(h[key], h[key][0])))


def wider(name, factor):
    return both_sheets(name, lambda h, key: h.__setitem__(key, h[key] * factor))


NAN = float("nan")
DAMAGE = {
    "a NaN": (put("current_density_linf", 7, NAN), "finite_history_arrays", "fail"),
    "a NaN in the energy": (put("total_energy", 7, NAN), "finite_history_arrays", "fail"),
    "energy from nowhere": (put("total_energy", 50, 1.0), "execution_validation_passed", "fail"),
    "an open budget": (
        put("dissipation_budget_residual", 3, 1e-8),
        "energy_budget_residual_within_tolerance",
        "fail",
    ),
    "a budget with a NaN": (
        put("dissipation_budget_residual", 3, NAN),
        "energy_budget_residual_within_tolerance",
        "unknown",
    ),
    "a budget with a gap": (
        only(np.r_[0:40, 45:114]),
        "energy_budget_residual_within_tolerance",
        "unknown",
    ),
    "a budget that begins late": (
        only(np.s_[1:]),
        "energy_budget_residual_within_tolerance",
        "unknown",
    ),
    "a budget that ends early": (
        only(np.s_[:-1]),
        "energy_budget_residual_within_tolerance",
        "unknown",
    ),
    "a cut-off history": (only(np.s_[:80]), "completed_target", "fail"),
    "a history beyond the target": (put("step", -1, 10_000), "completed_target", "fail"),
    "few samples": (only(np.s_[:99]), "minimum_history_samples", "fail"),
    "no flux": (without("reconnected_flux"), "required_history_keys_present", "fail"),
    "no thickness": (
        without("current_sheet_thickness"),
        "current_sheet_geometry_present",
        "fail",
    ),
    "no thickness, so no extent": (
        without("current_sheet_thickness"),
        "current_sheet_geometry_positive",
        "unknown",
    ),
    "no X points recorded": (without("x_point_count"), "critical_point_counts_present", "fail"),
    "no X points recorded, so none seen": (
        without("x_point_count"),
        "x_critical_points_detected",
        "unknown",
    ),
    "divergence": (
        put("magnetic_divergence_linf", 9, 1e-6),
        "magnetic_divergence_within_tolerance",
        "fail",
    ),
    "divergence not recorded": (
        without("magnetic_divergence_linf"),
        "magnetic_divergence_within_tolerance",
        "unknown",
    ),
    "unresolved at one moment": (
        put("spectral_tail", 60, 1e-3),
        "spectral_tail_within_tolerance",
        "fail",
    ),
    "unstable at one moment": (
        put("stability_ratio", 60, 1.01),
        "time_step_stable_throughout",
        "fail",
    ),
    "a sheet without extent": (
        put("current_sheet_length", 5, 0.0),
        "current_sheet_geometry_positive",
        "fail",
    ),
    "a negative thickness": (
        put("current_sheet_thickness", 5, -1.0),
        "current_sheet_geometry_positive",
        "fail",
    ),
    "an aspect ratio that is no number": (
        put("current_sheet_aspect_ratio", 5, NAN),
        "current_sheet_geometry_positive",
        "fail",
    ),
    "no X point": (times("x_point_count", 0), "x_critical_points_detected", "fail"),
    "no O point": (times("o_point_count", 0), "o_critical_points_detected", "fail"),
    "one X point too many": (put("x_point_count", 60, 9), "topology_identity_holds", "fail"),
    "a sample that was not resolved": (
        put("topology_unresolved", 60, 1.0),
        "topology_identity_holds",
        "fail",
    ),
    "no linear window": (growing(lambda t: 2 * np.sin(t)), "linear_phase_observed", "unknown"),
    "a decaying flux": (growing(lambda t: -0.1 * t), "linear_phase_observed", "unknown"),
    "few e-folds": (
        growing(lambda t: 0.1 * np.minimum(t, 6.0)),
        "linear_phase_observed",
        "fail",
    ),
    "another growth rate": (
        growing(lambda t: 0.15 * t),
        "growth_rate_matches_eigenvalue",
        "fail",
    ),
    "a slope that depends on the window": (
        zigzag(0.9),
        "fit_window_sensitivity",
        "fail",
    ),
    "growth without end": (growing(lambda t: 0.107 * t), "algebraic_phase_detected", "fail"),
    "a linear response": (
        wider("mean_shear_change", 0.01),
        "nonlinear_response_present",
        "fail",
    ),
    "a flux that stays": (constant("sheet_flux"), "reconnected_flux_amplifies", "fail"),
    "a flux from nothing": (first("sheet_flux", 0.0), "reconnected_flux_amplifies", "unknown"),
    "a width that stays": (constant("island_width"), "island_width_amplifies", "fail"),
    "a width from nothing": (first("island_width", 0.0), "island_width_amplifies", "unknown"),
    "another island than the flux means": (
        wider("separatrix_width", 1.5),
        "island_width_definitions_agree",
        "fail",
    ),
    "no separatrix": (
        without("separatrix_width_0", "separatrix_width_1"),
        "island_width_definitions_agree",
        "unknown",
    ),
}


@pytest.mark.parametrize(("damage", "gate", "verdict"), DAMAGE.values(), ids=DAMAGE)
def test_damage_to_the_history_shows_at_its_gate(whole, history, damage, gate, verdict):
    config, plan, _, growth = whole
    damage(history)
    assert verdicts(config, plan, history, growth)[gate] == verdict


def test_every_gate_on_the_history_has_made_damage_or_a_made_run():
    from_runs = {"duration_guard_passed", "equilibrium_tearing_unstable"}
    from_runs |= {"equilibrium_survives_duration"}
    assert {gate for _, gate, _ in DAMAGE.values()} | from_runs == set(ON_HISTORY)


@pytest.mark.parametrize("name", sorted(HISTORY.keys() - {"step", "time"}))
def test_an_absent_name_is_never_a_crash_and_never_helps(whole, history, name):
    config, plan, _, growth = whole
    before = verdicts(config, plan, history, growth)
    del history[name]
    after = verdicts(config, plan, history, growth)
    assert all(before[gate] == "pass" for gate, verdict in after.items() if verdict == "pass")


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_history_of_few_rows_is_judged(whole, history, rows):
    config, plan, _, growth = whole
    only(np.s_[:rows])(history)
    found = verdicts(config, plan, history, growth)
    assert (found["minimum_history_samples"], found["completed_target"]) == ("fail", "fail")


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf, 0.0, -1.0, 1e308])
def test_a_history_of_one_absurd_value_is_judged(whole, history, value):
    config, plan, _, growth = whole
    for values in history.values():
        if values.dtype.kind == "f":  # counts stay counts
            values[:] = value
    with np.errstate(all="ignore"):
        found = verdicts(config, plan, history, growth)
    assert found["linear_phase_observed"] == "unknown"
    assert found["reconnected_flux_amplifies"] != "pass"


# -- runs that were really planned or executed -------------------------------------------------


@pytest.mark.usefixtures("swift")
def test_a_linear_run_has_no_nonlinear_response(tmp_path):
    run = executed(
        tmp_path / "run",
        movies=False,
        perturbation_amplitude=1e-7,
        noise_amplitude=1e-10,
        t_end=30.0,
    )
    found = verdicts(*parts(run))
    assert found["nonlinear_response_present"] == "fail"
    assert found["linear_phase_observed"] == "pass"
    assert found["algebraic_phase_detected"] == "fail"


@pytest.mark.slow
@pytest.mark.usefixtures("swift")
def test_a_decaying_sheet_diffuses_away_and_shows_nothing(tmp_path):
    run = executed(tmp_path / "run", movies=False, hold_equilibrium=False)
    found = verdicts(*parts(run))
    assert found["equilibrium_survives_duration"] == "fail"
    assert found["growth_rate_matches_eigenvalue"] != "pass"


def test_a_short_run_lasts_less_than_its_growth_rate_demands(whole, history, tmp_path):
    flags = SHEET | {"outdir": tmp_path / "run", "t_end": 20.0}
    planning.plan_production(planning.Options(**flags))
    config, plan, _, growth = parts(tmp_path / "run")
    assert verdicts(config, plan, history, growth)["duration_guard_passed"] == "fail"


def test_a_stable_sheet_cannot_reconnect(whole, history, tmp_path):
    flags = SHEET | {"outdir": tmp_path / "run", "width": 0.9, "mode_y": 2, "t_end": 20.0}
    planning.plan_production(planning.Options(**flags))
    config, plan, _, growth = parts(tmp_path / "run")
    found = verdicts(config, plan, history, growth)
    assert found["equilibrium_tearing_unstable"] == "fail"
    assert found["duration_guard_passed"] == "unknown"


def test_what_the_plan_digest_does_not_cover_decides_nothing(promotable, tmp_path, whole):
    run = shutil.copytree(promotable, tmp_path / "run")
    config, plan, history, growth = whole
    document = dict(plan.document)
    document["duration_assessment"] = {
        **document["duration_assessment"],
        "diffusion_time": 1e9,
        "growth_rate": 1e9,
    }
    document["required_outputs"] = {}
    document["save_every"] = 10**6
    other = type(plan)(document)
    assert other.digest == plan.digest and run.exists()
    same = judging.judgement(config, plan, history, growth).metrics
    assert judging.judgement(config, other, history, growth).metrics == same
