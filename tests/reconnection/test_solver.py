"""The stepper: exact solutions, conservation, order, and the bits of cuts and of held states."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.reconnection.equations import Coefficients
from mhx.reconnection.solver import Physics, Solver, energies, seconds_per_step
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State

SHAPES = [(32, 32), (24, 40), (31, 33)]


def state_of(grid, psi, omega):
    """State at step 0 from two functions of (x, y) in the 2 pi box."""
    x, y = np.meshgrid(grid.x, grid.y, indexing="ij")
    hats = (np.fft.rfft2(f(x, y) + 0 * x) * grid.keep for f in (psi, omega))
    return State(0, 0.0, *hats)


def orszag_tang(grid):
    return state_of(
        grid, lambda x, y: np.cos(y) + 0.5 * np.cos(2 * x), lambda x, y: -np.cos(x) - np.cos(y)
    )


def harris(grid, along="x"):
    """A held profile of one coordinate with many modes, as exact coefficients."""
    hat = np.zeros(grid.hat_shape, complex)
    most = grid.mx_max if along == "x" else grid.my_max
    for m in range(1, most + 1, 2):
        value = (-1) ** ((m - 1) // 2) / (m * np.sinh(0.6 * m)) * grid.nx * grid.ny * 1j
        if along == "x":
            hat[m, 0], hat[-m, 0] = value, value.conjugate()
        else:
            hat[0, m] = value
    return hat


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("step", "time", "psi_hat", "omega_hat", "dissipated", "injected")
    )


@pytest.fixture(scope="module")
def vortex():
    grid = Grid(32, 24)
    return Solver(grid, Physics(eta=0.01, nu=0.005), 0.02), orszag_tang(grid)


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 9), max_size=9))
def test_a_cut_run_equals_an_unbroken_one(vortex, cuts):
    """Any cuts, also of no and of one step, also through the host: the same bits."""
    solver, start = vortex
    whole = solver.run(start, sum(cuts))
    on_device, by_host = solver.load(start), start
    for steps in cuts:
        on_device, by_host = solver.advance(on_device, steps), solver.run(by_host, steps)
    assert same(solver.read(on_device, sum(cuts)), whole)
    assert same(by_host, whole)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
def test_reading_what_was_loaded_changes_no_bit(shape, dtype):
    grid = Grid(*shape)
    solver = Solver(grid, Physics(eta=0.0, nu=0.0), 0.01, dtype)
    hats = np.random.default_rng(3).standard_normal((2, 2, *grid.hat_shape)) * grid.keep
    psi, omega = (hats[0] + 1j * hats[1]).astype(np.result_type(dtype, np.complex64))
    before = State(5, 5 * 0.01, psi, omega, float(np.float32(0.1)), float(np.float32(0.2)))
    after = solver.read(solver.load(before), 5)
    assert same(before, after)
    assert after.psi_hat.dtype == psi.dtype


@pytest.mark.slow
@pytest.mark.parametrize("along", ["x", "y"])
@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (31, 33)])
def test_the_unseeded_held_state_is_a_fixed_point_to_the_last_bit(shape, along):
    grid = Grid(*shape)
    held = harris(grid, along)
    solver = Solver(grid, Physics(eta=0.0045, nu=0.0045, eta4=1e-6, held=held), 0.02)
    end = solver.run(State(0, 0.0, held, np.zeros_like(held)), 500)
    assert np.array_equal(end.psi_hat, held)
    assert not end.omega_hat.any()
    assert end.dissipated == end.injected > 0


@pytest.mark.parametrize(
    ("psi", "omega", "rate"),
    [
        (lambda x, y: np.cos(2 * x), lambda x, y: 0 * x, 0.01 * 4 + 1e-3 * 16),
        (lambda x, y: np.cos(2 * x + y), lambda x, y: 0 * x, 0.01 * 5 + 1e-3 * 25),
        (lambda x, y: 0 * x, lambda x, y: np.cos(x - 3 * y), 0.03 * 10),
    ],
    ids=["eta k^2 + eta4 k^4 across x", "oblique", "nu k^2"],
)
def test_a_lone_mode_decays_at_its_rate(psi, omega, rate):
    """[psi, lap psi] = 0 for one wave, so it decays exactly; energy by twice the rate."""
    grid = Grid(24, 20)
    start = state_of(grid, psi, omega)
    physics = Physics(eta=0.01, nu=0.03, eta4=1e-3)
    end = Solver(grid, physics, 0.01).run(start, 100)
    size = np.abs([start.psi_hat, start.omega_hat]).max()
    for before, after in ((start.psi_hat, end.psi_hat), (start.omega_hat, end.omega_hat)):
        np.testing.assert_allclose(after, before * np.exp(-rate), rtol=0, atol=1e-10 * size)
    energy = sum(energies(start, grid))
    assert sum(energies(end, grid)) == pytest.approx(energy * np.exp(-2 * rate), rel=1e-10)
    assert end.dissipated == pytest.approx(energy * (1 - np.exp(-2 * rate)), rel=1e-9)


def invariants(state, grid):
    """Energy, cross helicity <omega psi>, mean-square flux."""
    mean = [grid.weight * (state.psi_hat * h.conj()).real for h in (state.omega_hat, state.psi_hat)]
    return np.array([sum(energies(state, grid)), *(m.sum() for m in mean)])


@pytest.mark.parametrize("shape", SHAPES)
def test_ideal_invariants_drift_only_by_the_time_step(shape):
    """Halving dt takes the drift down by 2^4 at least; RK4 loses energy at fifth order."""
    grid = Grid(*shape)
    start = state_of(
        grid, lambda x, y: np.cos(y) + 0.5 * np.cos(2 * x), lambda x, y: -np.cos(x) - np.cos(y + 1)
    )
    drift = [
        np.abs(invariants(solver.run(start, n), grid) - invariants(start, grid))
        for n in (10, 20)
        for solver in (Solver(grid, Physics(eta=0.0, nu=0.0), 1.0 / n),)
    ]
    assert (drift[0] < 1e-3).all()
    assert (drift[1] <= drift[0] / 16 + 1e-14).all()


def test_observed_order_in_time_is_four():
    grid = Grid(24, 24)
    start, physics = orszag_tang(grid), Physics(eta=0.01, nu=0.01)
    ends = [Solver(grid, physics, 0.5 / n).run(start, n).psi_hat for n in (10, 20, 40)]
    ratio = np.abs(ends[0] - ends[1]).max() / np.abs(ends[1] - ends[2]).max()
    assert np.log2(ratio) == pytest.approx(4, abs=0.1)


def test_orszag_tang_closes_its_energy_budget():
    """At 64^2 and dt 0.004 to t = 1; E0 = 1 with equal parts."""
    grid = Grid(64, 64)
    start = orszag_tang(grid)
    assert energies(start, grid) == pytest.approx((0.5, 0.5), rel=1e-13)
    end = Solver(grid, Physics(eta=0.005, nu=0.005), 0.004).run(start, 250)
    residual = sum(energies(end, grid)) - 1 + end.dissipated - end.injected
    assert abs(residual) < 1e-8
    assert end.dissipated > 0.005 * 3.5  # <j^2> + <omega^2> = 3.5 at t = 0, and both grow


def test_a_seeded_held_state_closes_its_energy_budget():
    grid = Grid(32, 32)
    held = harris(grid)
    start = State(0, 0.0, held.copy(), np.zeros_like(held))
    start.psi_hat[2, 1] = start.psi_hat[-2, 1] = 0.01 * grid.nx * grid.ny
    physics = Physics(eta=0.01, nu=0.01, eta4=1e-5, held=held)
    end = Solver(grid, physics, 0.005).run(start, 400)
    change = sum(energies(end, grid)) - sum(energies(start, grid))
    assert abs(change + end.dissipated - end.injected) < 1e-11
    assert end.injected > 0


def test_fields_are_velocity_and_magnetic_field_at_the_cell_centres():
    grid = Grid(31, 40)
    x, y = np.meshgrid(grid.x, grid.y, indexing="ij")
    fields = Solver(grid, Physics(eta=0.0, nu=0.0), 0.1).fields(orszag_tang(grid))
    expected = [np.sin(y), -np.sin(x), -np.sin(y), np.sin(2 * x)]
    np.testing.assert_allclose(fields, expected, rtol=0, atol=1e-13)


@pytest.mark.slow
def test_single_precision_follows_double_precision():
    grid = Grid(24, 24)
    start, physics = orszag_tang(grid), Physics(eta=0.01, nu=0.01)
    one, two = (Solver(grid, physics, 0.01, d).run(start, 20) for d in ("float64", "float32"))
    assert two.psi_hat.dtype == np.complex64
    np.testing.assert_allclose(two.psi_hat, one.psi_hat, atol=1e-5 * np.abs(one.psi_hat).max())


def test_the_differentiable_program_equals_the_stepper_to_round_off(vortex):
    solver, start = vortex
    ours = jax.jit(lambda y: solver.rollout(y, 20))(solver.load(start))
    ours, theirs = solver.read(ours, 20), solver.run(start, 20)
    for name in ("psi_hat", "omega_hat", "dissipated"):
        one, two = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-13 * np.abs(two).max())


@pytest.mark.slow
def test_gradients_equal_finite_differences(vortex):
    """Of the lost energy by eta and by the amplitude of the initial flux."""
    solver, start = vortex
    base = solver.load(start)

    def lost(eta, amplitude):
        psi = jax.tree.map(lambda a: amplitude * a, base.fields.psi)
        flow = base._replace(fields=base.fields._replace(psi=psi))
        return solver.rollout(flow, 10, Coefficients(eta, 0.005, 0.0), block=4).dissipated

    program = jax.jit(jax.value_and_grad(lost, argnums=(0, 1)))
    _, found = program(0.01, 1.0)
    h = 1e-4
    by_eta = (program(0.01 + h, 1.0)[0] - program(0.01 - h, 1.0)[0]) / (2 * h)
    by_amplitude = (program(0.01, 1.0 + h)[0] - program(0.01, 1.0 - h)[0]) / (2 * h)
    np.testing.assert_allclose(found, [by_eta, by_amplitude], rtol=1e-6)


@pytest.mark.slow
def test_the_program_for_a_gpu_takes_the_same_steps_and_holds_the_sheet(monkeypatch):
    """The program on whole arrays, here run on the CPU."""
    grid = Grid(31, 40)
    held, start = harris(grid), orszag_tang(grid)
    physics = Physics(eta=0.01, nu=0.01, held=held)
    swept = Solver(grid, physics, 0.01).run(start, 20)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    solver = Solver(grid, physics, 0.01)
    whole = solver.run(start, 20)
    assert not np.array_equal(swept.psi_hat, whole.psi_hat)  # else it was one program
    for name in ("psi_hat", "omega_hat", "dissipated", "injected"):
        one, two = getattr(swept, name), getattr(whole, name)
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-12 * np.abs(two).max())
    end = solver.run(State(0, 0.0, held, np.zeros_like(held)), 100)
    assert np.array_equal(end.psi_hat, held)
    assert not end.omega_hat.any()


def test_the_cost_of_a_step_is_measured_within_the_budget(vortex):
    assert 0 < seconds_per_step(*vortex, budget_s=0.05) < 0.05
