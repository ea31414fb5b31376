"""Before the first case: a model that does not run by itself is told of, and tried once."""

from pathlib import Path
from typing import Any

import pytest

from mhx.errors import ConfigError, SolverError
from mhx.groundwater.existing import preflight
from mhx.groundwater.existing.before import before

from .hand_written import edited, written

PATCH = {"id": "k", "package": "npf", "variable": "k", "operation": "multiply", "value": 2.0}


def case(model: Path, value: float = 2.0) -> dict[str, Any]:
    return {
        "simulation": {"process": [{"id": "flow", "type": "flow"}]},
        "model": {"path": model, "patch": [PATCH | {"value": value}]},
    }


@pytest.mark.slow
def test_a_model_that_runs_is_known_by_its_digest(mf6: Path, tmp_path: Path) -> None:
    model = written(tmp_path / "own")
    digest = before(case(model), tmp_path / "copy", ())
    assert len(digest) == 16
    # another case of the same model was tried by then
    assert preflight.before(case(model, 3.0), tmp_path / "other", {digest}) == digest
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_changed_model_is_tried_again(mf6: Path, tmp_path: Path) -> None:
    model = written(tmp_path / "own")
    digest = before(case(model), tmp_path / "copy", ())
    solver = model / "in_put" / "solver.ims"
    solver.write_text(solver.read_text().replace("1d-9", "1d-8"))
    assert before(case(model), tmp_path / "again", {digest}) != digest


@pytest.mark.slow
def test_a_model_that_does_not_run_is_told_with_the_words_of_its_listing(
    mf6: Path, tmp_path: Path
) -> None:
    wrong = edited("in_put/solver.ims", "outer_maximum 100", "outer_minimum 100")
    model = written(tmp_path / "own", solver_ims=wrong)
    with pytest.raises(SolverError, match="does not run as it is, before any patch") as error:
        before(case(model), tmp_path / "copy", ())
    assert "OUTER_MINIMUM" in str(error.value).upper()
    assert str(tmp_path / "copy" / "mf6") in str(error.value)


def test_a_model_that_is_built_here_needs_no_look() -> None:
    assert before({"simulation": {}, "mesh": {}}, Path("nowhere"), ()) == ""


@pytest.mark.slow
def test_measured_data_that_the_model_cannot_meet_are_told_before_any_case(
    mf6: Path, tmp_path: Path
) -> None:
    asked = case(written(tmp_path / "own"))
    given = {"id": "b", "quantity": "head", "cell": 0, "value": 1.0}
    late = asked | {"observation": [given | {"time": 1e9}]}
    with pytest.raises(ConfigError, match=r"observation\[0\]\.time must lie in the run, 0 to "):
        before(late, tmp_path / "copy", ())
    unknown = {"id": "f", "quantity": "flow", "boundary": "no_such", "value": 1.0}
    with pytest.raises(ConfigError, match=r"observation\[0\]\.boundary must be a package \("):
        before(asked | {"observation": [unknown]}, tmp_path / "second", ())
    # a case that changes the time frame may have such a moment
    option = {"file": "tdis", "block": "perioddata", "key": "x", "value": 1.0}
    late["model"] = asked["model"] | {"option": [option]}
    assert before(late, tmp_path / "third", ())
