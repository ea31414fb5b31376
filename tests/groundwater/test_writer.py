"""Our files and flopy's make MODFLOW 6 compute the same heads, whatever the model holds."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.groundwater import writer
from mhx.groundwater.heads import read_heads
from mhx.groundwater.mf6 import run_mf6

from .models import chd, model, written

EVERY = {"all": True}
RIVER = {"id": "river", "package": "riv", "where": {"line": "river"}, "stage": "top - 2.0",
         "bottom": "top - 4.0", "leakance": 1e-5}  # fmt: skip
TIME = {"period": [{"length": 1.0}, {"length": 12.0, "unit": "hour", "steps": 4,
                                     "multiplier": 1.5}]}  # fmt: skip
STORED = {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}, "Sy": {"value": 0.1}}

MODELS: dict[str, dict[str, Any]] = {
    "chd": {"bc": [chd(), chd(id="west", where={"side": "west"}, head=104.0)]},
    "rcha": {"source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}]},
    "rcha in places": {
        "source": [{"id": "rain", "package": "rcha", "where": {"cells": [3, 11]}, "rate": 1e-7}]
    },
    "drn": {
        "bc": [chd(), {"id": "d", "package": "drn", "where": {"except": "east"},
                       "elevation": "top", "leakance": {"value": 1.0, "unit": "1/day"}}],
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-7}],
    },
    "riv": {"bc": [RIVER, chd(id="west", where={"side": "west"}, head=105.5)]},
    "ghb": {
        "bc": [chd(), {"id": "g", "package": "ghb", "where": {"side": "west"}, "head": 106.0,
                       "conductance": 1e-3}]
    },
    "wel": {"source": [{"id": "w", "package": "wel", "where": {"points": [[250.0, 250.0]]},
                        "rate": {"value": -40.0, "unit": "m3/day"}}]},
    "evt": {
        "source": [
            {"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8},
            {"id": "plants", "package": "evt", "where": EVERY, "rate": 2e-8, "depth": 12.0},
        ]
    },
    "newton": {
        "formulation": {"newton": True, "xt3d": False},
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}],
    },
    "newton without under-relaxation": {
        "formulation": {"newton": True, "xt3d": False, "under_relaxation": False},
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}],
    },
    "xt3d, confined, anisotropic": {
        "formulation": {"newton": False, "xt3d": True, "cell_type": "confined"},
        "param": {"K": {"value": 1e-4}, "K22_ratio": {"value": 0.1}, "angle1": {"value": 30.0},
                  "K33_ratio": {"value": 0.5}},
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}],
    },
    "three layers": {
        "layers__n_layers": 3,
        "bc": [chd(layers=[1, 2, 3]), {"id": "d", "package": "drn", "where": {"side": "west"},
                                       "elevation": "top - 5", "conductance": 1e-4}],
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}],
    },
    "transient": {
        "regime": "transient", "time": TIME, "param": STORED,
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-7}],
    },
    "transient, newton, last step": {
        "regime": "transient", "time": TIME | {"start": "2026-01-31"}, "param": STORED,
        "formulation": {"newton": True, "xt3d": True},
        "solver__mf6__save": "last",
    },
    "random field": {
        "param": {"K": {"field": {"mean": 1e-4, "sigma": 1.0, "correlation_length": 200.0,
                                  "seed": 3}}},
        "source": [{"id": "rain", "package": "rcha", "where": EVERY, "rate": 1e-8}],
    },
    "every word of the solver": {
        "solver__mf6": {
            "time_unit": "seconds", "complexity": "complex", "rclose": 1e-9,
            "rclose_option": "l2norm_rclose", "relaxation_factor": 0.0,
            "linear_acceleration": "bicgstab", "save_flow_ja": True, "write_grb": True,
        },
        "bc": [chd(), chd(id="west", where={"side": "west"}, head=104.0)],
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dis", "disv"])
@pytest.mark.parametrize("name", MODELS)
def test_flopy_and_we_make_the_same_heads(name: str, kind: str, mf6: Path, tmp_path: Path) -> None:
    from mhx.groundwater import flopy_path

    found = model(kind, **MODELS[name])
    ours, theirs = written(found, tmp_path / "ours"), tmp_path / "flopy"
    theirs.mkdir()
    flopy_path.write(found, theirs)
    told = [run_mf6(mf6, folder) for folder in (ours, theirs)]
    assert all(listing.converged for listing in told)
    heads = [
        read_heads(folder / writer.HEADS, found.n_layers, found.grid.n_cells)
        for folder in (ours, theirs)
    ]
    assert heads[0].values.shape == heads[1].values.shape
    assert np.array_equal(heads[0].time, heads[1].time)
    last = heads[0].values[-1]
    assert np.nanmax(last) - np.nanmin(last) > 1e-3, "a flat model would prove nothing"
    np.testing.assert_allclose(heads[0].values, heads[1].values, rtol=0, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dis", "disv"])
@pytest.mark.parametrize("name", ["drn", "riv", "evt", "three layers", "transient"])
def test_flopy_opens_what_we_write(name: str, kind: str, tmp_path: Path) -> None:
    import flopy

    found = model(kind, **MODELS[name])
    folder = written(found, tmp_path)
    sim = flopy.mf6.MFSimulation.load(sim_ws=str(folder), verbosity_level=0)
    gwf = sim.get_model("flow")
    assert gwf.modelgrid.ncpl == found.grid.n_cells
    np.testing.assert_array_equal(np.ravel(gwf.npf.k.array), np.ravel(found.properties["k"]))
    np.testing.assert_array_equal(np.ravel(gwf.modelgrid.botm), np.ravel(found.bottoms))
    for boundary in found.boundaries.values():
        package = gwf.get_package(boundary.name)
        assert package.package_type == boundary.package


def test_the_same_model_is_the_same_bytes() -> None:
    once, again = (writer.write(model(**MODELS["drn"])) for _ in range(2))
    assert once == again


def test_no_file_holds_a_date_or_a_path() -> None:
    text = b"\n".join(writer.write(model(**MODELS["transient"])).values()).decode()
    assert not re.search(r"\d{2}:\d{2}|/|#", text)


def test_numbers_read_back_to_the_last_bit() -> None:
    found = model(**MODELS["random field"])
    lines = writer.write(found)["flow.npf"].decode().split("INTERNAL FACTOR 1.0\n")
    read = [float(word) for word in lines[1].splitlines()[0].split()]
    assert read == found.properties["k"][0].tolist()


def test_the_files_of_a_small_model_are_these() -> None:
    files = writer.write(model("dis", **MODELS["chd"]))
    assert list(files) == [
        "mfsim.nam", "flow.tdis", "flow.ims", "flow.nam", "flow.dis", "flow.ic", "flow.npf",
        "flow.oc", "flow.chd_east.chd", "flow.chd_west.chd",
    ]  # fmt: skip
    assert files["flow.npf"].decode() == (
        "BEGIN options\nEND options\n\n"
        "BEGIN griddata\n  icelltype\n    CONSTANT 1\n  k LAYERED\n    CONSTANT 8.64\n"
        "END griddata\n"
    )
    assert files["flow.chd_east.chd"].decode() == (
        "BEGIN options\n  SAVE_FLOWS\nEND options\n\n"
        "BEGIN dimensions\n  MAXBOUND 5\nEND dimensions\n\n"
        "BEGIN period 1\n  1 1 8 100.0\n  1 2 8 100.0\n  1 3 8 100.0\n  1 4 8 100.0\n"
        "  1 5 8 100.0\nEND period\n"
    )


@pytest.mark.parametrize("change", [{}, {"formulation": {"newton": True, "xt3d": True}}])
def test_only_words_of_mf6_6_4_1_are_written(change: dict[str, Any]) -> None:
    """GRB6 ends 6.4.1 in a traceback; CONTINUE would hide a failure."""
    text = b"".join(writer.write(model(**change)).values()).decode().upper()
    assert not {"GRB6", "CONTINUE", "EXPORT_ARRAY_ASCII"} & set(text.split())
    assert "NOGRB" in text
    assert "BEGIN OPTIONS" in writer.write(model(**change))["flow.npf"].decode().upper()


def test_flows_between_cells_are_saved_only_when_asked_for() -> None:
    assert b"SAVE_FLOWS" not in writer.write(model())["flow.npf"]
    asked = writer.write(model(solver__mf6__save_flow_ja=True))["flow.npf"]
    assert b"SAVE_FLOWS" in asked and b"SAVE_SPECIFIC_DISCHARGE" in asked


@pytest.mark.parametrize("name", ["riv", "three layers", "transient", "newton", "evt"])
def test_rows_and_columns_give_the_heads_of_the_same_cells_as_polygons(
    name: str, mf6: Path, tmp_path: Path
) -> None:
    heads = []
    for kind in ("dis", "disv"):
        found = model(kind, **MODELS[name])
        folder = written(found, tmp_path / kind)
        run_mf6(mf6, folder)
        heads.append(read_heads(folder / writer.HEADS, found.n_layers, found.grid.n_cells).values)
    np.testing.assert_allclose(heads[0], heads[1], rtol=0, atol=1e-6)


def test_vertices_count_from_the_corner_of_the_grid() -> None:
    """MODFLOW's areas lose digits to projected northings."""
    here, far = model(), np.array([4e5, 6.8e6])
    away = here.grid.vertices.min(axis=0) + far
    moved = {name: getattr(here.grid, name) + far for name in ("vertices", "centres", "outline")}
    there = replace(here, grid=replace(here.grid, **moved))
    texts = [writer.write(one)["flow.disv"].decode() for one in (here, there)]
    origin = [float(number) for number in re.findall(r"[XY]ORIGIN (\S+)", texts[1])]
    assert origin == away.tolist()
    parts = [text[text.index("BEGIN griddata") :] for text in texts]
    assert parts[0] == parts[1]
