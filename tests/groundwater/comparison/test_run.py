"""Whole comparisons on the real engines: files, verdicts, exit codes, and going on."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mhx.cli import main
from mhx.evidence import verify
from mhx.evidence.hashing import file_digest
from mhx.groundwater.comparison.vocabulary import VOCABULARY
from mhx.workflow.schema import schema_of

from .files import BASE, DISV, POINT, written

pytestmark = pytest.mark.slow

VORONOI = (
    'overlay = { mesh = { kind = "voronoi", size = 50.0, cell_x__delete = true, '
    "cell_y__delete = true } }"
)
MORE = f"""{POINT}
[[comparison.observable]]
name = "profile"
variable = "head"
support = "line"
x = [0.0, 400.0]
y = [110.0, 110.0]
[[comparison.observable]]
name = "heads"
variable = "head"
support = "map"
[[comparison.observable]]
name = "leaving"
variable = "budget"
support = "outlet"
boundary_id = "east"
"""
CONFINED = BASE.replace("convertible", "confined") + "[flow.accept]\nallow_flooding = true\n"
FILES = (
    *("comparison_manifest.json", "observables.csv", "comparison_metrics.csv"),
    *("comparison_differences.csv", "comparison_metrics.json", "comparison_audit.json"),
    *("comparison_audit.md", "numerical_closure.csv", "comparison_report.md"),
    *("comparison_report.html", "comparison_maps.npz", "validation.json", "run_summary.json"),
)


def compared(folder: Path, *words: str, **texts: str) -> tuple[int, Path]:
    """Exit code and run folder of a comparison."""
    root = folder / "run"
    return main(["run", str(written(folder, **texts)), "--output-dir", str(root), *words]), root


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def manifest(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "comparison_manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def finished(mf6: Path, gmsh: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows and columns against the same cells as polygons, and against Voronoi cells."""
    third = f'[[comparison.simulation]]\nid = "voronoi"\n{VORONOI}\n'
    code, root = compared(tmp_path_factory.mktemp("cmp"), base=CONFINED, more=third + MORE)
    assert code == 0
    return root


def test_a_comparison_leaves_the_files_that_it_names(finished: Path) -> None:
    assert [name for name in FILES if not (finished / name).is_file()] == []
    assert sorted(path.name for path in (finished / "comparison_figures").iterdir()) == [
        "closures.png", "difference_heads.png", "head.png", "line_profile.png",
    ]  # fmt: skip
    assert verify.verify(finished).problems == []
    found = manifest(finished)
    jsonschema.validate(found, schema_of("comparison_manifest"))
    assert all(file_digest(finished / name) == sha for name, sha in found["files"].items())


def test_the_counts_are_those_of_the_files(finished: Path) -> None:
    found = manifest(finished)
    assert found["n_observable_rows"] == len(rows(finished / "observables.csv")) == 3 * 204
    assert found["n_difference_rows"] == len(rows(finished / "comparison_differences.csv"))
    assert found["n_metric_rows"] == len(rows(finished / "comparison_metrics.csv")) == 8
    assert found["n_unmatched_rows"] == 0


def test_every_metric_is_a_word_of_the_vocabulary(finished: Path) -> None:
    summary = json.loads((finished / "run_summary.json").read_text())
    assert [name for name in summary["metrics"] if VOCABULARY.find(name) is None] == []
    top = {"closure_max_abs_m3_s", "closure_status_code", "n_metric_rows"}
    assert top <= summary["metrics"].keys()
    assert summary["notes"]["audit_status"] == "pass"
    for word in ("comparison_web_report", "observables_csv", "manifest_path"):
        assert summary["notes"][word] in summary["artifacts"]


def test_the_same_cells_on_dis_and_disv_have_the_same_heads(finished: Path) -> None:
    """Closures of 1e-9 m: what is left is the solver's, and the writer of polygons is right."""
    same = [
        row for row in rows(finished / "comparison_metrics.csv") if row["simulation"] == "other"
    ]
    assert {row["observable"] for row in same} == {"wells", "profile", "heads", "leaving"}
    assert all(float(row["max_abs_error"]) < 1e-7 for row in same)


def test_differences_are_method_less_reference(finished: Path) -> None:
    for row in rows(finished / "comparison_differences.csv"):
        value, reference = float(row["value"]), float(row["reference_value"])
        assert float(row["difference"]) == value - reference
        assert row["reference"] == "dis" and row["simulation"] != "dis"


def test_the_page_needs_no_other_file(finished: Path) -> None:
    text = (finished / "comparison_report.html").read_text()
    sources = re.findall(r'<(?:img|script|link|iframe)[^>]*(?:src|href)="([^"]{0,30})', text)
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "not which of them is right" in text
    assert len(text) < 4_000_000


def test_a_finished_comparison_is_verified_and_not_computed_again(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    config = finished.parent / "cmp.toml"
    assert main(["run", str(config), "--output-dir", str(finished)]) == 0
    after = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path]} <= {
        finished / ".lock", finished / ".lock.json",
    }  # fmt: skip


def test_equal_comparisons_have_equal_digests(finished: Path, tmp_path: Path) -> None:
    third = f'[[comparison.simulation]]\nid = "voronoi"\n{VORONOI}\n'
    code, root = compared(tmp_path, base=CONFINED, more=third + MORE)
    assert code == 0
    digests = [
        json.loads((folder / "manifest.json").read_text())["digest"] for folder in (finished, root)
    ]
    assert digests[0] == digests[1]


def test_a_bound_that_is_exceeded_fails_and_everything_stays(mf6: Path, tmp_path: Path) -> None:
    newton = "overlay = { flow = { formulation = { newton = true } } }"
    code, root = compared(tmp_path, method=newton, more=f"{POINT}max_rmse = 1e-6\n")
    assert code == 1
    checks = json.loads((root / "validation.json").read_text())["checks"]
    assert checks == {
        "methods_solve_one_case": True, "every_method_finished": True, "balances_close": True,
        "every_observable_finds_values": True, "other_wells_rmse": False,
    }  # fmt: skip
    assert manifest(root)["audit_status"] == "pass"


def test_an_observable_that_finds_nothing_fails_and_the_answer_says_so(
    mf6: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = '[[comparison.observable]]\nname = "cell"\nvariable = "head"\nsupport = "cell"\n'
    code, root = compared(tmp_path, method=DISV, more=f"{POINT}{nowhere}cell = 999\n")
    assert code == 1
    verdicts = json.loads((root / "validation.json").read_text())["verdicts"]
    assert verdicts["every_observable_finds_values"]["verdict"] == "fail"
    assert manifest(root)["n_empty_observables"] == 1
    told = capsys.readouterr().out
    assert "largest differences from 'dis':\n  wells: " in told
    assert "  cell: nothing to compare (other: there is no cell 999; the mesh has 32)" in told
    assert f"page: {root / 'comparison_report.html'}" in told


def test_other_accepted_recharge_is_another_case(mf6: Path, tmp_path: Path) -> None:
    """Wider cells fix a larger area, on which recharge is dropped."""
    rain = 'source = [{ id = "rain", package = "rcha", where = { all = true }, rate = 1e-8 }]\n'
    base = BASE.replace("[solver", f"{rain}[solver")
    coarse = "overlay = { mesh = { cell_x = 100.0 } }"
    code, root = compared(tmp_path, base=base, method=coarse, more=POINT)
    assert code == 1 and manifest(root)["audit_status"] == "fail"
    audit = json.loads((root / "comparison_audit.json").read_text())
    failed = [fact["name"] for fact in audit["measured"] if fact["verdict"] == "fail"]
    assert failed == ["recharge_accepted"]
    warned = '[comparison.audit]\non_mismatch = "warn"\n'
    again = tmp_path / "again"
    again.mkdir()
    code, root = compared(again, base=base, method=coarse, more=POINT + warned)
    assert code == 0 and manifest(root)["audit_status"] == "warn"


TOO_FEW = (
    "overlay = { flow = { formulation = { newton = true } }, "
    "solver = { mf6 = { outer_maximum = 1 } } }"
)


def test_a_method_that_fails_keeps_what_others_left(mf6: Path, tmp_path: Path) -> None:
    third = '[[comparison.simulation]]\nid = "third"\n' + DISV + "\n"
    code, root = compared(
        tmp_path, keys="continue_on_error = true", method=TOO_FEW, more=third + POINT
    )
    assert code == 1
    found = manifest(root)
    assert {one["id"]: one["status"] for one in found["simulations"]} == {
        "dis": "ok", "other": "failed", "third": "ok",
    }  # fmt: skip
    assert "did not converge" in found["simulations"][1]["error"]
    assert [row["simulation"] for row in rows(root / "comparison_metrics.csv")] == ["third"]
    assert verify.verify(root).problems == []


def test_without_going_on_the_error_of_the_method_is_raised(
    mf6: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, root = compared(tmp_path, method=TOO_FEW, more=POINT)
    assert code == 3
    assert "simulation 'other': MODFLOW 6 did not converge" in capsys.readouterr().err
    assert not (root / "comparison_manifest.json").exists()
    first = root / "simulations" / "dis" / "mf6" / "flow.hds"
    written_at = first.stat().st_mtime_ns
    assert compared(tmp_path, method=TOO_FEW, more=POINT)[0] == 3
    assert first.stat().st_mtime_ns == written_at  # the finished one was not computed again


def test_a_reference_that_fails_leaves_nothing_to_compare(mf6: Path, tmp_path: Path) -> None:
    bound = f"{POINT}max_rmse = 10.0\n"
    code, root = compared(
        tmp_path, keys="continue_on_error = true", reference=TOO_FEW, method=DISV, more=bound
    )
    assert code == 1
    verdicts = json.loads((root / "validation.json").read_text())["verdicts"]
    assert verdicts["other_wells_rmse"]["verdict"] == "unknown"
    assert rows(root / "comparison_metrics.csv") == []
    assert len(rows(root / "observables.csv")) == 2  # those of the method that finished


def test_a_killed_comparison_goes_on_without_what_is_finished(mf6: Path, tmp_path: Path) -> None:
    many = "".join(
        f'[[comparison.simulation]]\nid = "m{n}"\noverlay = {{ mesh = {{ cell_x = {size} }} }}\n'
        for n, size in enumerate((20.0, 10.0, 8.0, 5.0))
    )
    path, root = written(tmp_path, more=many + POINT), tmp_path / "run"
    words = [sys.executable, "-m", "mhx", "run", str(path), "--output-dir", str(root)]
    process = subprocess.Popen(words, start_new_session=True)
    first = root / "simulations" / "dis" / "artifact_manifest.json"
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists() and not (root / "comparison_manifest.json").exists()
    heads = root / "simulations" / "dis" / "mf6" / "flow.hds"
    written_at = heads.stat().st_mtime_ns
    assert subprocess.run(words, check=False).returncode == 0
    assert heads.stat().st_mtime_ns == written_at
    assert manifest(root)["n_failed_simulations"] == 0
    assert verify.verify(root).problems == []


def test_a_finished_run_stands_for_a_method(mf6: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    whole = (
        BASE
        + '[[simulation.process]]\nid = "m"\ntype = "mesh"\n'
        + ('[[simulation.process]]\nid = "f"\ntype = "flow"\n[output]\nfigures = false\n')
    )
    (tmp_path / "whole.toml").write_text(whole)
    assert main(["run", str(tmp_path / "whole.toml"), "--output-dir", str(alone)]) == 0
    code, root = compared(tmp_path, method='run_dir = "alone"', more=POINT)
    assert code == 0
    (row,) = rows(root / "comparison_metrics.csv")
    assert float(row["max_abs_error"]) == 0.0
    assert manifest(root)["simulations"][1]["run_dir"] is None
    heads = alone / "results" / "heads.npz"
    heads.write_bytes(heads.read_bytes()[:-1] + b"x")
    assert main(["run", str(tmp_path / "cmp.toml"), "--output-dir", str(tmp_path / "two")]) == 2


def test_an_edited_case_is_another_comparison(
    mf6: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, root = compared(tmp_path, more=POINT)
    assert code == 0
    (tmp_path / "base.toml").write_text(BASE.replace("1e-4", "2e-4"))
    assert main(["run", str(tmp_path / "cmp.toml"), "--output-dir", str(root)]) == 2
    assert "its input ../base.toml was another file" in capsys.readouterr().err


def test_voronoi_cells_and_elements_have_one_matrix(
    mf6: Path, gmsh: object, tmp_path: Path
) -> None:
    """P1 on the dual triangles: heads agree to the closures of the solver; P2 beside them."""
    pytest.importorskip("skfem")
    base = CONFINED.replace('kind = "structured"\ncell_x = 50.0\ncell_y = 50.0',
                            'kind = "voronoi"\nsize = 60.0')  # fmt: skip
    third = '[[comparison.simulation]]\nid = "p2"\nengine = "fem_p2"\n'
    bound = '[[comparison.observable]]\nname = "heads"\nvariable = "head"\nsupport = "map"\n'
    code, root = compared(
        tmp_path,
        base=base,
        method='engine = "fem_p1"',
        more=f"{third}{bound}max_abs_error = 1e-6\n",
    )
    assert code == 0
    assert {row["observable"] for row in rows(root / "comparison_metrics.csv")} == {"heads"}


def test_a_dry_run_starts_nothing(mf6: Path, tmp_path: Path) -> None:
    code, root = compared(tmp_path, "--dry-run")
    assert code == 0 and not root.exists()


TESTBED = """\
workflow = {{ mode = "testbed" }}
[testbed]
subject = "{subject}"
base_config = "cmp.toml"
runner = {{ type = "comparison" }}
[[testbed.axis]]
id = "K"
unit = "m/s"
keys = ["comparison.base_simulation_overlay.flow.param.K.value"]
values = [1e-4, 2e-4]
[[testbed.design]]
id = "k"
kind = "grid"
axes = ["K"]
"""


def test_a_testbed_over_comparisons_has_their_default_columns(mf6: Path, tmp_path: Path) -> None:
    written(tmp_path, more=POINT)
    file = tmp_path / "tb.toml"
    file.write_text(TESTBED.format(subject="flow"))
    assert main(["run", str(file)]) == 0
    root = tmp_path / "testbed" / "tb"
    found = rows(root / "testbed_metrics.csv")
    assert [row["status"] for row in found] == ["ok", "ok"]
    assert {row["audit_status"] for row in found} == {"pass"}
    assert {row["n_metric_rows"] for row in found} == {"1"}
    case = rows(root / "testbed_cases.csv")[0]
    for column in ("comparison_web_report", "observables_csv", "comparison_figures_dir"):
        assert (root / case[column]).exists(), column
    (tmp_path / "base.toml").write_text(BASE.replace("head = 20.0", "head = 19.0"))
    assert main(["run", str(file)]) == 0  # the case changed: both are run again
    reasons = {row["reuse_reason"] for row in rows(root / "testbed_cases.csv")}
    assert reasons == {"input changed: base.toml"}


def test_a_testbed_of_cases_that_differ_in_more_than_the_method_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, more=POINT)
    file = tmp_path / "tb.toml"
    key = "comparison.simulation.other.overlay.flow.param.K.value"
    file.write_text(
        TESTBED.format(subject="flow").replace(
            "comparison.base_simulation_overlay.flow.param.K.value", key
        )
    )
    assert main(["testbed", "plan", str(file)]) == 2
    assert "may not differ between methods of one case" in capsys.readouterr().err
