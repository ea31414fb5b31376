"""Before the first case of a testbed the unpatched model runs once: cases of one that cannot are
not worth starting.

What was tried is known by a digest of the model's files, the settings of `[model]` besides its
patches, measured data, and the program; a testbed remembers it and does not try the same again.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mhx.config import parse
from mhx.errors import MhxError
from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import find
from mhx.groundwater.existing import measuring
from mhx.groundwater.existing.config import Model
from mhx.groundwater.existing.copying import materialise
from mhx.groundwater.existing.results import flow_run
from mhx.groundwater.existing.run import ENGINE, SOLVER, carried_out, flow_parts, identity_of


def before(config: Mapping[str, Any], folder: Path, done: Collection[str]) -> str:
    """Run the model of a case without its patches, unless that was done; the digest of it.

    config: of mode `simulation`, input paths absolute.  folder: empty, for the copy.
    done: digests of what ran before.  "" for a model that is built here.  SolverError where it does
    not run, with the words of its listing; other MhxErrors where it has no results to be read, or
    measured data name a place or moment that it has not.
    """
    checked = parse(Simulation, dict(config))
    if checked.model is None:
        return ""
    given = checked.model
    unpatched = Model(
        path=given.path,
        add_output_control=given.add_output_control,
        allow_continue=given.allow_continue,
    )
    engine = find(ENGINE, checked.solver.mf6.exe)
    alone = checked.model_copy(update={"model": unpatched})
    digest = identity_of(alone, engine)
    if digest in done:
        return digest
    made = materialise(unpatched, folder / SOLVER)
    try:
        listings = carried_out(made, engine, checked.solver.mf6.timeout_s)
        runs = [flow_run(made.own, p, listings[p.name]) for p in flow_parts(made.own)]
    except MhxError as error:
        model = given.path.resolve()  # not as it is named from the folder of a case
        told = f"the model {model} does not run as it is, before any patch: {error}"
        raise type(error)(f"{told} (its copy is {made.folder})") from error
    if checked.observation and not any(one.file.lower() == "tdis" for one in given.option):
        measuring.compared(checked, made, runs)  # a new time frame may hold what this one does not
    return digest
