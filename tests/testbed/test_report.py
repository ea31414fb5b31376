"""The report: every part of the evidence is on the page, escaped, offline, cut only where told."""

import json
import math
import random
import re
from html.parser import HTMLParser

import pytest

from mhx.report import html
from mhx.testbed.analysis import analyse
from mhx.testbed.checks import judge_checks
from mhx.testbed.page import report_tables
from mhx.testbed.report import Evidence, page_of, write_report

PUBLISHED = {
    "low_k": (5e-6, 61.95, 0.05158187),
    "reference_k": (1e-5, 47.55, 0.05158152),
    "high_k": (2e-5, 40.91, 0.05158121),
}
ACCEPTED = {"low_k": 0.8842, "reference_k": 0.8842, "high_k": 0.8842}
FLOODED = {"low_k": 0.8125, "reference_k": 0.0, "high_k": 0.0}


def planned(case_id, design="", axis="", coordinates=None, **more):
    return {
        "case_id": case_id,
        "case_label": case_id,
        "axis": axis,
        "enabled": True,
        "status": "planned",
        "config_path": f"_generated_configs/{case_id}.toml",
        "design": design,
        "coordinates": coordinates or {},
        "child_digest": "c" * 64,
        "case_digest": "d" * 64,
        "isolation": {
            "verdict": "pass",
            "differences": [
                {"key": "flow.param.K.value", "kind": "changed", "base": 1e-5, "child": 5e-6,
                 "file": "k.toml", "line": 12},
            ],
        },
        "would_reuse": False,
        "reuse_reason": "first run",
        "expected_seconds": None,
        **more,
    }  # fmt: skip


def plan_of(cases, **more):
    return {
        "testbed_id": "k_sensitivity",
        "subject": "flow",
        "runner": "simulation",
        "purpose": "hydraulic-conductivity sensitivity on one mesh",
        "config_path": "../k.toml",
        "base_config": "../base.toml",
        "plan_digest": "a1" * 32,
        "notices": [],
        "axes": [],
        "designs": [],
        "metrics": [],
        "checks": [],
        "cases": cases,
        **more,
    }


def case_row(case, status="ok", **more):
    axis = case["axis"]
    return {
        "case_id": case["case_id"],
        "axis": axis,
        "status": status if case["enabled"] else "disabled",
        "config_path": case["config_path"],
        "duration_seconds": 0.031,
        "error": "",
        "axis_value": case["coordinates"].get(axis),
        "axis_unit": "",
        "coordinates": case["coordinates"],
        "reused": False,
        "attempt": "20260101T100000Z-3f9a1c",
        "run_dir": f"cases/{case['case_id']}",
        "open_gates": [],
        **more,
    }


def metric_row(case, values, status="ok", error=""):
    return {
        "case_id": case["case_id"],
        "case_label": case["case_label"],
        "axis": case["axis"],
        "status": status,
        **values,
        "axis_value": case["coordinates"].get(case["axis"]),
        "missing": ";".join(name for name, value in values.items() if value is None),
        "error": error,
    }


def evidence_of(plan, metrics, cases=None, **manifest):
    rows = cases or [case_row(case) for case in plan["cases"]]
    checks = judge_checks(plan, metrics)
    return Evidence(
        plan=plan,
        cases=rows,
        metrics=metrics,
        checks=checks,
        analysis=analyse(plan, metrics),
        manifest={
            "execute": True,
            "case_count": len(rows),
            "exit_code": 0,
            "digest": "b2" * 32,
            "metric_contract": [{"kind": "point", **metric} for metric in plan["metrics"]],
            "provenance": {"mhx_version": "0.1.0", "python": "3.11.2", "host": "node3",
                           "engines": {"mf6": {"version": "6.4.1", "sha256": "e3" * 32}},
                           "command": ["mhx", "run", "k.toml"], "wall_seconds": 2.61,
                           "cpu_seconds": 2.2, "git": {"commit": "0f" * 20, "dirty": False},
                           "started_utc": "2026-01-01T10:00:00Z"},
            **manifest,
        },
    )  # fmt: skip


def k_sensitivity(root):
    """The published three cases, with the gates that they must be seen to fail."""
    axis = {"id": "hydraulic_conductivity", "unit": "m/s", "keys": ["flow.param.K.value"],
            "values": [5e-6, 1e-5, 2e-5], "names": list(PUBLISHED), "reference": "reference_k",
            "scale": "log"}  # fmt: skip
    cases = [
        planned(name, axis=axis["id"], coordinates={axis["id"]: k})
        for name, (k, _, _) in PUBLISHED.items()
    ]
    metrics = [
        {"name": "duration_s", "unit": "s", "kind": "duration"},
        {"name": "n_cells", "unit": "1", "kind": "count"},
        {"name": "param_K", "unit": "m/s"},
        {"name": "max_abs_balance_error", "unit": "%"},
        {"name": "head_range_m", "unit": "m"},
        {"name": "prescribed_head_out", "unit": "m3/s"},
    ]
    checks = [
        {"id": "trend", "kind": "monotonic", "metric": "head_range_m", "axis": axis["id"],
         "direction": "decreasing", "required": True,
         "reason": "a more conductive aquifer needs less head to carry the same recharge"},
        {"id": "balance", "kind": "bounds", "metric": "max_abs_balance_error", "low": 0.0,
         "high": 0.0, "required": True, "reason": "water may not be lost by the solver"},
        {"id": "same_outflow", "kind": "difference", "metric": "prescribed_head_out",
         "reference": "reference_k", "max_rel": 1e-5, "required": True,
         "reason": "recharge alone feeds the boundary, whatever K is"},
    ]  # fmt: skip
    rows = [
        metric_row(case, {"duration_s": 0.027, "n_cells": 547, "param_K": PUBLISHED[name][0],
                          "max_abs_balance_error": 0.0, "head_range_m": PUBLISHED[name][1],
                          "prescribed_head_out": PUBLISHED[name][2]})
        for case, name in zip(cases, PUBLISHED, strict=True)
    ]  # fmt: skip
    plan = plan_of(cases, axes=[axis], metrics=metrics, checks=checks)
    open_gates = {name: ["recharge accepted", "mesh smallest angle"] for name in PUBLISHED}
    open_gates["low_k"].append("flooded area")
    listed = [case_row(case, open_gates=open_gates[case["case_id"]]) for case in cases]
    for name in PUBLISHED:
        folder = root / "cases" / name
        folder.mkdir(parents=True)
        verdicts = {
            "recharge accepted": _gate("flow_metrics.recharge_accepted_fraction", ACCEPTED[name],
                                       low=0.99, reason="water put in must reach the aquifer"),
            "flooded area": _gate("flow_metrics.flooded_area_fraction", FLOODED[name], high=0.01,
                                  reason="heads above ground need a drain"),
            "mesh smallest angle": _gate("mesh_metrics.min_angle_p05_deg", 23.8, low=25.0,
                                         reason="flat triangles spoil the gradient"),
        }  # fmt: skip
        (folder / "validation.json").write_text(json.dumps({"verdicts": verdicts}))
    return evidence_of(plan, rows, listed)


def _gate(metric, value, low=None, high=None, reason=""):
    inside = (low is None or value >= low) and (high is None or value <= high)
    return {"verdict": "pass" if inside else "fail", "metric": metric, "value": value,
            "bound": {"low": low, "high": high}, "reason": reason, "remedy": ""}  # fmt: skip


def big(count=64, seeds=8):
    """A ladder, a Latin hypercube, seeds crossed with an axis, one at a time, a failure."""
    draw = random.Random(7)
    axes = [
        {"id": "h", "unit": "m", "values": [160.0, 80.0, 40.0, 20.0], "refines": "size",
         "scale": "log"},
        {"id": "K", "unit": "m/s", "values": [5e-6, 1e-5, 2e-5], "low": 1e-6, "high": 1e-4,
         "distribution": "loguniform", "scale": "log", "reference": 1e-5},
        {"id": "recharge", "unit": "mm/a", "values": [150.0, 250.0, 350.0], "low": 100.0,
         "high": 400.0, "reference": 250.0},
        {"id": "porosity", "unit": "1", "values": [0.1, 0.2, 0.3], "low": 0.05, "high": 0.35,
         "reference": 0.2},
    ]  # fmt: skip
    designs = [
        {"id": "ladder", "kind": "grid", "axes": ["h"]},
        {"id": "lhs", "kind": "latin_hypercube", "axes": ["K", "recharge", "porosity"],
         "count": count},
        {"id": "repeats", "kind": "seeds", "axes": ["K"]},
        {"id": "around", "kind": "one_at_a_time", "axes": ["K", "recharge", "porosity"]},
    ]  # fmt: skip
    cases, rows = [], []

    def add(name, design, coordinates, head, travel):
        case = planned(name, design, coordinates=coordinates)
        cases.append(case)
        rows.append(metric_row(case, {"head_mean": head, "travel_time": travel}))

    def model(k, recharge, porosity):
        head = 171 + 30 * (recharge / 250) ** 0.9 * (1e-5 / k) ** 0.5
        return head, 40 * porosity / 0.2 / math.sqrt(k / 1e-5) * (250 / recharge)

    for h in axes[0]["values"]:
        head, travel = model(1e-5, 250, 0.2)
        add(f"h{h:g}", "ladder", {"h": h}, head + 2.4e-4 * h**1.93, travel + 1e-3 * h**2.02)
    for n in range(count):
        k = 10 ** draw.uniform(-6, -4)
        recharge, porosity = draw.uniform(100, 400), draw.uniform(0.05, 0.35)
        point = {"K": k, "recharge": recharge, "porosity": porosity}
        add(f"lhs_{n:04d}", "lhs", point, *model(**{"k": k, "recharge": recharge,
                                                    "porosity": porosity}))  # fmt: skip
    for k in (5e-6, 2e-5):
        for seed in range(seeds):
            head, travel = model(k, 250, 0.2)
            add(f"k{k:g}_s{seed}", "repeats", {"K": k, "seed": seed},
                head * (1 + draw.gauss(0, 0.002)), travel * (1 + draw.gauss(0, 0.03)))  # fmt: skip
    reference = {"K": 1e-5, "recharge": 250.0, "porosity": 0.2}
    add("centre", "around", reference, *model(1e-5, 250, 0.2))
    for axis in axes[1:]:
        for value in axis["values"][::2]:
            point = {**reference, axis["id"]: value}
            add(f"{axis['id']}_{value:g}", "around", point,
                *model(point["K"], point["recharge"], point["porosity"]))  # fmt: skip
    metrics = [{"name": "head_mean", "unit": "m"}, {"name": "travel_time", "unit": "a"}]
    checks = [
        {"id": "resolved", "kind": "order", "metric": "head_mean", "axis": "h", "formal_order": 2,
         "order_tolerance": 0.25, "max_uncertainty": 0.01, "required": True,
         "reason": "a mean head that still moves with the mesh is not a result"},
        {"id": "resolved_travel", "kind": "order", "metric": "travel_time", "axis": "h",
         "formal_order": 2, "order_tolerance": 0.10, "required": False,
         "reason": "travel times follow the gradients"},
        {"id": "seeds", "kind": "spread", "metric": "head_mean", "design": "repeats",
         "max_cv": 0.005, "required": True, "reason": "heterogeneity may not decide the mean"},
        {"id": "above_ground", "kind": "bounds", "metric": "head_mean", "design": "lhs",
         "high": 260.0, "required": True, "reason": "heads above the land need a drain"},
        {"id": "drier", "kind": "monotonic", "metric": "head_mean", "axis": "recharge",
         "design": "around", "direction": "increasing", "required": True,
         "reason": "more recharge, higher heads"},
    ]  # fmt: skip
    plan = plan_of(cases, testbed_id="valley", axes=axes, designs=designs, metrics=metrics,
                   checks=checks,
                   notices=["extending count draws all points of 'lhs' anew"])  # fmt: skip
    return plan, rows


def pages(root, evidence):
    """Markdown and HTML as written."""
    names = write_report(root, evidence)
    return [(root / name).read_text() for name in names]


def big_evidence(count=64, **manifest):
    plan, rows = big(count)
    return evidence_of(plan, rows, **manifest)


class Reader(HTMLParser):
    """Tags that are open, addresses, text; void elements close themselves."""

    VOID = frozenset({"meta", "wbr", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.words, self.kinds = [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.kinds.add(tag)
        table = dict(attrs)
        self.addresses += [table[key] for key in ("href", "src") if key in table]
        assert not any(key.startswith("on") for key in table)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.kinds.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


TITLES = ("Checks", "Cases", "Gates of the children that did not pass", "Trends along the axes",
          "Differences to the reference", "Isolation", "Provenance")  # fmt: skip


def test_the_report_stands_in_its_order(tmp_path):
    told, page = pages(tmp_path, k_sensitivity(tmp_path))
    assert told.startswith(
        "# k_sensitivity\n\n**PASS**: 3 of 3 cases finished; 3 of 3 checks passed;"
    )
    bullets = [
        "Subject",
        "Purpose",
        "Runner",
        "Execute",
        "Cases",
        "Successful",
        "Failed",
        "Pending",
    ]
    assert re.findall(r"^- (\w+): ", told.partition("## ")[0], re.M) == bullets
    assert re.findall(r"^## (.+)$", told, re.M) == list(TITLES)
    assert re.findall(r"<h2>(.+)</h2>", page) == list(TITLES)


def test_case_axis_status_and_duration_come_before_the_metrics_with_units(tmp_path):
    told, _ = pages(tmp_path, k_sensitivity(tmp_path))
    head = next(line for line in told.splitlines() if line.startswith("| Case | Axis"))
    assert head.startswith(
        "| Case | Axis | Status | Duration (s) | duration_s (s) | n_cells | param_K (m/s) | "
    )
    row = next(line for line in told.splitlines() if line.startswith("| [low_k]"))
    for value in ("hydraulic_conductivity 5e-06", "547", "61.95", "0.05158187"):
        assert f" {value} |" in row


def test_gates_that_are_open_stand_beside_the_columns(tmp_path):
    told, page = pages(tmp_path, k_sensitivity(tmp_path))
    head = next(line for line in told.splitlines() if line.startswith("| Case | Axis"))
    flags = ("mesh smallest angle", "recharge accepted", "flooded area")
    assert head.endswith("".join(f"| \u2691 {name} " for name in flags) + "| Run |")
    rows = {line.split("]")[0][3:]: line for line in told.splitlines() if line.startswith("| [")}
    assert rows["low_k"].endswith(
        "| \u2691 23.8 | \u2691 0.8842 | \u2691 0.8125 | [files](<cases/low_k/>) |"
    )
    assert "| \u2691 23.8 | \u2691 0.8842 | 0 |" in rows["high_k"]  # it passes there
    assert "flow_metrics.recharge_accepted_fraction" in Reader(page).text
    assert "heads above ground need a drain" in page


def test_a_comparison_is_linked_by_its_page(tmp_path):
    evidence = k_sensitivity(tmp_path)
    linked = {"comparison_web_report": "cases/low_k/comparison_report.html"}
    evidence.cases[0].update(linked)
    told, page = pages(tmp_path, evidence)
    assert "| [page](<cases/low_k/comparison_report.html>) |" in told
    assert "[files](<cases/high_k/>)" in told
    assert linked["comparison_web_report"] in Reader(page).addresses


def test_gates_that_cannot_be_read_are_named_all_the_same(tmp_path):
    evidence = k_sensitivity(tmp_path / "elsewhere")
    told, _ = pages(tmp_path, evidence)
    assert "| \u2691 open | \u2691 open | \u2691 open |" in told
    assert "| fail | flooded area |" in told


def test_a_page_needs_nothing_else(tmp_path):
    for evidence in (k_sensitivity(tmp_path), big_evidence()):
        _, page = pages(tmp_path, evidence)
        reader = Reader(page)
        assert reader.open == []
        assert not reader.kinds & {"script", "link", "img", "iframe", "object", "form", "base"}
        assert "default-src 'none'" in page
        assert not re.search(r"(url\(|@import|https?:)", page)
        assert all(a.startswith(("#", "_generated_configs/", "cases/")) for a in reader.addresses)
        assert "NaN" not in page
        assert "nan" not in re.findall(r'(?:d|x|y|points|width|height)="([^"]*)"', page)


def test_every_row_of_a_markdown_table_has_the_cells_of_its_head(tmp_path):
    for evidence in (k_sensitivity(tmp_path), big_evidence(), hostile()):
        told, _ = pages(tmp_path, evidence)
        tables = re.findall(r"(?:^\|.*\|$\n)+", told, re.M)
        assert tables
        for table in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


EVIL = '<script>alert("x")</script>|`*_&\n# <b>'


def hostile():
    """Words of a user that mean something to HTML or Markdown, everywhere a word can stand."""
    axis = {"id": "K", "unit": EVIL, "values": [EVIL, "b"], "reference": EVIL}
    cases = [planned(EVIL, axis="K", coordinates={"K": EVIL, "o" + EVIL: EVIL}),
             planned("b", axis="K", coordinates={"K": "b", "o" + EVIL: EVIL})]  # fmt: skip
    for case in cases:
        case["isolation"] = {
            "verdict": "fail",
            "differences": [
                {"key": EVIL, "kind": EVIL, "base": EVIL, "child": [EVIL], "file": EVIL, "line": 1}
            ],
        }
    check = {"id": EVIL, "kind": "bounds", "metric": EVIL, "high": 1.0, "reason": EVIL}
    plan = plan_of(
        cases,
        testbed_id=EVIL,
        purpose=EVIL,
        axes=[axis],
        checks=[check],
        metrics=[{"name": EVIL, "unit": EVIL}],
        notices=[EVIL],
        config_path=EVIL,
    )
    rows = [metric_row(case, {EVIL: n + 0.5}) for n, case in enumerate(cases)]
    listed = [case_row(case, open_gates=[EVIL]) for case in cases]
    listed.append({**listed[0], "case_id": "c" + EVIL, "status": "failed", "error": EVIL,
                   "config_path": "javascript:alert(1)"})  # fmt: skip
    return evidence_of(plan, rows, listed, provenance={EVIL: EVIL})


def test_words_of_a_user_stay_words(tmp_path):
    evidence = hostile()
    log = tmp_path / evidence.cases[0]["run_dir"] / "attempts" / "20260101T100000Z-3f9a1c"
    told, page = pages(tmp_path, evidence)
    reader = Reader(page)
    assert not reader.kinds & {"script", "b"} - {"b"}
    assert "<script" not in page
    assert 'alert("x")' in reader.text
    assert not any(address.startswith("javascript") for address in reader.addresses)
    outside = re.sub(r"^(```+)\w*\n.*?^\1$", "", told, flags=re.M | re.S)
    assert not re.search(r"(?<!\\)<script", outside)
    assert not re.search(r"^# <b>", outside, re.M)
    assert log.name not in told


def failing(root):
    plan, rows = big()
    cases = [case_row(case) for case in plan["cases"]]
    error = "case 'lhs_0006': the process died (signal 9)"
    cases[10] |= {"status": "failed", "error": error}
    rows[10] |= {"status": "failed", "head_mean": None, "travel_time": None}
    cases[11] |= {"status": "skipped", "attempt": "", "run_dir": "", "error": ""}
    rows = [row for row in rows if row["case_id"] != cases[11]["case_id"]]
    folder = root / cases[10]["run_dir"] / "attempts" / cases[10]["attempt"]
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("first\n" + "line\n" * 40 + "last <word> ``` \n")
    return evidence_of(plan, rows, cases, exit_code=1)


def test_failures_have_reason_log_and_the_command_that_repeats_them(tmp_path):
    told, page = pages(tmp_path, failing(tmp_path))
    assert "**FAIL**: 89 of 91 cases finished; 1 failed; 1 pending; 4 of 5 checks passed." in told
    assert (
        "failed: case 'lhs\\_0006'" not in told
    )  # an underscore inside a word is none of Markdown's
    assert "failed: case 'lhs_0006': the process died (signal 9)" in told
    for text in (told, Reader(page).text):
        assert "mhx testbed run ../k.toml --case lhs_0006" in text
        assert "mhx run _generated_configs/lhs_0006.toml" in text
        assert "last <word> ```" in text
        assert "first" not in text  # the end of the log
    assert "````text" in told
    assert "skipped: no reason is on record" in told


VERDICTS = {
    "all well": ({}, {}, "pass"),
    "a failed case": ({0: "failed"}, {}, "fail"),
    "a case out of time": ({0: "timeout"}, {}, "fail"),
    "pending": ({0: "planned"}, {}, "unknown"),
    "gates of children": ({}, {"exit_code": 1}, "fail"),
}


@pytest.mark.parametrize(("statuses", "manifest", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_of_a_page(tmp_path, statuses, manifest, verdict):
    evidence = k_sensitivity(tmp_path)
    cases = [dict(row) for row in evidence.cases]
    for place, status in statuses.items():
        cases[place]["status"] = status
    made = Evidence(
        **{**vars(evidence), "cases": cases, "manifest": {**evidence.manifest, **manifest}}
    )
    assert page_of(tmp_path, made).verdict == verdict


def test_checks_decide_the_verdict_when_they_are_required(tmp_path):
    evidence = k_sensitivity(tmp_path)
    for word in ("fail", "unknown"):
        checks = [{**row, "verdict": word} for row in evidence.checks]
        made = Evidence(**{**vars(evidence), "checks": checks})
        assert page_of(tmp_path, made).verdict == word
        free = Evidence(**{**vars(evidence), "checks": [{**c, "required": False} for c in checks]})
        assert page_of(tmp_path, free).verdict == "pass"


def test_a_plan_is_reported_before_anything_has_run(tmp_path):
    plan, _ = big()
    cases = [case_row(case, status="planned", duration_seconds=None) for case in plan["cases"]]
    told, page = pages(tmp_path, evidence_of(plan, [], cases, execute=False, exit_code=None))
    assert "**UNKNOWN**: 0 of 91 cases finished; 91 planned, nothing has run;" in told
    assert "0 of 5 checks passed" in told
    assert "Trends" not in page
    assert "lhs_0000 (no result)" in told


def test_nothing_at_all_is_reported_too(tmp_path):
    told, _ = pages(tmp_path, evidence_of(plan_of([]), []))
    assert "0 of 0 cases finished" in told
    assert "No check is declared" in told


def test_long_lists_are_cut_with_a_pointer_to_the_files(tmp_path):
    told, page = pages(tmp_path, big_evidence(1000))
    assert "100 of 1027 cases shown; all of them: testbed_cases.csv" in told
    assert told.count("| [lhs_") < 100
    assert len(page) < 300_000


def test_of_many_groups_some_are_drawn(tmp_path):
    axes = [{"id": "K", "values": [1.0, 2.0]}, {"id": "R", "values": list(range(150))}]
    cases = [planned(f"c{k:g}_{r}", "g", coordinates={"K": k, "R": r})
             for r in range(150) for k in (1.0, 2.0)]  # fmt: skip
    plan = plan_of(cases, axes=axes, designs=[{"id": "g", "kind": "grid", "axes": ["K", "R"]}],
                   metrics=[{"name": "m"}])  # fmt: skip
    rows = [metric_row(case, {"m": sum(case["coordinates"].values())}) for case in cases]
    _, page = pages(tmp_path, evidence_of(plan, rows))
    assert "m along K, 150 groups of equal other coordinates, 50 of them drawn" in page
    assert page.count('class="line many"') == 50
    assert "Share of variance" in page


def test_what_did_not_pass_comes_first_where_checks_are_cut(tmp_path):
    evidence = k_sensitivity(tmp_path)
    checks = [{**evidence.checks[0], "check_id": f"c{n}"} for n in range(report_tables.CHECKS + 9)]
    checks[-1] = {**checks[-1], "verdict": "fail", "check_id": "the one"}
    told, _ = pages(tmp_path, Evidence(**{**vars(evidence), "checks": checks}))
    assert "| fail | the one |" in told
    assert "60 of 69 rows shown; all of them: testbed_checks.csv" in told


def test_without_the_template_engine_the_words_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "can_render", lambda: False)
    assert write_report(tmp_path, k_sensitivity(tmp_path)) == ("testbed_report.md",)
    assert not (tmp_path / "testbed_report.html").exists()


def test_equal_evidence_gives_equal_bytes(tmp_path):
    first = pages(tmp_path, big_evidence())
    assert pages(tmp_path, big_evidence()) == first


def test_numbers_and_pictures_of_each_part_are_there(tmp_path):
    _, page = pages(tmp_path, big_evidence())
    text = Reader(page).text
    for words in (
        "observed order 1.93",
        "fitted order 1.93, formal 2",
        "Ensembles",
        "Axes ranked by their rank correlation with head_mean",
        "quantiles dashed",
        "porosity moves it most: 20 at 0.1, 60 at 0.3",
        "over the seeds of repeats",
    ):
        assert words in text
    assert page.count("<svg") == page.count("</svg>") > 20
    assert page.count('role="img"') == page.count("<svg")  # fmt: skip


def test_first_order_indices_and_what_is_left_stand_in_the_table(tmp_path):
    axes = [{"id": "x", "low": 0.0, "high": 1.0}, {"id": "z", "low": 0.0, "high": 1.0}]
    cases = [planned(f"s{n}", "d", coordinates={"x": n / 64, "z": (n * 29 % 64) / 64})
             for n in range(64)]  # fmt: skip
    designs = [{"id": "d", "kind": "sobol", "axes": ["x", "z"], "count": 64}]
    plan = plan_of(cases, axes=axes, designs=designs, metrics=[{"name": "m"}, {"name": "flat"}])
    rows = [metric_row(case, {"m": 3 * case["coordinates"]["x"], "flat": 1.0}) for case in cases]
    told, _ = pages(tmp_path, evidence_of(plan, rows))
    index = re.search(r"\| m \| x \| 64 \| 1 \| 1 \| 1 \| (0\.9\d*) \|", told)
    assert float(index[1]) == pytest.approx(63 / 64, abs=0.02)
    assert "| m | interactions and estimation error |" in told
    assert "flat: the metric does not vary" in told


def test_a_spectral_ladder_is_told_by_its_rate(tmp_path):
    axis = {"id": "N", "values": [8, 16, 24], "refines": "count"}
    cases = [planned(f"n{n}", axis="N", coordinates={"N": n}) for n in axis["values"]]
    check = {"id": "resolved", "kind": "order", "metric": "growth", "axis": "N", "reason": "r",
             "method": "spectral", "max_uncertainty": 0.01}  # fmt: skip
    plan = plan_of(cases, axes=[axis], checks=[check], metrics=[{"name": "growth", "unit": "1"}])
    rows = [metric_row(case, {"growth": 1 + math.exp(-0.25 * case["coordinates"]["N"])})
            for case in cases]  # fmt: skip
    told, page = pages(tmp_path, evidence_of(plan, rows))
    assert "| pass | growth |  | 3 | decaying | b = 0.25 |" in told
    assert "growth: rate 0.25 per unit of N" in page
    assert "fitted order" not in page


def test_ladders_that_nobody_asked_about_are_drawn_only_where_they_tell_an_order(tmp_path):
    axis = {"id": "h", "values": [4, 2, 1], "refines": "size"}
    cases = [planned(f"h{h}", axis="h", coordinates={"h": h}) for h in axis["values"]]
    plan = plan_of(cases, axes=[axis], metrics=[{"name": "smooth"}, {"name": "n_cells"}])
    rows = [metric_row(case, {"smooth": 1 + 0.1 * case["coordinates"]["h"] ** 2,
                              "n_cells": 64 // case["coordinates"]["h"] ** 2})
            for case in cases]  # fmt: skip
    told, page = pages(tmp_path, evidence_of(plan, rows))
    assert "smooth: observed order 2" in page
    assert "n_cells: observed" not in page
    assert "n_cells: the two finest" not in page
    assert "|  | n_cells |  | 3 | diverging |" in told


BOUNDS = [
    ("bounds", {"low": 0.0, "high": 0.0}, "= 0"),
    ("bounds", {"high": 2.5}, "\u2264\u00a02.5"),
    ("bounds", {"low": 1.0, "high": 2.0}, "1 .. 2"),
    ("monotonic", {"direction": "decreasing", "strict": True, "noise": 0.0}, "strictly decreasing"),
    ("monotonic", {"direction": "increasing", "strict": False, "noise": 0.1},
     "increasing, noise 0.1"),
    ("spread", {"max_cv": 0.05, "min_n": 5}, "CV \u2264\u00a00.05, n \u2265\u00a05"),
    ("difference", {"reference": "r", "max_rel": 1e-5}, "\u2264\u00a01e-05 relative to r"),
    ("order", {"formal_order": 2, "order_tolerance": 0.25, "max_uncertainty": 0.01, "noise": 0.0},
     "order 2 \u00b1 25 %, uncertainty \u2264\u00a01 %"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "bound", "text"), BOUNDS, ids=[text for _, _, text in BOUNDS])
def test_a_bound_is_told_in_words(kind, bound, text):
    assert report_tables.bound_text(kind, bound) == text
