"""Files and numbers: what is true of them, on the standard library alone.

hashing       digests of files and of contents
parsing       JSON read strictly
store         written whole or not at all, read with checks; journals whose lines are chained
schemas       every schema id, once
provenance    commit, versions, machine, command: circumstance, never identity
metrics       dotted names with units; selected, required
gates         a metric, a bound, a reason; three verdicts
statistics    spread and its intervals, quantiles, ranks, regression, Sobol indices
convergence   observed order, extrapolation, numerical uncertainty on three or more grids
order_verdicts  what an order check says of these numbers
claims        levels, waivers, the one door to production, the ledger
checkpoints   records, their chain, and which of them can be trusted
manifest      what a folder holds, by digest, and what that is called
verify        all of it hashed and judged again; stands alone and travels with every run
"""
