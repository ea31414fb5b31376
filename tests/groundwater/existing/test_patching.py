"""A patched copy has the heads of the same model changed by flopy and written anew."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.groundwater.existing.copying import materialise
from mhx.groundwater.existing.reading import OwnModel

from . import own_models
from .own_models import RAIN, heads, solved, table, written

Patch = dict[str, Any]


def patch(package: str, variable: str, operation: str, value: float, **more: Any) -> Patch:
    return {"package": package, "variable": variable, "operation": operation, "value": value} | more


def column(model: str, package: str, name: str, change: Callable[[Any], Any], **more: Any) -> Any:
    """A change of one column of a list with flopy: `block` (period data), `row` (all)."""

    def apply(sim: Any) -> None:
        data = getattr(
            sim.get_model(model).get_package(package), more.get("block", "stress_period_data")
        )
        whole = data.get_data()
        parts = whole if isinstance(whole, dict) else {None: whole}
        for key, rows in parts.items():
            if rows is not None and key in more.get("periods", parts):
                rows[name] = [change(value) for value in rows[name]]
        data.set_data(whole)

    return apply


def array(model: str, package: str, name: str, change: Callable[[Any], Any]) -> Any:
    def apply(sim: Any) -> None:
        data = getattr(sim.get_model(model).get_package(package), name)
        data.set_data(change(np.array(data.get_data(), dtype=float)))

    return apply


def layer_two(values: np.ndarray) -> np.ndarray:
    values[1] *= 3.0
    return values


def cells(values: np.ndarray) -> np.ndarray:
    values[0, 2, 3] = values[1, 5, 7] = 9.0
    return values


def wells_in_two(sim: Any) -> None:
    """Period 2 pumps twice what it had from period 1; period 3 is as before."""
    data = sim.get_model("flow").get_package("wells").stress_period_data
    rows = data.get_data()
    rows[1] = rows[0].copy()
    rows[1]["q"] *= 2.0
    data.set_data(rows)


def rain_in_three(sim: Any) -> None:
    sim.get_model("flow").rcha.recharge.set_data({0: 1e-3, 1: RAIN, 2: 3.0 * RAIN})


def rain_in_two(sim: Any) -> None:
    sim.get_model("flow").rcha.recharge.set_data({0: 1e-3, 1: 3.0 * RAIN, 2: RAIN})


def inflow(sim: Any) -> None:
    rows = {0: [(0, "inflow", 1000.0), (2, "runoff", 5.0)], 2: [(0, "inflow", 1600.0)]}
    sim.get_model("flow").sfr.perioddata.set_data(rows)


def pumping(sim: Any) -> None:
    rows = {0: [(0, "rate", -20.0)], 1: [(0, "rate", -30.0)]}
    sim.get_model("flow").maw.perioddata.set_data(rows)


def lake(sim: Any) -> None:
    rows = {0: [(0, "rainfall", 1e-2), (0, "evaporation", 5e-4)]}
    sim.get_model("flow").lak.perioddata.set_data(rows)


def steps(sim: Any) -> None:
    sim.tdis.perioddata.set_data([(1.0, 1, 1.0), (10.0, 6, 1.2), (20.0, 4, 1.0)])


def evapotranspiration(sim: Any) -> None:
    data = sim.get_model("flow").evt.stress_period_data
    rows = data.get_data()
    rows[0]["petm2"] = 0.1
    data.set_data(rows)


def between(sim: Any) -> None:
    data = sim.get_exchange_file("both.gwfgwf").exchangedata
    rows = data.get_data()
    rows["hwva"] *= 0.1
    data.set_data(rows)


def twice(value: float) -> float:
    return 2.0 * value


WELLS = partial(column, "flow", "wells")
CASES: dict[str, tuple[str, list[Patch], Any]] = {
    "an array": (
        "plain", [patch("npf", "k", "multiply", 2.0)], array("flow", "npf", "k", twice),
    ),
    "one layer of an array": (
        "plain", [patch("npf", "k", "multiply", 3.0, layers=[2])],
        array("flow", "npf", "k", layer_two),
    ),
    "cells of an array": (
        "plain", [patch("npf", "k", "set", 9.0, cells=[[1, 3, 4], [2, 6, 8]])],
        array("flow", "npf", "k", cells),
    ),
    "a constant": (
        "plain", [patch("sto", "sy", "add", 0.1)], array("flow", "sto", "sy", lambda v: v + 0.1),
    ),
    "the surface": (
        "plain", [patch("dis", "top", "add", 2.0)], array("flow", "dis", "top", lambda v: v + 2.0),
    ),
    "a column in every period": (
        "plain", [patch("wells", "q", "multiply", 2.0)], WELLS("q", twice),
    ),
    "a column in a period that repeats the one before": (
        "plain", [patch("wells", "q", "multiply", 2.0, period=2)], wells_in_two,
    ),
    "a column by the name of the boundary": (
        "plain", [patch("wells", "q", "set", -15.0, boundname="Small One")],
        WELLS("q", lambda v: -15.0 if v == -5.0 else v),
    ),
    "columns of a package by its type": (
        "plain", [patch("riv", "cond", "multiply", 0.5), patch("riv", "stage", "add", -1.0)],
        lambda sim: (
            column("flow", "riv", "cond", lambda v: 0.5 * v)(sim),
            column("flow", "riv", "stage", lambda v: v - 1.0)(sim),
        ),
    ),
    "recharge in the last period": (
        "plain", [patch("rcha", "recharge", "multiply", 3.0, period=[3])], rain_in_three,
    ),
    "recharge in a period before others": (
        "plain", [patch("rcha", "recharge", "multiply", 3.0, period=[2])], rain_in_two,
    ),
    "time steps": ("plain", [patch("tdis", "nstp", "multiply", 2, period=[2, 3])], steps),
    "two patches of one array": (
        "plain",
        [patch("npf", "k", "multiply", 4.0), patch("npf", "k", "multiply", 0.5)],
        array("flow", "npf", "k", twice),
    ),
    "inflow of a stream": ("advanced", [patch("sfr", "inflow", "multiply", 2.0)], inflow),
    "a stream's bed": (
        "advanced", [patch("sfr", "rhk", "multiply", 0.1)],
        column("flow", "sfr", "rhk", lambda v: 0.1 * v, block="packagedata"),
    ),
    "a well's rate from period 2": (
        "advanced", [patch("maw", "rate", "set", -30.0, period=[2, 3])], pumping,
    ),
    "a well's skin": (
        "advanced", [patch("maw", "hk_skin", "multiply", 0.5, boundname="deep")],
        column("flow", "maw", "hk_skin", lambda v: 0.5 * v, block="connectiondata"),
    ),
    "rain on a lake": ("advanced", [patch("lak", "rainfall", "multiply", 10.0)], lake),
    "a lake's bed and its rain": (
        "advanced",
        [patch("lak", "bedleak", "multiply", 1e-4), patch("lak", "rainfall", "multiply", 10.0)],
        lambda sim: (
            column("flow", "lak", "bedleak", lambda v: 1e-4 * v, block="connectiondata")(sim),
            lake(sim),
        ),
    ),
    "infiltration": (
        "advanced", [patch("uzf", "finf", "multiply", 2.0)],
        column("flow", "uzf", "finf", lambda v: 2.0 * float(v), block="perioddata"),
    ),
    "a segment of evapotranspiration": (
        "advanced", [patch("evt", "petm2", "set", 0.1)],
        evapotranspiration,
    ),
    "what is moved": (
        "advanced", [patch("mvr", "value", "multiply", 2.0)],
        column("flow", "mvr", "value", twice, block="perioddata"),
    ),
    "porosity of the transport": (
        "coupled", [patch("mst", "porosity", "multiply", 0.5)],
        array("salt", "mst", "porosity", lambda v: 0.5 * v),
    ),
    "concentration of a river": (
        "coupled", [patch("riv", "concentration", "multiply", 0.5, model="flow")],
        column("flow", "riv", "CONCENTRATION", lambda v: 0.5 * v),
    ),
    "density": (
        "coupled", [patch("buy", "drhodc", "multiply", 2.0)],
        column("flow", "buy", "drhodc", twice, block="packagedata"),
    ),
    "one of two models": (
        "joined", [patch("npf", "k", "multiply", 2.0, model="east")],
        array("east", "npf", "k", twice),
    ),
    "an exchange": (
        "joined", [patch("gwf-gwf", "hwva", "multiply", 0.1)],
        between,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("build", "patches", "change"), CASES.values(), ids=CASES)
def test_a_patch_equals_the_same_change_by_flopy(
    build: str, patches: list[Patch], change: Any, tmp_path: Path, mf6: Path
) -> None:
    make = getattr(own_models, build)
    user = written(make(tmp_path / "user"))
    made = materialise(table(user, patches), tmp_path / "copy")
    solved(mf6, made.folder)
    solved(mf6, user)
    changed = make(tmp_path / "flopy")
    change(changed)
    solved(mf6, written(changed))
    for part in made.own.models:
        assert part.heads is not None
        text = "head" if part.type == "gwf" else "concentration"
        ours = heads(part.heads, text)
        theirs = heads(tmp_path / "flopy" / part.heads.name, text)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    assert moved(user, made.own)


def moved(user: Path, own: OwnModel) -> bool:
    """Whether a patch did anything to heads or concentrations."""
    for part in own.models:
        assert part.heads is not None
        text = "head" if part.type == "gwf" else "concentration"
        before, after = heads(user / part.heads.name, text), heads(part.heads, text)
        if before.shape != after.shape or np.abs(before - after).max() > 1e-6:
            return True
    return False
