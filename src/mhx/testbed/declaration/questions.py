"""What a testbed asks of its results: metrics and checks, held against each other and the runner.

A runner with a closed vocabulary never reports anything else, so a source that it does not know is
a slip.  A check must be able to fail: it has a bound.
"""

from collections.abc import Iterator, Mapping

from mhx.config.lines import Place
from mhx.evidence.metrics import Vocabulary
from mhx.testbed.config import CheckTable, MetricTable
from mhx.testbed.declaration.arrays import Arrays, declared_twice
from mhx.testbed.declaration.faults import Faults, near
from mhx.testbed.files.columns import FIXED_COLUMNS
from mhx.testbed.sources.axes import Levels
from mhx.testbed.sources.design_rules import foreign_keys
from mhx.workflow.registry import Registration, vocabulary_of

OWN_KEYS = {
    "bounds": ("low", "high"),
    "monotonic": ("axis", "direction", "strict", "noise"),
    "spread": ("max_cv", "max_half_width", "max_std", "min_n"),
    "difference": ("reference", "max_abs", "max_rel", "min_abs", "min_rel"),
    "order": (
        *("axis", "h", "formal_order", "method", "order_tolerance", "max_uncertainty", "noise"),
    ),
}
"""Kind of a check -> the keys that only some kinds understand, and this one does."""
BOUNDS = {
    "bounds": ("low", "high"),
    "spread": ("max_cv", "max_half_width", "max_std"),
    "difference": ("max_abs", "max_rel", "min_abs", "min_rel"),
    "order": ("order_tolerance", "max_uncertainty"),
}
"""Kind of a check -> keys of which at least one is needed, or the check could not fail."""
_NOTES = "notes."


def metric_rules(arrays: Arrays, row: Registration | None, faults: Faults) -> None:
    """Names of the columns, sources and units."""
    metrics = list(arrays.items("metric"))
    names = [((*place, "name"), metric.name) for place, metric in metrics]
    declared_twice("metric", names, faults, fold=True)
    for place, metric in metrics:
        if metric.name.casefold() in FIXED_COLUMNS:
            text = f"metric name {metric.name!r} is a fixed column; choose another"
            faults.say((*place, "name"), text)
    words = vocabulary_of(row) if row and metrics else None
    if row and words:
        for place, metric in metrics:
            for key, text in _source(metric, words, row):
                faults.say((*place, key), f"metric {metric.name!r}: {text}")


def _source(metric: MetricTable, words: Vocabulary, row: Registration) -> Iterator[tuple[str, str]]:
    """What is wrong with the source and unit of a metric."""
    source = metric.source or metric.name
    word = words.find(source)
    if word is None:
        if words.closed and not source.startswith(_NOTES):
            close = words.near(source)
            hint = f"; did you mean {close!r}?" if close else ""
            yield (
                "source" if metric.source else "name",
                f"a {row.runner} never reports {source!r}{hint}",
            )
    elif metric.unit is not None and word.unit and metric.unit != word.unit:
        yield "unit", f"unit {metric.unit!r} is not the unit of {source}, {word.unit!r}"


def check_rules(arrays: Arrays, axes: Mapping[str, Levels], faults: Faults) -> None:
    """Kinds, bounds, and the metrics, axes and designs that checks name."""
    checks = list(arrays.items("check"))
    declared_twice("check", [((*place, "id"), check.id) for place, check in checks], faults)
    names = [metric.name for metric in arrays.table.metric]
    designs = [design.id for design in arrays.table.design]
    for place, check in checks:
        who = f"check {check.id!r}"
        foreign_keys(place, check.kind, check.model_fields_set, OWN_KEYS, faults)
        for text in _needs(check):
            faults.say(place, f"{who} ({check.kind}) {text}")
        if check.metric not in names and "metric" not in arrays.left_out:
            text = f"metric {check.metric!r} is not declared{near(check.metric, names)}"
            faults.say((*place, "metric"), f"{who}: {text}")
        unknown = check.design is not None and check.design not in designs
        if unknown and "design" not in arrays.left_out:
            text = f"design {check.design!r} is not declared{near(check.design, designs)}"
            faults.say((*place, "design"), f"{who}: {text}")
        if not arrays.unsure(check.axis, axes, faults):
            _axis(place, check, axes, faults)
        _size(place, check, arrays, faults)
        if check.low is not None and check.high is not None and check.low > check.high:
            text = f"low {check.low!r} is above high {check.high!r}: nothing can pass"
            faults.say((*place, "low"), f"{who}: {text}")


def _needs(check: CheckTable) -> Iterator[str]:
    """What a check of this kind cannot do without."""
    if check.kind == "monotonic":
        yield from (f"needs {key}" for key in ("axis", "direction") if _lacks(check, key))
    if check.kind == "difference" and check.reference is None:
        yield "needs reference"
    if check.kind == "order":
        if check.axis is None and check.h is None:
            yield "needs axis or h"
        if check.formal_order is None and check.method != "spectral":
            yield "needs formal_order"
    bounds = BOUNDS.get(check.kind, ())
    if bounds and all(_lacks(check, key) for key in bounds):
        yield "has no bound"


def _lacks(check: CheckTable, key: str) -> bool:
    return getattr(check, key) is None


def _axis(place: Place, check: CheckTable, axes: Mapping[str, Levels], faults: Faults) -> None:
    """The axis of a check is declared, ordered, and refines where orders are asked for."""
    if check.axis is None or check.kind not in ("monotonic", "order"):
        return
    text = ""
    if check.axis not in axes:
        text = f"axis {check.axis!r} is not declared{near(check.axis, axes)}"
    elif check.kind == "order" and check.h is None and not axes[check.axis].axis.refines:
        text = f'axis {check.axis!r} has no refines = "size" or "count"'
    if text:
        faults.say((*place, "axis"), f"check {check.id!r}: {text}")


def _size(place: Place, check: CheckTable, arrays: Arrays, faults: Faults) -> None:
    """The metric that gives a mesh size is declared, by its name or its source."""
    if check.h is None or check.kind != "order" or "metric" in arrays.left_out:
        return
    metrics = arrays.table.metric
    names = [name for metric in metrics for name in (metric.name, metric.source) if name]
    if check.h not in names:
        text = f"metric {check.h!r} is not declared{near(check.h, names)}"
        faults.say((*place, "h"), f"check {check.id!r}: {text}")
