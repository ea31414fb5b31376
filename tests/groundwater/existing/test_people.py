"""Models as other people leave them: names of their own, settings that take away what is read,
paths of another system, and runs that go on after a step that failed."""

from pathlib import Path
from typing import Any

import pytest

from mhx.config import parse
from mhx.errors import ConfigError, SolverError
from mhx.groundwater.existing.config import Model
from mhx.groundwater.existing.copying import planned
from mhx.groundwater.existing.reading import opened
from mhx.groundwater.existing.starting import start
from mhx.groundwater.simulation import run

from . import own_models
from .own_models import written
from .test_run import request

pytestmark = pytest.mark.slow


def edited(folder: Path, name: str, old: str, new: str) -> Path:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return folder


def patch(package: str, variable: str, value: float = 2.0, **more: Any) -> dict[str, Any]:
    told = {"package": package, "variable": variable, "operation": "multiply", "value": value}
    return {"id": "one"} | told | more


def plan(folder: Path, **table: Any) -> Any:
    return planned(parse(Model, {"path": folder} | table))


def refused(folder: Path, **table: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan(folder, **table)
    return str(caught.value)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return written(own_models.plain(tmp_path / "own"))


def test_a_package_answers_to_the_name_that_its_user_gave_it(own: Path) -> None:
    edited(own, "flow.nam", "flow.npf  npf", "flow.npf  Ground")
    made = plan(own, patch=[patch("ground", "k33")])
    assert list(made.files) == ["flow.npf"]
    assert [p.name for p in opened(own).model.packages if p.type == "npf"] == ["npf"]


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [("dis", "nogrb", True), ("nam", "save_flows", False), ("oc", "budget", False)],
)
def test_a_setting_that_takes_away_what_is_read_is_refused(
    file: str, key: str, value: bool, own: Path
) -> None:
    told = refused(own, option=[{"file": file, "block": "options", "key": key, "value": value}])
    assert told.startswith(f"model.option[0].value must not be {str(value).lower()} for {file} ")
    assert "are read from what the run saves" in told


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("FLOW.Npf", ", but there is 'flow.npf' (upper and lower case differ here)"),
        (r".\flow.npf", " (folders of a path are parted by / here)"),
        ("other.npf", ""),
    ],
)
def test_a_path_of_another_system_is_told_with_what_is_there(
    name: str, hint: str, own: Path
) -> None:
    told = refused(edited(own, "flow.nam", "flow.npf", name))
    first, second = told.splitlines()
    assert first.endswith("mfsim.nam names a file that is not there")
    assert second.endswith(f"{name!r}: no such file{hint}")


def test_a_file_without_a_block_is_told(own: Path) -> None:
    (own / "flow.npf").write_text("# nothing\n")
    told = refused(own, patch=[patch("npf", "k")])
    assert told == "model.patch[0].variable: npf.k is not in flow.npf, which holds no block"


def test_a_first_testbed_over_a_model_that_goes_on(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(own, "mfsim.nam", "BEGIN options", "BEGIN options\n  CONTINUE")
    monkeypatch.chdir(tmp_path)
    start(own, None)
    base = (tmp_path / "own_base.toml").read_text()
    assert "\nallow_continue = true  # it says CONTINUE; " in base
    assert "add_output_control" not in base


def tracer(folder: Path, *, sorption: str = "linear", immobile: bool = False) -> Path:
    """A tracer that sorbs and decays on steady flow, with or without water that stands still."""
    import flopy

    sim = flopy.mf6.MFSimulation(sim_name="tracer", sim_ws=str(folder))
    flopy.mf6.ModflowTdis(sim, nper=1, perioddata=[(100.0, 20, 1.0)], time_units="days")
    flopy.mf6.ModflowIms(sim, filename="a.ims", outer_dvclose=1e-9, inner_dvclose=1e-10)
    gwf = flopy.mf6.ModflowGwf(sim, modelname="gwf", save_flows=True)
    gwt = flopy.mf6.ModflowGwt(sim, modelname="gwt", save_flows=True)
    for model, grid in ((gwf, flopy.mf6.ModflowGwfdis), (gwt, flopy.mf6.ModflowGwtdis)):
        grid(model, nrow=3, ncol=12, delr=10.0, delc=10.0, top=10.0, botm=0.0)
    flopy.mf6.ModflowGwfic(gwf, strt=8.0)
    flopy.mf6.ModflowGwfnpf(gwf, icelltype=0, k=2.0)
    held = [((0, row, at), head, c) for row in range(3) for at, head, c in WEST_AND_EAST]
    flopy.mf6.ModflowGwfchd(gwf, auxiliary=["C"], stress_period_data=held, pname="chd")
    flopy.mf6.ModflowGwfoc(
        gwf, head_filerecord="gwf.hds", budget_filerecord="gwf.cbc",
        saverecord=[("HEAD", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    flopy.mf6.ModflowGwtic(gwt, strt=0.0)
    flopy.mf6.ModflowGwtadv(gwt, scheme="upstream")
    flopy.mf6.ModflowGwtmst(
        gwt, porosity=0.2, sorption=sorption, bulk_density=1.6, distcoef=0.1,
        sp2=None if sorption == "linear" else 0.7, first_order_decay=True,
        decay=1e-3, decay_sorbed=1e-3,
    )  # fmt: skip
    flopy.mf6.ModflowGwtssm(gwt, sources=[("chd", "AUX", "C")])
    if immobile:
        flopy.mf6.ModflowGwtist(gwt, zetaim=0.01, porosity=0.1, volfrac=0.2, pname="still")
    flopy.mf6.ModflowGwtoc(
        gwt, concentration_filerecord="gwt.ucn", budget_filerecord="gwt.cbc",
        saverecord=[("CONCENTRATION", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    flopy.mf6.ModflowIms(
        sim, filename="b.ims", pname="b", linear_acceleration="bicgstab",
        outer_dvclose=1e-10, inner_dvclose=1e-11,
    )  # fmt: skip
    sim.register_ims_package(sim.get_package("b"), ["gwt"])
    flopy.mf6.ModflowGwfgwt(sim, exgtype="GWF6-GWT6", exgmnamea="gwf", exgmnameb="gwt")
    written(sim)
    if immobile:  # as 6.4.1 reads it, which knows no VOLFRAC
        (folder / "gwt.ist").write_text(STILL)
    return folder


WEST_AND_EAST = ((0, 9.0, 1.0), (11, 7.0, 0.0))
STILL = """BEGIN OPTIONS
  FIRST_ORDER_DECAY
  SORPTION
END OPTIONS
BEGIN GRIDDATA
  ZETAIM
    CONSTANT 0.01
  THETAIM
    CONSTANT 0.05
  DECAY
    CONSTANT 1e-3
  DECAY_SORBED
    CONSTANT 1e-3
  BULK_DENSITY
    CONSTANT 1.0
  DISTCOEF
    CONSTANT 0.1
END GRIDDATA
"""


def solute(own: Path, root: Path) -> dict[str, float]:
    told = run(request(own, root))
    head = "transport_metrics."
    found = {k.removeprefix(head): v for k, v in told.metrics.items() if k.startswith(head)}
    assert found["converged"] == 1 and found["budget_closure_relative"] < 1e-6
    return found


@pytest.mark.parametrize("immobile", [False, True])
def test_solute_closes_with_water_that_stands_still(
    immobile: bool, mf6: Path, tmp_path: Path
) -> None:
    import flopy

    found = solute(tracer(tmp_path / "own", immobile=immobile), tmp_path / "run")
    kept = flopy.utils.HeadFile(str(tmp_path / "run/mf6/gwt.ucn"), text="CONCENTRATION")
    dissolved = float(kept.get_alldata()[-1].sum()) * 1000.0 * 0.2
    kept.close()
    assert found["mass_stored_kg"] == pytest.approx(dissolved)
    # of the grains those beside the pores that stand still take no part: 0.2 of 0.25
    share = 0.2 / 0.25 if immobile else 1.0
    assert found["mass_sorbed_kg"] == pytest.approx(dissolved * 1.6 * 0.1 / 0.2 * share)
    assert found["closure_relative"] < 1e-4


def test_what_sorbs_out_of_proportion_is_not_told(mf6: Path, tmp_path: Path) -> None:
    found = solute(tracer(tmp_path / "own", sorption="freundlich"), tmp_path / "run")
    assert "mass_stored_kg" in found
    assert not {"mass_sorbed_kg", "closure_relative"} & set(found)


def test_a_run_without_a_step_is_told_without_the_time_of_day(
    own: Path, mf6: Path, tmp_path: Path
) -> None:
    tdis = own / "own.tdis"
    begin, data, rest = tdis.read_text().partition("BEGIN perioddata\n")
    end = rest[rest.index("END perioddata") :]
    tdis.write_text(begin.replace("NPER  3", "NPER  1") + data + "  0.0  1  1.0\n" + end)
    for name in ("flow.wel", "flow.rcha", "flow.sto"):
        text = (own / name).read_text()
        (own / name).write_text(text.split("BEGIN period  2")[0].split("BEGIN period  3")[0])
    with pytest.raises(SolverError) as caught:
        run(request(own, tmp_path / "run"))
    told = str(caught.value)
    assert "MODFLOW 6 stopped with exit status 1: " in told
    assert "Premature termination" in told and "yyyy" not in told and "Elapsed" not in told


def test_the_model_that_did_not_converge_is_told_though_another_did(
    mf6: Path, tmp_path: Path
) -> None:
    own = tracer(tmp_path / "own", sorption="freundlich")
    few = {"file": "b.ims", "block": "nonlinear", "key": "outer_maximum", "value": 2}
    with pytest.raises(SolverError, match=r"did not converge in stress period 1, time step \d+"):
        run(request(own, tmp_path / "run", model={"option": [few]}))
