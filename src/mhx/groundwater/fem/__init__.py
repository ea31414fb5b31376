"""Finite elements for flow: another discretisation of the same model, by scikit-fem.

limits       what it cannot do, told when a case is planned; without numpy
elements     triangles and unknowns of a mesh, and how a cell sees them
holding      which unknowns a boundary fixes, and at what head
flow         heads and exchanges, step by step: `flow.solve`, the engines fem_p1 and fem_p2
"""
