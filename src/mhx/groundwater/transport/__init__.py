"""Solute transport on the flow of the same run, and what came of it.

config      what `[transport]` may say
model       a transport model as numbers, for every engine
assembly    from configuration and flow model to that
stepping    time steps from a number or a largest Courant number
writer      the files of GWT and GWF in one MODFLOW 6 simulation
gwt         MODFLOW 6 solves it; other engines live in their own packages
flowfield   flows between cells, saturation, what leaves a cell
reading     MODFLOW's files into a result
results     a result, whoever solved it
catalog     a result in `results/`, written and read back
velocities, dispersion  Courant and Peclet numbers, numerical dispersion, advice
fronts      front, arrival, peak, moments
metrics, vocabulary, gates  `transport_metrics.*`: values, words, bounds
figures     maps, breakthrough curves, animation
telling     all of that in a run
"""
