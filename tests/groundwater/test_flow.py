"""A flow model in numbers: levels, rates and conductances where and what they should be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater import flow
from mhx.groundwater.config import Simulation
from mhx.groundwater.terrain import terrain_of
from mhx.groundwater.units import DAY

from .models import chd, document, grid, model

EVERY = {"all": True}
TWO = {"period": [{"length": 2.0}, {"length": 0.5, "unit": "year", "steps": 3, "multiplier": 2.0}]}
STORED = {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}, "Sy": {"value": 0.1}}


def bc(package: str, **keys: Any) -> dict[str, Any]:
    return {"id": "it", "package": package, "where": {"side": "west"}} | keys


def placed(table: dict[str, Any], key: str = "bc", **changes: Any) -> Any:
    return model(**{key: [table]}, **changes).boundaries["it"]


def test_levels_are_numbers_or_count_from_the_ground() -> None:
    ground = 109.5  # centre of the westernmost cells
    for level, expected in [(105.0, 105.0), ("top", ground), ("top - 1.5", ground - 1.5),
                            ("top + 2", ground + 2)]:  # fmt: skip
        assert (placed(bc("chd", head=level)).values["head"] == expected).all()


def test_a_stream_falls_downstream() -> None:
    table = bc("riv", where={"line": "river"}, stage="stream - 1", bottom="stream - 2",
               leakance=1e-5)  # fmt: skip
    found = placed(table)
    stage = found.values["stage"][0]
    assert len(stage) == 8 and (np.diff(stage) < 0).all()
    assert stage[0] == pytest.approx(109.5 - 1)


def test_a_stream_that_the_mesh_does_not_respect_falls_along_its_drawing() -> None:
    found = placed(
        bc("riv", where={"line": "drawn"}, stage="stream", bottom="stream - 1", leakance=1e-5),
        mesh__constraint=[{"id": "drawn", "points": [[750, 250], [50, 250]], "embed": False}],
    )
    assert found.values["stage"][0].tolist() == [109.5 - cell for cell in range(8)]


def test_leakance_counts_per_area_or_per_length_of_line() -> None:
    area = placed(bc("drn", elevation="top", leakance={"value": 1.0, "unit": "1/day"}))
    assert area.values["cond"] == pytest.approx(100.0 * 100.0)
    line = placed(bc("drn", where={"line": "river"}, elevation="top",
                     leakance={"value": 2.0, "unit": "m/day"}))  # fmt: skip
    assert line.values["cond"].sum() == pytest.approx(2.0 * 700.0)
    assert line.values["cond"][0] == pytest.approx([100, *[200] * 6, 100])
    given = placed(bc("drn", elevation="top", conductance=1e-3))
    assert given.values["cond"] == pytest.approx(1e-3 * DAY)


def test_rates_are_per_time_unit_of_the_model() -> None:
    rain = {"id": "it", "package": "rcha", "where": EVERY, "rate": {"value": 1, "unit": "mm/day"}}
    assert placed(rain, "source").values["recharge"] == pytest.approx(1e-3, rel=1e-15)
    seconds = placed(rain, "source", solver__mf6__time_unit="seconds")
    assert seconds.values["recharge"] == pytest.approx(1e-3 / DAY, rel=1e-15)
    well = {"id": "it", "package": "wel", "where": {"cells": [3]}, "rate": -1e-3}
    assert placed(well, "source").values["q"] == pytest.approx(-86.4)


def test_nominal_recharge_is_rate_times_the_area_it_falls_on() -> None:
    rain = {"id": "it", "package": "rcha", "where": {"side": "west"}, "rate": 1e-8}
    assert model(source=[rain]).recharge_nominal_m3_s == pytest.approx(1e-8 * 5 * 1e4)


def test_a_series_gives_each_period_its_value(tmp_path: Path) -> None:
    path = tmp_path / "levels.csv"
    path.write_text("date,river_m\n2026-01-01,101.5\n2026-01-03,103\n")
    table = chd(id="it", head={"file": str(path), "column": "river_m"})
    found = placed(table, regime="transient", time=TWO, param=STORED)
    assert found.values["head"][:, 0].tolist() == [101.5, 103.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("river_m\n1\n", "has 1 rows for 2 stress periods"),
        ("stage\n1\n2\n", "has no column 'river_m'; it has stage"),
        ("river_m\n1\nhigh\n", ":3  must be a number, got 'high'"),
        ("river_m\n1,2\n3\n", ":2  has 2 values, the header 1"),
        ("river_m\n", "holds no rows below a header"),
    ],
)
def test_a_series_that_does_not_fit_is_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "levels.csv"
    path.write_text(text)
    table = chd(id="it", head={"file": str(path), "column": "river_m"})
    with pytest.raises(ConfigError) as error:
        placed(table, regime="transient", time=TWO, param=STORED)
    assert told in str(error.value)


def test_two_fixed_heads_in_one_cell_are_refused() -> None:
    with pytest.raises(ConfigError) as error:
        model(bc=[chd(), chd(id="north", where={"side": "north"}, head=104.0)])
    assert str(error.value) == (
        "flow.bc[1].where: cell 7 in layer 1 is fixed by 'east', too; a cell has one head"
    )


def test_a_river_bed_above_its_stage_is_refused() -> None:
    table = bc("riv", stage=104.0, bottom=105.0, conductance=1e-3)
    with pytest.raises(ConfigError, match=r"flow\.bc\[0\]\.bottom must be <= stage, got 105 und"):
        model(bc=[table])


def test_a_conductance_must_be_positive() -> None:
    with pytest.raises(ConfigError, match=r"flow\.bc\[0\]\.conductance must be > 0, got -1"):
        model(bc=[bc("drn", elevation=1.0, conductance=-1.0)])


def test_except_takes_the_cells_that_another_leaves_in_any_order() -> None:
    drain = bc("drn", where={"except": "east"}, elevation="top", conductance=1e-3)
    found = model(bc=[drain, chd()])
    assert list(found.boundaries) == ["it", "east"]
    assert not np.intersect1d(found.boundaries["it"].cells, found.boundaries["east"].cells).size
    assert found.boundaries["it"].cells.size == 35


def test_except_of_each_other_is_refused() -> None:
    drains = [
        bc("drn", id=one, where={"except": other}, elevation="top", conductance=1e-3)
        for one, other in (("a", "b"), ("b", "a"))
    ]
    with pytest.raises(ConfigError, match=r"flow\.bc\[0\]\.where\.except: 'b' waits for itself"):
        model(bc=drains)


LAYERS = [
    ({"kind": "constant_thickness", "thickness": 20.0}, lambda top: top - 20),
    ({"kind": "constant_bottom", "bottom": 50.0}, lambda top: 0 * top + 50),
    ({"kind": "bottom_below_lowest", "depth": 30.0}, lambda top: 0 * top + top.min() - 30),
]


@pytest.mark.parametrize(("layers", "bottom"), LAYERS, ids=[layers["kind"] for layers, _ in LAYERS])
def test_the_bottom_is_where_it_is_said_to_be(layers: dict[str, Any], bottom: Any) -> None:
    data = document() | {"layers": layers | {"n_layers": 2, "fractions": [0.25, 0.75]}}
    config = parse(Simulation, data)
    assert config.layers is not None
    top, bottoms = flow.surfaces(config.layers, grid(), terrain_of(config))
    assert (bottoms[-1] == bottom(top)).all()
    np.testing.assert_allclose(top - bottoms[0], 0.25 * (top - bottoms[-1]), rtol=1e-12)


def test_a_bottom_above_the_ground_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"layers: the bottom of layer 1 must lie below its top"):
        model(layers__kind="constant_bottom", layers__bottom=105.0, layers__thickness=None)


def test_a_layer_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bottom.csv"
    path.write_text("\n".join(["value", *(str(80 + 0.25 * cell) for cell in range(40))]))
    found = model(layers__kind="surfaces", layers__bottoms=[str(path)], layers__thickness=None)
    assert found.bottoms[0].tolist() == [80 + 0.25 * cell for cell in range(40)]


def test_fixed_cells_start_at_their_head_when_asked_to() -> None:
    start = {"kind": "constant", "value": 90.0}
    assert (model(ic=start).strt == 90).all()
    found = model(ic=start | {"fixed_cells": "boundary_head"})
    cells = found.boundaries["east"].cells
    assert (found.strt[0][cells] == 100).all()
    assert (np.delete(found.strt[0], cells) == 90).all()
    assert found.fixed_cells.tolist() == [7, 15, 23, 31, 39]


def test_heads_may_start_from_a_file_layer_after_layer(tmp_path: Path) -> None:
    path = tmp_path / "heads.csv"
    path.write_text("\n".join(["head", *(str(100 + row) for row in range(80))]))
    found = model(ic={"kind": "file", "file": str(path)}, layers__n_layers=2)
    assert found.strt.tolist() == [list(range(100, 140)), list(range(140, 180))]


def test_periods_are_days_and_steps_grow_by_their_multiplier() -> None:
    found = model(regime="transient", time=TWO, param=STORED)
    assert found.period_lengths_d == pytest.approx((2.0, 182.625))
    ends = [end for _, _, end in found.step_ends_d]
    assert ends == pytest.approx([2, 2 + 182.625 / 7, 2 + 3 * 182.625 / 7, 184.625])


def test_a_model_without_periods_has_one_step_of_a_day() -> None:
    assert model().period_lengths_d == (1.0,) and len(model().step_ends_d) == 1


@pytest.mark.parametrize(
    ("formulation", "acceleration"),
    [
        ({"newton": False, "xt3d": False}, "cg"),
        ({"newton": True, "xt3d": False}, "bicgstab"),
        ({"newton": False, "xt3d": True}, "bicgstab"),
    ],
)
def test_the_linear_solver_fits_the_matrix(formulation: dict[str, bool], acceleration: str) -> None:
    assert model(formulation=formulation).ims.linear_acceleration == acceleration
