"""Transport is linear in c0, so that nanograms per litre must be solved as well as kilograms."""

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("shapely")

from mhx.groundwater.transport import metrics, writer

from .columns import POROSITY, column, solved

UNITS = {5e3: 1.0, 1.0: 1.0, 0.05: 1e3, 1e-3: 1e3, 1e-6: 1e6, 2e-7: 1e9}


@pytest.mark.parametrize(("largest", "unit"), UNITS.items())
def test_masses_are_written_in_the_unit_in_which_c0_is_one_at_least(monkeypatch, largest, unit):
    monkeypatch.setattr(writer, "scale_of", lambda model: largest)
    assert writer.mass_unit(None) == unit


def scaled(c0):
    """Everything that can be a concentration or a mass, all of it in proportion to c0."""
    document = column(20, 3, 5.0)
    document["flow"]["bc"][0]["concentration"] = 0.5 * c0
    document["transport"] |= {
        "param": {
            "porosity": POROSITY, "alpha_l": 2.5, "alpha_th": 0.25, "kd": 1e-4,
            "bulk_density": 1600.0, "decay": 1e-10 * c0, "decay_order": 0,
        },
        "time": {"length": 60.0, "steps": 30},
        "ic": {"value": 0.2 * c0},
        "bc": [
            {"id": "held", "package": "cnc", "where": {"cells": [25]}, "value": c0},
            {"id": "leak", "package": "src", "where": {"cells": [10]}, "value": 1e-7 * c0},
        ],
        "observation": [{"id": "well", "x": 60.0, "y": 7.0}],
    }  # fmt: skip
    return document


@pytest.mark.slow
@pytest.mark.parametrize("c0", [50.0, 1e-3, 1e-9])
def test_a_solution_is_in_proportion_to_c0_whatever_its_size(c0, mf6, tmp_path):
    one, other = (
        solved(scaled(value), tmp_path / name, mf6) for name, value in (("one", 1.0), ("other", c0))
    )
    ours, theirs = one.result, other.result
    assert theirs.concentration == pytest.approx(c0 * ours.concentration, rel=1e-6)
    assert theirs.observed["well"] == pytest.approx(c0 * ours.observed["well"], rel=1e-6)
    assert theirs.start == pytest.approx(c0 * ours.start)
    rates = [np.array([(r.rate_in, r.rate_out) for r in run.budget]) for run in (ours, theirs)]
    assert rates[1] == pytest.approx(c0 * rates[0], rel=1e-5, abs=1e-8 * c0 * rates[0].max())
    for run in (one, other):
        found = metrics.transport_metrics(run.result, run.flow.model.grid)
        assert found["mass_decayed_kg"] > 0
        assert found["closure_relative"] < 1e-8
