"""Parameters on a grid: zones, files, units, and a random field with the covariance it claims."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater import parameters
from mhx.groundwater.config import Simulation
from mhx.groundwater.flow_config import RandomField
from mhx.groundwater.structured import regular

from .models import OUTLINE, document, grid, model


def zoned(tmp_path: Path, rows: list[str], zones: dict[str, float]) -> dict[str, Any]:
    path = tmp_path / "zones.csv"
    path.write_text("\n".join(["zone", *rows]) + "\n")
    return {"K": {"zones": zones, "zone_file": str(path)}}


def test_zones_give_their_values_and_are_reported(tmp_path: Path) -> None:
    rows = ["sand"] * 30 + ["clay"] * 10
    found = model(param=zoned(tmp_path, rows, {"sand": 1e-4, "clay": 1e-7}))
    expected = [8.64] * 30 + [8.64e-3] * 10
    np.testing.assert_allclose(found.properties["k"][0], expected, rtol=1e-15)
    assert found.parameters == {"param_K_sand": 1e-4, "param_K_clay": 1e-7}


def test_zones_may_be_polygons(tmp_path: Path) -> None:
    import json

    west = [[0, 0], [400, 0], [400, 500], [0, 500], [0, 0]]
    east = [[x + 400, y] for x, y in west]
    features = [
        {"properties": {"zone": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in (("west", west), ("east", east))
    ]
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps({"features": features}))
    zones = {"west": 1e-4, "east": 1e-5}
    found = model(param={"K": {"zones": zones, "zone_file": str(path)}})
    k = found.properties["k"][0].reshape(5, 8)
    assert (k[:, :4] == k[0, 0]).all() and (k[:, 4:] == k[0, 4]).all()
    assert k[0, 0] == pytest.approx(10 * k[0, 4])


@pytest.mark.parametrize(
    ("rows", "zones", "told"),
    [
        (["a"] * 39, {"a": 1e-4}, "has 39 rows for 40 cells"),
        (["a"] * 39 + ["b"], {"a": 1e-4}, "flow.param.K.zones has no value for b"),
        (["a"] * 40, {"a": 1e-4, "c": 1e-5}, "flow.param.K.zones.c names no cell; zones: a"),
    ],
)
def test_zones_that_do_not_fit_are_refused(
    rows: list[str], zones: dict[str, float], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
        model(param=zoned(tmp_path, rows, zones))


def test_a_file_gives_one_value_per_cell_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "k.csv"
    rows = [f"{cell},{1e-5 * (cell + 1)!r}" for cell in reversed(range(40))]
    path.write_text("\n".join(["cell_id,value", *rows]))
    found = model(param={"K": {"file": str(path)}}).properties["k"][0]
    np.testing.assert_allclose(found, 0.864 * np.arange(1, 41), rtol=1e-14)


def test_a_value_below_zero_in_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.csv"
    path.write_text("\n".join(["value", *["1e-5"] * 39, "-1"]))
    with pytest.raises(ConfigError, match=r"flow\.param\.K must be > 0 in every cell, got -1"):
        model(param={"K": {"file": str(path)}})


def test_a_unit_is_that_of_the_numbers() -> None:
    found = model(param={"K": {"value": 1.0, "unit": "m/day"}})
    assert found.properties["k"] == pytest.approx(1.0, rel=1e-15)
    assert found.parameters["param_K"] == pytest.approx(1 / 86400, rel=1e-15)


FIELD = RandomField(mean=1e-4, sigma=1.5, correlation_length=150.0, seed=0)


def test_a_random_field_is_the_same_on_every_mesh_and_for_every_seed_another() -> None:
    coarse, fine = grid(), regular("disv", OUTLINE, (100 / 3, 100 / 3), {})
    at = {tuple(np.round(xy, 6)): k for xy, k in zip(fine.centres, _field(fine), strict=True)}
    for xy, k in zip(coarse.centres, _field(coarse), strict=True):
        assert at[tuple(np.round(xy, 6))] == pytest.approx(k, rel=1e-12)
    other = parameters.lognormal(FIELD.model_copy(update={"seed": 1}), coarse)
    assert not np.allclose(other, _field(coarse), rtol=0.1)


def _field(some: Any) -> np.ndarray:
    return parameters.lognormal(FIELD, some)


def test_a_random_field_has_the_moments_that_it_was_given() -> None:
    """ln K: mean ln(1e-4), variance sigma^2, covariance exp(-d/l), over 400 seeds."""
    some = regular("disv", np.array([[0, 0], [450.0, 0], [450, 150], [0, 150]]), (150, 150), {})
    fields = [
        np.log(parameters.lognormal(FIELD.model_copy(update={"seed": seed}), some))
        for seed in range(400)
    ]
    z = (np.array(fields) - np.log(1e-4)) / 1.5
    spread = 4 / np.sqrt(400)  # four standard errors
    assert np.abs(z.mean(axis=0)).max() < spread
    assert np.abs((z**2).mean(axis=0) - 1).max() < 2 * spread
    assert (z[:, 0] * z[:, 1]).mean() == pytest.approx(np.exp(-1), abs=spread)
    assert (z[:, 0] * z[:, 2]).mean() == pytest.approx(np.exp(-2), abs=spread)


def test_ratios_multiply_k() -> None:
    param = {"K": {"value": 1e-4}, "K33_ratio": {"value": 0.1}, "K22_ratio": {"value": 0.5}}
    found = model(param=param).properties
    assert (found["k33"] == found["k"] * 0.1).all() and (found["k22"] == found["k"] * 0.5).all()


def test_storage_is_no_part_of_a_steady_model() -> None:
    param = {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}}
    assert set(model(param=param).properties) == {"k"}
    assert parse(Simulation, document(param=param)).flow is not None
