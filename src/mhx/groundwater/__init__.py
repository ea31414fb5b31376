"""Groundwater: meshes, MODFLOW 6 flow, and what a run of them may be believed for.

In order of a run:

    config, site, packages, units, kinds                    what a configuration may say
    terrain, rasters, drainage, catchment, polylines        where the model lies
    mesh, snapping, triangles, voronoi, structured, meshfile, grid      cells
    conformity, linefit, polygons                           how good the cells are
    where, tables, parameters, boundaries, flow, model      the model in numbers
    writer, placing, memory                                 its files; what a process remembers
    engines, install, doctor                                programs: found, installed, missing
    mf6, listing, flopy_path                                solved; solved again by another way
    heads, budget, results, flow_metrics, catalog, fields   what came out
    gates, figures, vocabulary                              judged, drawn, named
    simulation                                              all of it: `run(RunRequest)`

Lengths in metres, x east and y north; rates in SI in configurations and metrics, per day inside
MODFLOW unless a configuration asks for seconds.  flopy, gmsh, shapely and scipy are imported where
they are needed, not here.
"""
