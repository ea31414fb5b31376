"""A patched copy has the heads of the same model changed by flopy and written anew."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import arrays
from mhx.groundwater.existing.copying import materialise, planned
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


def several(sim: Any) -> None:
    """What `SEVERAL` does, by flopy."""
    gwf = sim.get_model("flow")
    gwf.npf.k.set_data(2.0 * np.array(gwf.npf.k.get_data()))
    wells = gwf.get_package("wells").stress_period_data
    rows = wells.get_data()
    rows[1] = rows[0].copy()
    rows[1]["q"] *= 3.0
    wells.set_data(rows)
    column("flow", "riv", "cond", lambda v: 0.5 * v)(sim)
    column("flow", "chd_east", "head", lambda v: v + 1.0)(sim)
    river = gwf.get_package("riv").stress_period_data
    rows = river.get_data()
    rows[1], rows[2] = rows[0].copy(), rows[0].copy()
    rows[1]["stage"] -= 1.0
    river.set_data(rows)


SEVERAL = [
    patch("npf", "k", "multiply", 2.0),
    patch("wells", "q", "multiply", 3.0, period=2),
    patch("riv", "cond", "multiply", 0.5),
    patch("chd", "head", "add", 1.0),
    patch("riv", "stage", "add", -1.0, period=2),
]
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "DIS": ("plain", {}),
    "DISV": ("plain", {"kind": "disv"}),
    "DISU": ("plain", {"kind": "disu"}),
    "text files": ("external", {}),
    "binary files": ("external", {"binary": True}),
    "binary files of DISV": ("external", {"kind": "disv", "binary": True}),
    "binary files of DISU": ("external", {"kind": "disu", "binary": True}),
}


@pytest.mark.slow
@pytest.mark.parametrize("inline", [256, 0], ids=["text", "binary"])
@pytest.mark.parametrize(("build", "more"), FORMS.values(), ids=FORMS)
def test_patches_work_on_every_grid_and_every_form_of_file(
    build: str, more: dict[str, Any], inline: int, tmp_path: Path, mf6: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(arrays, "INLINE", inline)
    user = written(getattr(own_models, build)(tmp_path / "user", **more))
    made = materialise(table(user, SEVERAL), tmp_path / "copy")
    solved(mf6, made.folder)
    changed = own_models.plain(tmp_path / "flopy", kind=more.get("kind", "dis"))
    several(changed)
    solved(mf6, written(changed))
    assert made.own.models[0].heads is not None
    ours = heads(made.own.models[0].heads)
    np.testing.assert_allclose(ours, heads(tmp_path / "flopy/flow.hds"), rtol=0, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("build", ["plain", "external", "advanced", "coupled", "joined"])
def test_an_unpatched_copy_is_the_model(build: str, tmp_path: Path, mf6: Path) -> None:
    user = written(getattr(own_models, build)(tmp_path / "user"))
    made = materialise(table(user), tmp_path / "copy")
    assert set(made.changed) == ({"both.gwfgwf"} if build == "joined" else set())  # SAVE_FLOWS
    solved(mf6, user)
    solved(mf6, made.folder)
    assert not moved(user, made.own)
    for part in made.own.models:
        # 6.4.1 writes no grid file of transport
        assert part.grb is not None and part.grb.is_file() == (part.type == "gwf")
        assert part.budget is not None and part.budget.is_file()
        assert part.listing.is_file()


@pytest.mark.slow
def test_two_models_need_a_name_where_both_have_a_package(tmp_path: Path) -> None:
    user = written(own_models.joined(tmp_path))
    with pytest.raises(ConfigError, match="'npf' stands in the models west, east; say which with"):
        planned(table(user, [patch("npf", "k", "multiply", 2.0)]))
    for name in ("gwf-gwf", "GWF6-GWF6", "gwfgwf", "both.gwfgwf"):
        found = planned(table(user, [patch(name, "cl1", "multiply", 2.0)]))
        assert set(found.files) == {"both.gwfgwf"}
    made = planned(table(user, [patch("ghb", "cond", "multiply", 2.0)]))
    assert set(made.files) == {"both.gwfgwf", "west.ghb"}


INNER = {
    "k of a period": ("inner", patch("tvk", "k", "multiply", 2.0), "flow.npf.tvk"),
    "k from period 2": ("inner", patch("tvk", "k", "set", 2.0, period=[2, 3]), "flow.npf.tvk"),
    "storage of a period": ("inner", patch("tvs", "ss", "multiply", 9.0), "flow.sto.tvs"),
    "a barrier": ("inner", patch("hfb", "hydchr", "multiply", 0.1), "flow.hfb"),
    "a well from period 2": ("inner", patch("wel", "q", "multiply", 0.1, period=3), "flow.wel"),
    "elastic storage": ("compacting", patch("csub", "cg_ske_cr", "multiply", 9.0), "flow.csub"),
    "an interbed": (
        "compacting",
        patch("csub", "ssv_cc", "multiply", 9.0, layers=[1]),
        "flow.csub",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("build", "given", "name"), INNER.values(), ids=INNER)
def test_files_inside_of_packages_and_rarer_lists_can_be_patched(
    build: str, given: Patch, name: str, tmp_path: Path, mf6: Path
) -> None:
    user = written(getattr(own_models, build)(tmp_path / "user"))
    solved(mf6, user)
    made = materialise(table(user, [given]), tmp_path / "copy")
    assert made.changed == (name,)
    solved(mf6, made.folder)
    assert moved(user, made.own)


@pytest.mark.slow
def test_a_setting_that_lasts_beyond_the_periods_is_refused(tmp_path: Path) -> None:
    user = written(own_models.inner(tmp_path))
    told = r"flow\.npf\.tvk\.k of .*flow\.npf\.tvk:\d+ holds for periods 2 to 3; a patch of some"
    with pytest.raises(ConfigError, match=told):
        planned(table(user, [patch("tvk", "k", "set", 2.0, period=2)]))


@pytest.mark.slow
def test_transport_on_the_flow_of_another_simulation(tmp_path: Path, mf6: Path) -> None:
    solved(mf6, written(own_models.below(tmp_path / "user")))
    alone = written(own_models.apart(tmp_path / "salt"))
    solved(mf6, alone)
    with pytest.raises(ConfigError, match=r"'spc' stands for salt\.ghb\.spc, salt\.inj\.spc; give"):
        planned(table(alone, [patch("spc", "concentration", "multiply", 2.0)]))
    twice = [
        patch(name, "concentration", "multiply", 2.0) for name in ("salt.ghb.spc", "salt.inj.spc")
    ]
    made = materialise(table(alone, twice), tmp_path / "deep/down/copy")
    solved(mf6, made.folder)
    assert f"salt.fmi:6 names {tmp_path}/user/flow.hds, which is used where it lies" in made.notices
    assert made.own.models[0].heads is not None
    ours = heads(made.own.models[0].heads, "concentration")
    theirs = heads(alone / "salt.ucn", "concentration")
    np.testing.assert_allclose(ours, 2.0 * theirs, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
def test_one_of_two_solvers_is_chosen_by_model_or_by_file(tmp_path: Path) -> None:
    user = written(own_models.coupled(tmp_path))
    given = {"file": "ims", "block": "linear", "key": "inner_maximum", "value": 77}
    with pytest.raises(
        ConfigError, match=r"'ims' stands for own\.ims, salt\.ims; give one of these"
    ):
        planned(table(user, option=[given]))
    assert set(planned(table(user, option=[given | {"model": "salt"}])).files) == {"salt.ims"}
    assert set(planned(table(user, option=[given | {"file": "own.ims"}])).files) == {"own.ims"}
