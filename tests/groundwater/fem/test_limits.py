"""What finite elements are not asked, told by key before anything is meshed."""

import subprocess
import sys

import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.config import Simulation

from ..squares import EAST, WEST, document

EVT = {
    "id": "plants", "package": "evt", "where": {"all": True}, "rate": 1e-8, "depth": 2.0,
}  # fmt: skip
FORMULATION = {"newton": False, "xt3d": False, "cell_type": "convertible"}
REFUSED = {
    "squares": (
        {"mesh": {"kind": "structured", "size": 100.0}},
        "mesh.kind must be 'voronoi', 'triangles' or 'file' with engine = 'fem_p1'",
    ),
    "layers": (
        {"layers": {"kind": "constant_thickness", "thickness": 10.0, "n_layers": 2}},
        "layers.n_layers must be 1 with engine = 'fem_p1', which solves in the plane, got 2",
    ),
    "a water table in time": (
        {
            "regime": "transient",
            "time": {"period": [{"length": 1.0}]},
            "formulation": FORMULATION,
            "param": {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}, "Sy": {"value": 0.1}},
        },
        "flow.formulation.cell_type must be 'confined' with engine = 'fem_p1'",
    ),
    "upstream weighting": (
        {"formulation": FORMULATION | {"newton": True}},
        "flow.formulation.newton must be false with engine = 'fem_p1'",
    ),
    "evapotranspiration": (
        {"source": [EVT]},
        "flow.source.0.package must be rcha or wel with engine = 'fem_p1', got 'evt'",
    ),
}


@pytest.mark.parametrize(("changes", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_key(changes, told):
    data = document(bc=[WEST, EAST])
    for key, value in changes.items():
        (data if key in data else data["flow"])[key] = value
    with pytest.raises(ConfigError) as refused:
        parse(Simulation, data)
    assert told.replace(".0.", "[0].") in str(refused.value).replace(".0.", "[0].")


def test_other_engines_are_left_alone():
    data = document(engine="mf6", source=[EVT])
    data["mesh"] = {"kind": "structured", "size": 100.0}
    parse(Simulation, data)


@pytest.mark.slow
def test_a_configuration_is_checked_without_numpy():
    code = (
        "import sys, mhx.groundwater.config, mhx.groundwater.solver;"
        "print({'numpy', 'scipy', 'skfem'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
