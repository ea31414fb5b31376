"""One case by several methods, each an ordinary run, held against one of them.

    _generated_configs/, simulations/<id>/     the methods (`carrying`)
    observables.csv, comparison_*              what they say and how they differ (`records`)
    comparison_figures/, comparison_report.*   pictures and pages

Methods are read from their folders alone, after every file was verified.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.config import Source, parse, refuse
from mhx.evidence import schemas
from mhx.evidence.gates import Gate, GateResult, judge_all, validation_document
from mhx.evidence.store import write_json
from mhx.groundwater.comparison import audit, carrying, page, planning, records, telling
from mhx.groundwater.comparison.carrying import Ended
from mhx.groundwater.comparison.children import Child, Resolved
from mhx.groundwater.comparison.closures import closures_of, metrics_of, summary_of
from mhx.groundwater.comparison.config import Comparison, ComparisonTable, Observable
from mhx.groundwater.comparison.differences import Matched, match, statistics
from mhx.groundwater.comparison.observables import (
    Values,
    default_observables,
    observe,
    other_interpolation,
)
from mhx.groundwater.comparison.reading import Solved, read
from mhx.groundwater.comparison.records import Findings, Row
from mhx.groundwater.comparison.sampling import area_of, raster_over
from mhx.groundwater.comparison.vocabulary import COMPARISON
from mhx.runner import RunRequest, RunSummary

VALIDATION = "validation.json"
FAILED = Gate(
    name="every_method_finished",
    metric="n_failed_simulations",
    high=0,
    reason="a method that is missing is a comparison that was not made",
    remedy="see its log in simulations/<id>/attempts, mend the cause and give another --output-dir",
)
BALANCES = Gate(
    name="balances_close",
    metric="closure_status_code",
    high=1,
    reason="a method that loses more than 1 % of its water or mass is no solution of the case",
    remedy="tighten its solver, or leave the method out",
)
EMPTY = Gate(
    name="every_observable_finds_values",
    metric="n_empty_observables",
    high=0,
    reason="where no method has a value in common with the reference nothing was compared",
    remedy="see unmatched in comparison_metrics.json: a cell, mask or time that is not there",
)


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The methods that finished."""

    table: ComparisonTable
    children: tuple[Child, ...]
    ended: Mapping[str, Ended]
    solved: Mapping[str, Solved]

    @property
    def reference(self) -> Solved | None:
        """The run of the reference; None where it did not finish."""
        return self.solved.get(self.table.reference_simulation)

    @property
    def others(self) -> list[Solved]:
        """All but the reference, in their order."""
        name = self.table.reference_simulation
        return [one for one in self.solved.values() if one.id != name]


def run(request: RunRequest) -> RunSummary:
    """Carry out a comparison; the error of a method that failed, unless `continue_on_error`.

    ConfigError: methods that cannot run, or that differ in more than the method.
    """
    began = time.perf_counter()
    config = parse(Comparison, dict(request.config))
    table, root = config.comparison, request.output_dir
    resolved = _resolved(config)
    carrying.write_children(root, resolved.children)
    ended = _carried_out(root, table, resolved.children)
    solved = {
        child.id: read(child, ended[child.id].root)
        for child in resolved.children
        if ended[child.id].finished
    }
    methods = _Read(table=table, children=resolved.children, ended=ended, solved=solved)
    found = _compared(methods, table.comparison_id or root.name)
    records.write(root, found)
    metrics = _metrics(methods, found)
    gates = judge_all(_gates(methods, found, metrics), metrics)
    return _told(root, methods, found, _Judged(metrics=metrics, gates=gates, began=began))


def _resolved(config: Comparison) -> Resolved:
    """The methods, refused as planning would."""
    resolved, faults = planning.examined(config.comparison)
    if faults:
        refuse(config, Source("comparison"))
    return resolved


def _carried_out(root: Path, table: ComparisonTable, children: Sequence[Child]) -> dict[str, Ended]:
    if not table.run_simulations:
        ended = carrying.as_they_are(root, children)
        missing = [one.cause for one in ended.values() if one.cause is not None]
        if missing and not table.continue_on_error:
            raise missing[0]
        return ended
    return carrying.carry_out(root, children, table.execution, go_on=table.continue_on_error)


def _compared(methods: _Read, comparison_id: str) -> Findings:
    """Everything that the methods say, beside the reference where it finished."""
    table, reference = methods.table, methods.reference
    base = reference or next(iter(methods.solved.values()), None)
    observables = tuple(table.observable)
    raster = None
    values: list[Values] = []
    interpolation: dict[str, dict[str, Any]] = {}
    if base is not None:
        raster = raster_over(area_of(base.grid), table.raster.cells)
        observables = observables or default_observables(
            methods.solved.values(), table.raster.enabled
        )
        for one in observables:
            readers = planning.observed_by(one, table)
            values += [
                observe(one, solved, raster, table.raster.interpolation)
                for name, solved in methods.solved.items()
                if name in readers
            ]
    matched = list(_matched(values, table.reference_simulation))
    if reference is not None and raster is not None:
        for one in observables:
            if one.support == "map":
                other = other_interpolation(table.raster.interpolation)
                again = observe(one, reference, raster, other)
                as_it_is = _value_of(values, one, reference.id)
                interpolation[one.name] = {
                    "interpolation": table.raster.interpolation,
                    "other": other,
                    "unit": one.own_unit,
                    **statistics(match(again, as_it_is)),
                }
    return Findings(
        comparison_id=comparison_id,
        reference=table.reference_simulation,
        values=values,
        matched=matched,
        rows=[_row(one, table.reference_simulation) for one in matched],
        closures=[one for solved in methods.solved.values() for one in closures_of(solved)],
        audit=_audited(methods),
        raster=raster,
        interpolation=interpolation,
    )


def _matched(values: Sequence[Values], reference: str) -> Iterator[Matched]:
    """Every method's values beside those of the reference, where it has some."""
    known = {one.observable.name: one for one in values if one.simulation == reference}
    for one in values:
        if one.simulation != reference and one.observable.name in known:
            yield match(one, known[one.observable.name])


def _value_of(values: Sequence[Values], one: Observable, simulation: str) -> Values:
    return next(v for v in values if v.observable is one and v.simulation == simulation)


def _row(one: Matched, reference: str) -> Row:
    return Row(
        simulation=one.simulation,
        reference=reference,
        observable=one.of.observable.name,
        unit=one.of.observable.own_unit,
        statistics=statistics(one),
        n_unmatched=one.n_unmatched,
        why=one.why,
    )


def _audited(methods: _Read) -> audit.Report:
    name = methods.table.reference_simulation
    first = next(child for child in methods.children if child.id == name)
    leaves = [
        difference
        for child in methods.children
        if child is not first
        for difference in planning.differences(first, child)
    ]
    reference = methods.reference
    facts = audit.facts_of(reference, methods.others) if reference is not None else []
    return audit.Report(
        reference=name,
        on_mismatch=methods.table.audit.on_mismatch,
        leaves=leaves,
        facts=facts,
    )


def _metrics(methods: _Read, found: Findings) -> dict[str, float]:
    """By the names of the vocabulary; the wall time comes last."""
    failed = sum(not one.finished for one in methods.ended.values())
    metrics: dict[str, float] = {
        "n_simulations": len(methods.children),
        "n_failed_simulations": failed,
        **found.counts,
        "n_empty_observables": _empty(methods.table, found),
        audit.MISMATCHES: found.audit.mismatches,
        **summary_of(found.closures),
    }
    for name, one in methods.solved.items():
        own = metrics_of([c for c in found.closures if c.simulation == name])
        own |= {"wall_time_s": one.wall_s, "n_cells": one.grid.n_cells}
        metrics |= {f"{COMPARISON}{name}.{key}": value for key, value in own.items()}
    for row in found.rows:
        prefix = f"{COMPARISON}{row.simulation}.{row.observable}."
        metrics |= {f"{prefix}{key}": value for key, value in row.statistics.items()}
    return metrics


def _empty(table: ComparisonTable, found: Findings) -> int:
    """Declared observables that were read from two methods or more, and compare none of them.

    Rates are left out: an exact solution tells none, and their boundaries are checked in planning.
    """
    pairs: dict[str, float] = {}
    for row in found.rows:
        pairs[row.observable] = pairs.get(row.observable, 0) + row.statistics["n_pairs"]
    fields = (o for o in table.observable if o.variable != "budget" and o.support != "outlet")
    return sum(pairs.get(one.name) == 0 for one in fields)


def _gates(methods: _Read, found: Findings, metrics: Mapping[str, float]) -> list[Gate]:
    """The audit, the methods, the balances where some are told, and the declared bounds."""
    gates = [*found.audit.gates, FAILED]
    if found.closures:
        gates.append(BALANCES)
    if methods.table.observable and found.rows:
        gates.append(EMPTY)
    for one in methods.table.observable:
        bounds = {"rmse": one.max_rmse, "max_abs_error": one.max_abs_error}
        for name in planning.observed_by(one, methods.table):
            if name == methods.table.reference_simulation:
                continue
            gates += [
                Gate(
                    name=f"{name}_{one.name}_{statistic}",
                    metric=f"{COMPARISON}{name}.{one.name}.{statistic}",
                    high=bound,
                    reason=f"the bound that the comparison declares for {one.name}",
                    remedy="see comparison_differences.csv: which value is how far off",
                )
                for statistic, bound in bounds.items()
                if bound is not None
            ]
    return gates


@dataclass(frozen=True, kw_only=True)
class _Judged:
    metrics: dict[str, float]
    gates: Sequence[GateResult]
    began: float


def _told(root: Path, methods: _Read, found: Findings, judged: _Judged) -> RunSummary:
    """Figures, pages, manifest, and the summary of the run."""
    drawn = _drawn(root, methods, found)
    wall = time.perf_counter() - judged.began
    page.write(
        root,
        page.Told(
            findings=found,
            children=methods.children,
            ended=methods.ended,
            solved=methods.solved,
            gates=judged.gates,
            drawn=drawn,
            wall_s=wall,
        ),
    )
    read_values = {result.gate.metric: result.value for result in judged.gates}
    validation = validation_document(schemas.RUN_VALIDATION, judged.gates, read_values)
    write_json(root / VALIDATION, validation)
    metrics = {**judged.metrics, "wall_time_seconds": wall}
    records.write_manifest(root, _facts(root, methods, found, metrics))
    notes = _notes(found) | {"result": "\n".join(telling.lines(found, methods.ended))}
    return RunSummary(metrics=metrics, notes=notes, artifacts=_artifacts(root, methods))


def _drawn(root: Path, methods: _Read, found: Findings) -> Sequence[Any]:
    if found.raster is None:
        return []
    figures = import_module("mhx.groundwater.comparison.figures")  # matplotlib takes half a second
    shown = figures.Shown(
        solved=list(methods.solved.values()),
        reference=found.reference,
        values=found.values,
        matched=found.matched,
        closures=found.closures,
        raster=found.raster,
    )
    drawn: Sequence[Any] = figures.draw(root / records.FIGURES, shown)
    return drawn


def _facts(
    root: Path, methods: _Read, found: Findings, metrics: Mapping[str, float]
) -> dict[str, Any]:
    """What stands at the top of the manifest."""
    top = {name: value for name, value in metrics.items() if not name.startswith(COMPARISON)}
    return {
        "comparison_id": found.comparison_id,
        "reference_simulation": found.reference,
        "audit_status": found.audit.status,
        **top,
        "observables": [one.model_dump(mode="json") for one in methods.table.observable],
        "simulations": [_simulation(root, methods, child) for child in methods.children],
    }


def _simulation(root: Path, methods: _Read, child: Child) -> dict[str, Any]:
    ended, one = methods.ended[child.id], methods.solved.get(child.id)
    inside = ended.root.is_relative_to(root)
    return {
        "id": child.id,
        "label": child.label,
        "engine": child.config.engine,
        "status": ended.status,
        "error": ended.error,
        "run_dir": ended.root.relative_to(root).as_posix() if inside else None,
        "run_digest": one.digest if one is not None else None,
        "n_cells": one.grid.n_cells if one is not None else None,
        "wall_time_s": one.wall_s if one is not None else None,
        "open_gates": list(one.open_gates) if one is not None else [],
    }


def _notes(found: Findings) -> dict[str, str]:
    return {
        "comparison_id": found.comparison_id,
        "reference_simulation": found.reference,
        "audit_status": found.audit.status,
        "comparison_root": ".",
        "comparison_web_report": records.REPORT_HTML,
        "comparison_report_md": records.REPORT_MD,
        "comparison_metrics_csv": records.METRICS,
        "comparison_differences_csv": records.DIFFERENCES,
        "comparison_metrics_json": records.METRICS_JSON,
        "comparison_audit_json": records.AUDIT_JSON,
        "comparison_audit_md": records.AUDIT_MD,
        "comparison_figures_dir": records.FIGURES,
        "observables_csv": records.OBSERVABLES,
        "manifest_path": records.MANIFEST,
    }


def _artifacts(root: Path, methods: _Read) -> tuple[str, ...]:
    """The comparison's own files and the manifest of each run below it.

    The files of the runs are in their own manifests; the list of everything in the folder is made
    when the run is sealed.
    """
    own = [path for pattern in ("*.csv", "*.npz", "comparison_*.*") for path in root.glob(pattern)]
    own += [*(root / records.FIGURES).glob("*.png"), root / VALIDATION]
    own += [
        ended.root / "manifest.json"
        for ended in methods.ended.values()
        if ended.finished and ended.root.is_relative_to(root)
    ]
    return tuple(sorted({path.relative_to(root).as_posix() for path in own if path.is_file()}))
