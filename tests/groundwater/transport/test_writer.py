"""The files of transport: what they hold, that flopy reads them, and that ids of any length do."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.groundwater import writer as flow_writer
from mhx.groundwater.flow import assemble as assemble_flow
from mhx.groundwater.heads import read_heads
from mhx.groundwater.mf6 import run_mf6
from mhx.groundwater.transport import writer
from mhx.groundwater.transport.assembly import assemble
from mhx.groundwater.transport.flowfield import neighbours
from mhx.groundwater.transport.model import TransportModel

from .columns import column, task_of

EVERYTHING: dict[str, Any] = {
    "param": {
        "porosity": 0.3, "alpha_l": 5.0, "alpha_th": 0.5, "alpha_tv": 0.05, "diffusion": 1e-9,
        "decay": 1e-8, "kd": 1e-4, "bulk_density": 1600.0,
    },
    "time": {"length": 30.0, "steps": 3},
    "scheme": {"advection": "tvd", "dispersion_xt3d": False},
    "ic": {"value": 0.1},
    "observation": [{"id": "p", "x": 22.0, "y": 7.0, "layer": 2}],
}  # fmt: skip
RAIN = {"id": "rain", "package": "rcha", "where": {"cells": [5, 6]}, "rate": 1e-9,
        "concentration": 0.25}  # fmt: skip


def model(folder: Path, kind: str = "structured", **changes: Any) -> TransportModel:
    made = column(cells=6, rows=3, layers=2, **(EVERYTHING | changes))
    made["mesh"]["kind"] = kind
    made["flow"]["bc"][0]["concentration"] = 0.7
    made["flow"]["source"] = [RAIN]
    task = task_of(made, folder)
    flow = assemble_flow(task.config, task.grid, task.terrain, task.site)
    return assemble(task.config, flow, task.terrain, task.site)


def lines(found: dict[str, bytes], name: str) -> list[str]:
    return [" ".join(line.split()) for line in found[name].decode().splitlines() if line.strip()]


def test_flow_and_transport_are_one_simulation(tmp_path: Path) -> None:
    found = writer.write(model(tmp_path))
    assert lines(found, "mfsim.nam") == [
        "BEGIN options", "END options",
        "BEGIN timing", "TDIS6 flow.tdis", "END timing",
        "BEGIN models", "GWF6 flow.nam flow", "GWT6 solute.nam solute", "END models",
        "BEGIN exchanges", "GWF6-GWT6 gwfgwt.exg flow solute", "END exchanges",
        "BEGIN solutiongroup 1", "IMS6 flow.ims flow", "IMS6 solute.ims solute",
        "END solutiongroup",
    ]  # fmt: skip
    assert found["solute.dis"] == found["flow.dis"]


def test_what_enters_is_an_auxiliary_variable_and_only_below_transport(tmp_path: Path) -> None:
    made = model(tmp_path)
    found = writer.write(made)
    assert lines(found, "solute.ssm") == [
        "BEGIN options", "END options",
        "BEGIN sources", "chd_west AUX concentration", "rcha_rain AUX concentration",
        "END sources",
    ]  # fmt: skip
    assert lines(found, "flow.chd_west.chd")[1] == "AUXILIARY concentration"
    assert lines(found, "flow.chd_west.chd")[8] == "1 1 1 25.0 0.7"
    assert "concentration" in lines(found, "flow.rcha_rain.rcha")
    alone = flow_writer.write(made.flow)
    assert b"concentration" not in b"".join(alone.values())
    assert b"SAVE_SPECIFIC_DISCHARGE" in found["flow.npf"]
    assert b"SAVE_SPECIFIC_DISCHARGE" not in alone["flow.npf"]


def test_dispersivities_go_to_the_axes_that_they_are_of(tmp_path: Path) -> None:
    """alpha_tv: across layers (ath2), and across a vertical flow (atv); days, not seconds."""
    text = lines(writer.write(model(tmp_path)), "solute.dsp")
    found = {
        name.split()[0]: float(value.split()[1])
        for name, value in itertools.pairwise(text)
        if name.endswith("LAYERED")
    }
    assert found == {"diffc": 1e-9 * 86400, "alh": 5.0, "ath1": 0.5, "ath2": 0.05, "atv": 0.05}


@pytest.mark.parametrize(
    ("change", "there", "absent"),
    [
        ({}, {"FIRST_ORDER_DECAY", "SORPTION", "decay_sorbed"}, {"ZERO_ORDER_DECAY"}),
        ({"param": {"porosity": 0.2}}, {"porosity"}, {"SORPTION", "FIRST_ORDER_DECAY", "decay"}),
        (
            {"param": {"porosity": 0.2, "decay": 1e-8, "decay_order": 0}},
            {"ZERO_ORDER_DECAY"},
            {"FIRST_ORDER_DECAY", "decay_sorbed"},
        ),
    ],
)
def test_reactions_are_written_when_declared(
    change: dict[str, Any], there: set[str], absent: set[str], tmp_path: Path
) -> None:
    words = set(writer.write(model(tmp_path, **change))["solute.mst"].decode().split())
    assert there <= words and not absent & words


def test_without_dispersion_there_is_no_package_of_it(tmp_path: Path) -> None:
    found = writer.write(model(tmp_path, param={"porosity": 0.2, "alpha_l": 0.0}))
    assert "solute.dsp" not in found and b"DSP6" not in found["solute.nam"]


def test_closures_follow_the_concentrations(tmp_path: Path) -> None:
    """A tolerance of 1e-6 kg/m3 would be nothing for brine and everything for a trace."""
    strong = writer.ims_of(model(tmp_path))
    weak = model(tmp_path, ic={"value": 0.1e-6})
    scaled = {
        "bc": [{"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 1e-6,
                "layers": [1, 2]}]
    }  # fmt: skip
    assert writer.scale_of(weak) == 1.0, "the inlet still holds 1 kg/m3"
    weak = model(tmp_path, ic={"value": 0.1e-6}, **scaled)
    assert writer.scale_of(weak) == 0.7, "and the west brings 0.7"
    assert strong.outer_dvclose == writer.OUTER_SHARE
    leak = {"id": "leak", "package": "src", "where": {"cells": [3]}, "value": 1e-6}
    only_mass = column(cells=4, time={"length": 10.0, "steps": 2}, bc=[leak])
    task = task_of(only_mass, tmp_path)
    flow = assemble_flow(task.config, task.grid, task.terrain, task.site)
    found = assemble(task.config, flow, task.terrain, task.site)
    assert writer.scale_of(found) == pytest.approx(1e-6 * 10 * 86400 / (100 * 0.25))


def test_the_same_model_is_the_same_bytes_without_dates_or_paths(tmp_path: Path) -> None:
    once, again = (writer.write(model(tmp_path)) for _ in range(2))
    assert once == again
    assert not re.search(r"\d{2}:\d{2}|/|#", b"\n".join(once.values()).decode())


def test_only_words_of_mf6_6_4_1_are_written(tmp_path: Path) -> None:
    text = b"".join(writer.write(model(tmp_path)).values()).decode().upper()
    assert not {"GRB6", "CONTINUE", "EXPORT_ARRAY_ASCII", "BUY6"} & set(text.split())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["structured", "rectangular_disv"])
def test_flopy_opens_what_we_write_and_writes_what_gives_the_same(
    kind: str, mf6: Path, tmp_path: Path
) -> None:
    import flopy

    made = model(tmp_path, kind)
    ours, theirs = tmp_path / "ours", tmp_path / "flopy"
    ours.mkdir()
    for name, content in writer.write(made).items():
        (ours / name).write_bytes(content)
    sim = flopy.mf6.MFSimulation.load(sim_ws=str(ours), verbosity_level=0)
    gwt = sim.get_model("solute")
    assert np.unique(gwt.mst.porosity.array).tolist() == [0.3]
    assert np.unique(gwt.dsp.ath2.array).tolist() == [0.05]
    assert np.unique(gwt.dsp.diffc.array) == pytest.approx([1e-9 * 86400])
    sim.simulation_data.float_precision, sim.simulation_data.float_characters = 17, 25
    sim.set_sim_path(str(theirs))
    sim.write_simulation(silent=True)
    found = []
    for folder in (ours, theirs):
        run_mf6(mf6, folder)
        found.append(read_heads(folder / writer.CONCENTRATIONS, 2, 18, "CONCENTRATION").values)
    assert np.ptp(found[0][-1]) > 0.1
    np.testing.assert_allclose(found[0], found[1], atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["structured", "rectangular_disv", "voronoi", "triangles"])
def test_the_table_of_connections_is_that_of_modflow(
    kind: str, mf6: Path, gmsh: object, tmp_path: Path
) -> None:
    from flopy.mf6.utils import MfGrdFile

    made = column(cells=6, rows=3, layers=2)
    made["mesh"] = {"kind": kind, "size": 5.0}
    if kind in ("structured", "rectangular_disv"):
        made["mesh"] = {"kind": kind, "cell_x": 5.0, "cell_y": 5.0}
    made["solver"]["mf6"]["write_grb"] = True
    task = task_of(made, tmp_path / "mf6")
    flow = assemble_flow(task.config, task.grid, task.terrain, task.site)
    for name, content in flow_writer.write(flow).items():
        (task.folder / name).write_bytes(content)
    run_mf6(mf6, task.folder)
    table = MfGrdFile(str(task.folder / f"flow.{task.grid.kind}.grb"))
    pairs = neighbours(task.grid, 2)
    assert pairs.size == table.ja.size
    rows = np.repeat(np.arange(table.ia.size - 1), np.diff(table.ia))
    assert np.array_equal(rows[pairs.ahead], pairs.one)
    assert np.array_equal(table.ja[pairs.ahead], pairs.other)
    assert np.array_equal(rows[pairs.back], pairs.other)
    assert np.array_equal(table.ja[pairs.back], pairs.one)
