"""What the older programs cannot do is refused by key, when a configuration is read."""

from typing import Any

import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.config import Simulation

from .cases import PROCESSES, flow_case, plume_case


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        parse(Simulation, document)
    return str(error.value)


STEPS = [{"id": kind, "type": kind} for kind in PROCESSES]
ANGLE = {"K": {"value": 1e-4}, "angle1": {"value": 30.0}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"mesh": {"kind": "rectangular_disv", "size": 50.0}},
            "mesh.kind must be 'structured' with engine = 'mfnwt', which knows rows and columns "
            "only, got 'rectangular_disv'",
        ),
        (
            {"flow__formulation__newton": False},
            "flow.formulation.newton must be true with engine = 'mfnwt': MODFLOW-NWT always "
            "weights the saturated thickness of convertible cells upstream and solves by Newton; "
            "got false",
        ),
        (
            {"flow__formulation__xt3d": True},
            "flow.formulation.xt3d must be false with engine = 'mfnwt': MODFLOW-NWT has the "
            "two-point flux only; got true",
        ),
        (
            {"flow__param": ANGLE},
            "flow.param.angle1 must be left out with engine = 'mfnwt': the axes of K are those of "
            "the rows and columns in MODFLOW-NWT",
        ),
        (
            {"engine": "mt3dusgs"},
            "engine must be 'mfnwt' without a process transport: it solves the flow for "
            "MT3D-USGS, got 'mt3dusgs'",
        ),
    ],
    ids=["polygons", "standard formulation", "xt3d", "rotated axes", "mt3dusgs without transport"],
)
def test_modflow_nwt_is_asked_for_what_it_can_do(changes: dict[str, Any], told: str) -> None:
    assert told in refused(flow_case(**changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"engine": "mfnwt"},
            "engine must be 'mf6' or 'mt3dusgs' with a process transport: MODFLOW-NWT solves flow "
            "only, got 'mfnwt'",
        ),
        (
            {"transport__scheme": {"advection": "tvd"}},
            "transport.scheme.advection must be 'upstream' or 'central' with engine = 'mt3dusgs', "
            "whose finite differences these are; its own scheme of third order is "
            "solver.mt3dusgs.advection = 'tvd'; got 'tvd'",
        ),
        (
            {"transport__scheme": {"dispersion_xt3d": False}},
            "transport.scheme.dispersion_xt3d must be true with engine = 'mt3dusgs', which always "
            "takes the whole tensor; got false",
        ),
    ],
    ids=["mfnwt with transport", "tvd of MODFLOW 6", "half a tensor"],
)
def test_mt3d_usgs_is_asked_for_what_it_can_do(changes: dict[str, Any], told: str) -> None:
    assert told in refused(plume_case(**changes))


def test_all_faults_are_told_at_once() -> None:
    told = refused(flow_case(flow__formulation={"newton": False, "xt3d": True}))
    assert "formulation.newton" in told and "formulation.xt3d" in told


def test_confined_cells_need_no_newton() -> None:
    """Without a saturated thickness there is nothing to weight: the equations are the same."""
    formulation = {"newton": False, "xt3d": False, "cell_type": "confined"}
    assert parse(Simulation, flow_case(flow__formulation=formulation)).engine == "mfnwt"


def test_tvd_of_its_own_is_let_pass() -> None:
    own = {"mt3dusgs": {"advection": "tvd"}}
    document = plume_case(transport__scheme={"advection": "tvd"}, solver=own)
    assert parse(Simulation, document).solver.mt3dusgs.advection == "tvd"


def test_another_engine_is_not_held_to_these_limits() -> None:
    assert parse(Simulation, flow_case("mf6", flow__formulation={"newton": False, "xt3d": True}))
