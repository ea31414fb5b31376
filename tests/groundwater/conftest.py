"""What the tests of groundwater share; `mf6` and `gmsh` stand in tests/conftest.py, for all."""

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def strip() -> Callable[..., object]:
    """A function that makes a small flow model of square cells of 100 m, thick 10 m a layer."""
    pytest.importorskip("shapely")
    from mhx.groundwater.model import Boundary, FlowModel, Ims, Period
    from mhx.groundwater.structured import regular

    def boundary(name, package, cells, layers=None, **values):
        cells = np.asarray(cells)
        layers = np.zeros_like(cells) if layers is None else np.asarray(layers)
        columns = {
            key: np.broadcast_to(np.asarray(value, float), (1, cells.size))
            if np.ndim(value) < 2
            else np.asarray(value, float) * np.ones((1, cells.size))
            for key, value in values.items()
        }
        return Boundary(
            id=name,
            package=package,
            name=f"p_{name}",
            cells=cells,
            layers=layers,
            values=columns,
        )

    def make(
        boundaries,
        shape=(1, 3),
        *,
        k=1.0,
        layers=1,
        top=10.0,
        periods=((1.0, 1, 1.0),),
        transient=False,
        convertible=0,
        newton=0,
        seconds=False,
        save="all",
        nominal=0.0,
    ):
        rows, columns = shape
        length, width = 100.0 * columns, 100.0 * rows
        outline = np.array([[0, 0], [length, 0], [length, width], [0, width]], float)
        grid = regular("dis", outline, (100.0, 100.0), {})
        tops = np.broadcast_to(np.asarray(top, float), (grid.n_cells,)).copy()
        bottoms = tops - 10.0 * np.arange(1, layers + 1)[:, None]
        full = np.ones((layers, grid.n_cells))
        properties = {"k": k * full, "k33": k * full}
        if transient:
            properties |= {"ss": 1e-5 * full, "sy": 0.1 * full}
        placed = [boundary(*words, **values) for words, values in boundaries]
        return FlowModel(
            grid=grid,
            top=tops,
            bottoms=bottoms,
            properties=properties,
            strt=tops - 1.0 + 0.0 * full,
            boundaries={one.id: one for one in placed},
            regime="transient" if transient else "steady",
            periods=tuple(Period(length=a, steps=b, multiplier=c) for a, b, c in periods),
            start=None,
            time_unit="seconds" if seconds else "days",
            formulation={
                "newton": newton,
                "under_relaxation": 0,
                "xt3d": 0,
                "convertible": convertible,
            },
            ims=Ims(
                complexity="moderate",
                linear_acceleration="bicgstab" if newton else "cg",
                outer_dvclose=1e-9,
                inner_dvclose=1e-10,
                outer_maximum=200,
                inner_maximum=200,
                rclose=None,
                rclose_option="strict",
                relaxation_factor=None,
            ),
            save=save,
            save_flow_ja=False,
            write_grb=False,
            parameters={"param_K": k / 86400},
            recharge_nominal_m3_s=nominal,
        )

    return make


@pytest.fixture
def solved(mf6, tmp_path) -> Callable[..., object]:
    """A function that runs a model in a folder and returns its result and the folder."""
    from mhx.groundwater import writer
    from mhx.groundwater.mf6 import run_mf6
    from mhx.groundwater.results import read_results

    def solve(model, fields=(), name="mf6"):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in writer.write(model).items():
            (folder / file).write_bytes(content)
        return read_results(model, run_mf6(mf6, folder), folder, fields), folder

    return solve
