"""The launcher over a fake runner, in this process: evidence, failures, reuse, resume."""

import csv
import json
import random
import shlex
import shutil
from dataclasses import replace

import jsonschema
import pytest

from mhx.errors import ConfigError, EvidenceError, RunError, RunLocked
from mhx.evidence.store import Journal, read_chained
from mhx.execution.inline import InlineBackend
from mhx.execution.lock import hold
from mhx.testbed import launcher
from mhx.testbed.child.digests import version_and_digest
from mhx.testbed.explain import explain
from mhx.testbed.launcher import Options, check_children, plan_testbed, run_testbed
from mhx.testbed.page.reporting import report_testbed
from mhx.testbed.records import ANALYSIS, CASES, CHECKS, MANIFEST, METRICS, REPORT_MD
from mhx.testbed.running import journal
from mhx.testbed.running.reading import altered_file
from mhx.workflow.load import Changes
from mhx.workflow.schema import schema_of

INLINE = Options(backend="inline")
FILES = (CASES, METRICS, CHECKS, ANALYSIS, MANIFEST, REPORT_MD, journal.PLAN, journal.JOURNAL)
HEADER = (
    "case_id,case_label,axis,enabled,status,config_path,runner,duration_seconds,error,axis_value,"
    "axis_unit,design,coordinates,isolation,gate_verdict,reused,reuse_reason,attempt,exit_code,"
    "run_dir,child_digest,case_digest,summary_sha256,started_utc,finished_utc,backend_job,"
    "mode,probe_id,table,probe"
)
METRIC = '  { name = "head", source = "probe.head_m", required = true },\n'


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The conductivities of the cases that were really run, in order."""
    trace = tmp_path / "trace"
    monkeypatch.setenv("PROBE_TRACE", str(trace))
    return lambda: [float(line) for line in trace.read_text().split()] if trace.exists() else []


def rows_of(root, name=CASES):
    with (root / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def column(root, key, name=CASES):
    return [row[key] for row in rows_of(root, name)]


def document_of(root, name=MANIFEST):
    return json.loads((root / name).read_text())


def case(k, fault, **more):
    """A case beside the three of the design."""
    keys = "".join(f", {key} = {value}" for key, value in more.items())
    return (
        f'\n[[testbed.case]]\nid = "{fault}"\nchanges = ["probe"]\n'
        f'overlay = {{ probe = {{ k = {k}, fault = "{fault}"{keys} }} }}\n'
    )


# -- planning ----------------------------------------------------------------------------------


def test_a_plan_writes_all_evidence_and_starts_nothing(file, root, runs):
    answer = plan_testbed(file())
    assert answer.exit_code == 0
    assert "3 cases planned" in answer.headline
    assert runs() == []
    assert all((root / name).is_file() for name in FILES)
    assert column(root, "status") == ["planned"] * 3
    assert (root / METRICS).read_text() == (
        "case_id,case_label,axis,status,head,took,axis_value,missing,error\n"
    )
    assert column(root, "verdict", CHECKS) == ["unknown"]
    assert sorted(path.name for path in (root / "_generated_configs").glob("*.toml")) == [
        "line_1.toml", "line_2.toml", "line_4.toml",
    ]  # fmt: skip
    plan = document_of(root, journal.PLAN)
    assert [entry["reuse_reason"] for entry in plan["cases"]] == ["first run"] * 3
    assert document_of(root)["pending_count"] == 3


def test_execute_false_is_a_plan_whatever_the_command(file, root, runs):
    text = {"execute": ("[testbed]\n", "[testbed]\nexecute = false\n")}
    assert run_testbed(file(**text), INLINE).exit_code == 0
    assert runs() == []
    assert document_of(root)["execute"] is False


def test_an_invalid_child_is_on_record_before_it_is_raised(file, root, runs):
    extra = '\n[[testbed.case]]\nid = "typo"\noverlay = { probe = { kk = 2.0 } }\n'
    with pytest.raises(ConfigError, match=r"case 'typo': probe\.kk is not a known key"):
        run_testbed(file(extra=extra), INLINE)
    assert runs() == []
    assert column(root, "status") == ["failed", "planned", "planned", "planned"]
    assert "probe.kk" in column(root, "error")[0]


def test_children_on_disk_are_compared_with_the_file(file, root):
    path = file()
    assert check_children(path).exit_code == 1
    assert not root.exists()
    plan_testbed(path)
    assert check_children(path).exit_code == 0
    (root / "_generated_configs" / "line_2.toml").write_text("[probe]\nk = 3.0\n")
    answer = check_children(path)
    assert answer.exit_code == 1
    assert answer.document["differing"] == ["line_2.toml"]


# -- carrying out ------------------------------------------------------------------------------


def test_a_matrix_is_carried_out_and_everything_is_on_record(file, root):
    answer = run_testbed(file(), INLINE)
    assert answer.exit_code == 0
    assert answer.headline == "k: 3 of 3 cases ok, 1 of 1 check passed"
    assert (root / CASES).read_text().splitlines()[0] == HEADER
    assert column(root, "status") == ["ok"] * 3
    assert column(root, "head", METRICS) == ["1.0", "0.5", "0.25"]
    assert column(root, "verdict", CHECKS) == ["pass"]
    assert column(root, "probe_id") == ["p1", "p2", "p4"]
    assert column(root, "table") == [f"cases/line_{k}/head.csv" for k in (1, 2, 4)]
    assert json.loads(column(root, "probe")[1]) == {"head_m": 0.5, "k": 2.0}  # no duration
    found = document_of(root)
    assert found["successful_count"] == found["executed_count"] == found["case_count"] == 3
    assert (found["exit_code"], found["verdict"], found["pending_count"]) == (0, "pass", 0)
    assert "cases/line_2/manifest.json" in found["files"]


def test_what_is_written_is_what_the_schemas_say(file, root):
    plan_testbed(file())
    found = [("testbed_plan", root / journal.PLAN), ("testbed_manifest", root / MANIFEST)]
    documents = [(name, json.loads(path.read_text())) for name, path in found]
    run_testbed(file(extra=case(1.0, "solver")), INLINE)
    found.append(("run_summary", root / "cases" / "line_1" / "run_summary.json"))
    documents += [(name, json.loads(path.read_text())) for name, path in found]
    for name, document in documents:
        jsonschema.validate(document, schema_of(name))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, "schema": "mhx.other.v1"}, schema_of(name))


@pytest.mark.slow
def test_a_child_runs_alone_as_it_ran_in_the_matrix(file, root, tmp_path):
    from mhx.workflow.run import run_file

    run_testbed(file(), INLINE)
    run_file(root / "_generated_configs" / "line_2.toml", tmp_path / "alone")
    alone, inside = (
        document_of(folder, "manifest.json")["digest"]
        for folder in (tmp_path / "alone", root / "cases" / "line_2")
    )
    assert alone == inside


@pytest.mark.slow
def test_without_declared_metrics_every_number_is_a_column(file, root):
    path = file(metrics=(THREE_METRICS, ""))
    path.write_text(path.read_text().partition("[[testbed.check]]")[0])
    run_testbed(path, INLINE)
    header = (root / METRICS).read_text().splitlines()[0]
    assert header == (
        "case_id,case_label,axis,status,probe.duration_s,probe.head_m,probe.k,axis_value,missing,"
        "error"
    )
    contract = {entry["name"]: entry for entry in document_of(root)["metric_contract"]}
    assert contract["probe.head_m"]["unit"] == "m"


THREE_METRICS = (
    'metric = [\n  { name = "head", source = "probe.head_m", required = true },\n'
    '  { name = "took", source = "probe.duration_s" },\n]\n'
)


# -- failing -----------------------------------------------------------------------------------

FAILURES = {
    "solver": "case 'solver': SolverError: the probe did not converge (exit code 3)",
    "bug": "case 'bug': ZeroDivisionError: division by zero (exit code 70)",
    "missing": "case 'missing': required metric 'head' (probe.head_m) was not reported; "
    "the runner reported: probe.duration_s, probe.k and 2 more",
    "nan": "case 'nan': required metric 'head' is nan",
}


@pytest.mark.parametrize(
    "fault",
    ["missing", *(pytest.param(name, marks=pytest.mark.slow) for name in ("solver", "bug", "nan"))],
)
def test_a_case_that_fails_is_on_record_and_the_others_go_on(fault, file, root):
    answer = run_testbed(file(extra=case(8.0, fault)), INLINE)
    assert answer.exit_code == 1
    assert column(root, "status") == ["failed", "ok", "ok", "ok"]
    assert column(root, "error")[0] == FAILURES[fault]
    assert any(FAILURES[fault].partition(": ")[2] in line for line in answer.details)
    assert answer.next == f"mhx testbed explain {root} {fault}"
    assert column(root, "verdict", CHECKS) == ["pass"]  # it stands on no axis
    assert (root / "cases" / fault / "attempts" / column(root, "attempt")[0] / "log.txt").exists()


def test_a_case_whose_folder_is_none_costs_one_case(file, root):
    (root / "cases").mkdir(parents=True)
    (root / "cases" / "line_2").write_text("in the way")
    assert run_testbed(file(), INLINE).exit_code == 1
    assert column(root, "status") == ["ok", "failed", "ok"]
    assert column(root, "error")[1] == (
        "case 'line_2': cases/line_2 cannot be made ready: Not a directory"
    )


def test_a_missing_metric_erases_nothing(file, root):
    run_testbed(file(extra=case(8.0, "missing")), INLINE)
    row = rows_of(root)[0]
    assert row["summary_sha256"]
    assert row["probe_id"] == "p8"
    metrics = rows_of(root, METRICS)[0]
    assert (metrics["head"], metrics["missing"]) == ("", "head")
    assert float(metrics["took"]) >= 0
    assert (root / "cases" / "missing" / "run_summary.json").is_file()


CODES = {"solver": (RunError, 3), "bug": (RunError, 3), "missing": (EvidenceError, 4)}


@pytest.mark.parametrize(
    "fault",
    ["solver", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bug", "missing"))],
)
def test_without_continue_on_error_the_rest_is_skipped_and_the_error_raised(
    fault, file, root, runs
):
    kind, code = CODES[fault]
    stop = {"stop": ("[testbed]\n", "[testbed]\ncontinue_on_error = false\n")}
    with pytest.raises(kind) as raised:
        run_testbed(file(extra=case(8.0, fault), **stop), INLINE)
    assert str(raised.value) == FAILURES[fault]
    assert raised.value.exit_code == code == document_of(root)["exit_code"]
    assert column(root, "status") == ["failed", "skipped", "skipped", "skipped"]
    assert runs() == [8.0]


@pytest.mark.parametrize(("required", "code"), [("true", 1), ("false", 0)])
def test_gates_of_children_count_unless_the_file_says_otherwise(required, code, file, root):
    limit = {"limit": ("[testbed]\n", f"[testbed]\nrequire_child_gates = {required}\n")}
    answer = run_testbed(file(base="[probe]\nk = 1.0\nlimit = 0.6\n", **limit), INLINE)
    assert answer.exit_code == code
    assert column(root, "status") == ["ok"] * 3
    assert column(root, "gate_verdict") == ["fail", "pass", "pass"]
    assert document_of(root)["cases"][0]["open_gates"] == ["low enough"]
    assert any("low enough" in line for line in answer.details)
    assert "gates of 1 case did not pass" in answer.headline


@pytest.mark.slow
def test_a_check_that_fails_makes_the_exit_code(file, root):
    answer = run_testbed(file(up=('direction = "decreasing"', 'direction = "increasing"')), INLINE)
    assert answer.exit_code == 1
    assert document_of(root)["verdict"] == "fail"
    assert any("check 'falls'" in line for line in answer.details)


@pytest.mark.slow
def test_a_failed_case_runs_again_and_is_repaired(file, root, runs):
    run_testbed(file(extra=case(8.0, "solver")), INLINE)
    path = file(extra=case(8.0, "solver").replace('fault = "solver"', 'fault = ""'))
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [8.0, 1.0, 2.0, 4.0, 8.0]
    assert column(root, "reuse_reason")[0] == "previous status was failed"
    assert column(root, "reused") == ["false", "true", "true", "true"]


# -- reuse -------------------------------------------------------------------------------------


def test_a_finished_matrix_starts_nothing(file, root, runs):
    path = file()
    run_testbed(path, INLINE)
    before = {name: (root / name).read_bytes() for name in (METRICS, CHECKS, ANALYSIS)}
    answer = run_testbed(path, INLINE)
    assert "3 reused" in answer.headline
    assert runs() == [1.0, 2.0, 4.0]
    assert column(root, "reused") == ["true"] * 3
    assert {name: (root / name).read_bytes() for name in before} == before


@pytest.mark.slow
def test_a_new_metric_reruns_nothing(file, root, runs):
    run_testbed(file(), INLINE)
    more = METRIC + '  { name = "k", source = "probe.k" },\n'
    run_testbed(file(more=(METRIC, more)), INLINE)
    assert runs() == [1.0, 2.0, 4.0]
    assert column(root, "k", METRICS) == ["1.0", "2.0", "4.0"]


def _configuration(file, root, site):
    return file(base="[probe]\nk = 1.0\nlimit = 5.0\n")


def _default(file, root, site):
    return file(base="[probe]\nk = 1.0\n")


def _evidence(file, root, site):
    (root / "cases" / "line_1" / "head.csv").write_text("head_m\n7.0\n")
    return file()


def _manifest(file, root, site):
    path = root / "cases" / "line_1" / "manifest.json"
    path.write_text(path.read_text().replace("probe", "prabe"))
    return file()


def _lost(file, root, site):
    (root / "cases" / "line_1" / "run_summary.json").unlink()
    return file()


def _off(file, root, site):
    return file(reuse=("[testbed]\n", '[testbed]\nreuse = { mode = "never" }\n'))


REASONS = {
    "configuration": (_configuration, "configuration changed: probe.limit 9.0 -> 5.0"),
    "a key left out": (_default, "configuration changed: probe.limit 9.0 -> 1000000000.0"),
    "evidence": (_evidence, "evidence altered: head.csv"),
    "manifest": (_manifest, "evidence altered: manifest.json"),
    "lost": (_lost, "evidence altered: run_summary.json"),
    "off": (_off, "reuse is off"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REASONS)
def test_a_case_says_why_it_is_not_reused(name, file, root, runs, probe):
    change, reason = REASONS[name]
    run_testbed(file(base="[probe]\nk = 1.0\nlimit = 9.0\n"), INLINE)
    path = change(file, root, probe)
    if name not in ("configuration", "a key left out"):
        (path.parent / "base.toml").write_text("[probe]\nk = 1.0\nlimit = 9.0\n")
    plan_testbed(path)
    assert document_of(root, journal.PLAN)["cases"][0]["reuse_reason"] == reason
    assert document_of(root, journal.PLAN)["cases"][0]["would_reuse"] is False
    run_testbed(path, INLINE)
    assert column(root, "reuse_reason")[0] == reason
    assert runs()[:4] == [1.0, 2.0, 4.0, 1.0]
    assert column(root, "status") == ["ok"] * 3
    superseded = list((root / "cases" / "line_1" / "superseded").iterdir())
    assert len(superseded) == 1
    assert (superseded[0] / "config.toml").is_file()


def test_changed_inputs_engines_and_code_are_named(file, root, monkeypatch):
    from mhx.testbed.running.journal import Result
    from mhx.testbed.running.reuse import Policy, Reuse

    engine = f"6.4.1 {64 * 'a'}"
    old = {"inputs": {"../n.csv": "a"}, "engines": {"mf6": engine}, "code": {"mhx.x": "1"}}
    result = Result(case_id="a", status="ok", child_digest="c", case_digest="1", parts=old)
    known = journal.History(results={"a": result})
    plan = {"case_id": "a", "child_digest": "c", "case_digest": "2"}

    def reason(**parts):
        changed = {**old, "version": "0.1.0", **parts}
        return Reuse(root, known, Policy()).decide({**plan, "digest_parts": changed}).reason

    assert reason(inputs={"../n.csv": "b"}) == "input changed: n.csv"
    assert reason(engines={"mf6": f"6.5.0 {64 * 'b'}"}) == "engine changed: mf6 6.4.1 -> 6.5.0"
    assert reason(engines={"mf6": f"6.4.1 {64 * 'b'}"}) == "engine changed: mf6 6.4.1: another file"
    assert reason(code={"mhx.x": "2"}) == "code changed: mhx.x"
    assert reason() == "code changed: mhx None -> 0.1.0"
    many = {f"{n}.csv": "a" for n in range(8)}
    assert reason(inputs=many) == ("input changed: n.csv, 0.csv, 1.csv, 2.csv, 3.csv and 4 more")


def test_an_engine_is_told_by_its_version_where_it_has_one():
    sha256 = 64 * "a"
    assert version_and_digest(f"6.4.1 {sha256}") == ("6.4.1", sha256)
    assert version_and_digest(sha256) == ("", sha256)
    assert version_and_digest("4.15.2") == ("4.15.2", "")


@pytest.mark.slow
def test_fresh_forces_and_a_glob_limits(file, root, runs):
    path = file()
    run_testbed(path, INLINE)
    answer = run_testbed(path, Options(backend="inline", fresh=True, case="*_2"))
    assert answer.exit_code == 0
    assert runs() == [1.0, 2.0, 4.0, 2.0]
    assert column(root, "reuse_reason")[1] == "forced"
    with pytest.raises(ConfigError, match="--case 'x\\*' matches no enabled case"):
        run_testbed(path, Options(case="x*"))


def test_a_case_is_found_by_its_own_id_whatever_a_glob_would_make_of_it(file, root, runs):
    extra = case(8.0, "").replace('id = ""', 'id = "k[8]"')
    assert run_testbed(file(extra=extra), Options(backend="inline", case="k[8]")).exit_code == 0
    assert runs() == [8.0]


@pytest.mark.slow
def test_cases_that_a_glob_leaves_out_stay_planned(file, root, runs):
    answer = run_testbed(file(), Options(backend="inline", case="line_1"))
    assert answer.exit_code == 0  # what was asked for is done
    assert column(root, "status") == ["ok", "planned", "planned"]
    assert runs() == [1.0]
    assert run_testbed(file(), INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]


def test_every_command_that_is_told_repeats_what_changed_the_file(file, root, tmp_path):
    path = file(extra=case(8.0, "solver"))
    overlay = tmp_path / "kept.toml"
    overlay.write_text("[testbed.reuse]\nrerun_failed = false\n")
    environ = {"MHX_SET_testbed__purpose": "two words"}
    changes = Changes(overlays=(overlay,), sets=('testbed.id="k k"',), environ=environ)
    flags = f"""--overlay {overlay} --set 'testbed.id="k k"' --set 'testbed.purpose="two words"'"""
    root = root.with_name("k k")
    assert plan_testbed(path, Options(changes=changes)).next == f"mhx testbed run {path} {flags}"
    assert run_testbed(path, Options(changes=changes, backend="inline")).exit_code == 1
    told = explain(root, "solver").next
    assert told == f"mhx testbed run {path} --case solver --rerun-failed {flags}"
    report = (root / REPORT_MD).read_text()
    assert f"mhx testbed run ../../k.toml --case solver --rerun-failed {flags}\n" in report
    words = shlex.split(told)[3:]
    again = Changes(overlays=(overlay,), sets=tuple(words[words.index("--set") + 1 :: 2]))
    assert "4 would be reused" in plan_testbed(path, Options(changes=again)).headline


@pytest.mark.slow
def test_failed_cases_may_be_kept_and_asked_for(file, root, runs):
    keep = {"keep": ("[testbed]\n", "[testbed]\nreuse = { rerun_failed = false }\n")}
    path = file(extra=case(8.0, "solver"), **keep)
    run_testbed(path, INLINE)
    assert run_testbed(path, INLINE).exit_code == 1
    assert runs() == [8.0, 1.0, 2.0, 4.0]
    assert column(root, "error")[0] == FAILURES["solver"]
    run_testbed(path, Options(backend="inline", rerun_failed=True))
    assert runs() == [8.0, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.slow
def test_equal_cases_of_another_testbed_are_linked_with_their_origin(file, root, runs, tmp_path):
    run_testbed(file(), INLINE)
    other = {"reuse": ("[testbed]\n", '[testbed]\nreuse = { from = ["testbed/k"] }\n')}
    path = file(name="other.toml", values=("[1.0, 2.0, 4.0]", "[2.0, 8.0]"), **other)
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0, 8.0]
    there = tmp_path / "testbed" / "other"
    assert column(there, "reused") == ["true", "false"]
    assert column(there, "reuse_reason")[0] == "linked from 'line_2' of ../k"
    assert column(there, "head", METRICS) == ["0.5", "0.125"]
    linked = there / "cases" / column(there, "run_dir")[0].rpartition("/")[2]
    assert altered_file(linked) == ""
    shutil.rmtree(root / "cases")  # what is linked stands by itself
    assert altered_file(linked) == ""
    assert report_testbed(there).exit_code == 0


@pytest.mark.slow
def test_a_source_of_reuse_that_is_no_testbed_is_refused(file, tmp_path):
    (tmp_path / "empty").mkdir()
    other = {"reuse": ("[testbed]\n", '[testbed]\nreuse = { from = ["empty"] }\n')}
    with pytest.raises(ConfigError, match="holds no testbed"):
        run_testbed(file(**other), INLINE)


# -- locks, alterations, resume ----------------------------------------------------------------


def test_a_second_launcher_is_refused_and_changes_nothing(file, root):
    path = file()
    plan_testbed(path)
    before = {entry: entry.read_bytes() for entry in root.iterdir() if entry.is_file()}
    with hold(root, "somebody"), pytest.raises(RunLocked) as raised:
        run_testbed(path, INLINE)
    assert str(raised.value).startswith(f"{root} is locked by process ")
    assert str(raised.value).endswith("; nothing was changed")
    assert "Z; nothing" in str(raised.value)
    after = {entry: entry.read_bytes() for entry in before}
    assert after == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (journal.PLAN, b"decreasing", b"increasing"),
        (journal.JOURNAL, b'"status":"ok"', b'"status":"no"'),
    ],
)
def test_an_altered_plan_or_journal_is_refused_by_name(name, old, new, file, root):
    path = file()
    run_testbed(path, INLINE)
    (root / name).write_bytes((root / name).read_bytes().replace(old, new, 1))
    with pytest.raises(EvidenceError, match=name):
        run_testbed(path, INLINE)
    with pytest.raises(EvidenceError, match=name):
        report_testbed(root)


@pytest.mark.slow
def test_a_lost_journal_is_refused(file, root):
    path = file()
    run_testbed(path, INLINE)
    (root / journal.JOURNAL).unlink()
    with pytest.raises(EvidenceError, match=r"testbed_events\.jsonl is missing or empty"):
        run_testbed(path, INLINE)


@pytest.mark.slow
def test_a_plan_may_be_deleted_and_finished_cases_stay(file, root, runs):
    path = file()
    run_testbed(path, INLINE)
    (root / journal.PLAN).unlink()
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]


class Shuffled(InlineBackend):
    """Carries out all jobs, then tells their outcomes in any order."""

    def run(self, jobs):
        outcomes = list(super().run(jobs))
        random.Random(3).shuffle(outcomes)
        yield from outcomes


def test_the_order_of_finishing_leaves_no_trace(file, root, monkeypatch, tmp_path, compared):
    path = file(extra=case(8.0, "solver") + case(8.0, "missing"))
    run_testbed(path, INLINE)
    expected = compared(root)
    shutil.rmtree(root)
    monkeypatch.setattr(launcher, "InlineBackend", Shuffled)
    run_testbed(path, INLINE)
    assert compared(root) == expected


def _cut(root, lines):
    """The journal as it was after so many lines."""
    path = root / journal.JOURNAL
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


def test_a_run_that_only_the_journal_missed_is_not_repeated(file, root, runs, compared):
    path = file()
    run_testbed(path, INLINE)
    expected = compared(root)
    events = [line["event"] for line in read_chained(root / journal.JOURNAL)]
    last = len(events) - 1 - events[::-1].index("outcome")
    _cut(root, last)  # claimed, finished, and then the launcher was killed
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]
    assert compared(root) == expected


@pytest.mark.slow
def test_a_run_whose_process_died_after_its_last_file_is_not_repeated(file, root, runs, compared):
    path = file()
    run_testbed(path, INLINE)
    expected = compared(root)
    last = read_chained(root / journal.JOURNAL)[-2]
    assert (last["event"], last["case_id"]) == ("outcome", "line_4")
    with Journal(root / journal.JOURNAL) as book:
        ended = journal.result_of(last)
        died = replace(ended, status="failed", exit_code=None, summary_sha256="", error="it died")
        journal.record(book, died)
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]
    assert column(root, "reuse_reason")[2] == "previous status was failed"
    assert compared(root) == expected


@pytest.mark.slow
def test_a_run_cut_short_is_set_aside_and_started_again(file, root, runs, compared):
    path = file()
    run_testbed(path, INLINE)
    expected = compared(root)
    events = [line["event"] for line in read_chained(root / journal.JOURNAL)]
    _cut(root, len(events) - 1 - events[::-1].index("outcome"))
    half = root / "cases" / "line_4"
    for name in ("manifest.json", "artifact_manifest.json", "run_summary.json"):
        (half / name).unlink()
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0, 4.0]
    assert compared(root) == expected
    assert column(root, "reuse_reason") == ["", "", "previous status was interrupted"]


@pytest.mark.slow
def test_any_cut_of_the_journal_leads_to_the_same_evidence(file, root, compared):
    path = file()
    run_testbed(path, INLINE)
    expected = compared(root)
    for lines in range(len(read_chained(root / journal.JOURNAL))):
        _cut(root, lines)
        if lines == 0:
            (root / journal.PLAN).unlink()  # nothing of it was written yet
        assert run_testbed(path, INLINE).exit_code == 0
        assert compared(root) == expected


@pytest.mark.slow
def test_a_torn_last_line_is_dropped(file, root, runs):
    path = file()
    run_testbed(path, INLINE)
    with (root / journal.JOURNAL).open("ab") as stream:
        stream.write(b'{"case_id":"line_1","eve')
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]


# -- making the report again -------------------------------------------------------------------


def test_the_report_is_made_again_from_what_is_stored(file, root, runs, compared):
    run_testbed(file(extra=case(8.0, "missing")), INLINE)
    expected = compared(root)
    for name in (CASES, METRICS, CHECKS, ANALYSIS, MANIFEST, REPORT_MD):
        (root / name).unlink()
    answer = report_testbed(root)
    assert answer.exit_code == 1
    assert compared(root) == expected
    assert runs() == [8.0, 1.0, 2.0, 4.0]
    with pytest.raises(ConfigError, match="holds no testbed"):
        report_testbed(root / "cases")


@pytest.mark.slow
def test_the_journal_has_it_before_the_files(file, root, monkeypatch):
    """With every rewriting held back, an outcome is on record all the same."""
    seen = []

    def refresh(self):
        seen.append(
            sum(line["event"] == "outcome" for line in read_chained(self.root / journal.JOURNAL))
        )

    monkeypatch.setattr("mhx.testbed.records.Records.refresh", refresh)
    run_testbed(file(), INLINE)
    assert seen[:3] == [1, 2, 3]


def test_a_full_disk_stops_the_launcher_and_loses_nothing(file, root, runs, monkeypatch):
    path = file()
    append = Journal.append
    count = iter(range(100))

    def full(self, record, *, sync=True):
        if record["event"] == "outcome" and next(count) == 1:
            raise RunError("no space left for testbed_events.jsonl")
        append(self, record, sync=sync)

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(RunError, match="no space left"):
        run_testbed(path, INLINE)
    assert column(root, "status") == ["ok", "interrupted", "planned"]
    monkeypatch.setattr(Journal, "append", append)
    assert run_testbed(path, INLINE).exit_code == 0
    assert runs() == [1.0, 2.0, 4.0]
