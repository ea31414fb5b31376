"""How methods are carried out, and what becomes of one that ends badly."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mhx.config import parse, read_toml
from mhx.errors import ConfigError, EngineMissing, MhxError, RunError, SolverError
from mhx.evidence.schemas import RUN_ERROR
from mhx.evidence.store import write_json, write_text
from mhx.execution.job import Ending, Job, Outcome
from mhx.groundwater.comparison import carrying
from mhx.groundwater.comparison.carrying import Ended, as_they_are, carry_out
from mhx.groundwater.comparison.children import Child, resolve
from mhx.groundwater.comparison.config import Comparison, Execution
from mhx.workflow.load import load

from .files import written


class Fake:
    """A backend that ends each job as it is told to."""

    def __init__(self, endings: dict[str, Any]) -> None:
        self.endings = endings
        self.started: list[str] = []
        self.closed = False

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            self.started.append(job.name)
            told = {"ending": Ending.FINISHED, "exit_code": 0} | self.endings.get(job.name, {})
            folder = job.folder / job.run_dir
            folder.mkdir(parents=True, exist_ok=True)
            if error := told.pop("error", None):
                write_json(folder / "run_error.json", {"schema": RUN_ERROR, **error})
            yield Outcome(
                job=job,
                wall_s=0.0,
                attempt="one",
                log=folder / "attempts" / "one" / "log.txt",
                **told,
            )

    def stop(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def children(tmp_path: Path) -> tuple[Child, ...]:
    config = load(written(tmp_path)).config
    return resolve(parse(Comparison, config).comparison).children


def carried(root: Path, found: Sequence[Child], go_on: bool, **endings: Any) -> dict[str, Ended]:
    return carry_out(root, found, Execution(), go_on=go_on, backend=lambda _: Fake(endings))


def failing(kind: str, code: int, message: str = "no") -> dict[str, Any]:
    return {
        "exit_code": code,
        "error": {"class": kind, "message": message, "exit_code": code},
    }


ENDINGS = {
    "a solver that said no": (
        failing("SolverError", 3), SolverError, "failed", "simulation 'other': no",
    ),
    "a solver whose listing says why": (
        failing("SolverError", 3, "no; see mf6/mfsim.lst line 9"), SolverError, "failed",
        "simulation 'other': no; see mf6/mfsim.lst line 9 in simulations/other",
    ),
    "a program that is missing": (
        failing("EngineMissing", 3), EngineMissing, "failed", "simulation 'other': no",
    ),
    "a selector that finds nothing": (
        failing("ConfigError", 2), ConfigError, "failed", "simulation 'other': no",
    ),
    "a bug": (
        failing("ZeroDivisionError", 70), RunError, "failed", "simulation 'other': no",
    ),
    "a process that died": (
        {"ending": Ending.DIED, "exit_code": None, "signal": 9}, RunError, "failed",
        "simulation 'other': the process died (signal 9); see "
        "simulations/other/attempts/one/log.txt",
    ),
    "a limit that was exceeded": (
        {"ending": Ending.TIMEOUT, "exit_code": None}, RunError, "timeout",
        "simulation 'other' exceeded 0 s and was stopped; see "
        "simulations/other/attempts/one/log.txt",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ending", "kind", "status", "told"), ENDINGS.values(), ids=ENDINGS)
def test_the_error_of_a_method_is_told_by_its_name(
    tmp_path: Path,
    children: tuple[Child, ...],
    ending: dict[str, Any],
    kind: type[MhxError],
    status: str,
    told: str,
) -> None:
    found = carried(tmp_path, children, True, other=ending)
    assert [one.status for one in found.values()] == ["ok", status]
    assert type(found["other"].cause) is kind and found["other"].error == told
    with pytest.raises(kind, match=r"simulation 'other'"):
        carried(tmp_path, children, False, other=ending)


def test_a_gate_of_a_run_that_did_not_pass_is_no_failure(
    tmp_path: Path, children: tuple[Child, ...]
) -> None:
    found = carried(tmp_path, children, False, other={"exit_code": 1})
    assert found["other"].finished


def test_what_follows_a_failure_is_not_started_unless_it_is_to_go_on(
    tmp_path: Path, children: tuple[Child, ...]
) -> None:
    backend = Fake({"dis": failing("SolverError", 3)})
    with pytest.raises(SolverError):
        carry_out(tmp_path, children, Execution(), go_on=False, backend=lambda _: backend)
    assert backend.started == ["dis"] and backend.closed
    going_on = Fake({"dis": failing("SolverError", 3)})
    carry_out(tmp_path, children, Execution(), go_on=True, backend=lambda _: going_on)
    assert going_on.started == ["dis", "other"] and going_on.closed


def test_a_child_is_an_ordinary_file_with_paths_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text("value\n" + "1e-4\n" * 32)
    path = written(
        tmp_path,
        keys='base_simulation_overlay = { flow = { param = { K__replace = { file = "k.csv" } } } }',
    )
    found = resolve(parse(Comparison, load(path).config).comparison).children
    carrying.write_children(tmp_path / "run", found)
    child = tmp_path / "run" / "_generated_configs" / "other.toml"
    assert read_toml(child)[0]["flow"]["param"]["K"] == {"file": "../../k.csv"}
    assert child.read_text().startswith("# Method 'other' of a comparison;")
    alone = load(child)
    assert alone.row.mode == "simulation"
    assert alone.config["mesh"]["kind"] == "rectangular_disv"


def test_a_comparison_that_runs_nothing_takes_what_is_there(
    tmp_path: Path, children: tuple[Child, ...]
) -> None:
    for name in ("manifest.json", "run_summary.json"):
        write_text(tmp_path / "simulations" / "dis" / name, "{}")
    found = as_they_are(tmp_path, children)
    assert [one.status for one in found.values()] == ["ok", "missing"]
    assert "comparison.run_simulations is false" in found["other"].error
