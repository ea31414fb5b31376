"""The tables of a testbed's report: checks, cases, gates, differences, failures, provenance."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mhx.report.page import (
    Block,
    Bullets,
    Cell,
    Column,
    Failure,
    Table,
    Words,
    counted,
    figure,
    percent,
)
from mhx.testbed.files.repeating import repeated
from mhx.testbed.page.evidence import Evidence, OpenGates, verdicts_of
from mhx.testbed.running.outcome import log_tail, told_from

CASES, CHECKS, METRICS, GATES, FAILURES, DIFFERENCES = 100, 60, 12, 8, 12, 60
TONES = {"ok": "pass", "failed": "fail", "timeout": "fail", "interrupted": "unknown"}
_VERDICTS = frozenset({"pass", "fail", "unknown"})


def checks(evidence: Evidence) -> list[Block]:
    """Verdict, value, bound and reason of every check; those that did not pass come first."""
    if not evidence.checks:
        return [Words("No check is declared: the cases are on record, nothing is judged.")]
    order = {"fail": 0, "unknown": 1, "pass": 2}
    rows = list(evidence.checks)
    if len(rows) > CHECKS:
        rows.sort(key=lambda row: order[row["verdict"]])
    grouped = any(row["group"] for row in rows)
    columns = [Column("Verdict", badge=True), Column("Check"), Column("Metric")]
    columns += [Column("Group")] if grouped else []
    columns += [Column("Value", numeric=True), Column("Bound"), Column("Found"), Column("Reason")]
    return [
        Table(
            columns=columns,
            rows=[_check_row(evidence, row, grouped) for row in rows[:CHECKS]],
            note=_cut(len(rows), CHECKS, "rows", "testbed_checks.csv"),
        )
    ]


def bound_text(kind: str, bound: Mapping[str, Any]) -> str:
    """What a check bounds, as it is read."""
    get = bound.get
    match kind:
        case "bounds":
            return _between(get("low"), get("high"))
        case "monotonic":
            strict = "strictly " if get("strict") else ""
            noise = f", noise {figure(get('noise'))}" if get("noise") else ""
            return f"{strict}{get('direction')}{noise}"
        case "spread":
            words = {"max_cv": "CV", "max_half_width": "half width", "max_std": "std"}
            parts = [
                f"{name} \u2264\u00a0{figure(get(key))}"
                for key, name in words.items()
                if key in bound
            ]
            return ", ".join([*parts, f"n \u2265\u00a0{get('min_n')}"])
        case "difference":
            marks = {"max_abs": "\u2264\u00a0{}", "max_rel": "\u2264\u00a0{} relative",
                     "min_abs": "\u2265\u00a0{}", "min_rel": "\u2265\u00a0{} relative"}  # fmt: skip
            parts = [text.format(figure(get(key))) for key, text in marks.items() if key in bound]
            return f"{', '.join(parts)} to {get('reference')}"
    parts = []
    if "order_tolerance" in bound and "formal_order" in bound:
        tolerance = 100 * bound["order_tolerance"]
        parts.append(f"order {figure(get('formal_order'))} \u00b1 {figure(tolerance, 4)} %")
    if "max_uncertainty" in bound:
        parts.append(f"uncertainty \u2264\u00a0{figure(100 * bound['max_uncertainty'], 4)} %")
    return ", ".join(parts)


def cases(root: Path, evidence: Evidence, gates: OpenGates) -> list[Block]:
    """Case, axis, status, duration, the metrics, and beside them the gates that are open."""
    metrics = [c for c in evidence.contract if c.get("kind") != "text"]
    texts = [c for c in evidence.contract if c.get("kind") == "text"]
    shown = [*metrics, *texts][:METRICS]
    flagged = list(gates.names[:GATES])
    metric_rows = evidence.rows()
    columns = [Column("Case"), Column("Axis"), Column("Status", badge=True)]
    columns += [Column("Duration", "s", numeric=True)]
    columns += [Column(c["name"], evidence.unit(c["name"]), c.get("kind") != "text") for c in shown]
    columns += [Column(f"\u2691 {name}", numeric=True) for name in flagged] + [Column("Run")]
    rows = []
    for row in evidence.cases[:CASES]:
        values = metric_rows.get(row["case_id"], {})
        finished = row["status"] == "ok"  # of others nothing else can be expected
        lost = set(str(values.get("missing") or "").split(";")) if finished else set()
        cells = [Cell(row["case_id"], href=row["config_path"]), Cell(_place(row))]
        cells.append(Cell(row["status"] + (" (reused)" if row.get("reused") else ""),
                          tone=TONES.get(row["status"], "")))  # fmt: skip
        cells.append(Cell(figure(row.get("duration_seconds"), 4)))
        cells += [
            Cell("missing", tone="unknown") if c["name"] in lost
            else Cell(figure(values.get(c["name"]))) for c in shown
        ]  # fmt: skip
        stored = gates.stored.get(row["case_id"]) or (verdicts_of(root, row) if flagged else {})
        still_open = gates.cases.get(row["case_id"], ())
        cells += [_gate_cell(stored.get(name), name in still_open) for name in flagged]
        cells.append(_run(row))
        rows.append(cells)
    notes = [
        _cut(len(evidence.cases), CASES, "cases", "testbed_cases.csv and testbed_metrics.csv"),
        _cut(len(evidence.contract), METRICS, "metrics", "testbed_metrics.csv"),
        "\u2691 marks a gate of the cases that did not pass in every case." if flagged else "",
        _cut(len(gates.names), GATES, "gates", "the next section"),
    ]
    return [Table(columns=columns, rows=rows, note=" ".join(filter(None, notes)))]


def _run(row: Mapping[str, Any]) -> Cell:
    """Where a case can be looked into: the page of a comparison, else its files."""
    if page := row.get("comparison_web_report"):
        return Cell("page", href=str(page))
    return Cell("files", href=f"{row['run_dir']}/") if row.get("run_dir") else Cell("")


def open_gates(gates: OpenGates) -> list[Block]:
    """Each gate that is open somewhere: bound, reason, where, and the value farthest outside."""
    rows = []
    for name in gates.names:
        where = [case for case, names in gates.cases.items() if name in names]
        known = [gates.stored[case][name] for case in where if name in gates.stored.get(case, {})]
        first: Mapping[str, Any] = known[0] if known else {}
        values = [gate["value"] for gate in known if isinstance(gate.get("value"), int | float)]
        bound = first.get("bound") or {}
        extreme = _farthest(values, bound)
        verdicts = {str(gate.get("verdict")) for gate in known} & _VERDICTS
        verdict = "fail" if "fail" in verdicts or not verdicts else "unknown"
        rows.append(
            [
                Cell(verdict, tone=verdict),
                Cell(name),
                Cell(str(first.get("metric") or ""), code=True),
                Cell(_between(bound.get("low"), bound.get("high"))),
                Cell(str(len(where))),
                Cell(figure(extreme)),
                Cell(_names(where)),
                Cell(str(first.get("reason") or "")),
            ]
        )
    columns = [Column("Verdict", badge=True), Column("Gate"), Column("Metric"), Column("Bound")]
    columns += [Column("Cases", numeric=True), Column("Farthest outside", numeric=True)]
    columns += [Column("In"), Column("Reason")]
    return [Table(columns=columns, rows=rows)] if rows else []


def differences(evidence: Evidence) -> list[Block]:
    """Per axis and group: change of each metric against the reference case."""
    tables: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in evidence.analysis.get("trends") or ():
        if entry["reference"] is not None:
            tables.setdefault((entry["axis"], entry["group"]), []).append(entry)
    blocks: list[Block] = []
    for (axis, group), entries in list(tables.items())[:8]:
        shown = entries[:METRICS]
        names = list(dict.fromkeys(case for entry in shown for case in entry["cases"]))
        rows = []
        for name in names[:DIFFERENCES]:
            cells = [Cell(name, tone="strong" if name == shown[0]["reference"] else "")]
            for entry in shown:
                cells += _difference_cells(entry, name)
            rows.append(cells)
        columns = [Column("Case")]
        for entry in shown:
            columns += [Column(f"\u0394 {entry['metric']}", evidence.unit(entry["metric"]), True),
                        Column("relative", numeric=True)]  # fmt: skip
        caption = f"{axis}: reference {shown[0]['reference']}" + (f" ({group})" if group else "")
        note = _cut(len(names), DIFFERENCES, "cases", "testbed_analysis.json")
        blocks.append(Table(columns=columns, rows=rows, caption=caption, note=note))
    if len(tables) > 8:
        blocks.append(Words(_cut(len(tables), 8, "groups", "testbed_analysis.json"), "muted"))
    return blocks


def factors(evidence: Evidence) -> list[Block]:
    """Grid designs: effects of levels and pairs, and their shares of the variance."""
    rows = []
    for entry in (evidence.analysis.get("grids") or [])[:METRICS]:
        for effect in entry["main_effects"]:
            pairs = zip(effect["levels"], effect["effects"], strict=True)
            told = ", ".join(f"{figure(level)}: {figure(e, 4)}" for level, e in list(pairs)[:8])
            rows.append([Cell(entry["metric"]), Cell(effect["axis"]), Cell(_share(effect["share"])),
                         Cell(told)])  # fmt: skip
        for pair in entry["interactions"]:
            names = " \u00d7 ".join(pair["axes"])
            rows.append([Cell(entry["metric"]), Cell(names), Cell(_share(pair["share"])), Cell("")])
        if entry.get("why"):
            rows.append([Cell(entry["metric"]), Cell(""), Cell(""), Cell(entry["why"])])
    columns = [Column("Metric"), Column("Axis"), Column("Share of variance", numeric=True)]
    return (
        [Table(columns=[*columns, Column("Mean at level less mean of all")], rows=rows)]
        if rows
        else []
    )


def failures(root: Path, evidence: Evidence) -> list[Block]:
    """Every case that did not finish: why, the end of its log, and how to run it again."""
    broken = [row for row in evidence.cases
              if row["status"] in ("failed", "timeout", "interrupted", "skipped")]  # fmt: skip
    blocks: list[Block] = []
    for row in broken[:FAILURES]:
        log = f"{row['run_dir']}/attempts/{row['attempt']}/log.txt" if row.get("attempt") else ""
        blocks.append(
            Failure(
                title=row["case_id"],
                status=row["status"],
                error=str(row.get("error") or "no reason is on record"),
                log=told_from(root, "\n".join(log_tail(root / log))) if log else "",
                log_path=log,
                commands=[
                    ("Run it again, from the folder of this report", _rerun(evidence, row)),
                    ("Alone, without the testbed", _alone(row)),
                ],
            )
        )
    if len(broken) > FAILURES:
        blocks.append(Words(_cut(len(broken), FAILURES, "cases", "testbed_cases.csv"), "muted"))
    return blocks


def isolation(evidence: Evidence) -> list[Block]:
    """Verdicts counted, and every differing key of the cases that are not isolated."""
    known = [case for case in evidence.plan["cases"] if case.get("isolation")]
    if not known:
        return []
    verdicts = Counter(str(case["isolation"]["verdict"]) for case in known)
    told = ", ".join(f"{count} {word}" for word, count in sorted(verdicts.items()))
    doubtful = [case for case in known if case["isolation"]["verdict"] != "pass"]
    shown = doubtful or known
    rows = []
    for case in shown[:40]:
        for change in case["isolation"].get("differences") or ():
            verdict = str(case["isolation"]["verdict"])
            where = f"{change.get('file')}:{change.get('line')}" if change.get("file") else ""
            rows.append([Cell(verdict, tone=verdict if verdict in _VERDICTS else ""),
                         Cell(case["case_id"]), Cell(str(change["key"]), code=True),
                         Cell(str(change.get("kind") or "")), Cell(_value(change.get("base"))),
                         Cell(_value(change.get("child"))), Cell(where, code=True)])  # fmt: skip
    columns = [Column("Isolation", badge=True), Column("Case"), Column("Key"), Column("Kind")]
    columns += [Column("Base"), Column("Child"), Column("Written in")]
    note = _cut(len(shown), 40, "cases", "testbed_plan.json") or _cut(
        len(rows), 120, "changes", "testbed_plan.json"
    )
    lead = Words(f"{counted(len(known), 'case')}: {told}.")
    return [lead, Table(columns=columns, rows=rows[:120], note=note)] if rows else [lead]


def provenance(evidence: Evidence) -> list[Block]:
    """Where the numbers come from, and the digests that name them."""
    manifest = evidence.manifest
    origin = dict(manifest.get("provenance") or {})
    items: list[tuple[str, Cell]] = [
        ("configuration", Cell(str(evidence.plan.get("config_path") or ""), code=True)),
        ("base", Cell(str(evidence.plan.get("base_config") or ""), code=True)),
        ("plan digest", Cell(str(evidence.plan.get("plan_digest") or ""), code=True)),
        ("digest", Cell(str(manifest.get("digest") or ""), code=True)),
    ]
    for key in sorted(origin):
        text = _told(origin[key])
        if text:
            items.append((key.replace("_", " "), Cell(text)))
    notices = list(dict.fromkeys([*(evidence.plan.get("notices") or ()),
                                  *(manifest.get("notices") or ())]))  # fmt: skip
    told = [Words(f"Notice: {text}", "unknown") for text in notices[:20]]
    return [Bullets(items=[item for item in items if item[1].text]), *told]


def duration(seconds: float) -> str:
    """A stretch of time as it is read."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _check_row(evidence: Evidence, row: Mapping[str, Any], grouped: bool) -> list[Cell]:
    name = row["check_id"] + ("" if row["required"] else " (not required)")
    unit = evidence.unit(row["metric"]) if row["kind"] in ("bounds", "monotonic") else ""
    cells = [Cell(row["verdict"], tone=row["verdict"]), Cell(name, "strong"), Cell(row["metric"])]
    cells += [Cell(row["group"])] if grouped else []
    return [
        *cells,
        Cell(f"{figure(row['value'])} {unit}".strip() if row["value"] is not None else ""),
        Cell(bound_text(row["kind"], row["bound"])),
        Cell(str((row.get("detail") or {}).get("text") or "")),
        Cell(row["reason"], "muted"),
    ]


def _gate_cell(stored: Mapping[str, Any] | None, is_open: bool) -> Cell:
    value = figure((stored or {}).get("value"), 4)
    if is_open:
        return Cell(f"\u2691 {value or 'open'}", tone="fail")
    return Cell(value, tone="muted")


def _difference_cells(entry: Mapping[str, Any], case: str) -> list[Cell]:
    if case not in entry["cases"]:
        return [Cell(""), Cell("")]
    place = entry["cases"].index(case)
    if case == entry["reference"]:
        return [Cell(figure(entry["y"][place]), "strong"), Cell("reference", "muted")]
    return [
        Cell(figure(entry["difference"][place], 4)),
        Cell(percent(entry["relative_difference"][place])),
    ]


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f"\u2264\u00a0{figure(high)}"
    if high is None:
        return f"\u2265\u00a0{figure(low)}"
    return f"= {figure(low)}" if low == high else f"{figure(low)} .. {figure(high)}"


def _farthest(values: Sequence[float], bound: Mapping[str, Any]) -> float | None:
    low, high = bound.get("low"), bound.get("high")
    if not values:
        return None
    if low is not None and (high is None or low - min(values) > max(values) - high):
        return min(values)
    return max(values)


def _place(row: Mapping[str, Any]) -> str:
    """Where a case stands: its axis and value, or its coordinates."""
    coordinates = row.get("coordinates") or {}
    if len(coordinates) > 1 or not row.get("axis"):
        return ", ".join(f"{name} {figure(value, 4)}" for name, value in coordinates.items())
    value = figure(row.get("axis_value"), 5)
    unit = row.get("axis_unit") or ""
    return f"{row['axis']} {value} {'' if unit == '1' else unit}".strip()


def _rerun(evidence: Evidence, row: Mapping[str, Any]) -> str:
    words = ["mhx", "testbed", "run", str(evidence.plan.get("config_path") or "")]
    again = ["--rerun-failed"] if row["status"] in ("failed", "timeout") else []
    told = shlex.join([*words, "--case", row["case_id"], *again])
    return told + repeated(evidence.plan.get("overrides") or ())


def _alone(row: Mapping[str, Any]) -> str:
    return shlex.join(["mhx", "run", str(row["config_path"])])


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.3g} %"


def _names(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _cut(found: int, most: int, noun: str, where: str) -> str:
    return f"{most} of {found} {noun} shown; all of them: {where}." if found > most else ""


def _value(value: Any) -> str:
    return "" if value is None else figure(value) if isinstance(value, float) else _told(value)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(entry)}" for key, entry in value.items() if _told(entry))
    if isinstance(value, list | tuple):
        plain = all(isinstance(entry, str) for entry in value)
        return shlex.join(value) if plain else json.dumps(value)
    return "" if value is None else figure(value)
