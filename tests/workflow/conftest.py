"""A runner of a few lines stands in for the solver."""

import pytest
from pydantic import Field

from mhx.config import InputPath, OutputPath, Table
from mhx.errors import ConfigError
from mhx.evidence.gates import Gate, judge_all, validation_document
from mhx.evidence.schemas import RUN_VALIDATION
from mhx.evidence.store import write_bytes, write_json
from mhx.runner import RunSummary
from mhx.workflow import registry
from mhx.workflow.registry import Registration


class Workflow(Table):
    mode: str
    name: str | None = None
    output_dir: OutputPath | None = None


class Rod(Table):
    """A rod whose length is what is measured."""

    workflow: Workflow
    length: float = Field(1.0, gt=0, description="length [m]")
    limit: float = Field(10.0, description="bound of the gate [m]")
    fault: str = ""
    table: InputPath | None = None


FAULTS = {
    "bug": ZeroDivisionError("division by zero"),
    "interrupt": KeyboardInterrupt(),
    "refusal": ConfigError("the rod is too long for its table"),
}


def run(request):
    """Answers from its own configuration; one file, one gate."""
    calls.append(request.config["length"])
    if fault := request.config["fault"]:
        write_bytes(request.output_dir / "mesh" / "cells.csv", b"cells")
        raise FAULTS[fault]
    write_bytes(request.output_dir / "rod.npz", repr(request.config["length"]).encode())
    write_bytes(request.output_dir / "figures" / "rod.png", b"a picture")
    gate = Gate(name="short", metric="length", high=request.config["limit"], reason="it must fit")
    metrics = {"length": request.config["length"]}
    document = validation_document(RUN_VALIDATION, judge_all([gate], metrics), {})
    write_json(request.output_dir / "validation.json", document)
    return RunSummary(
        metrics=metrics,
        notes={"family_digest": "f" * 64, "device": "cpu"},
        artifacts=("rod.npz", "figures/rod.png"),
    )


calls: list[float] = []


@pytest.fixture
def rods(monkeypatch):
    """The mode "rods", and the lengths of the rods that were really run."""
    entry = Registration(
        subject=None, runner=None, mode="rods", entry="-", config="-", purpose="Rods."
    )
    monkeypatch.setattr(registry, "rows", lambda: (*registry.BUILT_IN, entry))
    monkeypatch.setattr("mhx.workflow.load.table_of", lambda row: Rod)
    monkeypatch.setattr("mhx.workflow.run.runner_of", lambda row: run)
    calls.clear()
    return calls


@pytest.fixture
def rod_file(tmp_path, rods):
    """Write a configuration; its folder is the place that `output_dir` counts from."""

    def write(text="", workflow="", name="rod.toml"):
        path = tmp_path / name
        path.write_text(f'{text}\n[workflow]\nmode = "rods"\n{workflow}\n')
        return path

    return write
