"""What MODFLOW left of transport, read to its last digit, kept in files, and read back."""

import copy
from pathlib import Path

import numpy as np
import pytest

from mhx.errors import EvidenceError
from mhx.groundwater.transport import catalog, gwt

from .columns import budget, column, solved


def test_a_curve_is_kept_at_every_step_whatever_else_is_saved(mf6: Path, tmp_path: Path) -> None:
    made = column(cells=12, rows=3, time={"length": 100.0, "steps": 8})
    made["mesh"]["constraint"] = [{"id": "row", "points": [[20.0, 5.0], [29.0, 5.0]]}]
    made["transport"]["observation"] = [
        {"id": "point", "x": 22.0, "y": 7.0}, {"id": "line", "line": "row"}
    ]  # fmt: skip
    last = copy.deepcopy(made)
    last["solver"]["mf6"]["save"] = "last"
    runs = [solved(d, tmp_path / str(i), mf6) for i, d in enumerate((made, last))]
    every, only = (run.result for run in runs)
    assert every.concentration.shape == (8, 1, 36) and only.concentration.shape == (1, 1, 36)
    rows = every.concentration[:, 0]
    np.testing.assert_allclose(every.observed["point"], rows[:, 16], rtol=1e-12)
    np.testing.assert_allclose(
        every.observed["line"], (5 * rows[:, 16] + 4 * rows[:, 17]) / 9, rtol=1e-9
    )
    for name in every.observed:
        np.testing.assert_array_equal(every.observed[name], only.observed[name])
    assert only.time_d.tolist() == [100.0] and only.length_d.tolist() == [100.0]
    for component in ("chd", "cnc", "storage"):
        one, two = (budget(run, component) for run in runs)
        assert one == pytest.approx(two, rel=1e-12)


def test_results_are_read_back_from_their_files_alone(mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater import catalog as flow_catalog

    made = column(time={"length": 100.0, "steps": 5}, observation=[{"id": "p", "x": 40, "y": 2}])
    run = solved(made, tmp_path / "mf6", mf6)
    flow_catalog.write_results(tmp_path, run.flow.result, {"sim_id": "1"})
    catalog.write_results(tmp_path, run.result)
    again = catalog.reopen(tmp_path)
    mine = run.result
    for name in ("time_d", "length_d", "concentration", "start", "pore_volume", "sorbing", "held",
                 "steps_d", "converged", "percent"):  # fmt: skip
        np.testing.assert_array_equal(getattr(mine, name), getattr(again, name))
    assert again.budget == mine.budget and dict(again.about) == dict(mine.about)
    np.testing.assert_array_equal(again.observed["p"], mine.observed["p"])
    np.testing.assert_array_equal(again.fields["outflow"], mine.fields["outflow"])
    assert again.connections is not None and mine.connections is not None
    for name in ("one", "other", "rate", "area", "distance", "lateral"):
        np.testing.assert_array_equal(
            getattr(again.connections, name), getattr(mine.connections, name)
        )
    flow_catalog.reopen(tmp_path)  # what was added does not disturb what was there
    (tmp_path / "results" / "solute_budget.csv").write_text("step,component\n")
    with pytest.raises(EvidenceError, match="is not as it was written"):
        catalog.reopen(tmp_path)


@pytest.mark.parametrize("name", ["solute.ucn", "solute.budget.csv", "flow.cbc"])
def test_a_torn_file_is_no_result(name: str, mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater.transport.reading import read_results

    from .columns import task_of

    made = column(time={"length": 100.0, "steps": 5})
    run = solved(made, tmp_path / "mf6", mf6)
    path = tmp_path / "mf6" / name
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    model = gwt.model_of(task_of(made, tmp_path / "mf6", mf6))
    with pytest.raises(EvidenceError, match=name):
        read_results(model, run.flow.result, tmp_path / "mf6", 0.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5), (" .25E-10", 0.25e-10), ("0.8257029853554466-100", 0.8257029853554466e-100),
        ("-.5+123", -0.5e123), ("1.-101", 1e-101), ("0.4-310", 0.4e-310),
    ],
)  # fmt: skip
def test_numbers_of_fortran_are_read_without_their_e(text: str, value: float) -> None:
    from mhx.groundwater.transport.reading import number

    assert number(text) == value


def test_what_is_no_number_is_refused() -> None:
    from mhx.groundwater.transport.reading import number

    for text in ("", "***", "1.0-10", "a-100"):
        with pytest.raises(ValueError, match="could not convert"):
            number(text)


@pytest.mark.slow
def test_a_curve_over_a_thousand_cells_is_read_to_its_last_digit(mf6: Path, tmp_path: Path) -> None:
    """Far ahead of a front concentrations are 1e-100, and a row of the table is long."""
    made = column(cells=1200, size=1.0, time={"length": 10.0, "steps": 3})
    made["mesh"]["constraint"] = [{"id": "axis", "points": [[0.0, 0.5], [1200.0, 0.5]]}]
    made["transport"]["observation"] = [{"id": "axis", "line": "axis"}]
    result = solved(made, tmp_path / "mf6", mf6).result
    np.testing.assert_allclose(
        result.observed["axis"], result.concentration[:, 0].mean(axis=1), rtol=1e-9
    )
    assert 0 < np.abs(result.concentration[0]).min() < 1e-100
