"""MODFLOW-NWT against MODFLOW 6, water kept, files reproducible, and failures in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("shapely")

from mhx.errors import ConfigError, SolverError
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.legacy import nwt_files
from mhx.groundwater.solved import FlowRun

from .cases import STORING, flow_case, flow_of

CONFINED = {"flow__formulation": {"newton": False, "xt3d": False, "cell_type": "confined"}}
SAME = 1e-4
"""What the heads of the two programs may differ by [m]."""


def both(tmp_path: Path, **changes: Any) -> tuple[FlowRun, FlowRun]:
    """MODFLOW 6 and MODFLOW-NWT on one configuration."""
    runs = [flow_of(flow_case(name, **changes), tmp_path / name) for name in ("mf6", "mfnwt")]
    return runs[0], runs[1]


def apart(one: FlowRun, other: FlowRun) -> float:
    assert one.result.heads.shape == other.result.heads.shape
    return float(np.abs(one.result.heads - other.result.heads).max())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_layers": 2},
        STORING,
        {"n_layers": 2, **STORING},
        {**CONFINED, **STORING},
        {"flow__param": {"K": {"value": 1e-4}, "K22_ratio": {"value": 0.3}}},
        {"n_layers": 2, "flow__param": {"K": {"value": 1e-4}, "K33_ratio": {"value": 0.01}}},
    ],
    ids=["steady", "two layers", "transient", "both", "confined", "K22", "K33"],
)
def test_heads_are_those_of_modflow_6_with_newton(
    changes: dict[str, Any], mf6: Path, mfnwt: Path, tmp_path: Path
) -> None:
    ours, theirs = both(tmp_path, **changes)
    assert apart(ours, theirs) <= SAME
    assert theirs.notes["agreement"].startswith("equal to MODFLOW 6")


@pytest.mark.parametrize(
    ("changes", "same"),
    # the ends of the saturated thickness are smoothed differently, over 1e-6 of it; Ss of cells
    # that are part full is counted differently
    [({}, 1e-5), (STORING, 1e-4)],
    ids=["steady", "transient"],
)
def test_every_boundary_takes_and_gives_the_same(
    changes: dict[str, Any], same: float, mf6: Path, mfnwt: Path, tmp_path: Path
) -> None:
    """Also where two wells, or two kinds of rain on one cell, share a record of the budget."""
    ours, theirs = (flow_metrics(run.result) for run in both(tmp_path, n_layers=2, **changes))
    rates = [key for key in ours if key.startswith("budget_") and key.endswith("_m3_s")]
    ids = ("east", "river", "ditch", "lake", "rain", "storm", "well", "other", "trees")
    assert all(f"budget_{name}_rate_in_m3_s" in rates for name in ids)
    for key in rates:
        if "sto-" not in key:  # one record of both kinds of storage
            assert theirs[key] == pytest.approx(ours[key], rel=same, abs=1e-9), key
    if changes:
        stored = sum(ours[f"budget_sto-{kind}_net"] for kind in ("ss", "sy"))
        assert theirs["budget_sto_net"] == pytest.approx(stored, rel=same)
    assert theirs["converged"] == 1 and theirs["closure_relative"] <= 1e-6
    assert abs(theirs["max_abs_step_percent_discrepancy"]) <= 0.01


def test_storage_of_confined_cells_is_elastic(mfnwt: Path, tmp_path: Path) -> None:
    run = flow_of(flow_case(**CONFINED, **STORING), tmp_path)
    assert {row.component for row in run.result.budget} >= {"sto-ss"}


def test_the_standard_formulation_differs_and_by_how_much(
    mf6: Path, mfnwt: Path, tmp_path: Path
) -> None:
    """Formulation, not code: the difference to MODFLOW-NWT is that to MODFLOW 6 with Newton."""
    standard = flow_of(
        flow_case("mf6", flow__formulation={"newton": False, "xt3d": False}), tmp_path / "standard"
    )
    ours, theirs = both(tmp_path)
    assert 0.005 < apart(standard, theirs) < 0.1
    assert apart(standard, theirs) == pytest.approx(apart(standard, ours), abs=SAME)


def test_where_thickness_varies_the_conductances_differ(
    mf6: Path, mfnwt: Path, tmp_path: Path
) -> None:
    """Three cells in a row on a flat bottom under a sloping top, fixed at both ends.

    From the head in the middle each program's flux on both sides must balance: MODFLOW-NWT takes
    the saturated thickness upstream, MODFLOW 6 its share of the mean transmissivity.
    """
    ends = [
        {"id": "west", "package": "chd", "where": {"side": "west"}, "head": 106.0},
        {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 92.0},
    ]
    row = {
        "domain": {"kind": "rectangle", "length_x": 300.0, "length_y": 100.0},
        "mesh": {"kind": "structured", "cell_x": 100.0, "cell_y": 100.0},
        "layers": {"kind": "constant_bottom", "bottom": 80.0},
        "flow__bc": ends,
        "flow__source": [],
    }
    ours, theirs = both(tmp_path, **row)
    top = ours.model.top

    def unbalanced(run: FlowRun, newer: bool) -> float:
        head = run.result.heads[0, 0]
        full = top - 80.0
        mean = 2 * full[:-1] * full[1:] / (full[:-1] + full[1:])
        wet = (head - 80.0)[:-1]  # upstream is west
        thick = mean * wet / full[:-1] if newer else wet
        flux = thick * (head[:-1] - head[1:])
        return float(flux[0] - flux[1]) / float(flux[0])

    assert apart(ours, theirs) > 0.01
    # the thickness is smoothed over 1e-6 of it, and heads are stored in single precision
    assert unbalanced(ours, newer=True) == pytest.approx(0.0, abs=1e-5)
    assert unbalanced(theirs, newer=False) == pytest.approx(0.0, abs=1e-5)
    assert abs(unbalanced(theirs, newer=True)) > 1e-3
    assert theirs.notes["agreement"].startswith(
        "differs from MODFLOW 6 with Newton: neighbouring cells of a layer are up to 10.26% thinner"
    )


def test_last_steps_alone_are_saved_where_asked_for(mfnwt: Path, tmp_path: Path) -> None:
    run = flow_of(flow_case(solver__mf6__save="last", **STORING), tmp_path)
    assert run.result.step.tolist() == [3, 1] and len(run.result.steps) == 4


def test_seconds_of_modflow_6_do_not_change_anything(mfnwt: Path, tmp_path: Path) -> None:
    days = flow_of(flow_case(), tmp_path / "days")
    seconds = flow_of(flow_case(solver__mf6__time_unit="seconds"), tmp_path / "seconds")
    assert seconds.model.files == days.model.files
    assert flow_metrics(seconds.result)["time_unit_days"] == 1


def test_files_are_written_to_the_byte(mfnwt: Path, tmp_path: Path) -> None:
    """Twice the same, and what stands in the folder is what the run says it was made of."""
    one, two = (flow_of(flow_case(**STORING), tmp_path / name) for name in ("one", "two"))
    assert one.model.files == two.model.files and one.inputs == set(one.model.files)
    for name, content in one.model.files.items():
        assert (tmp_path / "one" / name).read_bytes() == content


def test_a_step_that_does_not_converge_is_a_failure(mfnwt: Path, tmp_path: Path) -> None:
    """MODFLOW-NWT ends with status 0."""
    with pytest.raises(SolverError) as error:
        flow_of(flow_case(solver__mfnwt={"outer_maximum": 2}), tmp_path / "mfnwt")
    told = str(error.value)
    line = int(told.rpartition(" ")[2])
    assert told == (
        "MODFLOW-NWT did not converge in stress period 1, time step 1 (2 outer iterations); "
        f"see mfnwt/flow.lst line {line}"
    )
    lines = (tmp_path / "mfnwt" / nwt_files.LISTING).read_text().splitlines()
    assert "FAILED TO MEET SOLVER CONVERGENCE CRITERIA" in lines[line - 1]


def test_what_stops_it_is_quoted_with_the_line(mfnwt: Path, tmp_path: Path) -> None:
    low = {"id": "low", "package": "ghb", "where": {"side": "west"}, "head": 1.0,
           "conductance": 1e-4}  # fmt: skip
    with pytest.raises(SolverError, match=r"MODFLOW-NWT stopped: .*; see mfnwt/flow.lst line \d+"):
        flow_of(flow_case(flow__bc=[low]), tmp_path / "mfnwt")


def test_one_evapotranspiration_fits_into_a_column(mfnwt: Path, tmp_path: Path) -> None:
    tree = {"package": "evt", "where": {"cells": [60]}, "rate": 1e-8, "depth": 3.0}
    source = [tree | {"id": "oak"}, tree | {"id": "ash"}]
    with pytest.raises(ConfigError) as error:
        flow_of(flow_case(flow__source=source), tmp_path)
    assert str(error.value) == (
        "flow.source 'ash': MODFLOW-NWT takes one evt in a column, cell 60 has that of 'oak', too; "
        "leave it out of where, or use engine 'mf6'"
    )


def test_a_steady_state_needs_a_head(mfnwt: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a steady state has no definite head"):
        flow_of(flow_case(flow__bc=[], flow__source=[]), tmp_path)
