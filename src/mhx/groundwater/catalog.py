"""The folder `results/` of a finished flow run: written once, read back without the solver.

    catalog.json   what there is: identity, formulation, parameters, boundaries, fields with units
    heads.npz      heads and stored fields of the saved steps, areas and elevations of the cells
    budget.csv     per saved step and component the water in and out [m3/s]; `boundary` is empty
                   for all of a component, else the id of one boundary or source of it
    steps.csv      per time step: iterations, convergence, percent discrepancies of the listing

`step` counts the time steps over all stress periods, from 1: the rows of `steps.csv`.  Numbers are
written with all their digits, so that metrics of the files are those of the solver.
"""

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError, RunError
from mhx.evidence.schemas import RESULT_CATALOG
from mhx.evidence.store import read_json
from mhx.groundwater.listing import Step
from mhx.groundwater.results import BudgetRow, FlowResult
from mhx.groundwater.vocabulary import FIELDS

FOLDER = "results"
CATALOG, HEADS, BUDGET, STEPS = "catalog.json", "heads.npz", "budget.csv", "steps.csv"
_BUDGET_COLUMNS = ("step", "component", "in_m3_s", "out_m3_s", "boundary")
_STEP_COLUMNS = (
    *("period", "step", "time_d", "outer_iterations", "inner_iterations", "converged"),
    *("percent_step", "percent_cumulative"),
)


def write_results(
    run_dir: Path, result: FlowResult, identity: Mapping[str, Any], below: str = ""
) -> list[str]:
    """Write `results/`; the paths below the run folder.

    identity: sim_id, name, solver, solver_version, solver_sha256.  below: folder in `results/`, of
    one model of several.
    """
    folder = run_dir / FOLDER / below
    fields = {"head": result.heads, **result.fields}
    arrays: dict[str, Any] = {
        **fields,
        "time_d": result.time_d,
        "length_d": result.length_d,
        "period": result.period,
        "step": result.step,
        "area_m2": result.areas,
        "top_m": result.top,
        "bottom_m": result.bottoms,
    }
    arrays |= {name: kept for name in _PARTLY if (kept := getattr(result, name)) is not None}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    numbers = _numbers(result)
    budget = (
        (numbers[row.saved], row.component, row.rate_in, row.rate_out, row.boundary)
        for row in result.budget
    )
    steps = (
        (
            *(one.period, one.step, end, one.outer, one.inner, int(one.converged)),
            *(one.percent_step, one.percent_cumulative),
        )
        for one, end in zip(result.steps, result.ended_d.tolist(), strict=True)
    )
    contents = {
        CATALOG: lines_of(_catalog(result, fields, identity)),
        HEADS: stream.getvalue(),
        BUDGET: table_of(_BUDGET_COLUMNS, budget),
        STEPS: table_of(_STEP_COLUMNS, steps),
    }
    write_files(folder, contents)
    return [(folder / name).relative_to(run_dir).as_posix() for name in contents]


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put files into a folder, with a RunError where one cannot be written.

    Not synced one by one: the manifest, written last, says what these files must hold.
    """
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            path = folder / name
            path.unlink(missing_ok=True)  # it may be a link to the evidence of another testbed
            path.write_bytes(content)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def lines_of(catalog: Mapping[str, Any]) -> bytes:
    """One line per key: long lists of cells stay lists that one can look past."""
    rows = (f"  {json.dumps(key)}: {_rendered(key, catalog[key])}" for key in sorted(catalog))
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode("ascii")


_last: dict[str, tuple[Any, str]] = {}


def _rendered(key: str, value: Any) -> str:
    """JSON of one value; that of the run before where it is the very same one."""
    known = _last.get(key)
    if known is None or known[0] is not value:
        known = value, json.dumps(value, sort_keys=True, allow_nan=False)
        if isinstance(value, Mapping):
            _last[key] = known
    return known[1]


def reopen(run_dir: Path, below: str = "") -> FlowResult:
    """The result of a finished run from `results/` alone; EvidenceError where it is not whole."""
    folder = run_dir / FOLDER / below
    catalog = read_json(folder / CATALOG, RESULT_CATALOG)
    arrays = arrays_of(folder / HEADS)
    try:
        steps, ended = _steps(folder / STEPS)
        result = FlowResult(
            areas=arrays.pop("area_m2"),
            top=arrays.pop("top_m"),
            bottoms=arrays.pop("bottom_m"),
            period=arrays.pop("period"),
            step=arrays.pop("step"),
            time_d=arrays.pop("time_d"),
            length_d=arrays.pop("length_d"),
            heads=arrays.pop("head"),
            fields={name: arrays.pop(name) for name in FIELDS if name in arrays},
            budget=(),
            steps=steps,
            ended_d=np.array(ended),
            fixed=_fixed(catalog),
            about={key: catalog[key] for key in (*_ABOUT, *_SOMETIMES) if key in catalog},
            **{name: arrays[name] for name in _PARTLY if name in arrays},
        )
        saved = {number: index for index, number in enumerate(_numbers(result))}
        rows = tuple(
            BudgetRow(
                saved=saved[int(row["step"])],
                component=row["component"],
                boundary=row["boundary"],
                rate_in=float(row["in_m3_s"]),
                rate_out=float(row["out_m3_s"]),
            )
            for row in rows_of(folder / BUDGET, _BUDGET_COLUMNS)
        )
    except (KeyError, ValueError) as error:
        raise EvidenceError(f"{folder} is not as it was written: {error}") from error
    return replace(result, budget=rows)


_ABOUT = (
    *("duration_s", "regime", "formulation", "parameters", "recharge_nominal_m3_s", "boundaries"),
    "start",
)
_SOMETIMES = ("unprinted", "units")
_PARTLY = ("active", "confined", "under")
"""Arrays of a result that only some models need."""


def _catalog(
    result: FlowResult, fields: Mapping[str, np.ndarray], identity: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "schema": RESULT_CATALOG,
        **identity,
        **result.about,
        "status": "converged" if all(step.converged for step in result.steps) else "not converged",
        "n_cells": result.areas.size,
        "n_layers": len(result.bottoms),
        "n_timesteps": result.saved,
        "fields": [
            {
                "name": name,
                "unit": FIELDS[name][0],
                "meaning": FIELDS[name][1],
                "shape": list(values.shape),
                "file": HEADS,
            }
            for name, values in fields.items()
        ],
    }


def _numbers(result: FlowResult) -> list[int]:
    """The number of each saved step among all steps, from 1."""
    all_steps = {(one.period, one.step): at for at, one in enumerate(result.steps, start=1)}
    return [
        all_steps[key] for key in zip(result.period.tolist(), result.step.tolist(), strict=True)
    ]


def _fixed(catalog: Mapping[str, Any]) -> np.ndarray:
    nodes = [
        layer * catalog["n_cells"] + cell
        for one in catalog["boundaries"].values()
        if one["package"] == "chd"
        for layer, cell in zip(one["layers"], one["cells"], strict=True)
    ]
    return np.unique(np.array(nodes, dtype=np.int64))


def table_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """A CSV file with a header."""
    lines = [",".join(columns)]
    lines += [",".join(map(_cell, row)) for row in rows]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _cell(value: Any) -> str:
    """Numbers with all their digits; what is no number is empty."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return str(value)


def rows_of(path: Path, columns: Iterable[str] | None) -> list[dict[str, str]]:
    """The rows of a table by its columns, which must be these; None: whatever they are.

    EvidenceError where it cannot be read, ValueError where it is torn or of another form.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path} cannot be read ({error})") from error
    reader = csv.DictReader(text.splitlines())
    rows = list(reader)
    if not text.endswith("\n"):
        raise ValueError(f"{path.name} is torn")
    if columns is not None and tuple(reader.fieldnames or ()) != tuple(columns):
        raise ValueError(f"{path.name} has the columns {reader.fieldnames}")
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path.name} has a row of another length")
    return rows


def _steps(path: Path) -> tuple[tuple[Step, ...], list[float]]:
    rows = rows_of(path, _STEP_COLUMNS)
    steps = tuple(
        Step(
            period=int(row["period"]),
            step=int(row["step"]),
            outer=int(row["outer_iterations"]),
            inner=int(row["inner_iterations"]),
            converged=row["converged"] == "1",
            percent_step=float(row["percent_step"] or "nan"),
            percent_cumulative=float(row["percent_cumulative"] or "nan"),
            line=0,
        )
        for row in rows
    )
    return steps, [float(row["time_d"] or "nan") for row in rows]


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """What a file of arrays holds, by name; EvidenceError where it is not whole."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise EvidenceError(f"{path} is missing, torn or altered ({error})") from error
