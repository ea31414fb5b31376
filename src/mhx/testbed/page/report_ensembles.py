"""Ensembles of a testbed's report: random seeds and sampled designs, pictures and numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from mhx.report.charts import Axis, Bar, Line, Picture, bars, draw, histogram
from mhx.report.page import Block, Cell, Chart, Charts, Column, Table, figure
from mhx.testbed.findings.selection import number
from mhx.testbed.page.evidence import Evidence
from mhx.testbed.page.report_pictures import PICTURES, ROWS, labelled

SCATTER = 1000  # points of a scatter at most


def seeds(evidence: Evidence) -> list[Block]:
    """Each metric over the seeds of each group: values, mean, intervals."""
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    rows = []
    for entry in evidence.analysis.get("seeds") or ():
        parts.setdefault((entry["design"], entry["metric"]), []).append(entry)
        rows.append(_seed_row(evidence, entry))
    values = evidence.rows()
    charts = [
        Chart(
            svg=draw(_seed_picture(evidence, found[:12], values)),
            caption=f"{metric} over the seeds of {design}",
        )
        for (design, metric), found in list(parts.items())[:PICTURES]
        if any(entry["spread"] for entry in found)
    ]
    columns = [Column("Metric"), Column("Group"), Column("n", numeric=True)]
    columns += [Column(name, numeric=True) for name in ("Mean", "s", "CV")]
    columns += [Column("95 % confidence of the mean"), Column("95 % of one more seed")]
    blocks: list[Block] = [Charts(charts=charts)] if charts else []
    return [*blocks, Table(columns=columns, rows=rows[:ROWS])] if rows else []


def samples(evidence: Evidence) -> list[Block]:
    """Each sampled design: histogram with quantiles, axes ranked by their rank correlation."""
    entries = [entry for entry in evidence.analysis.get("samples") or () if entry.get("ensemble")]
    if not entries:
        return []
    values = evidence.rows()
    charts = []
    for entry in entries[: PICTURES // 2]:
        charts.append(_histogram_chart(evidence, entry))
        if any(axis["spearman"] is not None for axis in entry["axes"]):
            charts.append(_ranking_chart(entry))
            charts.append(_scatter_chart(evidence, entry, values))
    note = ""
    if len(entries) > PICTURES // 2:
        note = f"{PICTURES // 2} of {len(entries)} metrics drawn; all: testbed_analysis.json."
    return [
        Charts(charts=charts, note=note),
        _ensemble_table(evidence, entries),
        _axes_table(entries),
    ]


def _seed_picture(
    evidence: Evidence, entries: Sequence[Mapping[str, Any]], rows: Mapping[str, Mapping[str, Any]]
) -> Picture:
    metric = entries[0]["metric"]
    lines, intervals = [], []
    for place, entry in enumerate(entries):
        values = [number(rows[case][metric]) for case in entry["cases"]]
        spread = entry["spread"] or {}
        for style, key in (("outer", "prediction"), ("interval", "confidence")):
            low, high = spread.get(key) or (None, None)
            if low is not None and high is not None:
                intervals.append(Bar(x=place + 0.16, low=low, high=high, style=style))
        shown = [value for value in values if value is not None]
        lines.append(Line(x=[place - 0.1] * len(shown), y=shown, joined=False))
        if spread:
            lines.append(Line(x=[place + 0.16], y=[spread["mean"]], style=1, joined=False))
    return Picture(
        title=f"{metric} over seeds",
        x=Axis(names=[entry["group"] or entry["design"] for entry in entries]),
        y=Axis(label=labelled(metric, evidence.unit(metric))),
        lines=lines,
        bars=intervals,
    )


def _seed_row(evidence: Evidence, entry: Mapping[str, Any]) -> list[Cell]:
    spread = entry["spread"] or {}
    metric = labelled(entry["metric"], evidence.unit(entry["metric"]))
    return [
        Cell(metric),
        Cell(entry["group"]),
        Cell(str(entry["n"])),
        *(Cell(figure(spread.get(key), 6)) for key in ("mean", "std", "cv")),
        *(Cell(_interval(spread.get(key))) for key in ("confidence", "prediction")),
    ]


def _interval(pair: Sequence[float | None] | None) -> str:
    return "" if pair is None else f"{figure(pair[0], 6)} .. {figure(pair[1], 6)}"


def _histogram_chart(evidence: Evidence, entry: Mapping[str, Any]) -> Chart:
    found = entry["ensemble"]
    marks = [(f"{100 * float(share):.0f} %", v) for share, v in found["quantiles"].items()]
    svg = histogram(
        f"Histogram of {entry['metric']}",
        labelled(entry["metric"], evidence.unit(entry["metric"])),
        found["edges"],
        found["counts"],
        marks,
    )
    lost = len(entry["not_used"])
    words = f"{entry['metric']}: {entry['n']} cases of {entry['design']}, quantiles dashed"
    return Chart(svg=svg, caption=words + (f"; {lost} without a value" if lost else ""))


def _ranking_chart(entry: Mapping[str, Any]) -> Chart:
    by_name = {axis["axis"]: axis["spearman"] for axis in entry["axes"]}
    rows = [(name, 0.0, by_name[name], f"{by_name[name]:+.2f}")
            for name in entry["ranked"] if by_name[name] is not None]  # fmt: skip
    svg = bars(f"Rank correlation with {entry['metric']}", "Spearman", rows[:12], include=(-1, 1))
    return Chart(svg=svg, caption=f"Axes ranked by their rank correlation with {entry['metric']}")


def _scatter_chart(
    evidence: Evidence, entry: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> Chart:
    axis, metric = entry["ranked"][0], entry["metric"]
    table = evidence.axis(axis)
    where = {case["case_id"]: case["coordinates"].get(axis) for case in evidence.plan["cases"]
             if case.get("design") == entry["design"]}  # fmt: skip
    shown = entry["cases"][:SCATTER]
    points = [(number(where[case]), number(rows[case][metric])) for case in shown]
    pairs = [(x, y) for x, y in points if x is not None and y is not None]
    is_log = table.get("scale") == "log" or table.get("distribution") == "loguniform"
    picture = Picture(
        title=f"{metric} against {axis}",
        x=Axis(label=labelled(axis, str(table.get("unit") or "")), log=is_log),
        y=Axis(label=labelled(metric, evidence.unit(metric))),
        lines=[Line(x=[x for x, _ in pairs], y=[y for _, y in pairs], joined=False)],
    )
    more = f"; {SCATTER} of {entry['n']} cases drawn" if entry["n"] > SCATTER else ""
    return Chart(svg=draw(picture), caption=f"{metric} against the axis that orders it most{more}")


def _ensemble_table(evidence: Evidence, entries: Sequence[Mapping[str, Any]]) -> Table:
    shares = list(entries[0]["ensemble"]["quantiles"])
    columns = [Column("Design"), Column("Metric"), Column("n", numeric=True)]
    names = ["Mean", "s", "Smallest", *(f"{100 * float(s):.0f} %" for s in shares), "Largest"]
    columns += [Column(name, numeric=True) for name in names]
    rows = []
    for entry in entries[:ROWS]:
        found = entry["ensemble"]
        values = [found["mean"], found["std"], found["smallest"]]
        values += [*found["quantiles"].values(), found["largest"]]
        rows.append([Cell(entry["design"]),
                     Cell(labelled(entry["metric"], evidence.unit(entry["metric"]))),
                     Cell(str(entry["n"])), *(Cell(figure(v, 5)) for v in values)])  # fmt: skip
    return Table(columns=columns, rows=rows, caption="Ensembles")


def _axes_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    with_sobol = any("first_order" in entry for entry in entries)
    columns = [Column("Metric"), Column("Axis"), Column("n", numeric=True)]
    columns += [Column("Spearman", numeric=True), Column("Standardised regression", numeric=True)]
    columns += [Column("R\u00b2", numeric=True)]
    columns += [Column("First-order Sobol index", numeric=True)] if with_sobol else []
    rows = []
    for entry in entries:
        by_name = {axis["axis"]: axis for axis in entry["axes"]}
        for name in entry.get("ranked") or ():
            axis = by_name[name]
            cells = [Cell(entry["metric"]), Cell(name), Cell(str(axis["n"]))]
            cells += [Cell(figure(axis["spearman"], 3))]
            cells += [Cell(figure(axis["regression"], 3) + (" (ln)" if axis["transform"] else ""))]
            cells += [Cell(figure(entry["r_squared"], 3))]
            if with_sobol:
                cells.append(Cell(figure((entry.get("first_order") or {}).get(name), 3)))
            rows.append(cells)
        if entry.get("rest") is not None:
            rest = [Cell(entry["metric"]), Cell(entry["rest_is"], "muted"), *[Cell("")] * 4]
            rows.append([*rest, Cell(figure(entry["rest"], 3))])
    note = "(ln): the logarithm of the axis enters the regression. R\u00b2: of all axes together."
    for entry in entries:
        reasons = {key: entry.get(key) for key in ("why", "regression_why", "first_order_why")}
        for text in dict.fromkeys(filter(None, reasons.values())):
            note += f" {entry['metric']}: {text}."
    return Table(columns=columns, rows=rows[:ROWS], caption="Axes", note=note)
