"""The commands of a lane as their own parsers read them: every flag exists, cases are shared."""

import pytest
import typer

from mhx.campaigns.rutherford.lane import commands as listed
from mhx.campaigns.rutherford.lane import design
from mhx.campaigns.rutherford.lane.flags import Lane, Options
from mhx.campaigns.rutherford.studies import flags
from mhx.cli import app
from mhx.evidence.hashing import content_digest

FLAGS = {
    "width": 0.45,
    "eta": 0.008,
    "nx": 64,
    "ny": 64,
    "convergence_resolutions": "48,64,96",
    "crosscheck_resolutions": "56,72,96",
    "widths": "0.4,0.45,0.5",
    "etas": "0.01,0.008,0.006",
    "target_saved_frames": 120,
}
STUDIES = {
    "double-harris-long-run": flags.LongRun,
    "double-harris-convergence": flags.Convergence,
    "double-harris-parameter-sweep": flags.Sweep,
    "seed-robust-qi": flags.Seeds,
}
VARIATIONS = {
    "as it is": {},
    "every bound moved": {
        "max_energy_budget_residual": 1e-8,
        "max_relative_energy_growth": 1e-8,
        "max_relative_energy_increase": 1e-7,
        "max_divergence_linf": 1e-8,
        "min_history_samples": 50,
        "min_reconnected_flux_amplification": 1.01,
        "min_island_width_amplification": 1.01,
        "harris_growth_rate": 0.05,
    },
    "decaying": {"hold_equilibrium": False},
}


def lane(**changes):
    return design.think(Lane.of(Options(**(FLAGS | changes))))


def read(words):
    """The parameters of a command line, as the command itself reads them."""
    command, context = typer.main.get_command(app), None
    rest = list(words)
    while hasattr(command, "get_command"):
        context = command.make_context("mhx", rest, parent=context)
        rest = [*context._protected_args, *context.args]
        command = command.get_command(context, rest.pop(0))
    return command.make_context(words[1], rest, parent=context).params


def studies(thought):
    """Command id -> study, for the commands that carry one out."""
    found = {}
    for command in listed.commands(thought):
        kind = STUDIES.get(command.words[1])
        if kind is not None:
            given = {name: value for name, value in read(command.words).items() if name != "json"}
            found[command.id] = flags.study_of(kind(**given))
    return found


@pytest.mark.parametrize("changes", VARIATIONS.values(), ids=VARIATIONS)
def test_every_flag_is_one_that_its_command_knows(changes):
    for command in listed.commands(lane(**changes)):
        assert read(command.words)


def test_each_study_has_the_cases_that_the_lane_counts():
    thought = lane()
    made = studies(thought)
    assert len(made) == 6
    for name, study in made.items():
        expected = {case.key for case in thought.cases if case.stage == name}
        assert len(study.cases) == len(expected)
        assert study.base["time"]["t1"] == thought.cadence.t1
        assert study.waivers == []


def test_equal_runs_of_different_studies_are_one_configuration():
    made = studies(lane())

    def configs(name):
        study = made[name]
        return {content_digest(_laid_over(study.base, case.overlay)) for case in study.cases}

    main, sweep = configs("double_harris_convergence_main"), configs("double_harris_width_sweep")
    assert len(main & configs("double_harris_convergence_crosscheck")) == 1
    assert len(main & sweep) == 1
    assert len(sweep & configs("double_harris_eta_lundquist_sweep")) == 1


def _laid_over(base, overlay):
    out = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        out[key] = _laid_over(base[key], value) if both else value
    return out
