"""Groundwater: meshes, flow, transport, and what a run of them may be believed for.

In order of a run of a model that is built here:

    config, flow_config, solver, site, packages, units, kinds      what a configuration may say
    terrain, rasters, drainage, catchment, polylines               where the model lies
    mesh, snapping, triangles, voronoi, structured, meshfile, grid cells
    conformity, linefit, polygons                                  how good the cells are
    where, tables, parameters, boundaries, flow, model             the model in numbers
    writer, placing, memory                                        its files; what is remembered
    engines, install, doctor                                       programs: found and installed
    solved                                                         asked of an engine, answered
    mf6_flow, mf6, listing, flopy_path                             MODFLOW 6; written again by flopy
    heads, budget, results, computed                               what came out, whoever solved it
    flow_metrics, catalog, fields                                  measured, kept, exported
    gates, figures, vocabulary, told                               judged, drawn, named
    simulation                                                     all of it: `run(RunRequest)`

Other engines, other subjects:

    transport/     solutes on the flow of the same run
    legacy/        MODFLOW-NWT and MT3D-USGS
    fem/           finite elements, P1 and P2
    analytic/      exact solutions
    existing/      somebody else's MODFLOW 6 model: linked, patched, run, read
    measured/      measured heads and flows beside the simulated ones
    comparison/    several methods on one case: `comparison.run.run(RunRequest)`

Lengths in metres, x east and y north; rates in SI in configurations and metrics, per day inside
MODFLOW unless a configuration asks for seconds.  flopy, gmsh, shapely and scipy are imported where
they are needed, not here.
"""
