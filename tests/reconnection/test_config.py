"""A run file: every contradiction in words, nothing ignored, family and filled-in table."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config import parse, to_toml
from mhx.errors import ConfigError
from mhx.reconnection.config import Reconnection, family, family_digest
from mhx.reconnection.diagnostics import HISTORY

HARRIS = "periodic_double_harris"


def data(**tables):
    """A complete table; a keyword replaces one of its tables, or adds a key at the root."""
    return {
        "mesh": {"shape": [64, 48]},
        "time": {"t1": 10.0, "dt": 0.05},
        "physics": {"equilibrium": HARRIS},
    } | tables


def read(**tables):
    return parse(Reconnection, data(**tables))


def seeded(equilibrium=HARRIS, **parameters):
    return {"equilibrium": equilibrium, "equilibrium_parameters": parameters}


FAULTS = {
    "names at the root and in [workflow]": (
        {"name": "a", "workflow": {"name": "b"}},
        "workflow.name must be left out: name is given at the root, too, got 'b'",
    ),
    "folders at the root and in [workflow]": (
        {"output_dir": "a", "workflow": {"output_dir": "b"}},
        "workflow.output_dir must be left out: output_dir is given at the root, too, got 'b'",
    ),
    "another mode": ({"workflow": {"mode": "flow"}}, "workflow.mode must be 'reconnection'"),
    "a grid too small": (
        {"mesh": {"shape": [7, 64]}},
        "mesh.shape[0] must be >= 8 and <= 8192, got 7",
    ),
    "one direction": ({"mesh": {"shape": [64]}}, "mesh.shape must be a list"),
    "an empty box": (
        {"mesh": {"shape": [64, 64], "upper": [1.0, 0.0]}},
        "mesh.upper must be >= 1e-09 and <= 1e+09 in both directions [L], got [1.0, 0.0]",
    ),
    "a shifted box": (
        {"mesh": {"shape": [64, 64], "lower": [0.0, 1.0]}},
        "mesh.lower must be [0, 0], where every box starts [L], got [0.0, 1.0]",
    ),
    "a wall": (
        {"mesh": {"shape": [64, 64], "periodic": [True, False]}},
        "mesh.periodic must be [true, true]: the box is periodic in both directions, "
        "got [true, false]",
    ),
    "a late start": ({"time": {"t0": 1.0, "t1": 2.0}}, "time.t0 must be >= 0.0 and <= 0.0"),
    "no time": (
        {"time": {"t1": 0.0}},
        "time.t1 must be > 0.0 and <= 1e+15 [L/v_A], got 0.0",
    ),
    "a step longer than the run": (
        {"time": {"t1": 1.0, "dt": 2.0}},
        "time.dt must be <= time.t1 = 1 [L/v_A], got 2.0",
    ),
    "more steps than can be counted": (
        {"time": {"t1": 1.0, "dt": 1e-13}},
        "time.dt must give fewer than 1e+12 steps, got 1e-13",
    ),
    "more automatic steps than can be counted": (
        {"time": {"t1": 1e12}},
        "time.t1 must be reached in fewer than 1e+12 steps of",
    ),
    "a stride longer than the run": (
        {"time": {"t1": 10.0, "dt": 0.05, "save_every": 201}},
        "time.save_every must be <= 200, the steps of the run, got 201",
    ),
    "a slip in a name": (
        {"physics": {"equilibrium": "periodic_doble_harris"}},
        "physics.equilibrium must be one of cosine_tearing, periodic_double_harris, "
        "periodic_double_harris_local, orszag_tang, zero, got 'periodic_doble_harris'; "
        "did you mean periodic_double_harris?",
    ),
    "a held vortex": (
        {"physics": {"equilibrium": "orszag_tang", "hold_equilibrium": True}},
        "physics.hold_equilibrium must be false: orszag_tang is no equilibrium that could be held, "
        "got true",
    ),
    "a width that is not used": (
        {"physics": seeded("cosine_tearing", width=0.4)},
        "physics.equilibrium_parameters.width must be left out: cosine_tearing takes only "
        "perturbation_amplitude, perturbation_mode_x, perturbation_mode_y, magnetic_shear, got 0.4",
    ),
    "a seed that is not used": (
        {"physics": seeded("orszag_tang", perturbation_amplitude=0.1)},
        "physics.equilibrium_parameters.perturbation_amplitude must be left out: orszag_tang takes "
        "none of these keys, got 0.1",
    ),
    "no field": (
        {"physics": seeded(amplitude=0.0)},
        "physics.equilibrium_parameters.amplitude must not be 0: its size must be >= 1e-09 and "
        "<= 1e+09 [v_A], got 0.0",
    ),
    "the mean as a seed": (
        {"physics": seeded(perturbation_mode_x=0, perturbation_mode_y=0)},
        "physics.equilibrium_parameters.perturbation_mode_x must not be 0 together with "
        "perturbation_mode_y, got 0",
    ),
    "a seed without a wave along the sheets": (
        {"physics": seeded(perturbation_mode_y=0)},
        "physics.equilibrium_parameters.perturbation_mode_y must be at least 1 along the sheets",
    ),
    "a seed that the grid does not keep": (
        {"physics": seeded(perturbation_mode_y=16)},
        "physics.equilibrium_parameters.perturbation_mode_y must be <= 15, the last retained mode "
        "in y, got 16",
    ),
    "overlapping sheets": (
        {"physics": seeded(width=1.6)},
        "physics.equilibrium_parameters.width must be <= 1.5708 [L], a quarter of the box: the "
        "sheets would overlap, got 1.6",
    ),
    "another shear": (
        {"physics": seeded(width=0.4, amplitude=-2.0, magnetic_shear=2.5)},
        "physics.equilibrium_parameters.magnetic_shear must be 5.0 [v_A/L], as the others imply, "
        "got 2.5",
    ),
    "negative dissipation": (
        {"physics": {"equilibrium": HARRIS, "resistivity": -1e-3}},
        "physics.resistivity must be >= 0.0 and <= 1e+09 [L v_A], got -0.001",
    ),
    "not a number": (
        {"physics": {"equilibrium": HARRIS, "viscosity": math.nan}},
        "physics.viscosity must be finite: a number >= 0.0 and <= 1e+09 [L v_A], got nan",
    ),
    "another discretisation": (
        {"numerics": {"dealiasing": "none"}},
        "numerics.dealiasing must be 'two_thirds'",
    ),
    "a followed mode along nothing": (
        {"diagnostics": {"mode": [1, 0]}},
        "diagnostics.mode must be at least 1 along the sheets: it sets the wave number that is "
        "followed, got [1, 0]",
    ),
    "a followed mode that the grid does not keep": (
        {"diagnostics": {"mode": [1, 16]}},
        "diagnostics.mode must be <= [21, 15], the last retained modes, got [1, 16]",
    ),
    "a window that runs backwards": (
        {"diagnostics": {"fit_time_window": [3.0, 1.0]}},
        "diagnostics.fit_time_window must be increasing and end by 10 [L/v_A], got [3.0, 1.0]",
    ),
    "a window after the end": (
        {"diagnostics": {"fit_time_window": [3.0, 11.0]}},
        "diagnostics.fit_time_window must be increasing and end by 10 [L/v_A], got [3.0, 11.0]",
    ),
    "an unknown history": (
        {"diagnostics": {"quantities": ["time", "total_enrgy"]}},
        "diagnostics.quantities[1] must be the name of a history; did you mean total_energy?, "
        "got 'total_enrgy'",
    ),
    "a history of sheets without sheets": (
        {"physics": {"equilibrium": "zero"}, "diagnostics": {"quantities": ["sheet_flux_0"]}},
        "diagnostics.quantities[0] must be the name of a history",
    ),
    "an unknown key": (
        {"time": {"t1": 1.0, "t_1": 2.0}},
        "time.t_1 is not a known key; did you mean time.t1?",
    ),
}


@pytest.mark.parametrize(("tables", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_key_what_it_must_be_and_what_it_is(tables, message):
    with pytest.raises(ConfigError) as refused:
        read(**tables)
    assert "configuration: 1 fault\n" in str(refused.value)
    assert f"\n  {message}" in str(refused.value)


def test_contradictions_come_all_at_once():
    with pytest.raises(ConfigError, match="configuration: 4 faults"):
        read(
            name="a",
            workflow={"name": "b"},
            time={"t1": 10.0, "dt": 0.05, "save_every": 1000},
            physics=seeded(width=2.0),
            diagnostics={"mode": [0, 40]},
        )


def test_what_is_left_out_is_filled_in():
    config = read(time={"t1": 10.0})
    assert (config.dt, config.steps, config.save_every) == (0.094, 107, 1)  # sqrt(2)/15
    assert config.t_end == pytest.approx(107 * 0.094)
    assert config.parameters == {
        "width": 0.4,
        "amplitude": 1.0,
        "perturbation_amplitude": 1e-3,
        "perturbation_mode_x": 2,
        "perturbation_mode_y": 1,
    }
    assert config.mode == (2, 1)
    assert config.wave_number == 1
    assert config.sheets == pytest.approx((math.pi / 2, 3 * math.pi / 2))
    assert (config.shear, config.scale) == (2.5, 0.4)
    assert config.quantities == list(HISTORY)


HOLDS = {HARRIS: True, "cosine_tearing": False, "orszag_tang": False, "zero": False}


@pytest.mark.parametrize(("name", "held"), HOLDS.items())
def test_the_double_sheet_is_held_unless_told_otherwise(name, held):
    assert read(physics={"equilibrium": name}).held is held
    assert not read(physics={"equilibrium": name, "hold_equilibrium": False}).held


@pytest.mark.parametrize("name", HOLDS)
def test_the_filled_in_table_is_a_configuration_that_means_the_same(name):
    config = read(physics={"equilibrium": name}, time={"t1": 10.0}, workflow={"output_dir": "out"})
    table = config.document()
    again = parse(Reconnection, table)
    assert again.document() == table
    assert again.folder == table["output_dir"] == "out"
    assert "output_dir" not in table["workflow"]
    assert (again.dt, again.steps, again.held) == (config.dt, config.steps, config.held)
    assert family_digest(again) == family_digest(config)
    assert "shape = [" in to_toml(table)
    assert ("magnetic_shear" in table["physics"]["equilibrium_parameters"]) is bool(config.sheets)


@given(st.integers(1, 10**6), st.floats(1e-4, 1.0))
def test_whole_steps_are_counted_exactly(steps, dt):
    assert read(time={"t1": steps * dt, "dt": dt}).steps == steps


def test_a_remainder_takes_one_more_step():
    assert read(time={"t1": 10.001, "dt": 0.05}).steps == 201


KEYS = {
    *("equilibrium", "width", "amplitude", "perturbation_amplitude"),
    *("perturbation_mode_x", "perturbation_mode_y", "resistivity", "viscosity"),
    *("hyper_resistivity", "hold_equilibrium", "lx", "ly", "noise_amplitude"),
}


def test_a_family_has_exactly_its_keys_and_null_for_what_is_not_used():
    table = family(read(physics={"equilibrium": "orszag_tang"}))
    assert set(table) == KEYS
    assert [key for key, value in table.items() if value is None] == [
        "width",
        "amplitude",
        "perturbation_amplitude",
        "perturbation_mode_x",
        "perturbation_mode_y",
    ]


def test_a_family_digest_is_pinned():
    """If this changes, no stored evidence belongs to any run: bump the schema."""
    candidate = read(
        physics=seeded(width=0.36, perturbation_amplitude=4e-3)
        | {"resistivity": 0.0045, "viscosity": 0.0045},
        initial={"noise_amplitude": 1e-6},
    )
    assert family_digest(candidate).startswith("7560f9c001d41c35")


SAME_FAMILY = {
    "grid": {"mesh": {"shape": [32, 128]}},
    "step and end": {"time": {"t1": 20, "dt": 0.01, "save_every": 7}},
    "seed": {"initial": {"seed": 3}},
    "whole numbers": {"physics": seeded(amplitude=1)},
    "defaults written down": {"physics": seeded(width=0.4) | {"hold_equilibrium": True}},
    "precision": {"numerics": {"dtype": "float32"}},
    "name": {"name": "another"},
    "diagnostics": {"diagnostics": {"mode": [1, 1], "quantities": ["total_energy"]}},
}
OTHER_FAMILY = {
    "width": {"physics": seeded(width=0.36)},
    "seed mode": {"physics": seeded(perturbation_mode_x=1)},
    "resistivity": {"physics": {"equilibrium": HARRIS, "resistivity": 2e-3}},
    "hyper-resistivity": {"physics": {"equilibrium": HARRIS, "hyper_resistivity": 1e-6}},
    "decaying": {"physics": {"equilibrium": HARRIS, "hold_equilibrium": False}},
    "box": {"mesh": {"shape": [64, 48], "upper": [7.0, 7.0]}},
    "noise": {"initial": {"noise_amplitude": 1e-6}},
}


@pytest.mark.parametrize("tables", SAME_FAMILY.values(), ids=SAME_FAMILY)
def test_one_family(tables):
    assert family_digest(read(**tables)) == family_digest(read())


@pytest.mark.parametrize("tables", OTHER_FAMILY.values(), ids=OTHER_FAMILY)
def test_another_family(tables):
    assert family_digest(read(**tables)) != family_digest(read())


def test_every_key_of_the_file_is_read_by_the_program():
    """The example that the reference's users know, with every key it may have."""
    config = read(
        name="island",
        output_dir="outputs/island",
        workflow={"mode": "reconnection"},
        mesh={
            "shape": [64, 64],
            "lower": [0.0, 0.0],
            "upper": [6.0, 6.5],
            "periodic": [True, True],
        },
        time={"t0": 0.0, "t1": 2.0, "dt": 0.02, "save_every": 5},
        physics=seeded(
            perturbation_amplitude=4e-3,
            width=0.36,
            amplitude=1.0,
            magnetic_shear=1 / 0.36,
            perturbation_mode_x=2,
            perturbation_mode_y=1,
        )
        | {"model": "reduced_mhd", "resistivity": 0.0045, "viscosity": 0.0045}
        | {"hyper_resistivity": 0.0, "hold_equilibrium": True},
        initial={"seed": 1, "noise_amplitude": 1e-6},
        numerics={
            "spatial_method": "pseudo_spectral",
            "dealiasing": "two_thirds",
            "time_integrator": "rk4",
            "dtype": "float64",
        },
        diagnostics={"quantities": ["total_energy"], "mode": [2, 1], "fit_time_window": [0.0, 1.0]},
    )
    assert (config.run_name, config.folder) == ("island", "outputs/island")
    assert config.document()["time"] == {"t0": 0.0, "t1": 2.0, "dt": 0.02, "save_every": 5}
    assert config.grid.shape == (64, 64)
    assert (config.grid.lx, config.grid.ly) == (6.0, 6.5)
