"""Groundwater, sections 2, 6 and 7.4: transport with MODFLOW 6, by numbers worked out by hand.

The case is a column of 20 cells of 10 m.  Water passes at q = 10 m/d * 1.9 m / 190 m = 0.1 m/d, so
at v = 0.5 m/d through pores of 0.2; a step is 5 d, 0.25 of the time that water spends in a cell.
"""

import math

import numpy as np
import pytest

from .lane import arrays
from .matrix import mhx, read, rows

pytestmark = pytest.mark.slow

COLUMN = """\
workflow = { mode = "simulation" }
domain = { kind = "rectangle", length_x = 200.0, length_y = 10.0 }
layers = { kind = "constant_bottom", bottom = 0.0 }
mesh = { kind = "structured", cell_x = 10.0, cell_y = 10.0 }
topography = { kind = "plane", base_elevation = 10.0, amplitude = 0.0, rises_to = "west" }
output = { figures = false }
[[simulation.process]]
id = "mesh_main"
type = "mesh"
[[simulation.process]]
id = "flow_main"
type = "flow"
[[simulation.process]]
id = "transport_main"
type = "transport"
[flow]
regime = "steady"
formulation = { newton = false, xt3d = false, cell_type = "confined" }
accept = { allow_flooding = true }
param = { K = { value = 10.0, unit = "m/day" } }
ic = { kind = "constant", value = 15.0 }
bc = [
  { id = "west", package = "chd", where = { side = "west" }, head = 16.9 },
  { id = "east", package = "chd", where = { side = "east" }, head = 15.0 },
]
[transport]
param = { porosity = 0.2, alpha_l = 5.0, alpha_th = 0.5 }
scheme = { advection = "upstream" }
time = { length = 200.0, steps = 40 }
bc = [ { id = "source", package = "cnc", where = { side = "west" }, value = 1.0 } ]
observation = [
  { id = "near", x = 45.0, y = 5.0 },
  { id = "far", x = 195.0, y = 5.0 },
]
"""

OF_A_RUN = [
    "duration_s",
    "n_timesteps",
    "courant_max",
    "courant_mean",
    "peclet_max",
    "peclet_mean",
    "numerical_dispersion_time_m2_d",
    "numerical_dispersion_space_m2_d",
    "transverse_numerical_ratio",
    "c_min",
    "c_max",
    "overshoot",
    "undershoot",
    "negative_mass_fraction",
    "mass_in_kg",
    "mass_out_kg",
    "mass_decayed_kg",
    "mass_stored_kg",
    "mass_sorbed_kg",
    "closure_relative",
    "max_abs_step_percent_discrepancy",
    "converged",
    "steps_not_converged",
    "peak_c",
    "peak_time_d",
    "front_position_m",
    "front_width_m",
    "centre_x_m",
    "centre_y_m",
    "spread_longitudinal_m",
    "spread_transverse_m",
    "plume_area_m2",
    "param_porosity",
    "param_alpha_l",
    "param_alpha_th",
    "scheme_upstream",
    "scheme_central",
    "scheme_tvd",
]
OF_AN_OBSERVATION = ("arrival10_d", "arrival50_d", "arrival90_d", "peak", "peak_time_d", "final")

X = 5.0 + 10.0 * np.arange(20)
PORES = 0.2 * 1000.0  # m3 of each cell


def wrote(folder, text=COLUMN):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder / "case.toml"


def ran(folder, *changes, text=COLUMN, code=0):
    """The metrics of one run and its folder; `changes` = KEY=VALUE."""
    words = [word for change in changes for word in ("--set", change)]
    said = mhx("run", wrote(folder, text), "--output-dir", folder / "run", *words)
    assert said.code == code, said.text
    return told(folder / "run"), folder / "run"


def told(run):
    found = read(run / "run_summary.json")["metrics"]
    head = "transport_metrics."
    return {key.removeprefix(head): found[key] for key in found if key.startswith(head)}


def refused(folder, *changes, text=COLUMN):
    words = [word for change in changes for word in ("--set", change)]
    path = wrote(folder, text)
    said = mhx("run", path, "--output-dir", folder / "run", *words, "--dry-run")
    assert said.code == 2, said.text
    assert not (folder / "run").exists()
    return said.err


@pytest.fixture(scope="module")
def column(mf6, tmp_path_factory):
    return ran(tmp_path_factory.mktemp("column"))


def profile(run):
    """Concentration of the last step along the column, kg/m3."""
    return arrays(run / "results/concentration.npz")["concentration"][-1, 0]


def falls_to(level, position, value):
    """Where a falling curve crosses `level`, linear between its points."""
    i = int(np.flatnonzero((value[:-1] >= level) & (value[1:] < level))[0])
    share = (value[i] - level) / (value[i] - value[i + 1])
    return position[i] + share * (position[i + 1] - position[i])


def rises_to(level, time, value):
    time, value = np.concatenate(([0.0], time)), np.concatenate(([0.0], value))
    i = int(np.flatnonzero((value[:-1] < level) & (value[1:] >= level))[0])
    return time[i] + (level - value[i]) / (value[i + 1] - value[i]) * (time[i + 1] - time[i])


def test_every_key_of_the_catalog_is_reported(column):
    metrics, _ = column
    assert not [key for key in OF_A_RUN if key not in metrics]
    for name in ("near", "far"):
        assert not [key for key in OF_AN_OBSERVATION if f"obs_{name}_{key}" not in metrics]
    assert (metrics["scheme_upstream"], metrics["scheme_central"], metrics["scheme_tvd"]) == (
        1,
        0,
        0,
    )
    assert (metrics["param_porosity"], metrics["param_alpha_l"]) == (0.2, 5.0)
    assert metrics["n_timesteps"] == 40
    assert metrics["converged"] == 1 and metrics["steps_not_converged"] == 0


def test_the_catalog_of_the_metrics_is_closed(tmp_path):
    wrote(tmp_path).rename(tmp_path / "base.toml")
    text = (
        '[workflow]\nmode = "testbed"\n[testbed]\nid = "k"\nsubject = "transport"\n'
        'base_config = "base.toml"\n[[testbed.case]]\nid = "a"\n[[testbed.metric]]\nname = "f"\n'
        'source = "transport_metrics.front_positon_m"\n'
    )
    (tmp_path / "k.toml").write_text(text)
    said = mhx("testbed", "plan", tmp_path / "k.toml")
    assert said.code == 2
    assert (
        "metric 'f': a simulation never reports 'transport_metrics.front_positon_m'; "
        "did you mean 'transport_metrics.front_position_m'?"
    ) in said.err


def test_numbers_of_courant_and_peclet(column):
    # Courant = dt * outflow / (porosity * volume) = 5 * 10 / 200; Peclet = d / alpha_l = 10 / 5.
    metrics, _ = column
    for key, value in (("courant", 0.25), ("peclet", 2.0)):
        assert metrics[f"{key}_max"] == pytest.approx(value, rel=1e-9)
        assert metrics[f"{key}_mean"] == pytest.approx(value, rel=1e-9)


def test_numerical_dispersion_by_hand(column, tmp_path):
    metrics, _ = column
    assert metrics["numerical_dispersion_time_m2_d"] == pytest.approx(0.5**2 * 5.0 / 2, rel=1e-9)
    assert metrics["numerical_dispersion_space_m2_d"] == pytest.approx(0.5 * 10.0 / 2, rel=1e-9)
    central, _ = ran(tmp_path, 'transport.scheme.advection="central"', "transport.time.steps=80")
    assert central["numerical_dispersion_time_m2_d"] == pytest.approx(0.5**2 * 2.5 / 2, rel=1e-9)
    assert central["numerical_dispersion_space_m2_d"] == 0.0
    assert central["courant_max"] == pytest.approx(0.125, rel=1e-9)


def test_front_position_and_width_are_crossings_along_the_flow(column):
    metrics, run = column
    c = profile(run)
    assert metrics["front_position_m"] == pytest.approx(falls_to(0.5, X, c), rel=1e-9)
    width = falls_to(0.16, X, c) - falls_to(0.84, X, c)
    assert metrics["front_width_m"] == pytest.approx(width, rel=1e-9)


def test_front_of_the_exact_solution_is_that_of_its_erfc(tmp_path):
    text = COLUMN.replace("length_x = 200.0", "length_x = 600.0").replace("16.9", "20.9")
    metrics, run = ran(
        tmp_path,
        'engine="analytic"',
        'solver.analytic.solution="ogata_banks"',
        'solver.analytic.anchor="cell_centres"',
        text=text,
    )
    v, d, t = 0.5, 2.5, 200.0

    def exact(x):  # Ogata and Banks (1961); x from the held cell's centre
        root = 2 * math.sqrt(d * t)
        second = math.exp(v * x / d) * math.erfc((x + v * t) / root)
        return 0.5 * (math.erfc((x - v * t) / root) + second)

    x = np.array([exact(10.0 * i) for i in range(40)])
    np.testing.assert_allclose(profile(run)[:40], x, rtol=1e-6, atol=1e-9)
    # Linear between cells of 10 m: within (10 m)^2 / 8 * c'' / c' of the true crossing.
    low, high = 0.0, 300.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if exact(middle) > 0.5 else (low, middle)
    assert metrics["front_position_m"] == pytest.approx(5.0 + low, abs=0.3)


def test_arrivals_peaks_and_ends_of_observations(column):
    metrics, run = column
    table = rows(run / "results/breakthrough.csv")
    time = np.array([float(row["time_d"]) for row in table])
    near = np.array([float(row["near"]) for row in table])
    assert len(table) == 40
    for share in (10, 50, 90):
        by_hand = rises_to(share / 100, time, near)
        assert metrics[f"obs_near_arrival{share}_d"] == pytest.approx(by_hand, rel=1e-9)
    assert metrics["obs_near_peak"] == near.max()
    assert metrics["obs_near_peak_time_d"] == time[near.argmax()]
    assert metrics["obs_near_final"] == near[-1]


def test_what_never_arrives_is_null_and_not_0(column):
    metrics, run = column
    assert 0.01 < profile(run)[-1] < 0.1
    for share in (10, 50, 90):
        assert metrics[f"obs_far_arrival{share}_d"] is None


def test_moments_and_mass_in_place(column):
    metrics, run = column
    c = profile(run)
    mass = PORES * c
    assert metrics["mass_stored_kg"] == pytest.approx(mass.sum(), rel=1e-9)
    centre = (mass * X).sum() / mass.sum()
    assert metrics["centre_x_m"] == pytest.approx(centre, rel=1e-9)
    assert metrics["centre_y_m"] == pytest.approx(5.0)
    spread = math.sqrt((mass * (X - centre) ** 2).sum() / mass.sum())
    assert metrics["spread_longitudinal_m"] == pytest.approx(spread, rel=1e-9)
    assert metrics["spread_transverse_m"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["plume_area_m2"] == 100.0 * np.count_nonzero(c > 0.01)
    assert metrics["peak_c"] == metrics["c_max"] == 1.0


def test_solute_closes_apart_from_the_water(column):
    metrics, run = column
    table = rows(run / "results/solute_budget.csv")
    assert {row["component"] for row in table} >= {"storage", "cnc"}
    seconds = 5.0 * 86400.0

    def total(column):
        totals = [row for row in table if not row["boundary"]]  # besides: those of each boundary
        passed = [row for row in totals if row["component"] != "storage"]
        return seconds * sum(float(row[column]) for row in passed)

    assert metrics["mass_in_kg"] == pytest.approx(total("in_kg_s"), rel=1e-9)
    assert metrics["mass_out_kg"] == pytest.approx(total("out_kg_s"), rel=1e-9)
    # The held cell is full from the start on: 200 kg are there before.
    change = metrics["mass_stored_kg"] - 200.0
    gap = metrics["mass_in_kg"] - metrics["mass_out_kg"] - metrics["mass_decayed_kg"] - change
    assert abs(gap) / metrics["mass_in_kg"] < 1e-9
    assert metrics["closure_relative"] < 1e-9

    water = {row["component"] for row in rows(run / "results/budget.csv")}
    assert water <= {"chd", "sto-ss", "sto-sy"}
    found = read(run / "run_summary.json")["metrics"]
    assert found["flow_metrics.budget_chd_rate_in_m3_s"] == pytest.approx(10.0 / 86400.0, rel=1e-9)


def test_a_balance_that_does_not_close_fails_a_gate(column):
    _, run = column
    gates = read(run / "validation.json")["thresholds"]
    assert gates["solute_mass_closes"] == {"high": 1e-6, "low": None}


def test_decay_takes_its_share_and_is_told(tmp_path, mf6):
    metrics, run = ran(tmp_path, "transport.param.decay={value=0.01,unit='1/day'}")
    # First order, implicit: every step takes lambda * dt of what is there at its end, but for the
    # held cell, where MODFLOW's budget counts none.
    c = arrays(run / "results/concentration.npz")["concentration"][:, 0, 1:]
    lost = 0.01 * 5.0 * (PORES * c).sum()
    assert metrics["mass_decayed_kg"] == pytest.approx(lost, rel=1e-9)
    assert metrics["closure_relative"] < 1e-6


def test_sorption_retards_the_front_and_holds_mass(column, tmp_path):
    # R = 1 + 1600 kg/m3 * 1.25e-4 m3/kg / 0.2 = 2: the same profile after twice the time.
    metrics, _ = ran(
        tmp_path,
        "transport.param.kd={value=1.25e-4}",
        "transport.param.bulk_density={value=1600.0}",
        "transport.time.length=400.0",
    )
    plain, _ = column
    assert metrics["front_position_m"] == pytest.approx(plain["front_position_m"], rel=1e-6)
    assert metrics["mass_sorbed_kg"] == pytest.approx(metrics["mass_stored_kg"], rel=1e-6)
    assert metrics["mass_stored_kg"] == pytest.approx(plain["mass_stored_kg"], rel=1e-6)
    assert metrics["closure_relative"] < 1e-6


def test_courant_is_a_target_and_half_by_default(tmp_path, mf6):
    text = COLUMN.replace("length = 200.0, steps = 40", "length = 200.0, courant = 0.2")
    metrics, _ = ran(tmp_path / "a", text=text)
    assert metrics["n_timesteps"] == 50
    assert metrics["courant_max"] == pytest.approx(0.2, rel=1e-6)
    metrics, _ = ran(
        tmp_path / "b", text=COLUMN.replace("length = 200.0, steps = 40", "length = 200.0")
    )
    assert metrics["n_timesteps"] == 20
    assert metrics["courant_max"] == pytest.approx(0.5, rel=1e-6)


def test_central_weighting_overshoots_and_its_gate_fails(tmp_path, mf6):
    metrics, run = ran(
        tmp_path, 'transport.scheme.advection="central"', "transport.param.alpha_l=0.2", code=1
    )
    assert metrics["peclet_max"] == pytest.approx(50.0)
    highest = arrays(run / "results/concentration.npz")["concentration"].max()
    assert highest > 1.05
    assert metrics["overshoot"] == pytest.approx(highest - 1.0, rel=1e-9)
    assert metrics["c_max"] == highest
    summary = read(run / "run_summary.json")
    assert "Peclet" in summary["notes"]["transport.advice"]
    assert read(run / "validation.json")["passed"] is False


def test_tvd_does_not_overshoot(tmp_path, mf6):
    metrics, _ = ran(tmp_path, 'transport.scheme.advection="tvd"', "transport.param.alpha_l=0.2")
    assert metrics["overshoot"] == 0.0
    assert metrics["scheme_tvd"] == 1


def test_advice_where_courant_is_above_1(tmp_path, mf6):
    metrics, run = ran(tmp_path, "transport.time.steps=5")
    assert metrics["courant_max"] == pytest.approx(2.0)
    assert "Courant" in read(run / "run_summary.json")["notes"]["transport.advice"]


def test_voronoi_cells_widen_plumes_by_a_quarter_of_their_size(tmp_path, mf6, gmsh):
    text = COLUMN.replace(
        'kind = "structured", cell_x = 10.0, cell_y = 10.0', 'kind = "voronoi", size = 10.0'
    )
    text = text.replace("length_y = 10.0", "length_y = 60.0").replace("y = 5.0", "y = 33.0")
    metrics, run = ran(tmp_path / "a", text=text)
    h = 4 * 0.5 * metrics["transverse_numerical_ratio"]
    mesh = read(run / "mesh/mesh_summary.json")
    area = [float(row["area_m2"]) for row in rows(run / "mesh/cells.csv")]
    assert min(area) ** 0.5 < h < 1.25 * max(area) ** 0.5, mesh
    assert "0.25" in read(run / "run_summary.json")["notes"]["transport.advice"]
    wider, _ = ran(tmp_path / "b", "transport.param.alpha_th=15.0", text=text)
    ratio = metrics["transverse_numerical_ratio"] / wider["transverse_numerical_ratio"]
    assert ratio == pytest.approx(30.0)


def test_rows_and_columns_along_the_flow_do_not(column):
    assert column[0]["transverse_numerical_ratio"] == 0.0


def test_inflow_without_concentration_is_named(column, tmp_path):
    _, run = column
    assert "west" in read(run / "run_summary.json")["notes"]["transport.zero_inflow"]
    assert (
        "east" not in read(run / "run_summary.json")["notes"]["transport.zero_inflow"].split(":")[0]
    )
    text = COLUMN.replace("head = 16.9 }", "head = 16.9, concentration = 1.0 }")
    _, run = ran(tmp_path, text=text)
    assert "transport.zero_inflow" not in read(run / "run_summary.json")["notes"]


def test_water_that_comes_in_brings_its_concentration(tmp_path, mf6):
    text = COLUMN.replace(
        "head = 16.9 }", 'head = 16.9, concentration = { value = 250.0, unit = "mg/L" } }'
    )
    text = text.replace(
        'bc = [ { id = "source", package = "cnc", where = { side = "west" }, value = 1.0 } ]\n', ""
    )
    metrics, _ = ran(tmp_path, text=text)
    assert metrics["mass_in_kg"] == pytest.approx(0.25 * 10.0 * 200.0, rel=1e-9)  # c q A t
    assert metrics["c_max"] == pytest.approx(0.25, rel=1e-2)
    assert metrics["closure_relative"] < 1e-9


def test_injected_mass_is_what_the_case_says(tmp_path, mf6):
    text = COLUMN.replace(
        'package = "cnc", where = { side = "west" }, value = 1.0',
        'package = "src", where = { cells = [5] }, value = 1e-6',
    )
    metrics, _ = ran(tmp_path, text=text)
    assert metrics["mass_in_kg"] == pytest.approx(1e-6 * 200.0 * 86400.0, rel=1e-9)
    kept = metrics["mass_in_kg"] - metrics["mass_out_kg"]
    assert metrics["mass_stored_kg"] == pytest.approx(kept, rel=1e-6)


def test_what_is_there_at_the_start_is_carried_away(tmp_path, mf6):
    text = COLUMN.replace(
        'bc = [ { id = "source", package = "cnc", where = { side = "west" }, value = 1.0 } ]',
        "ic = { value = 1.0 }",
    )
    metrics, run = ran(tmp_path, text=text)
    assert metrics["mass_in_kg"] == 0.0
    assert metrics["mass_stored_kg"] + metrics["mass_out_kg"] == pytest.approx(20 * PORES, rel=1e-9)
    assert profile(run)[0] < 0.01


def test_transient_flow_says_the_time_itself(tmp_path, mf6):
    text = COLUMN.replace(
        'regime = "steady"',
        'regime = "transient"\ntime = { period = [{ length = 50.0, steps = 10 }, '
        "{ length = 150.0, steps = 30 }] }",
    )
    text = text.replace(
        'unit = "m/day" } }', 'unit = "m/day" }, Ss = { value = 1e-9 }, Sy = { value = 0.1 } }'
    )
    said = refused(tmp_path / "refused", text=text)
    assert "transport.time" in said
    text = text.replace("time = { length = 200.0, steps = 40 }", "")
    metrics, _ = ran(tmp_path / "run", text=text)
    assert metrics["courant_max"] <= 0.5 + 1e-6
    assert metrics["n_timesteps"] >= 40
    assert metrics["closure_relative"] < 1e-6


def test_porosity_is_required_and_why(tmp_path):
    text = COLUMN.replace("porosity = 0.2, ", "")
    assert (
        "transport.param.porosity is required: falling back to specific yield makes fronts too fast"
    ) in refused(tmp_path, text=text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("transport.time.courant=0.5", "transport.time.courant"),
        ("transport.param.decay_order=2", "transport.param.decay_order must be 0 or 1, got 2"),
        ("transport.param.kd=1e-4", "transport.param.bulk_density is required"),
        ("transport.scheme.advection='quick'", "must be 'upstream', 'central' or 'tvd'"),
        ("transport.time.length=-1.0", "transport.time.length must be > 0"),
        ("transport.param.porosity=1.5", "transport.param.porosity must be > 0 and <= 1"),
        ("transport.param.alpha_l=-1.0", "transport.param.alpha_l must be >= 0"),
        ("transport.parm.porosity=0.1", "did you mean transport.param?"),
        ("engine='mfnwt'", "engine"),
        ("engine='fem_p1'", "engine"),
    ],
)
def test_refused_while_planning(tmp_path, change, says):
    assert says in refused(tmp_path, change)


def test_length_is_required_with_steady_flow(tmp_path):
    said = refused(tmp_path, text=COLUMN.replace("length = 200.0, steps", "steps"))
    assert "transport.time.length is required" in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('side = "west" }, value', "cells = [77] }, value", "no such cell: 77"),
        ("x = 45.0", "x = 245.0", "x must lie in the domain, 0 .. 200 [m], got 245.0"),
        (
            "value = 1.0 } ]",
            'value = 1.0 }, { id = "two", package = "cnc", where = { cells = [0] }, '
            "value = 2.0 } ]",
            "fixed by 'source', too",
        ),
    ],
)
def test_what_the_mesh_must_tell_is_refused_before_the_solver(tmp_path, old, new, says):
    path = wrote(tmp_path, COLUMN.replace(old, new))
    said = mhx("run", path, "--output-dir", tmp_path / "run")
    assert said.code == 2, said.text
    assert says in said.err
    assert not list(tmp_path.rglob("mfsim.lst"))


def test_files_of_a_run_and_its_verification(column):
    _, run = column
    for name in ("catalog.json", "concentration.npz", "heads.npz", "budget.csv", "steps.csv"):
        assert (run / "results" / name).is_file(), name
    fields = {field["name"]: field for field in read(run / "results/catalog.json")["fields"]}
    assert fields["concentration"]["unit"] == "kg/m3"
    assert fields["concentration"]["shape"] == [40, 1, 20]
    assert mhx("verify", run).code == 0


def test_pictures_of_a_run(tmp_path, mf6):
    _, run = ran(tmp_path, "output.figures=true", "transport.time.steps=10")
    names = [path.name for path in (run / "figures").iterdir()]
    assert any("concentration" in name for name in names), names
    assert any("breakthrough" in name for name in names), names
    assert any(name.endswith((".gif", ".mp4", ".webp")) for name in names), names


def test_mt3d_usgs_gives_the_same_three_digits(column, tmp_path, mt3dusgs):
    metrics, run = ran(tmp_path, 'engine="mt3dusgs"', "flow.formulation.newton=true")
    np.testing.assert_allclose(profile(run)[:10], profile(column[1])[:10], rtol=1e-3)
    assert metrics["front_position_m"] == pytest.approx(column[0]["front_position_m"], rel=1e-3)
    assert not [key for key in OF_A_RUN if key not in metrics]
