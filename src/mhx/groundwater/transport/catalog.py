"""Transport in the folder `results/` of a run: written once, read back without the solver.

    catalog.json       gains the field `concentration` and the key `transport`
    concentration.npz  concentrations, pore water and flows of the saved steps
    solute_budget.csv  per saved step and component the mass in and out [kg/s], means since the
                       step before; `boundary` is empty for all of a component, else an id
    solute_steps.csv   per time step: convergence and percent discrepancies of masses
    breakthrough.csv   per time step the concentration at each observation [kg/m3]

`step` counts time steps over all stress periods, from 1.
"""

import io
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError
from mhx.evidence.schemas import RESULT_CATALOG
from mhx.evidence.store import read_json
from mhx.groundwater import catalog
from mhx.groundwater.results import BudgetRow
from mhx.groundwater.transport.results import Connections, TransportResult

CONCENTRATION, BUDGET = "concentration.npz", "solute_budget.csv"
STEPS, BREAKTHROUGH = "solute_steps.csv", "breakthrough.csv"
KEY = "transport"
"""Where the catalog holds what is told of transport."""
_BUDGET_COLUMNS = ("step", "component", "in_kg_s", "out_kg_s", "boundary")
_STEP_COLUMNS = ("step", "time_d", "converged", "percent_step", "percent_cumulative")
_LINKS = "connection_"
_START = "start_volume"
"""The only field that has no row for every saved step."""
_ARRAYS = ("time_d", "length_d", "concentration", "start", "pore_volume", "sorbing", "held")


def write_results(run_dir: Path, result: TransportResult) -> None:
    """Write transport beside the flow that is there; RunError where it cannot be written."""
    folder = run_dir / catalog.FOLDER
    arrays = {name: getattr(result, name) for name in _ARRAYS} | dict(result.fields)
    if result.connections is not None:
        for one in fields(Connections):
            arrays[f"{_LINKS}{one.name}"] = _once(getattr(result.connections, one.name))
    arrays |= {name: _once(arrays[name]) for name in ("pore_volume", *result.fields)}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    numbers = (np.searchsorted(result.steps_d, result.time_d) + 1).tolist()
    budget = (
        (numbers[row.saved], row.component, row.rate_in, row.rate_out, row.boundary)
        for row in result.budget
    )
    steps = (
        (at, end, int(good), *percents)
        for at, (end, good, percents) in enumerate(
            zip(result.steps_d.tolist(), result.converged.tolist(), result.percent.tolist(),
                strict=True), start=1)
    )  # fmt: skip
    observed = [values.tolist() for values in result.observed.values()]
    curves = zip(range(1, result.steps_d.size + 1), result.steps_d.tolist(), *observed, strict=True)
    catalog.write_files(
        folder,
        {
            catalog.CATALOG: catalog.lines_of(_catalog(folder, result)),
            CONCENTRATION: stream.getvalue(),
            BUDGET: catalog.table_of(_BUDGET_COLUMNS, budget),
            STEPS: catalog.table_of(_STEP_COLUMNS, steps),
            BREAKTHROUGH: catalog.table_of(("step", "time_d", *result.observed), curves),
        },
    )


def _once(values: np.ndarray) -> np.ndarray:
    """Rows that are all one row, such as a steady flow's, as that row alone."""
    alike = values.ndim > 1 and values.strides[0] == 0 and len(values) > 1
    return values[:1] if alike else values


def _catalog(folder: Path, result: TransportResult) -> dict[str, Any]:
    found = dict(read_json(folder / catalog.CATALOG, RESULT_CATALOG))
    field = {
        "name": "concentration",
        "unit": "kg/m3",
        "meaning": "concentration in the water",
        "shape": list(result.concentration.shape),
        "file": CONCENTRATION,
    }
    others = [one for one in found["fields"] if one["name"] != "concentration"]
    return found | {"fields": [*others, field], KEY: dict(result.about)}


def reopen(run_dir: Path) -> TransportResult:
    """The result of a finished run from `results/` alone; EvidenceError where it is not whole."""
    folder = run_dir / catalog.FOLDER
    told: Mapping[str, Any] = read_json(folder / catalog.CATALOG, RESULT_CATALOG)
    arrays = catalog.arrays_of(folder / CONCENTRATION)
    try:
        about = told[KEY]
        steps = catalog.rows_of(folder / STEPS, _STEP_COLUMNS)
        curves = catalog.rows_of(folder / BREAKTHROUGH, None)
        kept = {name: arrays.pop(name) for name in _ARRAYS}
        links = {
            name.removeprefix(_LINKS): arrays.pop(name)
            for name in list(arrays)
            if name.startswith(_LINKS)
        }
        n_saved = kept["time_d"].size
        ends = np.array([float(row["time_d"]) for row in steps])
        saved = {int(at) + 1: k for k, at in enumerate(np.searchsorted(ends, kept["time_d"]))}
        return TransportResult(
            **kept | {"pore_volume": _every(kept["pore_volume"], n_saved)},
            budget=tuple(_budget(folder, saved)),
            steps_d=ends,
            observed={
                name: np.array([float(row[name] or "nan") for row in curves])
                for name in (list(curves[0])[2:] if curves else [])
            },
            converged=np.array([row["converged"] == "1" for row in steps]),
            percent=np.array(
                [
                    [float(row[key] or "nan") for key in ("percent_step", "percent_cumulative")]
                    for row in steps
                ]
            ),
            about=about,
            connections=_connections(links, n_saved) if links else None,
            fields={
                name: values if name == _START else _every(values, n_saved)
                for name, values in arrays.items()
            },
        )
    except (KeyError, ValueError) as error:
        raise EvidenceError(f"{folder} is not as it was written: {error}") from error


def _every(values: np.ndarray, n_saved: int) -> np.ndarray:
    """One row for every saved step again."""
    return np.broadcast_to(values, (n_saved, *values.shape[1:]))


def _connections(links: Mapping[str, np.ndarray], n_saved: int) -> Connections:
    moving = {name: _every(links[name], n_saved) for name in ("rate", "area")}
    return Connections(**{**links, **moving})


def _budget(folder: Path, saved: Mapping[int, int]) -> list[BudgetRow]:
    return [
        BudgetRow(
            saved=saved[int(row["step"])],
            component=row["component"],
            boundary=row["boundary"],
            rate_in=float(row["in_kg_s"]),
            rate_out=float(row["out_kg_s"]),
        )
        for row in catalog.rows_of(folder / BUDGET, _BUDGET_COLUMNS)
    ]
