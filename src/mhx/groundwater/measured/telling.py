"""What a run says of its measured data: metrics, notes, gates, a table and a figure.

`tell_built` is for models built here, `tell` for anybody who has `Simulated` models.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from mhx.config import Source, listed
from mhx.groundwater import catalog
from mhx.groundwater.measured import statistics
from mhx.groundwater.measured.config import Observation
from mhx.groundwater.measured.planning import scope_of
from mhx.groundwater.measured.rows import Faults, rows_of
from mhx.groundwater.measured.simulated import Pair, Simulated, paired, simulated_of
from mhx.groundwater.measured.vocabulary import OBSERVED
from mhx.groundwater.placing import replace_file
from mhx.groundwater.polygons import holding
from mhx.groundwater.solved import FlowRun, Task
from mhx.groundwater.told import Told

OBSERVATIONS = "observations.csv"
FIGURE = "figures/observed_simulated.png"
COLUMNS = (
    *("id", "quantity", "time_d", "cell", "layer", "observed", "simulated", "residual"),
    *("standard_deviation", "weight"),
)
"""Of `observations.csv`: m and m3/s; empty where a row has no such thing."""


def tell_built(told: Told, task: Task, flow: FlowRun, root: Path) -> None:
    """Hold a run of a model that was built here against its `[[observation]]` tables."""
    config, model = task.config, flow.model
    assert config.flow is not None  # a flow process ran
    scope = scope_of(config.flow, config.layers, config.site, transport=config.runs("transport"))
    simulated = simulated_of(
        flow.result,
        scope,
        lambda points: holding(task.grid, points),
        model.strt if model.regime == "transient" else None,
    )
    tell(told, config.observation, {"": simulated}, root, figure=config.output.figures)


def tell(
    told: Told,
    tables: Sequence[Observation],
    models: Mapping[str, Simulated],
    root: Path,
    *,
    figure: bool,
) -> None:
    """Hold the models of a run against measured values; `results/` must be there.

    models: by name; where there is one, no row need name it.  ConfigError: a table or file that is
    wrong, or a place or moment that the run has not.
    """
    pairs = pairs_of(tables, models)
    found = statistics.statistics(pairs)
    told.metrics |= {f"{OBSERVED}{name}": value for name, value in found.items()}
    told.notes |= statistics.notes(pairs)
    told.gates += statistics.gates(pairs)
    replace_file(root / catalog.FOLDER / OBSERVATIONS, _csv(pairs))
    if figure and pairs:
        figures = import_module("mhx.groundwater.measured.figures")  # matplotlib takes half a s
        (root / FIGURE).parent.mkdir(exist_ok=True)
        figures.draw(root / FIGURE, pairs, found)


def pairs_of(tables: Sequence[Observation], models: Mapping[str, Simulated]) -> list[Pair]:
    """Every measured value with its simulated one; ConfigError as `tell`."""
    faults = Faults()
    rows = rows_of(tables, faults)
    if faults:
        raise listed(Source("measured data"), faults.told())
    return paired(rows, models)


def _csv(pairs: Sequence[Pair]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_text(value) for value in _values(pair)] for pair in pairs)
    return stream.getvalue().encode()


def _values(pair: Pair) -> Sequence[str | float | int | None]:
    row = pair.row
    return (
        row.id,
        row.quantity,
        pair.time_d,
        pair.cell,
        row.layer if row.quantity == "head" else None,
        row.value,
        pair.simulated,
        pair.residual,
        row.standard_deviation,
        row.weight,
    )


def _text(value: str | float | int | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
