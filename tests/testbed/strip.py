"""A strip of land that drains to the east: the smallest MODFLOW base of these tests."""

FLOW = """
workflow = { mode = "simulation" }
domain = { kind = "rectangle", x0 = 0.0, y0 = 0.0, length_x = 1000.0, length_y = 500.0 }
layers = { kind = "constant_thickness", thickness = 50.0 }
mesh = { kind = "structured", cell_x = 100.0, cell_y = 100.0 }
[topography]
kind = "plane"
base_elevation = 50.0
amplitude = 5.0
rises_to = "west"
anchor = "edges"
[[simulation.process]]
id = "mesh_main"
type = "mesh"
[[simulation.process]]
id = "flow_main"
type = "flow"
[flow]
regime = "steady"
formulation = { newton = true, xt3d = false, cell_type = "convertible" }
[flow.param]
K = { value = 1e-5 }
[flow.ic]
kind = "top"
[[flow.bc]]
id = "east"
package = "chd"
where = { side = "east" }
head = 40.0
[[flow.source]]
id = "recharge"
package = "rcha"
where = { all = true }
rate = { value = 0.1, unit = "mm/day" }
"""
