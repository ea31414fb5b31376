"""Pictures of a testbed's report with their numbers beside them: trends, ladders, tornados."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from mhx.report.charts import Axis, Bar, Line, Picture, bars, draw
from mhx.report.page import Block, Cell, Chart, Charts, Column, Table, Words, figure
from mhx.testbed.findings.selection import number
from mhx.testbed.page.evidence import Evidence

PICTURES, GROUPS, ROWS = 12, 6, 60
LINES = 60  # of a picture at most; more groups are drawn in part, evenly chosen


def trends(evidence: Evidence) -> list[Block]:
    """Each metric against each axis, one line per group, and elasticities."""
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in evidence.analysis.get("trends") or ():
        parts.setdefault((entry["axis"], entry["metric"]), []).append(entry)
    varying = {key: found for key, found in parts.items() if _varies(found)}
    constant = sorted({metric for _, metric in parts} - {metric for _, metric in varying})
    ends: dict[str, list[float]] = {}  # one scale for a metric, along whatever axis
    for (_, metric), found in varying.items():
        values = [value for entry in found for value in entry["y"]]
        ends.setdefault(metric, []).extend((min(values), max(values)))
    charts = [
        Chart(svg=draw(_trend(evidence, found, ends[metric])), caption=_trend_caption(found))
        for (_, metric), found in list(varying.items())[:PICTURES]
    ]
    notes = []
    if len(varying) > PICTURES:
        notes.append(f"{PICTURES} of {len(varying)} trends drawn; all: testbed_analysis.json.")
    if constant:
        more = f" and {len(constant) - 8} more" if len(constant) > 8 else ""
        notes.append(f"The same in every case: {', '.join(constant[:8])}{more}.")
    blocks: list[Block] = [Charts(charts=charts, note=" ".join(notes))] if charts else []
    if not charts and notes:
        blocks.append(Words(" ".join(notes), "muted"))
    rows = [_trend_row(entry) for found in varying.values() for entry in found]
    if rows:
        columns = [Column("Metric"), Column("Axis"), Column("Group"), Column("From", numeric=True)]
        columns += [Column("To", numeric=True), Column("Elasticity at the reference", "", True)]
        columns += [Column("Elasticity from end to end", "", True), Column("Not used")]
        note = f"{ROWS} of {len(rows)} rows shown; all: testbed_analysis.json." * (len(rows) > ROWS)
        blocks.append(Table(columns=columns, rows=rows[:ROWS], note=note))
    return blocks


def convergence(evidence: Evidence) -> list[Block]:
    """Each ladder: values against the size of the grid, the fitted order, the uncertainty."""
    entries = list(evidence.analysis.get("refinement") or ())
    verdicts = {
        (row["metric"], row["axis"], row["group"]): row["verdict"]
        for row in evidence.checks
        if row["kind"] == "order"
    }
    charts: list[Chart] = []
    rows = []
    for entry in entries[:ROWS]:
        found = entry.get("numbers")
        verdict = verdicts.get((entry["metric"], entry["axis"], entry["group"]), "")
        telling = verdict or (found and found["condition"] == "monotone" and not verdicts)
        if found and telling and len(charts) < PICTURES and min(entry["f"]) < max(entry["f"]):
            spectral = entry.get("decay")
            charts += _decay_charts(entry) if spectral else _ladder_charts(evidence, entry, found)
        rows.append(_ladder_row(entry, found or {}, verdict))
    columns = [Column("Check", badge=True), Column("Metric"), Column("Group")]
    columns += [Column("Grids", numeric=True), Column("Behaviour"), Column("Order", numeric=True)]
    columns += [Column("Formal", numeric=True), Column("Extrapolated", numeric=True)]
    columns += [Column("GCI", "%", True), Column("U", "%", True)]
    columns += [
        Column("Asymptotic ratio", numeric=True),
        Column("Order by least squares", "", True),
    ]
    blocks: list[Block] = [Charts(charts=charts)] if charts else []
    return [*blocks, Table(columns=columns, rows=rows)] if rows else []


def tornados(evidence: Evidence) -> list[Block]:
    """Per metric the swing of each axis, the widest first."""
    charts = []
    for entry in (evidence.analysis.get("one_at_a_time") or [])[:PICTURES]:
        effects = [effect for effect in entry["effects"] if effect.get("swing")]
        if not effects:
            continue
        base = entry["reference_value"]
        rows = [
            (effect["axis"], effect["smallest"], effect["largest"], figure(effect["swing"], 3))
            for effect in effects[:12]
        ]
        unit = evidence.unit(entry["metric"])
        svg = bars(f"Tornado of {entry['metric']}", labelled(entry["metric"], unit), rows, base)
        ends = f"{effects[0]['axis']} moves it most: {figure(effects[0]['smallest'], 5)} at "
        ends += f"{figure(effects[0]['smallest_at'], 4)}, {figure(effects[0]['largest'], 5)} at "
        ends += f"{figure(effects[0]['largest_at'], 4)}. Line: reference {entry['reference']}."
        charts.append(Chart(svg=svg, caption=ends))
    return [Charts(charts=charts)] if charts else []


def _varies(entries: Sequence[Mapping[str, Any]]) -> bool:
    values = [value for entry in entries for value in entry["y"]]
    return bool(values) and min(values) < max(values)


def labelled(name: str, unit: str) -> str:
    """A name with its unit; nothing for what has no dimension."""
    return f"{name} [{unit}]" if unit and unit != "1" else name


def _trend(
    evidence: Evidence, entries: Sequence[Mapping[str, Any]], ends: Sequence[float]
) -> Picture:
    first = entries[0]
    entries = entries[:: -(-len(entries) // LINES)]
    plain = all(number(x) is not None for entry in entries for x in entry["x"])
    names = (
        list(dict.fromkeys(str(x) for entry in entries for x in entry["x"])) if not plain else []
    )
    few = len(entries) <= GROUPS
    lines = [
        Line(
            x=[float(x) for x in entry["x"]]
            if plain
            else [names.index(str(x)) for x in entry["x"]],
            y=entry["y"],
            label=entry["group"] if few else "",
            style=n if few else "many",
            dots=few,
        )
        for n, entry in enumerate(entries)
    ]
    limits = [
        (bound, f"{row['check_id']}: bound")
        for row in evidence.checks
        if row["kind"] == "bounds" and row["metric"] == first["metric"]
        for bound in row["bound"].values()
        if _is_near(bound, [value for entry in entries for value in entry["y"]])
    ]
    return Picture(
        title=f"{first['metric']} against {first['axis']}",
        x=Axis(label=labelled(first["axis"], first["unit"]), log=first["scale"] == "log" and plain,
               names=names),
        y=Axis(label=labelled(first["metric"], evidence.unit(first["metric"])), include=ends),
        lines=lines,
        rules=limits,
        legend=few and len(entries) > 1,
    )  # fmt: skip


def _is_near(bound: float, values: Sequence[float]) -> bool:
    """True for a bound that can be drawn without pressing the values flat."""
    room = 0.6 * (max(values) - min(values))
    return bool(min(values) - room <= bound <= max(values) + room)


def _trend_caption(entries: Sequence[Mapping[str, Any]]) -> str:
    first = entries[0]
    text = f"{first['metric']} along {first['axis']}"
    if len(entries) > 1:
        text += f", {len(entries)} groups of equal other coordinates"
    every = -(-len(entries) // LINES)
    if every > 1:
        text += f", {len(entries[::every])} of them drawn"
    lost = len({lack["case_id"] for entry in entries for lack in entry["not_used"]})
    return text + (f"; {lost} without a value" if lost else "")


def _trend_row(entry: Mapping[str, Any]) -> list[Cell]:
    reference = entry["reference"]
    place = entry["cases"].index(reference) if reference in entry["cases"] else None
    local = None if place is None else entry["elasticity"][place]
    lost = [lack["case_id"] for lack in entry["not_used"]]
    return [
        Cell(entry["metric"]),
        Cell(entry["axis"]),
        Cell(entry["group"]),
        Cell(figure(entry["y"][0])),
        Cell(figure(entry["y"][-1])),
        Cell(figure(local, 4)),
        Cell(figure(entry["elasticity_overall"], 4)),
        Cell(", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")),
    ]


def _ladder_charts(
    evidence: Evidence, entry: Mapping[str, Any], found: Mapping[str, Any]
) -> list[Chart]:
    h, f = entry["h"], entry["f"]
    p, limit, u = found["order"], found["extrapolated"], found["uncertainty"]
    metric = labelled(entry["metric"], evidence.unit(entry["metric"]))
    axis = evidence.axis(entry["axis"])
    size = labelled(entry["axis"], str(axis.get("unit") or ""))
    if axis.get("refines") == "count":
        size = f"1 / {entry['axis']}"
    lines = [Line(x=h, y=f, label="values", joined=False)]
    intervals = [Bar(x=h[0], low=f[0] - u, high=f[0] + u, style="outer")] if u else []
    told = "the two finest differences tell no order"
    if p and p > 0 and limit is not None:
        factor = (f[0] - limit) / h[0] ** p
        xs = [h[-1] * n / 60 for n in range(61)]
        lines.append(Line(x=xs, y=[limit + factor * x**p for x in xs], label=f"order {p:.3g}",
                          style="fit", dots=False))  # fmt: skip
        lines.append(Line(x=[0.0], y=[limit], style=1, joined=False, label=""))
        told = f"observed order {p:.4g}, extrapolated {figure(limit)}"
    group = f" ({entry['group']})" if entry["group"] else ""
    charts = [
        Chart(
            svg=draw(Picture(title=f"{entry['metric']} against the size of the grid",
                             x=Axis(label=size, include=[0.0]), y=Axis(label=metric), lines=lines,
                             bars=intervals, legend=True)),
            caption=f"{entry['metric']}{group}: {told}. Bar: U at the finest grid.",
        )
    ]  # fmt: skip
    errors = [] if limit is None else [abs(value - limit) for value in f]
    if errors and p and p > 0 and min(errors) > 0:
        charts.append(_error_chart(entry, errors, size))
    return charts


def _error_chart(entry: Mapping[str, Any], errors: Sequence[float], size: str) -> Chart:
    h, p, formal = entry["h"], entry["numbers"]["order"], entry["formal_order"]
    lines = [Line(x=h, y=errors, joined=False)]
    for order, style in ((p, "fit"), (formal, "formal")):
        if order:
            slope = [errors[0] * (x / h[0]) ** order for x in (h[0], h[-1])]
            words = "order" if style == "fit" else "formal"
            lines.append(Line(x=[h[0], h[-1]], y=slope, style=style, dots=False,
                              label=f"{words} {order:.3g}"))  # fmt: skip
    picture = Picture(
        title=f"Error of {entry['metric']} against the size of the grid",
        x=Axis(label=size, log=True),
        y=Axis(label="distance to the extrapolated value", log=True),
        lines=lines,
        legend=True,
    )
    told = f", formal {formal:g}" if formal else ""
    return Chart(svg=draw(picture), caption=f"{entry['metric']}: fitted order {p:.4g}{told}")


def _decay_charts(entry: Mapping[str, Any]) -> list[Chart]:
    """Differences of a spectral method against N, on a logarithmic scale, and their rate."""
    grids = sorted((1 / size, value) for size, value in zip(entry["h"], entry["f"], strict=True))
    x = [n for n, _ in grids[:-1]]
    y = [abs(after - before) for (_, before), (_, after) in pairwise(grids)]
    rate = entry["decay"]["rate"]
    lines = [Line(x=x, y=y, joined=False, label="differences")]
    told = "no rate can be told"
    if rate is not None and len(y) > 1:
        slope = [y[-2] * math.exp(-rate * (n - x[-2])) for n in x]
        lines.append(Line(x=x, y=slope, style="fit", dots=False, label=f"exp(-{rate:.3g} N)"))
        told = f"rate {rate:.4g} per unit of N"
    picture = Picture(
        title=f"Differences of {entry['metric']} against N",
        x=Axis(label=entry["axis"]),
        y=Axis(label="difference to the next N", log=True),
        lines=lines,
        legend=True,
    )
    return [Chart(svg=draw(picture), caption=f"{entry['metric']}: {told}")]


def _ladder_row(entry: Mapping[str, Any], found: Mapping[str, Any], verdict: str) -> list[Cell]:
    def per_cent(key: str) -> str:
        value = found.get(key)
        if value is None:
            return ""
        return f"{figure(value, 4)} (absolute)" if found["absolute"] else figure(100 * value, 4)

    fit = found.get("fit") or {}
    decay = entry.get("decay")
    if decay:
        found, fit = {**decay, "order": None}, {}
    return [
        Cell(verdict, tone=verdict),
        Cell(entry["metric"]),
        Cell(entry["group"]),
        Cell(str(len(entry.get("h") or ()))),
        Cell(str(found.get("condition") or entry.get("why") or "")),
        Cell(f"b = {figure(decay['rate'], 4)}" if decay else figure(found.get("order"), 5)),
        Cell(figure(entry.get("formal_order"))),
        Cell(figure(found.get("extrapolated"))),
        Cell(per_cent("gci21")),
        Cell(per_cent("uncertainty" if found.get("absolute") else "relative")),
        Cell(figure(found.get("asymptotic"), 4)),
        Cell(figure(fit.get("order"), 4)),
    ]
