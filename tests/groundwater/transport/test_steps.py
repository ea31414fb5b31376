"""Steps of transport as MODFLOW carries them out: lengths, periods, units, and one that fails."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError, SolverError
from mhx.groundwater.transport import writer as solute

from .columns import POROSITY, VELOCITY, column, mass, profile, solved


def test_the_largest_courant_number_is_the_one_that_was_asked_for(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(cells=10, size=5.0, time={"length": 100.0, "courant": 0.4})
    run = solved(made, tmp_path / "mf6", mf6)
    result = run.result
    courant = result.fields["outflow"] / result.pore_volume * result.length_d[:, None, None] * 86400
    assert courant.max() == pytest.approx(100.0 / 25 * VELOCITY / 5.0)
    assert run.notes["steps"] == "25 time steps" and result.steps_d.size == 25
    made["transport"]["time"] = {"length": 100.0}
    assert solved(made, tmp_path / "default", mf6).result.steps_d.size == 20


def transient(**time: Any) -> dict[str, Any]:
    """Fixed heads that fall from one stress period to the next."""
    made = column(cells=10, time=time)
    flow = made["flow"]
    flow |= {"regime": "transient", "ic": {"kind": "constant", "value": 20.0}}
    flow["param"] |= {"Ss": {"value": 1e-5}}
    flow["time"] = {"period": [{"length": 20.0}, {"length": 30.0, "steps": 3, "multiplier": 1.5}]}
    return made


@pytest.mark.slow
def test_with_transient_flow_the_steps_of_its_periods_are_split(mf6: Path, tmp_path: Path) -> None:
    run = solved(transient(courant=0.25), tmp_path / "mf6", mf6)
    result = run.result
    periods = run.flow.model.periods
    assert [p.length for p in periods] == [20.0, 30.0] and periods[1].steps % 3 == 0
    lengths = 1.5 ** np.arange(3)
    for end in (20.0, *(20.0 + 30.0 * np.cumsum(lengths) / lengths.sum())):
        assert np.abs(result.steps_d - end).min() < 1e-9, "a step of flow ended here before"
    courant = result.fields["outflow"] / result.pore_volume * result.length_d[:, None, None] * 86400
    assert 0.15 < courant.max() < 0.3
    assert run.flow.result.saved == result.steps_d.size
    coarse = solved(transient(courant=1e9), tmp_path / "coarse", mf6)
    assert coarse.result.steps_d.size == 4


def test_a_step_of_transport_that_does_not_converge_is_told_with_its_line(
    mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    ims = solute.ims_of
    monkeypatch.setattr(
        solute, "ims_of", lambda model: replace(ims(model), outer_maximum=1, inner_maximum=1)
    )
    told = (
        r"MODFLOW 6 did not converge in stress period 1, time step 1 \(1 outer iterations\); "
        r"see mf6/mfsim.lst line \d+"
    )
    with pytest.raises(SolverError, match=told):
        solved(column(), tmp_path / "mf6", mf6)


def test_more_steps_than_can_be_numbered_are_refused(mf6: Path, tmp_path: Path) -> None:
    made = column(time={"length": 1e4, "unit": "year", "courant": 0.1})
    with pytest.raises(ConfigError, match=r"transport\.time\.courant = 0\.1 needs \d+ time steps"):
        solved(made, tmp_path / "mf6", mf6)


@pytest.mark.slow
def test_the_same_case_is_the_same_bytes_in_days_and_seconds_the_same_solution(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(time={"length": 100.0, "steps": 10})
    seconds = copy.deepcopy(made)
    seconds["solver"]["mf6"]["time_unit"] = "seconds"
    runs = [solved(d, tmp_path / n, mf6) for d, n in ((made, "1"), (made, "2"), (seconds, "3"))]
    for name in runs[0].flow.inputs:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    np.testing.assert_allclose(profile(runs[0]), profile(runs[2]), atol=1e-6)
    one, two = (
        [(row.component, row.rate_in) for row in run.result.budget] for run in (runs[0], runs[2])
    )
    for (name, mine), (other, theirs) in zip(one, two, strict=True):
        assert name == other and mine == pytest.approx(theirs, rel=1e-4, abs=1e-15)


@pytest.mark.slow
def test_a_pulse_comes_with_the_water_of_its_stress_period(mf6: Path, tmp_path: Path) -> None:
    """Steady states one after the other: only the concentration changes; steps are theirs."""
    (tmp_path / "in.csv").write_text("mg\n0\n2000\n0\n")
    made = column(time={"courant": 0.5})
    made["transport"]["bc"] = []
    made["flow"]["time"] = {"period": [{"length": days} for days in (10.0, 20.0, 70.0)]}
    made["flow"]["bc"][0]["concentration"] = {
        "file": str(tmp_path / "in.csv"), "column": "mg", "unit": "mg/L",
    }  # fmt: skip
    run = solved(made, tmp_path / "mf6", mf6)
    result = run.result
    assert [p.steps for p in run.flow.model.periods] == [2, 4, 14]
    assert run.flow.result.saved == 3, "each steady state once"
    water = POROSITY * VELOCITY * 5.0
    assert mass(run) + budget_out(run, "east") == pytest.approx(water * 2.0 * 20.0, rel=1e-6)
    entering = [row.rate_in * 86400 for row in result.budget if row.boundary == "west"]
    np.testing.assert_allclose(entering, [0] * 2 + [water * 2.0] * 4 + [0] * 14, rtol=1e-6)
    assert result.concentration[1].max() == 0 and result.concentration[5, 0, 0] > 1


def budget_out(run: Any, boundary: str) -> float:
    """Mass that left through one boundary [kg]."""
    lengths = run.result.length_d * 86400
    rows = [row for row in run.result.budget if row.boundary == boundary]
    return float(sum(row.rate_out * lengths[row.saved] for row in rows))


def test_one_steady_period_lasts_as_long_as_flow_or_transport_says(
    mf6: Path, tmp_path: Path
) -> None:
    made = column(time={"steps": 4})
    made["flow"]["time"] = {"period": [{"length": 12.0}]}
    assert solved(made, tmp_path / "1", mf6).result.steps_d.tolist() == [3.0, 6.0, 9.0, 12.0]
    made["transport"]["time"] = {"length": 48.0, "unit": "hour", "steps": 1}
    assert solved(made, tmp_path / "2", mf6).result.steps_d.tolist() == [2.0]
