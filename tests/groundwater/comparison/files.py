"""A small case and a comparison over it, as files."""

from pathlib import Path

BASE = """\
[workflow]
mode = "simulation"
[domain]
kind = "rectangle"
length_x = 400.0
length_y = 200.0
[topography]
kind = "plane"
base_elevation = 30.0
amplitude = 0.0
rises_to = "west"
[layers]
kind = "constant_bottom"
bottom = 0.0
[mesh]
kind = "structured"
cell_x = 50.0
cell_y = 50.0
[flow]
regime = "steady"
formulation = { newton = false, xt3d = false, cell_type = "convertible" }
param = { K = { value = 1e-4 } }
ic = { kind = "constant", value = 22.0 }
bc = [
    { id = "west", package = "chd", where = { side = "west" }, head = 24.0 },
    { id = "east", package = "chd", where = { side = "east" }, head = 20.0 },
]
[solver.mf6]
outer_dvclose = 1e-9
inner_dvclose = 1e-10
"""

COMPARISON = """\
[workflow]
mode = "comparison"
[comparison]
base_simulation_config = "base.toml"
reference_simulation = "dis"
{keys}
[[comparison.simulation]]
id = "dis"
{reference}
[[comparison.simulation]]
id = "other"
{method}
{more}
"""

DISV = 'overlay = { mesh = { kind = "rectangular_disv" } }'
POINT = """
[[comparison.observable]]
name = "wells"
variable = "head"
support = "point"
x = [125.0, 275.0]
y = [125.0, 75.0]
"""


def written(
    folder: Path,
    *,
    base: str = BASE,
    keys: str = "",
    reference: str = "",
    method: str = DISV,
    more: str = "",
) -> Path:
    """base.toml and cmp.toml; the path of the second."""
    (folder / "base.toml").write_text(base)
    path = folder / "cmp.toml"
    path.write_text(COMPARISON.format(keys=keys, reference=reference, method=method, more=more))
    return path
