"""The words of a groundwater run: found, near ones named, none of a mesh left out."""

import subprocess
import sys

import pytest

from mhx.groundwater.vocabulary import FLOW, MESH, OBSERVED, TRANSPORT, VOCABULARY

FOUND = {
    "flow_metrics.head_range_m": ("m", "extremum"),
    "flow_metrics.duration_s": ("s", "duration"),
    "flow_metrics.budget_chd_total_out": ("m3/s", "integral"),
    "flow_metrics.budget_sto-ss_volume_in_m3": ("m3", "integral"),
    "flow_metrics.budget_my-outlet_2_rate_out_m3_s": ("m3/s", "integral"),
    "flow_metrics.param_K": ("m/s", "point"),
    "flow_metrics.param_Sy_gravel": ("1", "point"),
    "flow_metrics.watertable_depth_finite_fraction": ("1", "mean"),
    "flow_metrics.recharge_flux_max": ("m/s", "extremum"),
    "observation_metrics.head_scaled_rmse": ("1", "mean"),
    "observation_metrics.obs_b-1_residual_m3_s": ("m3/s", "point"),
    "mesh_metrics.constraint_river_edge_distance_max_m": ("m", "extremum"),
    "transport_metrics.obs_well-1_arrival50_d": ("d", "point"),
    "transport_metrics.param_alpha_l_gravel": ("m", "point"),
    "transport_metrics.mass_decayed_kg": ("kg", "integral"),
}


OF_A_CATCHMENT = tuple(
    f"{MESH}{name}" for name in ("catchment_", "outline_area_change", "outline_simplification")
)


@pytest.mark.parametrize(("name", "unit", "kind"), [(k, *v) for k, v in FOUND.items()])
def test_a_word_has_its_unit_and_kind(name, unit, kind):
    word = VOCABULARY.find(name)
    assert (word.name, word.unit, word.kind) == (name, unit, kind)


@pytest.mark.parametrize(
    "name",
    [
        "flow_metrics.n_cell",
        "flow_metrics.budget_chd_out",
        "flow_metrics.param_",
        "flow_metrics.head.range",
        "mesh_metrics.constraint__cells",
        "head_range_m",
    ],
)
def test_what_no_run_reports_is_no_word(name):
    assert VOCABULARY.find(name) is None


def test_the_word_that_was_meant_is_named():
    assert VOCABULARY.closed
    assert VOCABULARY.near("mesh_metrics.n_points") == "mesh_metrics.n_nodes"
    assert VOCABULARY.near("flow_metrics.n_cell") == "flow_metrics.n_cells"


def test_every_word_says_what_it_means():
    for word in VOCABULARY:
        assert word.name.startswith((FLOW, MESH, OBSERVED, TRANSPORT))
        assert word.unit and word.meaning and not word.meaning.endswith(".")


def test_a_mesh_reports_every_word_and_no_other(gmsh):
    from mhx.groundwater.conformity import mesh_metrics

    from .sites import line, meshed, site

    config = site(
        kind="voronoi", size=200.0, constraint=[line("river", (100.0, 100.0), (800.0, 700.0))]
    )
    grid, terrain = meshed(config)
    found = {f"{MESH}{name}" for name in mesh_metrics(grid, terrain, config)}
    assert [name for name in sorted(found) if VOCABULARY.find(name) is None] == []
    of_a_mesh = {
        word.name.replace("<id>", "river")
        for word in VOCABULARY
        if word.name.startswith(MESH) and not word.name.startswith(OF_A_CATCHMENT)
    }
    assert of_a_mesh - found == {f"{MESH}duration_s"}  # whoever makes the mesh knows


def test_words_need_no_numpy():
    code = (
        "import sys, mhx.groundwater.vocabulary, mhx.groundwater.engines;"
        "print({'numpy', 'flopy', 'pydantic', 'gmsh', 'matplotlib'} & set(sys.modules) or 'none')"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "none\n"
