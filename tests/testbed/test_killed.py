"""A testbed killed or stopped at any instant, and run again, ends as if nobody had disturbed it.

Two matrices, one of MODFLOW 6 and one of a program that knows nothing of mhx, are carried out
undisturbed, and then under kills: of the launcher alone, of everything at once, of a worker, of a
solver.  What may differ afterwards is listed here, name by name; all the rest is compared byte by
byte.  A small matrix of the tests' own runner dies at every single write.
"""

import contextlib
import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from mhx.cli import main
from mhx.errors import INTERRUPTED, STOPPED_EARLY, RunLocked
from mhx.evidence import store
from mhx.evidence.store import read_chained
from mhx.evidence.verify import verify
from mhx.execution.processes import descendants
from mhx.testbed.launcher import Options, run_testbed
from mhx.testbed.records import CASES, MANIFEST, REPORT_HTML, REPORT_MD
from mhx.testbed.running.journal import JOURNAL, PLAN

from .strip import FLOW

pytestmark = [
    pytest.mark.slow,
    # an earlier test of this process may have loaded JAX; a forked launcher uses none of it
    pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning"),
]

MARK = "MHX_TEST_MARK"
LARGER = FLOW.replace("length_x = 1000.0, length_y = 500.0", "length_x = 2000.0, length_y = 1000.0")

PROGRAM = """
import json, os, sys, tomllib
with open(sys.argv[1], "rb") as stream:
    asked = tomllib.load(stream)["command"]["parameters"]
with open(os.environ["TRACE"], "a") as trace:
    trace.write(f"{asked['k']}\\n")
table = "".join(f"{n},{asked['k'] * n!r}\\n" for n in range(2000))
with open("table.csv", "w") as stream:
    stream.write(table)
with open("metrics.json", "w") as stream:
    json.dump({"head": 1.0 / asked["k"], "lines": 2000}, stream)
"""

COMMAND = """
[workflow]
mode = "command"
[command]
argv = ["{python}", "-S", "-E", "model.py", "{config}"]
inputs = ["model.py"]
metrics_json = "metrics.json"
[command.parameters]
k = 1.0
"""

TESTBED = """
workflow = {{ mode = "testbed" }}
[testbed]
id = "k"
subject = "{subject}"
runner = {{ type = "{runner}" }}
base_config = "base.toml"
output_root = "out"
require_child_gates = false
execution = {{ jobs = 2, grace_s = 1.0, timeout_s = 120.0 }}
[[testbed.axis]]
id = "K"
unit = "m/s"
keys = ["{key}"]
values = {values}
[[testbed.design]]
id = "line"
kind = "grid"
axes = ["K"]
[[testbed.metric]]
name = "head"
source = "{head}"
required = true
[[testbed.check]]
id = "falls"
kind = "monotonic"
metric = "head"
axis = "K"
direction = "decreasing"
reason = "a larger conductivity lowers the head"
"""

MATRICES = {
    "flow": {
        "subject": "flow",
        "runner": "simulation",
        "key": "flow.param.K.value",
        "values": [round(1e-5 * n, 7) for n in range(1, 31)],
        "head": "flow_metrics.head_mean_area_m",
    },
    "command": {
        "subject": "external",
        "runner": "command",
        "key": "command.parameters.k",
        "values": [float(n) for n in range(1, 31)],
        "head": "head",
    },
}


@pytest.fixture(params=MATRICES)
def matrix(request, tmp_path, monkeypatch):
    """The file of a matrix of 30 cases, ready to run; its folder will be `out` beside it."""
    if request.param == "flow":
        monkeypatch.setenv("MHX_MF6", str(request.getfixturevalue("mf6")))
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv(MARK, str(tmp_path))
    (tmp_path / "base.toml").write_text({"flow": LARGER, "command": COMMAND}[request.param])
    (tmp_path / "model.py").write_text(PROGRAM)
    path = tmp_path / "k.toml"
    path.write_text(TESTBED.format(**MATRICES[request.param]))
    return path


def start(path):
    words = [sys.executable, "-m", "mhx", "testbed", "run", str(path)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ours(mark):
    """Processes that were started with the mark in their environment, this one aside."""
    entry, found = f"{MARK}={mark}".encode(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            environ = Path("/proc", name, "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if entry in environ and int(name) != os.getpid():
            found.append(int(name))
    return found


def until(condition, patience=60.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def outcomes(root):
    path = root / JOURNAL
    return path.read_bytes().count(b'"event":"outcome"') if path.exists() else 0


# -- what may differ ---------------------------------------------------------------------------

TIMES = {
    *("duration_seconds", "wall_time_seconds", "started_utc", "finished_utc", "attempt"),
    *("reused", "reuse_reason", "backend_job"),  # 12.2: volatile
    "summary_sha256",  # the summary holds durations
}
PLANNED = {"would_reuse", "reuse_reason", "expected_seconds"}
COUNTED = {"provenance", "journal", "seal", "reused_count"}
RUN_TIMES = {
    *("created_utc", "self_digest", "wall_time_seconds", "duration_s", "size_bytes"),
    *("flow_metrics.duration_s", "mesh_metrics.duration_s", "probe.duration_s"),
}
TIMED_FILES = {  # hold times, so their digests differ; their content is compared without the times
    *("run_summary.json", "manifest.json", "artifact_manifest.json", "results/catalog.json"),
    *("mf6/mf6.out", "mf6/mfsim.lst"),
}
TIMED_EVIDENCE = {PLAN, CASES, MANIFEST, REPORT_MD, REPORT_HTML}
NOT_EVIDENCE = {"attempts", "superseded", ".lock", ".lock.json"}
LISTING_TIMES = re.compile(rb"(?m)^.*(Run start|Run end|Elapsed run|Finished).*$")
PAGE_TIMES = {
    re.compile(pattern): stays
    for pattern, stays in {
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00": "UTC",
        r"((cpu|wall) seconds(: |</dt><dd>))[0-9.e-]+": r"\1",
        r"(\| ok) \(reused\)( \|)": r"\1\2",
        r"(\| ok \| )[0-9.e-]+": r"\1",
        r"(ok) \(reused\)(</span>)": r"\1\2",
        r'(ok</span></td><td class="num ">)[0-9.e-]+': r"\1",
        r"<b>[^<]+</b>(<span>wall clock</span>)": r"\1",
        r'<div class="tile "><b>\d+</b><span>reused</span></div>\n': "",
    }.items()
}


def untimed(root):
    """Every file of evidence below a folder: relative path -> content without what may differ."""
    found = {}
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_EVIDENCE]
        for name in set(names) - NOT_EVIDENCE - {JOURNAL}:
            path = Path(place, name)
            relative = path.relative_to(root).as_posix()
            found[relative] = _untimed(relative, path.read_bytes())
    return found


def _untimed(relative, content):
    inside = relative.split("/", 2)[2] if relative.startswith("cases/") else None
    if inside in TIMED_FILES:
        if not inside.endswith(".json"):
            return LISTING_TIMES.sub(b"", content)
        return _without(json.loads(content), RUN_TIMES, TIMED_FILES)
    if inside is not None or relative not in TIMED_EVIDENCE:
        return content
    return EVIDENCE[relative](content)


def _without(value, keys, files):
    """A JSON value without some keys, and without the digests of some files."""
    if isinstance(value, list):
        return [_without(entry, keys, files) for entry in value]
    if not isinstance(value, dict):
        return value
    hidden = {"sha256"} if value.get("path") in files else set()
    return {
        key: _without(entry, keys, files)
        for key, entry in value.items()
        if key not in keys | hidden and not (key in files and _is_digest(entry))
    }


def _is_digest(value):
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _plan(content):
    document = json.loads(content)
    for case in document["cases"]:
        assert case.keys() >= PLANNED
        for key in PLANNED:
            del case[key]
    return document


def _cases(content):
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [rows.fieldnames, [_row(row) for row in rows]]


def _row(row):
    return {key: value for key, value in row.items() if key not in TIMES}


def _manifest(content):
    document = {key: value for key, value in json.loads(content).items() if key not in COUNTED}
    document["cases"] = [_row(row) for row in document["cases"]]
    timed = TIMED_EVIDENCE | {f for f in document["files"] if f.endswith("/manifest.json")}
    document["files"] = {f: None if f in timed else h for f, h in document["files"].items()}
    return document


def _page(content):
    """A report without times, and without what was reused."""
    text = content.decode()
    for pattern, stays in PAGE_TIMES.items():
        text = pattern.sub(stays, text)
    return text


EVIDENCE = {
    PLAN: _plan,
    CASES: _cases,
    MANIFEST: _manifest,
    REPORT_MD: _page,
    REPORT_HTML: _page,
}


# -- killing -----------------------------------------------------------------------------------


def kill_launcher(launcher, mark):
    launcher.kill()


def kill_all(launcher, mark):
    while found := ours(mark):
        for pid in found:
            _kill(pid)


def kill_worker(launcher, mark):
    _kill_one(launcher, b"mhx.execution.worker")


def kill_solver(launcher, mark):
    _kill_one(launcher, b"mf6", b"model.py")


def _kill_one(launcher, *names):
    """Kill a descendant whose command line holds one of the names; the launcher a moment later."""
    found = [pid for pid in descendants(launcher.pid) if any(n in _words(pid) for n in names)]
    if found:
        _kill(found[-1])
    time.sleep(0.1)
    launcher.kill()


def _words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


KILLS = (kill_launcher, kill_all, kill_worker, kill_launcher, kill_solver)


@pytest.fixture
def undisturbed(matrix, tmp_path):
    """What the matrix gives when nobody disturbs it; its folder is out of the way again."""
    root = tmp_path / "out"
    _finish(matrix)
    found = Evidence(untimed(root), _digests(root))
    os.rename(root, tmp_path / "undisturbed")
    return found


@dataclass
class Evidence:
    files: dict
    digests: list

    def must_be_that_of(self, root):
        """The same evidence, whole, and nothing that had finished was computed twice for it."""
        found = untimed(root)
        assert found.keys() == self.files.keys()
        assert [name for name in found if found[name] != self.files[name]] == []
        assert _digests(root) == self.digests
        assert verify(root).problems == []
        assert computed_again(root) == []


def test_killed_at_random_instants_it_ends_as_if_undisturbed(matrix, undisturbed, tmp_path):
    root, chance = tmp_path / "out", random.Random(7)
    seen = []
    for number in range(20 if "flow" in matrix.read_text() else 10):
        before = outcomes(root)
        launcher = start(matrix)
        if number % 3:
            until(lambda b=before, p=launcher: outcomes(root) > b or p.poll() is not None)
            time.sleep(chance.uniform(0.0, 0.1))
        else:
            time.sleep(chance.uniform(0.2, 1.2))
        KILLS[number % len(KILLS)](launcher, str(tmp_path))
        launcher.communicate(timeout=60)
        seen.append(outcomes(root))
    assert seen == sorted(seen)  # nothing on record is ever lost
    _finish(matrix)
    undisturbed.must_be_that_of(root)
    until(lambda: ours(str(tmp_path)) == [])


SIGNALS = {
    signal.SIGTERM: STOPPED_EARLY,
    signal.SIGUSR1: STOPPED_EARLY,
    signal.SIGINT: INTERRUPTED,
}


@pytest.mark.parametrize("matrix", ["command"], indirect=True)
def test_told_to_stop_at_random_instants_it_ends_in_good_order(matrix, undisturbed, tmp_path):
    root, chance = tmp_path / "out", random.Random(11)
    for number in range(12):
        told = list(SIGNALS)[number % 3]
        before, lines = outcomes(root), journal_lines(root)
        launcher = start(matrix)
        if number % 4:
            until(lambda b=before, p=launcher: outcomes(root) > b or p.poll() is not None)
            time.sleep(chance.uniform(0.0, 0.1))
        else:
            time.sleep(chance.uniform(0.2, 1.2))
        launcher.send_signal(told)
        _, said = launcher.communicate(timeout=60)
        assert ours(str(tmp_path)) == []
        later = journal_lines(root)[len(lines) :]
        if later and later[-1]["event"] == "ended":
            assert launcher.returncode in (0, SIGNALS[told], -told), said
            assert verify(root).problems == []
            with (root / CASES).open(newline="") as stream:
                assert {row["status"] for row in csv.DictReader(stream)} <= {
                    "ok", "interrupted", "planned",
                }  # fmt: skip
        else:  # it was not yet listening, and had done nothing
            assert launcher.returncode in (INTERRUPTED, -told), said
            assert later == []
    _finish(matrix)
    undisturbed.must_be_that_of(root)


def _finish(matrix):
    launcher = start(matrix)
    _, told = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, told


def _digests(root):
    manifest = json.loads((root / MANIFEST).read_text())
    return [manifest["digest"], manifest["plan_digest"]]


def journal_lines(root):
    return read_chained(root / JOURNAL)


def computed_again(root):
    """Cases begun again after they had ended well, and finished runs that were set aside."""
    again, done = [], set()
    for line in journal_lines(root):
        if line["event"] == "claimed" and line["case_id"] in done:
            again.append(line["case_id"])
        if line["event"] == "outcome" and line["status"] == "ok":
            done.add(line["case_id"])
    aside = root.glob("cases/*/superseded/*/artifact_manifest.json")  # a run's last file
    return again + [path.as_posix() for path in aside]


# -- dying at every write ----------------------------------------------------------------------

CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link")
CRASHED = 99


class Countdown:
    """Ends this process at the n-th change below a folder."""

    def __init__(self, at, folder):
        self.left, self.folder = at, str(folder)

    def __call__(self, event, words):
        if event in CHANGES and self.folder in os.path.abspath(words[0]):
            self.tick()

    def tick(self):
        self.left -= 1
        if not self.left:
            os._exit(CRASHED)

    def watch(self):
        sys.addaudithook(self)
        add_line = store._add_line

        def watched(stream, end, line, *, sync=True):
            self.tick()
            if self.left == 1:  # half of it gets out
                stream.write(line[: len(line) // 2])
            self.tick()
            add_line(stream, end, line, sync=sync)
            self.tick()

        store._add_line = watched


def forked(function):
    """The exit code of a copy of this process that carries out a function."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = function()
        finally:
            os._exit(code)
    return pid


def code_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def crashed(path, at, folder):
    """Whether a launcher that ends itself at its n-th change came to that."""

    def launch():
        Countdown(at, folder).watch()
        return run_testbed(path, Options(backend="inline")).exit_code

    code = code_of(forked(launch))
    assert code in (0, CRASHED)
    return code == CRASHED


def test_a_launcher_that_dies_at_any_write_goes_on(file, tmp_path):
    """It dies before every rename, new folder and removal, and before, in and after every line."""
    root = tmp_path / "testbed" / "k"
    took = '  { name = "took", source = "probe.duration_s" },\n'
    path = file(values=("[1.0, 2.0, 4.0]", "[1.0, 2.0]"), untimed=(took, ""))
    run_testbed(path, Options(backend="inline"))
    undisturbed = Evidence(untimed(root), _digests(root))
    os.rename(root, tmp_path / "undisturbed")
    at = 0
    while crashed(path, at := at + 1, root):
        crashed(path, 1 + 7 * at % 50, root)  # and once more on the way back
        assert run_testbed(path, Options(backend="inline")).exit_code == 0
        undisturbed.must_be_that_of(root)
        os.rename(root, tmp_path / str(at))
    assert at > 50


# -- two launchers -----------------------------------------------------------------------------


def test_of_two_launchers_exactly_one_works(file, tmp_path, monkeypatch):
    root, go = tmp_path / "testbed" / "k", tmp_path / "go"
    monkeypatch.setenv("PROBE_GO", str(go))
    path = file(base='[probe]\nk = 1.0\nfault = "waits"\n', values=("[1.0, 2.0, 4.0]", "[1.0]"))
    words = ["testbed", "run", str(path), "--fresh", "--backend", "inline"]
    for launches in range(1, 21):
        gate, opened = os.pipe()

        def launch(gate=gate, opened=opened):
            os.close(opened)
            os.read(gate, 1)  # ends for both at once, when the other end is closed
            return main(words)

        pids = {forked(launch), forked(launch)}
        os.close(gate)
        os.close(opened)
        first, status = os.wait()
        assert os.waitstatus_to_exitcode(status) == RunLocked.exit_code
        go.touch()
        (second,) = pids - {first}
        assert code_of(second) == 1  # its check knows one case only
        go.unlink()
        events = Counter(line["event"] for line in journal_lines(root))
        each = ("planned", "started", "claimed", "outcome", "ended")
        assert events == dict.fromkeys(each, launches)
    assert verify(root).problems == []
