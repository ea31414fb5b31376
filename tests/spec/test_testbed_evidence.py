"""Testbed, sections 2, 12 and 13: the evidence files, dry and whole, their keys and columns."""

import hashlib
import math
import re
import subprocess
import sys

import jsonschema
import pytest

from .matrix import HEAD, by_id, case, header, metric, mhx, read, rows, started, tree, write

FILES = [
    "testbed_plan.json",
    "testbed_cases.csv",
    "testbed_metrics.csv",
    "testbed_checks.csv",
    "testbed_analysis.json",
    "testbed_manifest.json",
    "testbed_report.md",
    "testbed_report.html",
    "testbed_events.jsonl",
    "verify.py",
]
PLAN_KEYS = [
    "schema_version",
    "schema",
    "testbed_id",
    "profile",
    "config_path",
    "subject",
    "purpose",
    "runner",
    "base_config",
    "catalog",
    "case_from_catalog",
    "axes",
    "designs",
    "metrics",
    "checks",
    "plan_digest",
    "overrides",
    "notices",
    "stale_children",
    "cases",
]
PLAN_CASE_KEYS = [
    "case_id",
    "case_label",
    "axis",
    "enabled",
    "status",
    "config_path",
    "design",
    "coordinates",
    "child_digest",
    "case_digest",
    "isolation",
    "would_reuse",
    "reuse_reason",
    "expected_seconds",
]
CASE_COLUMNS = [
    "case_id",
    "case_label",
    "axis",
    "enabled",
    "status",
    "config_path",
    "runner",
    "duration_seconds",
    "error",
    "axis_value",
    "axis_unit",
    "design",
    "coordinates",
    "isolation",
    "gate_verdict",
    "reused",
    "reuse_reason",
    "attempt",
    "exit_code",
    "run_dir",
    "child_digest",
    "case_digest",
    "summary_sha256",
    "started_utc",
    "finished_utc",
    "backend_job",
]
CHECK_COLUMNS = [
    "check_id",
    "kind",
    "metric",
    "axis",
    "group",
    "verdict",
    "value",
    "bound",
    "required",
    "n_cases",
    "cases",
    "reason",
    "detail",
]
MANIFEST_KEYS = [
    "schema_version",
    "schema",
    "testbed_id",
    "profile",
    "subject",
    "purpose",
    "runner",
    "config_path",
    "output_root",
    "execute",
    "base_config",
    "catalog",
    "case_from_catalog",
    "case_count",
    "executed_count",
    "successful_count",
    "failed_count",
    "reused_count",
    "pending_count",
    "cases",
    "metrics",
    "metric_contract",
    "checks",
    "verdict",
    "exit_code",
    "paths",
    "files",
    "plan_digest",
    "digest",
    "provenance",
    "notices",
]
PATHS = [
    "plan_json",
    "manifest_json",
    "cases_csv",
    "metrics_csv",
    "checks_csv",
    "analysis_json",
    "report_markdown",
    "report_html",
    "events_jsonl",
    "generated_configs_dir",
]
VOLATILE = {
    *("duration_seconds", "wall_time_seconds", "started_utc", "finished_utc", "attempt"),
    *("reused", "reuse_reason", "backend_job"),
}
A_AXIS = (
    '[[testbed.axis]]\nid = "A"\nunit = "m"\nkeys = ["command.parameters.report.a"]\n'
    "values = [1.0, 2.0, 4.0]\n"
)
CHECK = (
    '[[testbed.check]]\nid = "trend"\nkind = "monotonic"\nmetric = "twice"\naxis = "A"\n'
    'direction = "increasing"\nreason = "because"\n'
)
FULL = (
    HEAD
    + 'purpose = "evidence <ow> & more"\n'
    + A_AXIS
    + '[[testbed.case]]\nid = "low"\nlabel = "Low"\naxis = "A"\nvalue = 1.0\n'
    + "overlay.command.parameters.report.t = 2.0\n"
    + '[[testbed.case]]\nid = "mid"\naxis = "A"\nvalue = 2.0\n'
    + "overlay.command.parameters.report = { t = 4.0, o = 0.1 }\n"
    + '[[testbed.case]]\nid = "broken"\naxis = "A"\nvalue = 4.0\n'
    + "overlay.command.parameters.exit = 7\n"
    + '[[testbed.case]]\nid = "off"\nenabled = false\n'
    + '[[testbed.metric]]\nname = "twice"\nsource = "t"\nunit = "m"\n'
    + '[[testbed.metric]]\nname = "odd"\nsource = "o"\n'
    + CHECK
)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Two cases that end well, one that does not, one disabled; a check that cannot be judged."""
    folder = tmp_path_factory.mktemp("full")
    said = mhx("run", write(folder, FULL))
    assert said.code == 1, said.text
    return folder / "out"


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    """The same, only planned."""
    folder = tmp_path_factory.mktemp("dry")
    said = mhx("testbed", "plan", write(folder, FULL))
    assert said.code == 0, said.text
    return folder / "out"


# -- planning ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("testbed", "plan"), ("run", "--dry-run"), ("testbed", "run", "--dry-run"), ("run",)],
)
def test_planning_writes_all_evidence_and_starts_nothing(words, tmp_path):
    text = FULL if words != ("run",) else FULL.replace("purpose", "execute = false\npurpose", 1)
    path = write(tmp_path, text)
    said = mhx(*words, path)
    root = tmp_path / "out"
    assert said.code == 0, said.text
    assert not (root / "cases").exists()
    for name in FILES:
        assert (root / name).is_file(), name
    status = {name: row["status"] for name, row in by_id(root / "testbed_cases.csv").items()}
    assert status == {"low": "planned", "mid": "planned", "broken": "planned", "off": "disabled"}
    manifest = read(root / "testbed_manifest.json")
    assert manifest["execute"] is False
    counts = [manifest[f"{word}_count"] for word in ("executed", "successful", "failed")]
    assert counts == [0, 0, 0]
    assert manifest["pending_count"] == 3
    assert mhx("verify", root).code == 0


def test_dry_headers_are_the_headers_of_the_end(dry, full):
    for name in ("testbed_cases.csv", "testbed_metrics.csv", "testbed_checks.csv"):
        assert header(dry / name) == header(full / name)
    assert rows(dry / "testbed_metrics.csv") == []


def test_plan_holds_the_documented_keys_and_is_the_same_after_running(dry, full):
    plan = read(dry / "testbed_plan.json")
    assert set(PLAN_KEYS) <= set(plan)
    assert (plan["schema_version"], plan["schema"]) == ("testbed_plan_v1", "mhx.testbed.plan.v1")
    for row in plan["cases"]:
        assert set(PLAN_CASE_KEYS) <= set(row)
        assert set(row["isolation"]) == {"verdict", "differences"}
    assert [row["case_id"] for row in plan["cases"]] == ["low", "mid", "broken", "off"]
    assert [row["status"] for row in plan["cases"]] == ["planned"] * 3 + ["disabled"]
    assert [row["would_reuse"] for row in plan["cases"][:3]] == [False] * 3
    assert [row["reuse_reason"] for row in plan["cases"][:3]] == ["first run"] * 3
    after = read(full / "testbed_plan.json")
    assert after["plan_digest"] == plan["plan_digest"]
    assert after["cases"] == plan["cases"]


# -- tables ------------------------------------------------------------------------------------


def test_cases_have_all_columns_in_order(full):
    assert header(full / "testbed_cases.csv") == CASE_COLUMNS
    found = by_id(full / "testbed_cases.csv")
    low, broken, off = found["low"], found["broken"], found["off"]
    assert list(found) == ["low", "mid", "broken", "off"]
    assert {name: row["status"] for name, row in found.items()} == {
        "low": "ok",
        "mid": "ok",
        "broken": "failed",
        "off": "disabled",
    }
    assert low["case_label"] == "Low"
    assert (low["axis"], float(low["axis_value"]), low["axis_unit"]) == ("A", 1.0, "m")
    assert (low["enabled"], off["enabled"]) == ("true", "false")
    assert (low["reused"], low["exit_code"], low["run_dir"]) == ("false", "0", "cases/low")
    assert re.fullmatch(r"\d+\.\d{6}", low["duration_seconds"])
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", low["attempt"])
    summary = (full / "cases/low/run_summary.json").read_bytes()
    assert low["summary_sha256"] == hashlib.sha256(summary).hexdigest()
    assert low["started_utc"] <= low["finished_utc"]
    assert broken["error"]
    assert broken["exit_code"] not in ("", "0")
    assert off["config_path"] == ""
    assert off["duration_seconds"] == ""
    assert off["run_dir"] == ""
    assert {row["runner"] for row in found.values()} == {"command"}


def test_case_has_its_attempt_its_log_and_the_reason(full):
    found = by_id(full / "testbed_cases.csv")
    for name in ("low", "broken"):
        folder = full / "cases" / name / "attempts" / found[name]["attempt"]
        assert {path.name for path in folder.iterdir()} == {"status.json", "log.txt"}
    error = read(full / "cases/broken/run_error.json")
    assert f"case 'broken': {error['class']}: " in found["broken"]["error"]
    assert "status 7" in error["message"]
    assert "status 7" in found["broken"]["error"]


def test_metrics_have_one_row_per_executed_case(full):
    assert header(full / "testbed_metrics.csv") == [
        *("case_id", "case_label", "axis", "status"),
        *("twice", "odd"),
        *("axis_value", "missing", "error"),
    ]
    found = by_id(full / "testbed_metrics.csv")
    assert list(found) == ["low", "mid", "broken"]
    assert (found["low"]["twice"], found["low"]["odd"], found["low"]["missing"]) == (
        "2.0",
        "",
        "odd",
    )
    assert (found["mid"]["twice"], found["mid"]["odd"], found["mid"]["missing"]) == (
        "4.0",
        "0.1",
        "",
    )
    assert found["broken"]["missing"] == "twice;odd"
    assert found["broken"]["error"] == by_id(full / "testbed_cases.csv")["broken"]["error"]


def test_checks_have_their_columns_and_an_unknown_names_the_case(full):
    assert header(full / "testbed_checks.csv") == CHECK_COLUMNS
    (row,) = rows(full / "testbed_checks.csv")
    assert (row["check_id"], row["kind"], row["metric"]) == ("trend", "monotonic", "twice")
    assert (row["verdict"], row["required"], row["reason"]) == ("unknown", "true", "because")
    assert "broken" in row["detail"]


def test_without_declared_metrics_columns_are_the_sorted_union(tmp_path):
    text = HEAD + case("x", b=1.0, a=2.0) + case("y", c=3.0)
    assert mhx("run", write(tmp_path, text)).code == 0
    assert header(tmp_path / "out/testbed_metrics.csv") == [
        *("case_id", "case_label", "axis", "status", "a", "b", "c"),
        *("axis_value", "missing", "error"),
    ]
    found = by_id(tmp_path / "out/testbed_metrics.csv")
    assert [found["x"][name] for name in "abc"] == ["2.0", "1.0", ""]


def test_numbers_keep_every_digit_and_what_is_no_number_is_empty(tmp_path):
    numbers = {"tenth": 0.1, "third": 1 / 3, "big": 1.2345678901234567e300, "tiny": 5e-324}
    text = HEAD + case("x", **numbers, bad="nan", endless="inf")
    text += "".join(
        f'[[testbed.metric]]\nname = "{name}"\n' for name in (*numbers, "bad", "endless")
    )
    said = mhx("run", write(tmp_path, text))
    assert said.code == 0, said.text
    (row,) = rows(tmp_path / "out/testbed_metrics.csv")
    for name, value in numbers.items():
        assert row[name] == repr(value)
    assert (row["bad"], row["endless"]) == ("", "")
    assert set(row["missing"].split(";")) == {"bad", "endless"}
    (entry,) = read(tmp_path / "out/testbed_manifest.json")["metrics"]
    assert entry["third"] == 1 / 3
    assert entry["bad"] is None


# -- the manifest ------------------------------------------------------------------------------


def test_manifest_holds_everything_under_the_documented_keys(full):
    manifest = read(full / "testbed_manifest.json")
    assert set(MANIFEST_KEYS) <= set(manifest)
    assert manifest["schema_version"] == "testbed_manifest_v1"
    assert manifest["schema"] == "mhx.testbed.files.manifest.v1"
    assert manifest["output_root"] == "."
    assert manifest["config_path"] == "../k.toml"
    assert manifest["base_config"] == "../base.toml"
    counts = ("case", "executed", "successful", "failed", "reused", "pending")
    assert [manifest[f"{word}_count"] for word in counts] == [4, 3, 2, 1, 0, 0]
    assert (manifest["exit_code"], manifest["execute"]) == (1, True)
    assert manifest["verdict"] == "unknown"
    assert set(manifest["paths"]) == set(PATHS)
    for name, path in manifest["paths"].items():
        assert (full / path).exists(), name
    assert manifest["metric_contract"] == [
        {"name": "twice", "source": "t", "unit": "m", "kind": "point", "required": False},
        {"name": "odd", "source": "o", "unit": "", "kind": "point", "required": False},
    ]
    provenance = manifest["provenance"]
    assert {"python", "platform", "host", "engines", "git"} <= set(provenance)
    assert any("commit" in key for key in provenance["git"])
    assert [row["case_id"] for row in manifest["cases"]] == ["low", "mid", "broken", "off"]
    for row in manifest["cases"]:
        assert set(CASE_COLUMNS) <= set(row)
    for row, stored in zip(manifest["metrics"], rows(full / "testbed_metrics.csv"), strict=True):
        assert set(stored) <= set(row)


def test_manifest_hashes_every_evidence_file_and_each_run_manifest(full):
    manifest = read(full / "testbed_manifest.json")
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((full / name).read_bytes()).hexdigest() == digest, name
    expected = {
        *(name for name in FILES if name not in ("testbed_manifest.json", "testbed_events.jsonl")),
        *(f"_generated_configs/{name}.toml" for name in ("low", "mid", "broken")),
        *(f"cases/{name}/manifest.json" for name in ("low", "mid")),
    }
    assert expected <= set(manifest["files"])


@pytest.mark.parametrize("kind", ["full", "dry"])
def test_files_follow_their_published_schemas(kind, request):
    root = request.getfixturevalue(kind)
    pairs = {"testbed_plan.json": "testbed_plan", "testbed_manifest.json": "testbed_manifest"}
    if kind == "full":
        pairs["cases/low/run_summary.json"] = "run_summary"
    for name, schema in pairs.items():
        said = mhx("schema", schema)
        assert said.code == 0
        jsonschema.Draft202012Validator.check_schema(said.json)
        document = read(root / name)
        jsonschema.validate(document, said.json)
        for key in sorted(said.json.get("required", [])):
            less = {other: document[other] for other in document if other != key}
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(less, said.json)


def test_analysis_follows_its_schema_and_names_its_cases(full):
    analysis = read(full / "testbed_analysis.json")
    jsonschema.validate(analysis, mhx("schema", analysis["schema"]).json)
    text = str(analysis)
    for word in ("twice", "low", "mid", "broken"):
        assert word in text


def test_all_json_has_sorted_keys(full):
    for path in full.glob("*.json"):
        keys = re.findall(r'^  "([^"]+)":', path.read_text(), re.M)
        assert keys == sorted(keys), path.name


def test_paths_in_the_evidence_are_relative(full, dry):
    for root in (full, dry):
        for path in root.glob("testbed_*"):
            if path.name not in ("testbed_manifest.json",):  # its provenance has a command line
                assert str(root.parent) not in path.read_text(encoding="utf-8"), path.name
        manifest = read(root / "testbed_manifest.json")
        manifest.pop("provenance")
        assert str(root.parent) not in str(manifest)


def test_journal_has_each_outcome_and_drops_a_torn_line(tmp_path):
    path = write(tmp_path, HEAD + case("x", a=2.0))
    assert mhx("run", path).code == 0
    journal = tmp_path / "out/testbed_events.jsonl"
    lines = journal.read_text().splitlines()
    assert sum('"outcome"' in line for line in lines) == 1
    with journal.open("a") as stream:
        stream.write('{"event": "outc')
    said = mhx("run", path, "--json")
    assert (said.code, said.json["reused_count"]) == (0, 1)
    assert mhx("verify", tmp_path / "out").code == 0


def test_evidence_does_not_depend_on_order_or_number_of_workers(tmp_path):
    """Slow cases first: they end last."""
    cases = "".join(
        case(name, f"overlay.command.parameters.seconds = {seconds}", a=value)
        for name, seconds, value in (("c", 0.6, 1.0), ("a", 0.3, 2.0), ("b", 0, 3.0))
    )
    text = HEAD.replace('backend = "inline"', "jobs = 1") + cases + metric("a")
    for jobs in (1, 3):
        said = mhx("testbed", "run", write(tmp_path / str(jobs), text), "--jobs", jobs)
        assert said.code == 0, said.text
    one, three = tmp_path / "1/out", tmp_path / "3/out"
    for name in ("testbed_metrics.csv", "testbed_checks.csv", "testbed_plan.json"):
        assert (one / name).read_bytes() == (three / name).read_bytes(), name
    left, right = rows(one / "testbed_cases.csv"), rows(three / "testbed_cases.csv")
    for first, second in zip(left, right, strict=True):
        for column in set(first) - VOLATILE:
            assert first[column] == second[column], column
    digests = [read(root / "testbed_manifest.json")["digest"] for root in (one, three)]
    assert digests[0] == digests[1]
    children = [
        {k: v for k, v in tree(root).items() if k.startswith("_generated")} for root in (one, three)
    ]
    assert children[0] == children[1]


# -- the report --------------------------------------------------------------------------------


def test_report_has_its_parts_in_order(full):
    text = (full / "testbed_report.md").read_text(encoding="utf-8")
    assert text.startswith("# k")
    parts = [
        "- Subject: external",
        "- Purpose: evidence",
        "- Runner: command",
        "- Execute: true",
        "- Cases: 4",
        "- Successful: 2",
        "- Failed: 1",
        "- Pending: 0",
        "## Checks",
        "| Case | Axis | Status | Duration (s) | ",
        "solation",
        "rovenance",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places, strict=True))
    assert places == sorted(places)
    assert "trend" in text
    assert "because" in text
    assert "mhx testbed run" in text  # how to repeat what failed


def test_page_is_one_offline_file_that_escapes_what_it_shows(full):
    page = (full / "testbed_report.html").read_text(encoding="utf-8")
    assert "<ow>" not in page
    assert "&lt;ow&gt;" in page
    assert not re.search(r"""(src|href)\s*=\s*["'](https?:)?//""", page)
    assert "<script src" not in page
    assert "_generated_configs/low.toml" in page


# -- analysis ----------------------------------------------------------------------------------


def numbers_of(value):
    if isinstance(value, dict):
        return [number for entry in value.values() for number in numbers_of(entry)]
    if isinstance(value, list):
        return [number for entry in value for number in numbers_of(entry)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def holds(analysis, *expected):
    found = numbers_of(analysis)
    for value in expected:
        assert any(math.isclose(value, one, rel_tol=1e-9, abs_tol=1e-12) for one in found), value


def test_differences_and_elasticity_along_an_axis(tmp_path):
    """m = 3 A^2: elasticity 2 everywhere; differences to the first value 9 and 45."""
    text = HEAD + A_AXIS + metric("m")
    for value in (1.0, 2.0, 4.0):
        text += (
            f'[[testbed.case]]\nid = "c{value:g}"\naxis = "A"\nvalue = {value}\n'
            f"overlay.command.parameters.report.m = {3 * value * value}\n"
        )
    assert mhx("run", write(tmp_path, text)).code == 0
    holds(read(tmp_path / "out/testbed_analysis.json"), 9.0, 45.0, 3.0, 15.0, 2.0)


def test_seeds_have_their_statistics(tmp_path):
    text = HEAD + metric("m")
    values = (1.0, 2.0, 4.0, 5.0, 8.0)
    text += (
        '[[testbed.design]]\nid = "s"\nkind = "seeds"\nkey = "command.parameters.report.m"\n'
        "seeds = [1, 2, 4, 5, 8]\n"
    )
    assert mhx("run", write(tmp_path, text)).code == 0
    mean = sum(values) / 5
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / 4)
    analysis = read(tmp_path / "out/testbed_analysis.json")
    holds(analysis, 5, mean, spread, 1.0, 8.0)
    holds(analysis, 1.2, 2.0, 4.0, 5.0, 7.4)  # quantiles, linear between order statistics


def test_report_command_makes_the_same_files_again_and_runs_nothing(tmp_path):
    text = FULL.replace("exit = 7", "exit = 0")
    mhx("run", write(tmp_path, text))
    root = tmp_path / "out"
    before = {
        name: (root / name).read_bytes() for name in ("testbed_analysis.json", "testbed_checks.csv")
    }
    counts = started(root)
    said = mhx("testbed", "report", root)
    assert "Traceback" not in said.text
    assert started(root) == counts
    for name, content in before.items():
        assert (root / name).read_bytes() == content, name
    assert mhx("verify", root).code == 0


def test_plain_python_verifies_what_the_command_verifies(full):
    said = mhx("verify", full)
    assert said.code == 0, said.text
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=full, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_text_is_reached_through_the_notes(tmp_path):
    text = HEAD + case("x") + '[[testbed.metric]]\nname = "who"\nsource = "notes.program"\n'
    said = mhx("run", write(tmp_path, text + 'kind = "text"\nrequired = true\n'))
    assert said.code == 0, said.text
    (row,) = rows(tmp_path / "out/testbed_metrics.csv")
    assert row["who"] == read(tmp_path / "out/cases/x/run_summary.json")["notes"]["program"]
