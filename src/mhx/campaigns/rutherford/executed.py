"""Which configuration a run has: its plan's, with the seed and the noise of its initial state.

Both may be chosen anew when the state is bound, and evidence must be about the run that there is.
"""

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.campaigns.resume import initial_record
from mhx.config import parse
from mhx.errors import EvidenceError
from mhx.reconnection.config import Reconnection


def configuration(plan: Plan, seed: int, noise_amplitude: float) -> Reconnection:
    """The plan's configuration with the seed and the noise of the bound state."""
    initial = {"seed": seed, "noise_amplitude": noise_amplitude}
    return parse(Reconnection, {**plan.config, "initial": initial})


def executed(folder: RunFolder, plan: Plan) -> Reconnection:
    """The configuration of the bound state, before there is one the plan's."""
    record = initial_record(folder)
    if record is None:
        return parse(Reconnection, plan.config)
    try:
        return configuration(plan, record["seed"], record["noise_amplitude"])
    except KeyError as error:
        raise EvidenceError(f"{folder.initial_record} was altered: {error} is not there") from error
