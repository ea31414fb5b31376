"""One RK4 step with its budget integrals, on one core, against FFTW's time for its transforms.

A step has 4 x (4 inverse + 3 forward) = 28 real two-dimensional transforms.  The ratio is (one
step) over (28 transforms of the same grid by single-threaded FFTW, plans measured).  Both sides run
in one process on one core, in turns, and are timed in CPU seconds; each figure is the minimum of
many short repeats, since other work on the machine can only add.  `transforms_over_fftw` is the
same ratio for XLA's transforms alone: those of one step, of the same number and shapes, in the
cache and with nothing between.  `rest_over_fftw` is the difference: all loops, and what the
transforms lose to memory.
"""

import os
from collections.abc import Callable

# One core and one thread, set before JAX starts.
CORE = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
if CORE is not None:
    os.sched_setaffinity(0, {CORE})
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["OMP_NUM_THREADS"] = "1"

import time  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import pyfftw  # noqa: E402
from _record import record  # noqa: E402
from jax import Array, lax  # noqa: E402

from mhx.reconnection.equations import Equations  # noqa: E402
from mhx.reconnection.solver import CPU_OPTIONS, Physics, Solver  # noqa: E402
from mhx.reconnection.spectral import Grid  # noqa: E402
from mhx.reconnection.state import State  # noqa: E402
from mhx.reconnection.sweeps import Sweeps  # noqa: E402

STAGES = 4
TRANSFORMS = 7 * STAGES
SIZES = (128, 256, 512)
TARGETS = {128: 2.1, 256: 1.7, 512: 1.3}
BUDGET_S = 12.0  # per size
REPEAT_S = {"fftw": 0.02, "transforms": 0.05, "step": 0.15}  # one repeat; steps in real blocks


def seconds(call: Callable[[int], None], count: int) -> float:
    start = time.process_time()
    call(count)
    return (time.process_time() - start) / count


def fftw(grid: Grid) -> Callable[[int], None]:
    field = pyfftw.empty_aligned(grid.shape, "float64")
    hat = pyfftw.empty_aligned(grid.hat_shape, "complex128")
    plan = pyfftw.FFTW(field, hat, axes=(0, 1), flags=("FFTW_MEASURE",), threads=1)
    field[:] = np.random.default_rng(0).standard_normal(grid.shape)

    def call(count: int) -> None:
        for _ in range(count):
            plan.execute()

    return call


def transforms(grid: Grid) -> Callable[[int], None]:
    """The one-dimensional transforms of `count` steps, of zeros."""
    cut = Sweeps(Equations(grid, None, np.dtype("float64")))

    def rows(_: int, hats: tuple[Array, ...]) -> tuple[Array, ...]:
        above, below, returned = hats
        return jnp.fft.ifft(above), jnp.fft.fft(below), jnp.fft.fft(returned)

    def lines(_: int, fields: tuple[Array, ...]) -> tuple[Array, ...]:
        spectra, products, _ = fields
        return jnp.fft.ifft(spectra), products, jnp.fft.rfft(products)

    def stage(_: int, arrays: tuple[tuple[Array, ...], ...]) -> tuple[tuple[Array, ...], ...]:
        hats, fields = arrays
        hats = lax.fori_loop(0, cut.row_blocks, rows, hats)
        return hats, lax.fori_loop(0, cut.line_blocks, lines, fields)

    loop = jax.jit(
        lambda arrays, n: lax.fori_loop(0, STAGES * n, stage, arrays), compiler_options=CPU_OPTIONS
    )
    row = [jnp.zeros((n, cut.block, grid.nx), complex) for n in (2, 2, 3)]
    products = jnp.zeros((3, cut.lines, grid.ny))
    line = (jnp.zeros((2, cut.lines, grid.ny), complex), products, jnp.fft.rfft(products))
    return lambda count: jax.block_until_ready(loop((tuple(row), line), count))


def steps(grid: Grid) -> Callable[[int], None]:
    """The stepper as a campaign runs it: a held sheet, seeded, in one block."""
    x, y = np.meshgrid(grid.x, grid.y, indexing="ij")
    held, seed = (np.fft.rfft2(f) * grid.keep for f in (np.cos(x), 0.1 * np.cos(2 * x + y)))
    solver = Solver(grid, Physics(eta=0.0045, nu=0.0045, held=held), 1e-3)
    carry = solver.load(State(0, 0.0, held + seed, 0.1 * seed))

    def call(count: int) -> None:
        nonlocal carry
        carry = jax.block_until_ready(solver.advance(carry, count))

    return call


def measure(size: int) -> dict[str, float]:
    """Least seconds of each side, taken in turns."""
    grid = Grid(size, size)
    sides = {"fftw": fftw(grid), "transforms": transforms(grid), "step": steps(grid)}
    counts = {}
    for name, call in sides.items():
        call(2)  # compiles
        counts[name] = max(2, 2 * round(REPEAT_S[name] / seconds(call, 4) / 2))
    best = dict.fromkeys(sides, float("inf"))
    end = time.perf_counter() + BUDGET_S
    while time.perf_counter() < end:
        for name, call in sides.items():
            best[name] = min(best[name], seconds(call, counts[name]))
    return best


def main() -> None:
    figures: dict[str, float] = {}
    for size in SIZES:
        best = measure(size)
        ideal, own = TRANSFORMS * best["fftw"], best["transforms"]
        figures |= {
            f"{size}.step_ms": round(1e3 * best["step"], 4),
            f"{size}.fftw_us": round(1e6 * best["fftw"], 2),
            f"{size}.ratio": round(best["step"] / ideal, 3),
            f"{size}.transforms_over_fftw": round(own / ideal, 3),
            f"{size}.rest_over_fftw": round((best["step"] - own) / ideal, 3),
            f"{size}.target": TARGETS[size],
        }
    record(
        "rk4_step",
        figures,
        dtype="float64",
        device=f"cpu: {jax.devices()[0].device_kind}",
        core=CORE,
        threads=1,
        pyfftw=pyfftw.__version__,
        budget_s=BUDGET_S,
        held=True,
    )


if __name__ == "__main__":
    main()
