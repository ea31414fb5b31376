"""Values between the grid points: exact for what is retained, the same on any number of cores."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mhx.reconnection.interpolant import Interpolant, bracketed_root
from mhx.reconnection.spectral import Grid

PI = np.pi


def interpolant(f, grid: Grid) -> Interpolant:
    x, y = grid.x[:, None], grid.y[None, :]
    return Interpolant.of(np.fft.rfft2(f(x, y) + 0 * (x + y)) * grid.keep, grid)


@pytest.mark.parametrize("grid", [(32, 32), (24, 40), (31, 33)])
def test_the_interpolant_equals_the_function_between_the_points(grid):
    grid = Grid(*grid, lx=2 * PI, ly=3.0)
    k = 2 * PI / 3.0
    psi = interpolant(lambda x, y: np.cos(x) + np.sin(2 * x + k * y) + np.cos(k * y - 1) / 3, grid)
    u, v = np.array([0.1, 2.3, 5.9]), np.array([2.9, 0.0, 1.1])
    phase = 2 * u + k * v
    exact = [
        np.cos(u) + np.sin(phase) + np.cos(k * v - 1) / 3,
        -np.sin(u) + 2 * np.cos(phase),
        k * np.cos(phase) - k * np.sin(k * v - 1) / 3,
        -np.cos(u) - 4 * np.sin(phase),
        -2 * k * np.sin(phase),
        -(k**2) * np.sin(phase) - k**2 * np.cos(k * v - 1) / 3,
    ]
    round_off = 1e-15 * psi.kv[-1] ** 2  # of second derivatives, some modes together
    assert np.allclose(psi.jet(u, v), exact, rtol=0, atol=round_off)
    assert np.allclose(psi.swapped().at(v, u), exact[0], rtol=0, atol=1e-14)
    assert np.allclose(psi.current().at(u, v), -exact[3] - exact[5], rtol=0, atol=round_off)
    assert np.allclose(psi.across(0.4).at(u), psi.at(u, 0 * u + 0.4), rtol=0, atol=1e-14)
    assert np.allclose(psi.along(0.4).at(v), psi.at(0 * v + 0.4, v), rtol=0, atol=1e-14)
    steps, values = psi.along(0.4).samples(0.7)
    assert np.allclose(values, psi.along(0.4).at(0.7 + steps), rtol=0, atol=1e-14)
    fine = (3 * grid.nx, 2 * grid.ny)
    gu, gv = psi.gradient_on(fine)
    x, y = (np.arange(fine[0]) + 0.5) / fine[0] * grid.lx, (np.arange(fine[1]) + 0.5) / fine[1] * 3
    assert np.allclose(
        np.stack([gu[7], gv[7]]), psi.jet(0 * y + x[7], y)[1:3], rtol=0, atol=round_off
    )


SUMS = """
import hashlib
import numpy as np
from mhx.reconnection.interpolant import Interpolant
from mhx.reconnection.spectral import Grid

grid, random = Grid(256, 256), np.random.default_rng(0)
field = Interpolant.of(np.fft.rfft2(random.normal(size=grid.shape)), grid)
u, v = random.uniform(0, 6, (2, 60))
values = [field.jet(u, v), field.swapped().jet(v, u), *field.gradient_on(grid.shape)]
values += [field.across(0.3).at(u), field.along(0.3).at(v)]
values += [field.current().along(1.0).samples(2.0)[1]]
print(hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in values)).hexdigest())
"""


def test_values_do_not_depend_on_the_number_of_threads():
    """Rows of a cut run must equal those of an unbroken one, whatever cores a chunk was given."""
    digests = set()
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        digests.add(subprocess.check_output([sys.executable, "-c", SUMS], env=environment))
    assert len(digests) == 1


@pytest.mark.parametrize("outside", [3.0, -1.5])
def test_a_root_is_found_inside_its_bracket(outside):
    """x^4 = 2 from either side; Newton alone would leave the bracket from x = 0."""
    root = bracketed_root(lambda x: (2 - x**4, -4 * x**3), 0.0, outside)
    assert abs(root) == pytest.approx(2**0.25, rel=1e-13)
    assert np.sign(root) == np.sign(outside)


def test_a_root_that_is_hit_exactly_ends_the_search():
    """Newton on 1 - x^2 arrives at x = 1 to the last bit; bisecting on would cost 40 more steps."""
    calls = []

    def f(x: float) -> tuple[float, float]:
        calls.append(x)
        return 1 - x**2, -2 * x

    assert bracketed_root(f, 0.5, 1.25) == pytest.approx(1.0, abs=1e-15)
    assert len(calls) <= 7
