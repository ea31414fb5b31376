"""The right-hand side in three sweeps over blocks that stay in the cache of one CPU core.

    rows     blocks of my rows:  coefficients -> the four factors, transformed along x
    lines    blocks of x lines:  along y to the cells, three products, along y back
    slopes   blocks of my rows:  back along x, then the pointwise equations (by the integrator)

Whole arrays would pass through memory between any two operations; a block does not leave the second
level of cache.  The equations are those of `equations`; only the order of work is decided here.

Two real fields share a complex transform, W = p + i m, one for the x and one for the y components:
cheaper than two real inverse transforms.  Column my of W is p^ + i m^, column -my the conjugate of
p^ - i m^ taken at the same x, so that nothing is mirrored along x.  A field that vanishes exactly
in both p and m stays exactly zero: the held state remains a fixed point to the last bit.

What lies between two sweeps has rows of nx + PITCH numbers: reading across rows whose distance is a
power of two would use a few sets of the cache only.  All of it is scratch, zeroed once per program.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.tree_util import tree_map

from mhx.reconnection.equations import Coefficients, Equations, Fields, Operators, Rates, products
from mhx.reconnection.integrators import Blocks
from mhx.reconnection.transforms import Hat

PITCH = 4
CACHE = 1 << 20  # bytes of second-level cache that blocks are made for


class Scratch(NamedTuple):
    """What lies between the sweeps.

    above, below: (2, rows, nx + PITCH), W at my >= 0 and at -my, x and y components, over x.
    spectra: (2, lines, ny), one block of W over my; zero between my_max and -my_max.
    products: (3, lines, ny), one block of E, R, D.
    returned: (3, rows, nx + PITCH), E, R, D over x and my.
    """

    above: Array
    below: Array
    spectra: Array
    products: Array
    returned: Array


class Sweeps:
    """The equations on one grid, block by block; arrays of `rows` >= my_max + 1 rows."""

    def __init__(self, equations: Equations, cache: int = CACHE) -> None:
        self.equations, self.dtype = equations, equations.dtype
        self.grid = grid = equations.grid
        self.kept, number = grid.my_max + 1, self.dtype.itemsize
        # What a block holds: 14 numbers per cell of a line, about 21 per coefficient of a row.
        self.lines = _lines(grid.nx, cache // (14 * number * grid.ny))
        self.block = _rows(self.kept, cache // (21 * number * grid.nx))
        self.row_blocks, self.line_blocks = -(-self.kept // self.block), -(-grid.nx // self.lines)
        self.rows = self.row_blocks * self.block
        # Rows beyond my_max fill the last block; all operators are zero there.
        more = ((0, self.rows - self.kept), (0, 0))
        self.ops = equations.ops.cut(lambda a: jnp.asarray(np.pad(np.asarray(a), more)))

    def padded(self, tree: Any) -> Any:
        """Arrays of my_max + 1 rows with the rows that fill the last block."""
        return tree_map(lambda a: jnp.pad(a, ((0, self.rows - self.kept), (0, 0))), tree)

    def cropped(self, tree: Any) -> Any:
        return tree_map(lambda a: a[: self.kept], tree)

    def scratch(self) -> Scratch:
        grid, pair = self.grid, np.result_type(self.dtype, np.complex64)
        over_x = (self.rows, grid.nx + PITCH)
        return Scratch(
            jnp.zeros((2, *over_x), pair),
            jnp.zeros((2, *over_x), pair),
            jnp.zeros((2, self.lines, grid.ny), pair),
            jnp.zeros((3, self.lines, grid.ny), self.dtype),
            jnp.zeros((3, *over_x), pair),
        )

    def take(self, tree: Any, i: Array) -> Any:
        """Block i of arrays over rows."""
        return tree_map(lambda a: lax.dynamic_slice_in_dim(a, i * self.block, self.block), tree)

    def put(self, tree: Any, block: Any, i: Array) -> Any:
        return tree_map(
            lambda a, b: lax.dynamic_update_slice_in_dim(a, b, i * self.block, 0), tree, block
        )

    def blocks(self, by: Coefficients) -> Blocks:
        """The right-hand side for `rk4_in_blocks`."""
        nothing = jnp.zeros((self.block, self.grid.nx), self.dtype)
        return Blocks(
            self.row_blocks,
            self.take,
            self.put,
            self.before,
            lambda now, work, i: self.slope(now, work, i, by),
            Rates(nothing, nothing if self.ops.held is not None else jnp.zeros((), self.dtype)),
        )

    def before(self, now: Fields, work: Scratch) -> Scratch:
        """The two sweeps that need all of a stage: what `slope` reads is in `returned` then."""
        return self._multiplied(self._spread(now, work))

    def slope(self, now: Fields, work: Scratch, i: Array, by: Coefficients) -> tuple[Fields, Rates]:
        """Time derivative and rates of block i, whose fields are `now`."""
        equations, ops = self.equations, self._here(i)
        shape = (3, self.block, self.grid.nx)
        along_x = lax.dynamic_slice(work.returned, (0, i * self.block, 0), shape)
        hats = [Hat(hat.real, hat.imag) for hat in jnp.fft.fft(along_x)]
        return equations.slopes(hats, now, by, ops), equations.rates(now, by, ops)

    def elsasser(self, now: Fields) -> tuple[Array, Array, Array, Array]:
        """The four fields as `before` multiplies them, (nx, ny) each."""
        work = self._spread(self.padded(now), self.scratch())

        def block(i: Array, carry: tuple[Array, Scratch]) -> tuple[Array, Scratch]:
            fields, work = carry
            at = self._line(i)
            work, parts = self._cells(work, at)
            return lax.dynamic_update_slice(fields, jnp.stack(parts), (0, at, 0)), work

        fields = jnp.zeros((4, *self.grid.shape), self.dtype)
        px, py, mx, my = lax.fori_loop(0, self.line_blocks, block, (fields, work))[0]
        return px, py, mx, my

    def _here(self, i: Array) -> Operators:
        """Operators of block i."""
        return self.ops.cut(lambda a: self.take(a, i))

    def _line(self, i: Array) -> Array:
        """First x line of block i; the last block may overlap the one before."""
        return jnp.minimum(i * self.lines, self.grid.nx - self.lines)

    def _spread(self, now: Fields, work: Scratch) -> Scratch:
        """Coefficients -> `above` and `below`."""

        def block(i: Array, work: Scratch) -> Scratch:
            ops = self._here(i)
            a, b = self.equations.potentials(self.take(now, i), ops)  # p = (-d_y, d_x) a, m of b
            first, second = jnp.array([[[1.0]], [[0.0]]]), jnp.array([[[0.0]], [[1.0]]])
            k = (first * ops.ky - second * ops.kx).astype(self.dtype)  # i k for (-d_y, d_x), signs
            sums = Hat(a.re - b.im, a.im + b.re)  # a + i b
            gaps = Hat(a.re + b.im, a.im - b.re)  # a - i b
            # fft(conj f)/nx is conj(ifft f)
            part = 1.0 / self.grid.nx
            above = jnp.fft.ifft(lax.complex(k * sums.im, -k * sums.re))
            below = jnp.fft.fft(lax.complex(k * (part * gaps.im), k * (part * gaps.re)))
            at = (0, i * self.block, 0)
            return work._replace(
                above=lax.dynamic_update_slice(work.above, above, at),
                below=lax.dynamic_update_slice(work.below, below, at),
            )

        return lax.fori_loop(0, self.row_blocks, block, work)

    def _cells(self, work: Scratch, at: Array) -> tuple[Scratch, tuple[Array, ...]]:
        """p_x, p_y, m_x, m_y on the x lines from `at`, (lines, ny) each."""
        n, most = self.lines, self.grid.my_max
        above = lax.dynamic_slice(work.above, (0, 0, at), (2, self.kept, n))
        spectra = lax.dynamic_update_slice(work.spectra, above.swapaxes(1, 2), (0, 0, 0))
        if most:
            below = lax.dynamic_slice(work.below, (0, 1, at), (2, most, n))[:, ::-1]
            start = (0, 0, self.grid.ny - most)
            spectra = lax.dynamic_update_slice(spectra, below.swapaxes(1, 2), start)
        cells = jnp.fft.ifft(spectra)
        (px, py), (mx, my) = cells.real, cells.imag
        return work._replace(spectra=spectra), (px, py, mx, my)

    def _multiplied(self, work: Scratch) -> Scratch:
        """`above` and `below` -> `returned`."""

        def block(i: Array, work: Scratch) -> Scratch:
            at = self._line(i)
            work, parts = self._cells(work, at)
            three = work.products
            px, py, mx, my = parts
            for n, product in enumerate(products(px, py, mx, my, self._stress(at))):
                three = lax.dynamic_update_slice(three, product[None], (n, 0, 0))
            along_y = jnp.fft.rfft(three)[:, :, : self.kept].swapaxes(1, 2)
            returned = lax.dynamic_update_slice(work.returned, along_y, (0, 0, at))
            return work._replace(products=three, returned=returned)

        return lax.fori_loop(0, self.line_blocks, block, work)

    def _stress(self, at: Array) -> Array | float:
        """D of the held profile on the x lines from `at`."""
        stress = self.equations.stress
        if isinstance(stress, float) or stress.shape[0] == 1:
            return stress
        return lax.dynamic_slice_in_dim(stress, at, self.lines)


def _lines(nx: int, most: int) -> int:
    """x lines per block: multiples of 16 fill the vectors of the transforms."""
    return nx if nx <= most else min(nx, max(16, most // 16 * 16))


def _rows(kept: int, most: int) -> int:
    """my rows per block: of the sizes up to `most` the one that leaves least to fill up.

    Two blocks at least: XLA would dissolve a loop over one and compute slopes twice.
    """
    most = max(1, min(most, -(-kept // 2)))
    return min(range(most, most // 2, -1), key=lambda size: -kept % size)
