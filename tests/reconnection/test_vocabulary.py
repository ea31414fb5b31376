"""What a run reports is in its vocabulary, with the unit that its source has."""

from dataclasses import fields

import pytest

from mhx.config import parse
from mhx.evidence.metrics import KINDS
from mhx.reconnection import phases
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.gates import quality_metrics
from mhx.reconnection.growth import GrowthRate
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.run import INDICES, found_phases, integrate, measures
from mhx.reconnection.vocabulary import VOCABULARY

NOT_NUMBERS = {*INDICES, "comparable", "unmet"}


def words_of(table):
    return {w.name.partition(".")[2] for w in VOCABULARY if w.name.startswith(f"{table}.")}


def test_what_phases_gates_and_eigen_solve_say_is_in_the_vocabulary():
    assert words_of("linear_phase") == set(phases._LINEAR) - NOT_NUMBERS
    assert words_of("algebraic_phase") == set(phases._ALGEBRAIC) - NOT_NUMBERS
    assert words_of("saturation") == set(phases._SATURATION) - NOT_NUMBERS
    assert words_of("quality") == set(quality_metrics({}))
    numbers = (float, int, float | None)
    told = {each.name for each in fields(GrowthRate) if each.type in numbers}
    assert words_of("eigenvalue") == told | {"mismatch"}


GROWING = {
    "mesh": {"shape": [32, 32]},
    "physics": {"equilibrium": "periodic_double_harris", "resistivity": 5e-3, "viscosity": 5e-3},
    "time": {"t1": 60.0},
    "diagnostics": {"fit_time_window": [5.0, 20.0]},
}
VORTEX = {
    "mesh": {"shape": [16, 16]},
    "time": {"t1": 1.0},
    "physics": {"equilibrium": "orszag_tang"},
}


@pytest.mark.slow
@pytest.mark.parametrize("table", [GROWING, VORTEX], ids=["sheets that reconnect", "a vortex"])
def test_a_run_reports_nothing_else(table):
    config = parse(Reconnection, table)
    course = integrate(config, quiet=True)
    growth = growth_rate(config) if config.sheets else None
    metrics = measures(config, course, found_phases(config, course.history, growth), growth)
    assert not [name for name in metrics if VOCABULARY.find(name) is None]
    assert len(metrics) > 50


def test_history_keys_keep_unit_and_kind():
    for quantity in HISTORY.values():
        if quantity.name in ("time", "step"):
            continue
        assert VOCABULARY.find(f"final.{quantity.name}").unit == quantity.unit
        assert VOCABULARY.find(f"max.{quantity.name}").kind == "extremum"
    assert VOCABULARY.find("final.x_point_count").kind == "count"
    assert VOCABULARY.find("final.total_energy").kind == "mean"
    assert VOCABULARY.find("amplification.sheet_flux_1").unit == "1"
    assert VOCABULARY.find("amplification.total_energy") is None


def test_time_taken_by_the_computer_is_told_apart():
    assert [word.name for word in VOCABULARY if word.kind == "duration"] == ["run.seconds_per_step"]


def test_every_word_has_unit_kind_and_meaning():
    assert VOCABULARY.closed
    for word in VOCABULARY:
        assert word.unit and word.meaning and word.kind in KINDS


def test_near_words_are_proposed():
    assert VOCABULARY.near("growthrate") == "growth_rate"
