"""Gates on a run of somebody else's model: that it converged, and that its water adds up.

How dry or flooded a model may be, and how tight its solver, is for whoever made it to say; these
are metrics without a bound here.  The solver's closures are the model's own, so the balance of the
budget file is held to what MODFLOW holds its listing to.
"""

from mhx.evidence.gates import Gate
from mhx.groundwater.vocabulary import FLOW, TRANSPORT

TIGHTER = (
    "tighten the solver: [[model.option]] with file = 'ims', block = 'linear', key = "
    "'inner_dvclose', and block = 'nonlinear', key = 'outer_dvclose'"
)
CONVERGED = Gate(
    name="every_step_converged",
    metric=f"{FLOW}converged",
    low=1,
    high=1,
    reason="heads of a step that did not converge are no solution of the flow equation",
    remedy="[[model.option]] with file = 'ims', block = 'nonlinear', key = 'outer_maximum' raises "
    "the iterations; or shorten the time steps",
)
STEP_BALANCE = Gate(
    name="balance_of_every_step",
    metric=f"{FLOW}max_abs_step_percent_discrepancy",
    high=0.5,
    reason="the percent discrepancy of the listing, for the rates of the worst step and model",
    remedy=TIGHTER,
)
VOLUME_BALANCE = Gate(
    name="balance_of_all_volumes",
    metric=f"{FLOW}max_abs_cumulative_percent_discrepancy",
    high=0.5,
    reason="the percent discrepancy of the listing, for the volumes up to the worst step",
    remedy=TIGHTER,
)
CLOSURE = Gate(
    name="budget_file_closes",
    metric=f"{FLOW}closure_relative",
    high=5e-3,
    reason="in minus out over the larger of both, of what the budget file holds; the bound is that "
    "of the listing, since the closures of the solver are the model's own",
    remedy=TIGHTER,
)
OF_THE_LISTING = (STEP_BALANCE, VOLUME_BALANCE)
"""Left out where the model does not print a single balance."""
GATES = (CONVERGED, STEP_BALANCE, VOLUME_BALANCE, CLOSURE)
OF_SOLUTE = (
    Gate(
        name="every_step_of_solute_converged",
        metric=f"{TRANSPORT}converged",
        low=1,
        high=1,
        reason="concentrations of a step that did not converge solve no balance",
        remedy=TIGHTER,
    ),
    Gate(
        name="solute_balance_of_every_step",
        metric=f"{TRANSPORT}max_abs_step_percent_discrepancy",
        high=0.5,
        reason="the percent discrepancy of the listing of transport, worst step",
        remedy=TIGHTER,
    ),
)
"""Judged where their metric is told."""
