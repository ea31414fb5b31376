"""Data of the run altered, and every digest, record, manifest and ledger line rebuilt around it.

No hash is wrong here.  What refuses is what the data say: the chain against the history, stretches
integrated again, the eigen-solve, the duration, the counts.
"""

import shutil

import numpy as np
import pytest

from mhx.evidence.checkpoints import read_records, write_record

from ..campaigns.forger import alter, edit, rebuild, scaled
from .forging import forged, replan, restarted, without_its_end
from .refusal import run_not_promoted

pytestmark = pytest.mark.accept
HISTORY = "production_history.npz"


def segments(run):
    return sorted(run.glob("checkpoints/history_step_*.npz"))


def states(run):
    return sorted(run.glob("checkpoints/state_step_*.npz"))


# -- rows ----------------------------------------------------------------------------------------


def rows_scaled_in_the_history_alone(run):
    alter(run / HISTORY, scaled("sheet_flux_0", -1, 100.0))
    rebuild(run)


def a_row_scaled_in_its_segment(run):
    alter(segments(run)[3], scaled("kinetic_energy", 4, 1 + 1e-9))
    forged(run)


def the_first_row_made_small(run):
    """Every amplification rests on it."""
    alter(segments(run)[0], scaled("sheet_flux_0", 0, 0.5))
    forged(run)


def a_state_and_its_rows_scaled(run):
    """A piece of the middle that agrees with itself."""
    alter(states(run)[3], lambda arrays: arrays.update(psi_hat=arrays["psi_hat"] * (1 + 1e-6)))
    alter(segments(run)[4], lambda arrays: arrays.update(sheet_flux_0=arrays["sheet_flux_0"] * 1.1))
    forged(run)


def another_end(run):
    alter(states(run)[-1], lambda arrays: arrays.update(omega_hat=arrays["omega_hat"] * 1.001))
    forged(run)


def another_beginning(run):
    """A seed a little larger: the linear phase starts where it suits."""
    start = run / "checkpoints" / "initial_state.npz"
    alter(start, lambda arrays: arrays.update(psi_hat=arrays["psi_hat"] * (1 + 1e-9)))
    restarted(run)
    forged(run)


def not_a_number_in_a_row(run):
    alter(segments(run)[5], scaled("current_density_linf", 2, np.nan))
    forged(run)


def points_counted_twice(run):
    alter(segments(run)[2], scaled("x_point_count", 3, 2))
    forged(run)


def a_name_of_the_history_dropped(run):
    for path in segments(run):
        alter(path, lambda arrays: arrays.pop("spectral_tail"))
    forged(run)


REWRITTEN = {
    rows_scaled_in_the_history_alone: ("checkpoint_chain_verified: checkpoint_chain_faults = 1", 0),
    a_row_scaled_in_its_segment: ("checkpoint_restart_reproducibility: restart_difference", 3),
    the_first_row_made_small: ("checkpoint_restart_reproducibility: restart_difference", 4),
    a_state_and_its_rows_scaled: ("checkpoint_restart_reproducibility: restart_difference", 3),
    another_end: ("checkpoint_restart_reproducibility: restart_difference", 0),
    another_beginning: ("checkpoint_restart_reproducibility|initial_state", 4),
    not_a_number_in_a_row: ("finite_history_arrays: non_finite_values", 0),
    points_counted_twice: ("topology_identity_holds: topology_mismatches = 1", 0),
    a_name_of_the_history_dropped: ("unknown  spectral_tail_within_tolerance", 0),
}


@pytest.mark.parametrize("forge", REWRITTEN, ids=lambda forge: forge.__name__)
def test_rows_and_states_that_do_not_obey_the_equations_are_refused(mhx, undecided, forge):
    """The draw is fixed on the stretch that was altered; otherwise it is left to chance."""
    reason, draw = REWRITTEN[forge]
    forge(undecided.run)
    run_not_promoted(mhx, undecided, reason, draw=draw)


# -- duration and plan ---------------------------------------------------------------------------


def ended_early(run):
    """The target is left as it was."""
    without_its_end(run)
    forged(run)


def ended_early_as_planned(run):
    """The plan now asks for no more than there is."""
    step = without_its_end(run)
    replan(run, lambda plan: plan.update(estimated_steps=step))
    forged(run)


def a_faster_growth_in_the_plan(run):
    """A rate typed in, so that fewer steps would do."""
    step = without_its_end(run)

    def faster(plan):
        plan["growth_rate"]["gamma"] *= 2
        plan["duration_assessment"]["growth_rate"] *= 2
        plan["duration_assessment"]["required_t_end"] /= 2
        plan["estimated_steps"] = step

    replan(run, faster)
    forged(run)


def fewer_efolds_asked_for(run):
    replan(run, lambda plan: plan["duration_assessment"].update(required_efolds=1.0))
    forged(run)


def a_gate_of_the_plan_forgotten(run):
    """A rate was declared that is not the computed one: a waiver that the plan does not list."""
    replan(run, lambda plan: plan["duration_assessment"].update(growth_rate_declared=1.0))
    forged(run)


def looser_bounds_in_the_plan(run):
    replan(run, lambda plan: plan["thresholds"].update(max_spectral_tail=1.0))
    forged(run)


def another_resistivity_in_the_plan(run):
    """What was computed at 0.008 is told as 0.0079, family and all."""

    def told(plan):
        plan["config"]["physics"]["resistivity"] = 0.0079
        plan["family"]["resistivity"] = 0.0079

    replan(run, told)
    path = run / "campaign_config.toml"
    path.write_text(path.read_text().replace("resistivity = 0.008", "resistivity = 0.0079"))
    forged(run)


def a_held_sheet_told_as_free(run):
    replan(run, lambda plan: plan["config"]["physics"].update(hold_equilibrium=False))
    forged(run)


PLANNED = {
    ended_early: "completed_target|terminal_step_reaches_target",
    ended_early_as_planned: "duration_guard_passed",
    a_faster_growth_in_the_plan: "duration_guard_passed",
    fewer_efolds_asked_for: "waiver",
    a_gate_of_the_plan_forgotten: "waiver growth_rate_declared_matches_computed",
    looser_bounds_in_the_plan: "waiver spectral_tail_within_tolerance",
    another_resistivity_in_the_plan: "checkpoint_restart_reproducibility|family",
    a_held_sheet_told_as_free: "family|equilibrium_survives_duration",
}


@pytest.mark.parametrize("forge", PLANNED, ids=lambda forge: forge.__name__)
def test_a_plan_that_was_made_to_fit_is_refused(mhx, undecided, forge):
    forge(undecided.run)
    run_not_promoted(mhx, undecided, PLANNED[forge])


# -- movies, code, commands ----------------------------------------------------------------------


def one_picture_over_and_over(run):
    for path in sorted(run.glob("frames/frames_step_*.npz")):
        alter(
            path,
            lambda arrays: arrays.update(psi=np.repeat(arrays["psi"][:1], len(arrays["psi"]), 0)),
        )
    forged(run)


def another_range_of_colours(run):
    edit(run / "figures" / "fixed_scale_flux_movie.json", vmin=0.0)
    forged(run)


def a_movie_of_something_else(run):
    figures = run / "figures"
    shutil.copy(figures / "fixed_scale_current_density_movie.gif", figures / "copy.gif")
    (figures / "copy.gif").replace(figures / "fixed_scale_flux_movie.gif")
    forged(run)


def another_code_in_one_record(run):
    record = read_records(run)[0][2]
    environment = {**record.document["environment"], "code_digest": "f" * 64}
    write_record(run, {**record.document, "environment": environment})
    forged(run)


def no_command_for_the_history(run):
    path = run / "commands.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    forged(run)


RECORDED = {
    one_picture_over_and_over: "movies_fixed_scale_verified: movie_faults",
    another_range_of_colours: "movies_fixed_scale_verified: movie_faults",
    a_movie_of_something_else: "movies_fixed_scale_verified: movie_faults",
    another_code_in_one_record: "code_identity_recorded: code_identity_faults = 1",
    no_command_for_the_history: "command_sequence_recorded: artifacts_without_command",
}


@pytest.mark.parametrize("forge", RECORDED, ids=lambda forge: forge.__name__)
def test_what_should_vouch_for_the_run_is_read_too(mhx, undecided, forge):
    forge(undecided.run)
    run_not_promoted(mhx, undecided, RECORDED[forge])
