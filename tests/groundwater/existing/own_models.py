"""MODFLOW 6 models of somebody else, written by flopy: small, and each with other packages."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.groundwater.existing.config import Model

LAYERS, ROWS, COLUMNS = 2, 6, 8
K = np.random.default_rng(1).uniform(1.0, 5.0, (LAYERS, ROWS, COLUMNS))
RAIN = np.random.default_rng(2).uniform(1e-3, 2e-3, (ROWS, COLUMNS))


def simulation(folder: Path, *, solver: str = "bicgstab") -> Any:
    """Time and solver: a steady period and two transient ones."""
    import flopy

    sim = flopy.mf6.MFSimulation(sim_name="own", sim_ws=str(folder))
    sim.simulation_data.float_precision = 17  # or the text rounds what a patch multiplies
    sim.simulation_data.float_characters = 26
    periods = [(1.0, 1, 1.0), (10.0, 3, 1.2), (20.0, 2, 1.0)]
    flopy.mf6.ModflowTdis(sim, nper=3, perioddata=periods, time_units="days")
    flopy.mf6.ModflowIms(
        sim, complexity="moderate", outer_dvclose=1e-8, inner_dvclose=1e-9,
        linear_acceleration=solver, filename="own.ims",
    )  # fmt: skip
    return sim


def cell(kind: str, layer: int, row: int, column: int) -> tuple[int, ...]:
    """A cell id from 0, as flopy takes it."""
    if kind == "dis":
        return layer, row, column
    if kind == "disv":
        return layer, row * COLUMNS + column
    return ((layer * ROWS + row) * COLUMNS + column,)


def flow(sim: Any, kind: str = "dis", name: str = "flow", *, transient: bool = True) -> Any:
    """A GWF model with its grid, properties, fixed heads and output."""
    import flopy
    from flopy.utils.gridutil import get_disu_kwargs, get_disv_kwargs

    gwf = flopy.mf6.ModflowGwf(sim, modelname=name, save_flows=True)
    if kind == "dis":
        top = 50.0 + np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) / 100.0
        flopy.mf6.ModflowGwfdis(
            gwf, nlay=LAYERS, nrow=ROWS, ncol=COLUMNS, delr=100.0, delc=100.0, top=top,
            botm=[20.0, 0.0], length_units="meters",
        )  # fmt: skip
    elif kind == "disv":
        shape = get_disv_kwargs(LAYERS, ROWS, COLUMNS, 100.0, 100.0, 50.0, [20.0, 0.0])
        flopy.mf6.ModflowGwfdisv(gwf, **shape)
    else:
        width, height = np.full(COLUMNS, 100.0), np.full(ROWS, 100.0)
        shape = get_disu_kwargs(LAYERS, ROWS, COLUMNS, width, height, 50.0, [20.0, 0.0])
        flopy.mf6.ModflowGwfdisu(gwf, **shape)
    sizes = {
        "dis": K.shape,
        "disv": (LAYERS, ROWS * COLUMNS),
        "disu": (LAYERS * ROWS * COLUMNS,),
    }
    flopy.mf6.ModflowGwfic(gwf, strt=40.0)
    flopy.mf6.ModflowGwfnpf(gwf, icelltype=1, k=K.reshape(sizes[kind]), k33=0.5)
    if transient:
        flopy.mf6.ModflowGwfsto(
            gwf, iconvert=1, ss=1e-5, sy=0.1, steady_state={0: True}, transient={1: True}
        )
    east = [(cell(kind, 0, row, COLUMNS - 1), 35.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfchd(gwf, stress_period_data=east, pname="chd_east")
    flopy.mf6.ModflowGwfoc(
        gwf, head_filerecord=f"{name}.hds", budget_filerecord=f"{name}.cbc",
        saverecord=[("HEAD", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    return gwf


def plain(folder: Path, kind: str = "dis") -> Any:
    """Wells that change, a river, recharge that changes."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim, kind)
    well, small = cell(kind, 1, 2, 3), cell(kind, 0, 4, 4)
    flopy.mf6.ModflowGwfwel(
        gwf, auxiliary=["conc"], boundnames=True, pname="wells",
        stress_period_data={
            0: [(well, -50.0, 1.0, "pump"), (small, -5.0, 2.0, "small one")],
            2: [(well, -150.0, 1.0, "pump")],
        },
    )  # fmt: skip
    river = [(cell(kind, 0, row, 0), 45.0, 20.0, 40.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfriv(gwf, stress_period_data=river)
    if kind == "disu":
        flopy.mf6.ModflowGwfrch(gwf, stress_period_data=[(cell(kind, 0, 2, 2), 1e-3)])
    else:
        rain = RAIN if kind == "dis" else RAIN.ravel()
        flopy.mf6.ModflowGwfrcha(gwf, recharge={0: 1e-3, 1: rain})
    return sim


def external(folder: Path, kind: str = "dis", *, binary: bool = False) -> Any:
    """`plain` with all numbers in files of their own."""
    sim = plain(folder, kind)
    sim.set_all_data_external(external_data_folder="data", binary=binary)
    return sim


def advanced(folder: Path) -> Any:
    """Streams, a lake, multi-aquifer wells, the unsaturated zone, evapotranspiration, a mover."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim)
    gwf.name_file.newtonoptions = "newton under_relaxation"
    reaches = [
        (at, (0, 1, at + 1), 100.0, 5.0, 1e-3, 48.0 - 0.1 * at, 0.5, 0.1, 0.03,
         1 if at in (0, 4) else 2, 1.0, 0)
        for at in range(5)
    ]  # fmt: skip
    joined = [(0, -1), (1, 0, -2), (2, 1, -3), (3, 2, -4), (4, 3)]
    flopy.mf6.ModflowGwfsfr(
        gwf, nreaches=5, packagedata=reaches, connectiondata=joined, mover=True, pname="sfr",
        perioddata={0: [(0, "inflow", 500.0), (2, "runoff", 5.0)], 2: [(0, "inflow", 800.0)]},
    )  # fmt: skip
    flopy.mf6.ModflowGwfmaw(
        gwf, nmawwells=1, packagedata=[(0, 0.2, 0.0, 40.0, "SKIN", 2, "deep")], boundnames=True,
        mover=True, pname="maw",
        connectiondata=[
            (0, 0, (0, 4, 5), 45.0, 20.0, 0.5, 0.4), (0, 1, (1, 4, 5), 20.0, 0.0, 0.5, 0.4)
        ],
        perioddata={0: [(0, "rate", -20.0)], 1: [(0, "rate", -60.0)]},
    )  # fmt: skip
    flopy.mf6.ModflowGwflak(
        gwf, nlakes=1, packagedata=[(0, 46.0, 1)], pname="lak",
        connectiondata=[(0, 0, (0, 3, 2), "VERTICAL", 0.01, 0.0, 0.0, 0.0, 0.0)],
        perioddata={0: [(0, "rainfall", 1e-3), (0, "evaporation", 5e-4)]},
    )  # fmt: skip
    zones = [
        (at, (0, 5, at + 1), 1, -1, 0.5, 0.5, 0.05, 0.3, 0.1, 4.0) for at in range(3)
    ]  # fmt: skip
    infiltrating = {
        0: [(at, 1e-3, 0.0, 1.0, 0.06, 0.0, 0.0, 0.0) for at in range(3)],
        1: [(0, 3e-3, 0.0, 1.0, 0.06, 0.0, 0.0, 0.0)],
    }
    flopy.mf6.ModflowGwfuzf(
        gwf, nuzfcells=3, ntrailwaves=10, nwavesets=50, packagedata=zones,
        perioddata=infiltrating, pname="uzf",
    )  # fmt: skip
    flopy.mf6.ModflowGwfevt(
        gwf, nseg=3, surf_rate_specified=True, maxbound=1,
        stress_period_data=[((0, 0, 5), 49.0, 2e-3, 15.0, 0.3, 0.6, 0.8, 0.4, 1.0)],
    )  # fmt: skip
    flopy.mf6.ModflowGwfmvr(
        gwf, maxmvr=1, maxpackages=2, packages=[("maw",), ("sfr",)],
        perioddata=[("maw", 0, "sfr", 1, "FACTOR", 0.5)],
    )  # fmt: skip
    return sim


def coupled(folder: Path) -> Any:
    """Flow with density, and transport of salt on it."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim)
    river = [((0, row, 0), 45.0, 20.0, 40.0, 35.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfriv(gwf, stress_period_data=river, auxiliary=["CONCENTRATION"], pname="riv")
    flopy.mf6.ModflowGwfbuy(
        gwf, nrhospecies=1, packagedata=[(0, 0.7, 0.0, "salt", "concentration")]
    )
    gwt = flopy.mf6.ModflowGwt(sim, modelname="salt", save_flows=True)
    flopy.mf6.ModflowGwtdis(
        gwt, nlay=LAYERS, nrow=ROWS, ncol=COLUMNS, delr=100.0, delc=100.0,
        top=gwf.dis.top.array, botm=[20.0, 0.0],
    )  # fmt: skip
    flopy.mf6.ModflowGwtic(gwt, strt=0.0)
    flopy.mf6.ModflowGwtmst(gwt, porosity=0.25)
    flopy.mf6.ModflowGwtadv(gwt, scheme="upstream")
    flopy.mf6.ModflowGwtdsp(gwt, alh=20.0, ath1=2.0, xt3d_off=True)
    flopy.mf6.ModflowGwtssm(gwt, sources=[("riv", "AUX", "CONCENTRATION")])
    flopy.mf6.ModflowGwtcnc(gwt, stress_period_data=[((1, 3, 3), 5.0)], pname="cnc")
    flopy.mf6.ModflowGwtoc(
        gwt, concentration_filerecord="salt.ucn", budget_filerecord="salt.cbc",
        saverecord=[("CONCENTRATION", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    flopy.mf6.ModflowIms(sim, linear_acceleration="bicgstab", filename="salt.ims", pname="second")
    sim.register_ims_package(sim.get_package("second"), ["salt"])
    flopy.mf6.ModflowGwfgwt(sim, exgtype="GWF6-GWT6", exgmnamea="flow", exgmnameb="salt")
    return sim


def joined(folder: Path) -> Any:
    """Two flow models side by side and an exchange."""
    import flopy

    sim = simulation(folder)
    west = flow(sim, name="west")
    flow(sim, name="east")
    west.remove_package("chd_east")
    flopy.mf6.ModflowGwfghb(
        west, stress_period_data=[((0, row, 0), 45.0, 30.0) for row in range(ROWS)], pname="ghb"
    )
    pairs = [
        ((layer, row, COLUMNS - 1), (layer, row, 0), 1, 50.0, 50.0, 100.0)
        for layer in range(LAYERS)
        for row in range(ROWS)
    ]
    flopy.mf6.ModflowGwfgwf(
        sim, exgtype="GWF6-GWF6", exgmnamea="west", exgmnameb="east", nexg=len(pairs),
        exchangedata=pairs, filename="both.gwfgwf",
    )  # fmt: skip
    return sim


def inner(folder: Path) -> Any:
    """Properties that change in time, barriers, compaction, observations."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim)
    gwf.npf.tvk.initialize(
        filename="flow.npf.tvk",
        perioddata={
            0: [((0, 2, 2), "K", 3.0), ((0, 2, 3), "K33", 0.4)],
            1: [((0, 2, 2), "K", 6.0)],
        },
    )
    gwf.sto.tvs.initialize(
        filename="flow.sto.tvs", perioddata={1: [((0, 2, 2), "SS", 2e-5), ((0, 1, 1), "SY", 0.2)]}
    )
    barriers = [((0, row, 3), (0, row, 4), 1e-3) for row in (2, 3)]
    flopy.mf6.ModflowGwfhfb(gwf, maxhfb=2, stress_period_data=barriers)
    west = [((0, row, 0), 45.0, 20.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfghb(
        gwf, stress_period_data=west, observations={"g.csv": [("a", "ghb", (0, 0, 0))]}
    )
    flopy.mf6.ModflowGwfwel(gwf, stress_period_data={1: [((0, 2, 2), -100.0)]})
    flopy.mf6.ModflowUtlobs(gwf, continuous={"h.csv": [("h", "HEAD", (0, 1, 1))]})
    return sim


def compacting(folder: Path) -> Any:
    """Interbeds that compact, with and without delay."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim)
    gwf.sto.ss.set_data(0.0)
    beds = [
        (at, (at, 2, 2), kind, 0.0, 5.0, 1.0, 1e-4, 1e-5, 0.3, 1e-3, 0.0)
        for at, kind in enumerate(("nodelay", "delay"))
    ]
    flopy.mf6.ModflowGwfcsub(
        gwf, head_based=True, ninterbeds=2, cg_ske_cr=1e-5, cg_theta=0.3, packagedata=beds,
        ndelaycells=9,
    )  # fmt: skip
    west = [((0, row, 0), 45.0, 20.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfghb(gwf, stress_period_data=west)
    flopy.mf6.ModflowGwfwel(gwf, stress_period_data={1: [((0, 2, 2), -100.0)]})
    return sim


def apart(folder: Path) -> Any:
    """Transport on the flow of another simulation, in the folder beside; flow is solved by mf6."""
    import flopy

    sim = flopy.mf6.MFSimulation(sim_name="salt", sim_ws=str(folder))
    periods = [(1.0, 1, 1.0), (10.0, 3, 1.2), (20.0, 2, 1.0)]
    flopy.mf6.ModflowTdis(sim, nper=3, perioddata=periods, time_units="days")
    gwt = flopy.mf6.ModflowGwt(sim, modelname="salt", save_flows=True)
    flopy.mf6.ModflowIms(sim, linear_acceleration="bicgstab")
    top = 50.0 + np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) / 100.0
    flopy.mf6.ModflowGwtdis(
        gwt, nlay=LAYERS, nrow=ROWS, ncol=COLUMNS, delr=100.0, delc=100.0, top=top,
        botm=[20.0, 0.0],
    )  # fmt: skip
    flopy.mf6.ModflowGwtic(gwt, strt=0.0)
    flopy.mf6.ModflowGwtmst(gwt, porosity=0.25)
    flopy.mf6.ModflowGwtadv(gwt)
    flows = [("GWFHEAD", "../user/flow.hds", None), ("GWFBUDGET", "../user/flow.cbc", None)]
    flopy.mf6.ModflowGwtfmi(gwt, packagedata=flows)
    flopy.mf6.ModflowGwtssm(gwt, fileinput=[("ghb", "salt.ghb.spc"), ("inj", "salt.inj.spc")])
    for name, number in (("ghb", ROWS), ("inj", 1)):
        given = {0: [(at, "concentration", 3.0) for at in range(number)]}
        flopy.mf6.ModflowUtlspc(gwt, maxbound=number, perioddata=given, filename=f"salt.{name}.spc")
    flopy.mf6.ModflowGwtoc(
        gwt, concentration_filerecord="salt.ucn", budget_filerecord="salt.cbc",
        saverecord=[("CONCENTRATION", "ALL"), ("BUDGET", "ALL")],
    )  # fmt: skip
    return sim


def below(folder: Path) -> Any:
    """The flow that `apart` transports on."""
    import flopy

    sim = simulation(folder)
    gwf = flow(sim)
    gwf.npf.save_saturation = True
    gwf.npf.save_specific_discharge = True
    west = [((0, row, 0), 45.0, 20.0) for row in range(ROWS)]
    flopy.mf6.ModflowGwfghb(gwf, stress_period_data=west, pname="ghb")
    flopy.mf6.ModflowGwfwel(gwf, stress_period_data=[((0, 2, 2), 5.0)], pname="inj")
    return sim


def written(sim: Any) -> Path:
    """Write a simulation and say where."""
    sim.write_simulation(silent=True)
    return Path(sim.sim_path)


def solved(mf6: Path, folder: Path) -> None:
    """Carry out a model; AssertionError with the last words where it does not end well."""
    done = subprocess.run([str(mf6)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Normal termination" in done.stdout, done.stdout[-2000:]


def heads(path: Path, text: str = "head") -> np.ndarray:
    """All steps of a head or concentration file."""
    import flopy

    with flopy.utils.HeadFile(path, text=text) as found:
        values: np.ndarray = found.get_alldata()
    return values


def table(folder: Path, patches: list[dict[str, Any]] | None = None, **more: Any) -> Model:
    """`[model]` with patches, of which the ids do not matter."""
    named = [{"id": f"p{index}"} | patch for index, patch in enumerate(patches or [])]
    return parse(Model, {"path": str(folder), "patch": named} | more)
