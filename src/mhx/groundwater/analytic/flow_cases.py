"""Cases of flow that have an exact solution, checked and read from a configuration.

    linear   uniform flow between two opposite sides, confined
    dupuit   the same with recharge, unconfined over a flat bottom
    toth     one side whose head follows a sloping ground, three without flow, confined
    theis    wells at constant rates from time 0, confined, far from every side

No numpy: this runs when a case is planned.
"""

import math

from mhx.groundwater.analytic.cases import Dupuit, Linear, Theis, Toth
from mhx.groundwater.analytic.reading import AXES, Reading
from mhx.groundwater.kinds import Place

FELT = 0.01
"""Share of a well's water that passes its distance to a side, from which that is too near [1]."""

PLACES = 100
"""Intervals between two sides at whose ends water table and ground are compared [1]."""


def linear(read: Reading) -> Linear:
    """Uniform flow."""
    read.regime("steady", "confined")
    read.sources("")
    return _uniform(read)


def _uniform(read: Reading) -> Linear:
    axis, low, high, head_low, head_high, k, width = read.between()
    return Linear(
        axis=axis, low=low, high=high, head_low=head_low, head_high=head_high, k=k,
        thickness=read.thickness(), width=width,
    )  # fmt: skip


def dupuit(read: Reading) -> Dupuit:
    """Recharge between two heads, with a water table that stays below ground."""
    read.regime("steady", "convertible")
    axis, low, high, head_low, head_high, k, width = read.between()
    bottom, recharge = read.bottom(), 0.0
    for index, table in read.sources("rcha"):
        place: Place = ("flow", "source", index)
        read.must(table.where.all is True, (*place, "where"), "be { all = true }")
        recharge += read.number(table.rate, (*place, "rate"))
    if recharge:
        read.edges_only("since recharge falls on the outer half cells, too")
    for index, head in enumerate((head_low, head_high)):
        read.must(not head <= bottom, ("flow", "bc", index, "head"), f"be > {bottom:g} [m]")
    case = Dupuit(
        axis=axis, low=low, high=high, head_low=head_low, head_high=head_high, k=k,
        thickness=math.nan, width=width, bottom=bottom, recharge=recharge,
    )  # fmt: skip
    _below_ground(read, case)
    return case


def _below_ground(read: Reading, case: Dupuit) -> None:
    """Above the ground MODFLOW's cells are full, and the square of the head is no longer linear.

    Of a ground that is no plane the cells tell when they are there.
    """
    ground = read.config.topography
    if ground is None or ground.kind != "plane" or ground.base_elevation is None:
        return
    base, rise, rises = ground.base_elevation, ground.amplitude or 0.0, str(ground.rises_to)
    along = AXES[rises] == case.axis
    for at in range(PLACES + 1):
        share, head = at / PLACES, _head(case, at / PLACES)
        up = (share if rises in ("east", "north") else 1 - share) if along else float(rise < 0)
        if head > base + rise * up:
            what = f"lie above the water table, which reaches {head:.6g} m where the ground is at "
            what += f"{base + rise * up:.6g} m,"
            read.must(False, ("topography", "base_elevation"), what)
            return


def _head(case: Dupuit, share: float) -> float:
    """Head at a share of the way between the two sides [m]."""
    one, two = case.head_low - case.bottom, case.head_high - case.bottom
    bulge = case.recharge / case.k * (case.high - case.low) ** 2
    square = one**2 + (two**2 - one**2) * share + bulge * share * (1 - share)
    return case.bottom + math.sqrt(max(square, 0.0))


def toth(read: Reading) -> Toth:
    """Toth's problem (1963), laid into the plane: one side follows the ground, three are closed."""
    read.regime("steady", "confined")
    read.sources("")
    west, east, south, north = read.box()
    along_x, along_y = read.conductivity()
    ground, sides, thickness = read.config.topography, read.sides(), _thick(read)
    plane = ground is not None and ground.kind == "plane"
    read.must(plane, ("topography", "kind"), "be 'plane'")
    if not read.must(len(sides) == 1, ("flow", "bc"), "be chd on one side and nothing else"):
        return _nothing()
    ((side, (index, table)),) = sides.items()
    place: Place = ("flow", "bc", index, "head")
    level = isinstance(table.head, str) and table.head.startswith("top")
    if not (read.must(level, place, "follow the ground, as 'top'") and plane):
        return _nothing()
    assert ground is not None and ground.amplitude is not None
    across_x = AXES[side] == 0  # the side runs along y
    start, length = (south, north - south) if across_x else (west, east - west)
    rises = str(ground.rises_to)
    right = (AXES[rises] == 1) == across_x
    if not read.must(right, ("topography", "rises_to"), f"run along the side {side}"):
        return _nothing()
    inset = ground.support_cell or 0.0 if ground.anchor == "cell_centres" else 0.0
    up = ground.amplitude / (length - inset) * (1 if rises in ("east", "north") else -1)
    held, far = {
        "west": (west, east), "east": (east, west),
        "south": (south, north), "north": (north, south),
    }[side]  # fmt: skip
    held += read.inset(AXES[side]) * (1 if held < far else -1)
    base = float(ground.base_elevation or 0.0)
    return Toth(
        axis=1 if across_x else 0, start=start, length=length, held=held, far=far,
        mean=base + ground.amplitude / 2 + shift_of(str(table.head)), slope=up,
        k_along=along_y if across_x else along_x, k_across=along_x if across_x else along_y,
        thickness=thickness,
    )  # fmt: skip


def _thick(read: Reading) -> float:
    """Thickness below a sloping ground [m]."""
    assert read.config.layers is not None
    thickness = read.config.layers.thickness
    read.must(thickness is not None, ("layers", "kind"), "be 'constant_thickness'")
    return math.nan if thickness is None else thickness


def shift_of(level: str) -> float:
    """The number in `top - 1.0` [m]."""
    _, _, rest = level.partition(" ")
    return float(rest.replace(" ", "")) if rest else 0.0


def _nothing() -> Toth:
    """Stands for a case that has faults; it is never evaluated."""
    nan = math.nan
    return Toth(
        axis=0, start=nan, length=nan, held=nan, far=nan, mean=nan, slope=nan, k_along=nan,
        k_across=nan, thickness=nan,
    )  # fmt: skip


def theis(read: Reading) -> Theis:
    """Wells in ground that is at rest and so wide that they do not feel its sides."""
    read.regime("transient", "confined")
    flow = read.config.flow
    assert flow is not None
    along, across = read.conductivity()
    read.edges_only("since its sides are far away")
    read.must(not abs(along - across) > 0, ("flow", "param", "K22_ratio"), "be 1 or left out")
    thickness = read.thickness()
    storage = read.uniform(flow.param.Ss, ("flow", "param", "Ss")) * thickness
    still = flow.ic.kind == "constant" and flow.ic.value is not None
    read.must(still, ("flow", "ic", "kind"), "be 'constant'")
    head = float(flow.ic.value) if flow.ic.value is not None else math.nan
    for index, table in enumerate(flow.bc):
        place: Place = ("flow", "bc", index)
        if read.must(table.package == "chd", (*place, "package"), "be 'chd'"):
            held = read.number(table.head, (*place, "head"))
            read.must(held == head, (*place, "head"), f"be flow.ic.value ({head:g} m)")
    wells = []
    for index, source in read.sources("wel"):
        place = ("flow", "source", index)
        rate = read.number(source.rate, (*place, "rate"))
        if read.must(source.where.points is not None, (*place, "where"), "be points"):
            wells += [(x, y, rate) for x, y in source.where.points or ()]
    read.must(bool(wells), ("flow", "source"), "hold a wel")
    case = Theis(head=head, transmissivity=along * thickness, storage=storage, wells=tuple(wells))
    if not read.faults:
        _far(read, case)
    return case


def _far(read: Reading, case: Theis) -> None:
    """The sides must not be felt: of a well's water exp(-u) comes from beyond its distance."""
    flow = read.config.flow
    assert flow is not None and flow.time is not None  # checked by Flow
    end = sum(period.seconds for period in flow.time.period)
    west, east, south, north = read.box()
    for x, y, _ in case.wells:
        nearest = max(0.0, min(x - west, east - x, y - south, north - y))
        share = math.exp(-(nearest**2) * case.storage / (4 * case.transmissivity * end))
        what = f"leave the well at [{x:g}, {y:g}] further from its sides: after {end:g} s "
        what += f"{100 * share:.2g} % of its water comes from beyond the nearest, {nearest:g} m off"
        read.must(share <= FELT, ("domain",), f"{what} (bound {100 * FELT:g} %),")
