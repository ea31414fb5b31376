"""Flow by finite elements: storage du/dt = div(T grad u) + recharge + exchanges, implicit in time.

T is K times the thickness; of convertible cells the saturated one, from the heads before (Picard).
Water of a boundary enters where its cell sees the head (`Elements.to_cells`), so the exchange is
symmetric; what flows at a fixed head is the residual of its unknowns, so that the budget closes to
rounding.  Recharge, drains and the like on a fixed head act through it; MODFLOW leaves them out.
Inside, rates are per MODFLOW time unit and positive into the groundwater.
"""

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from mhx.errors import SolverError
from mhx.groundwater.computed import Computed, Flux, Solved
from mhx.groundwater.fem.elements import Elements, elements_of
from mhx.groundwater.fem.evaluating import SOLUTION
from mhx.groundwater.fem.holding import Held, held
from mhx.groundwater.flow import assemble
from mhx.groundwater.grid import Floats
from mhx.groundwater.mf6_flow import clear, refuse_undetermined
from mhx.groundwater.model import Boundary, FlowModel
from mhx.groundwater.placing import place
from mhx.groundwater.solved import FlowRun, Task

SAME = 1e-9
"""Change of heads between two Picard steps at which they are solved [m]."""
MOST = 500
"""Picard steps before a time step is given up."""
THINNEST = 1e-3
"""Share of the full thickness that always conducts while heads are sought [1]."""
DEGREES = {"fem_p1": 1, "fem_p2": 2}


def solve(task: Task) -> FlowRun:
    """Solve the model of a task; SolverError where Picard's steps do not settle."""
    began = time.perf_counter()
    model = assemble(task.config, task.grid, task.terrain, task.site)
    refuse_undetermined(model)
    flags = {"newton": 0, "under_relaxation": 0, "xt3d": 0}
    model = replace(model, formulation={**model.formulation, **flags})
    assert task.config.mesh is not None  # checked by Simulation
    dual = task.config.mesh.kind == "voronoi"
    degree = DEGREES[task.config.engine]
    elements = elements_of(task.grid, 1 if degree == 1 else 2, dual=dual)
    fixed = held(task.config, elements, task.terrain, model.boundaries)
    equation = Equation(model=model, elements=elements, fixed=fixed)
    computed, unknowns = _marched(task, equation)
    place(task.folder, {SOLUTION: _stored(elements, fixed, unknowns)})
    clear(task.folder, {SOLUTION})
    result = computed.result(
        task.folder, task.config.output.fields, wall_s=time.perf_counter() - began
    )
    kind = "convertible, Picard" if model.formulation["convertible"] else "confined"
    places = "generators of the Voronoi cells" if dual else "corners of the triangles"
    notes = {
        "solver_version": f"scikit-fem {version('scikit-fem')}",
        "formulation": f"finite elements P{degree} on the {places}, {kind}",
        "linear_acceleration": "direct",
        "complexity": "none",
    }
    return FlowRun(model=model, result=result, notes=notes, listings=frozenset((SOLUTION,)))


@dataclass(frozen=True, kw_only=True)
class Equation:
    """A model on elements: its matrices at given heads."""

    model: FlowModel
    elements: Elements
    fixed: Held

    @cached_property
    def conductivity(self) -> Floats:
        """(2, 2, elements, points): K along and across the first axis, turned to x and y."""
        k = self.model.properties["k"][0]
        across = self.model.properties.get("k22", self.model.properties["k"])[0]
        angle = np.radians(self.model.properties.get("angle1", np.zeros((1, k.size)))[0])
        cos, sin = np.cos(angle), np.sin(angle)
        mixed = (k - across) * sin * cos
        tensor = [[k * cos**2 + across * sin**2, mixed], [mixed, k * sin**2 + across * cos**2]]
        return self.elements.at_points(np.array(tensor))

    @cached_property
    def full(self) -> Floats:
        """(elements, points) thickness [m]."""
        return self.elements.at_points(self.model.top - self.model.bottoms[0])

    @cached_property
    def confined(self) -> sp.csr_array:
        """Stiffness of the full thickness."""
        return self.elements.stiffness(self.conductivity * self.full)

    @cached_property
    def storage(self) -> sp.csr_array:
        """Volume that a rise of the heads by 1 m takes up [m2]."""
        thickness = self.model.top - self.model.bottoms[0]
        return self.elements.storage(self.model.properties["ss"][0] * thickness)

    def stiffness(self, unknowns: Floats) -> sp.csr_array:
        """Matrix of the flow through the ground, at these heads where cells are convertible."""
        if not self.model.formulation["convertible"]:
            return self.confined
        bottom = self.elements.at_points(self.model.bottoms[0])
        wet = np.clip(
            self.elements.heads_at_points(unknowns) - bottom, THINNEST * self.full, self.full
        )
        return self.elements.stiffness(self.conductivity * wet)

    def recharge(self, boundary: Boundary, period: int) -> Floats:
        """(unknowns,) water of one recharge."""
        density = np.zeros(self.model.grid.n_cells)
        density[boundary.cells] = boundary.values["recharge"][period]
        return self.elements.load(density)


@dataclass(frozen=True)
class Linear:
    """Water that a boundary gives its cells: `constant` - `slope` * head, each (k,)."""

    constant: Floats
    slope: Floats


def linear(boundary: Boundary, period: int, heads: Floats) -> Linear:
    """A boundary at given heads of its cells; drains and rivers change their law with them."""
    row = {key: values[period] for key, values in boundary.values.items()}
    match boundary.package:
        case "ghb":
            return Linear(row["cond"] * row["bhead"], row["cond"])
        case "riv":
            joined = heads > row["rbot"]  # else water falls through the bed
            lost = row["cond"] * (row["stage"] - row["rbot"])
            return Linear(
                np.where(joined, row["cond"] * row["stage"], lost),
                np.where(joined, row["cond"], 0.0),
            )
        case "drn":
            wet = heads > row["elev"]
            return Linear(
                np.where(wet, row["cond"] * row["elev"], 0.0), np.where(wet, row["cond"], 0.0)
            )
        case "wel":
            return Linear(row["q"], np.zeros(heads.size))
        case other:
            raise AssertionError(f"{other} is refused by fem.limits")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a time step is solved with.  storage: [m2 per time]; before: (unknowns,) heads."""

    equation: Equation
    period: int
    storage: sp.csr_array | None
    before: Floats

    def solved(self) -> tuple[Floats, Solved]:
        """Unknowns at the end of the step; SolverError where they do not settle."""
        elements, fixed = self.equation.elements, self.equation.fixed
        free = np.setdiff1d(np.arange(elements.count), fixed.unknowns)
        heads = self.before.copy()
        heads[fixed.unknowns] = fixed.heads[self.period]
        start = heads.copy()
        for count in range(1, MOST + 1):
            # at first every drain is wet: without storage, dry ones leave no definite head
            matrix, right = self.system(heads, start, wet=count == 1)
            found = heads.copy()
            rest = right - matrix[:, fixed.unknowns] @ heads[fixed.unknowns]
            found[free] = splu(matrix[free][:, free].tocsc()).solve(rest[free])
            change = float(np.abs(found - heads).max(initial=0.0))
            settled = count > 1 and change <= SAME
            heads = found
            if settled or (count == 1 and not self.nonlinear):
                return heads, self.told(heads, start, count)
        raise SolverError(
            f"finite elements: heads of stress period {self.period + 1} still change by "
            f"{change:.3g} m after {MOST} Picard steps; use cell_type = 'confined', or engine = "
            "'mf6' with flow.formulation.newton = true"
        )

    @property
    def nonlinear(self) -> bool:
        """Whether the matrix depends on the heads."""
        model = self.equation.model
        packages = {one.package for one in model.boundaries.values()}
        return bool(model.formulation["convertible"] or packages & {"drn", "riv"})

    def system(
        self, heads: Floats, start: Floats, *, wet: bool = False
    ) -> tuple[sp.csr_array, Floats]:
        """Matrix and right-hand side, linear around given heads; wet: above drains and beds."""
        equation, elements = self.equation, self.equation.elements
        matrix = equation.stiffness(heads)
        right = np.zeros(elements.count)
        anchored = self.storage is not None or equation.fixed.unknowns.size > 0
        if self.storage is not None:
            matrix = matrix + self.storage
            right += self.storage @ start
        for boundary in equation.model.boundaries.values():
            if boundary.package == "chd":
                continue
            if boundary.package == "rcha":
                right += equation.recharge(boundary, self.period)
                continue
            seen = elements.to_cells[boundary.cells]
            above = np.full(boundary.cells.size, np.inf)
            law = linear(boundary, self.period, above if wet else seen @ heads)
            matrix = matrix + seen.T @ sp.diags_array(law.slope) @ seen
            right += seen.T @ law.constant
            anchored |= bool(law.slope.any())
        if not anchored:
            raise SolverError(
                "finite elements: the heads are not determined: no head is fixed, and the water "
                f"table falls below every drain and river bed in stress period {self.period + 1}"
            )
        return sp.csr_array(matrix), right

    def told(self, heads: Floats, start: Floats, count: int) -> Solved:
        """Heads of the cells, and who gave how much."""
        equation, elements = self.equation, self.equation.elements
        matrix, right = self.system(heads, start)
        residual = matrix @ heads - right
        fluxes = []
        for boundary in equation.model.boundaries.values():
            nodes = boundary.cells
            if boundary.package == "chd":
                own = equation.fixed.owners[boundary.id]
                rates = residual[equation.fixed.unknowns[own]]
                nodes = np.zeros(own.size, np.int64)  # an unknown is not always a cell
            elif boundary.package == "rcha":
                load = float(equation.recharge(boundary, self.period).sum())
                rates = boundary.values["recharge"][self.period] * equation.model.grid.areas[nodes]
                total = float(rates.sum())
                rates = rates * (load / total) if total else rates
            else:
                seen = elements.to_cells[nodes] @ heads
                law = linear(boundary, self.period, seen)
                rates = law.constant - law.slope * seen
            fluxes.append(
                Flux(component=boundary.package, package=boundary.name, nodes=nodes, rates=rates)
            )
        if self.storage is not None:
            rates = self.storage @ (start - heads)
            nodes = np.zeros(rates.size, np.int64)
            fluxes.append(Flux(component="sto-ss", package="", nodes=nodes, rates=rates))
        cells = elements.to_cells @ heads
        self.refuse_dry(cells)
        return Solved(heads=cells[None], fluxes=tuple(fluxes), iterations=count)

    def refuse_dry(self, heads: Floats) -> None:
        """A water table below the bottom is beyond this equation."""
        model = self.equation.model
        dry = np.flatnonzero(heads <= model.bottoms[0])
        if model.formulation["convertible"] and dry.size:
            raise SolverError(
                f"finite elements: the water table falls below the bottom in {dry.size} cells, "
                f"first in cell {dry[0]}; use engine = 'mf6' with flow.formulation.newton = true"
            )


def _marched(task: Task, equation: Equation) -> tuple[Computed, Floats]:
    """Every step in turn, and (s, unknowns) of those that are saved."""
    computed, unknowns = Computed(equation.model), []
    heads = _start(task, equation)
    for period, _, length in computed.lengths:
        storage = None
        if equation.model.regime == "transient":
            storage = sp.csr_array(equation.storage / length)
        step = Step(equation=equation, period=period - 1, storage=storage, before=heads)
        heads, solved = step.solved()
        computed.steps.append(solved)
        unknowns.append(heads)
    return computed, np.stack([unknowns[at] for at in computed.saved])


def _start(task: Task, equation: Equation) -> Floats:
    """(unknowns,) heads at the start: of the cell, or where it is none the mean of those around."""
    elements, strt = equation.elements, equation.model.strt[0]
    seen = abs(elements.to_cells)
    weights = np.asarray(seen.sum(axis=0)).ravel()
    unknown = weights == 0  # middles of the edges between generators
    heads = (seen.T @ strt) / np.where(unknown, 1.0, weights)
    if unknown.any():
        mesh, basis = elements.basis.mesh, elements.basis
        heads[basis.facet_dofs[0]] = heads[basis.nodal_dofs[0]][mesh.facets].mean(axis=0)
    return heads


def _stored(elements: Elements, fixed: Held, unknowns: Floats) -> bytes:
    """Triangles, places of the unknowns and their heads at the saved steps, as .npz."""
    stream = io.BytesIO()
    arrays: Mapping[str, np.ndarray] = {
        "triangles": elements.basis.element_dofs.T,
        "places_m": elements.places,
        "head_m": unknowns,
        "fixed": fixed.unknowns,
    }
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # names of arrays, not its options
    return stream.getvalue()
