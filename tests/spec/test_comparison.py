"""Testbed, section 15, and groundwater, 7.5: a star of methods against one reference.

The case: 45 m in the west, 40 m in the east, no recharge, confined.  Cells hold these heads at
their centres, so heads are linear between the outer centres, 300 m apart with cells of 100 m and
350 m apart with cells of 50 m, and what passes is K * 200 m * 50 m * 5 m over that distance.
"""

import csv
import hashlib
import shutil

import numpy as np
import pytest

from .matrix import FLOW, header, line_of, mhx, read, rows, tree

pytestmark = pytest.mark.slow

COMPARISON = """\
[workflow]
mode = "comparison"
[comparison]
base_simulation_config = "base.toml"
reference_simulation = "dis"
raster = { cells = 40 }
[[comparison.simulation]]
id = "dis"
[[comparison.simulation]]
id = "disv"
overlay = { mesh.kind = "rectangular_disv" } # disv
[[comparison.simulation]]
id = "fine"
overlay = { mesh.cell_x = 50.0, mesh.cell_y = 50.0 }
[[comparison.observable]]
name = "middle"
variable = "head"
support = "point"
x = [150.0, 260.0]
y = [60.0, 60.0]
[[comparison.observable]]
name = "out"
variable = "budget"
support = "outlet"
boundary_id = "east" # out
[[comparison.observable]]
name = "everywhere"
variable = "head"
support = "map"
"""

WORSE = 'overlay = { mesh.kind = "rectangular_disv" }'
STATISTICS = ("n_pairs", "bias", "mae", "rmse", "max_abs_error", "mean_relative_error")
TOP = [
    "comparison_id",
    "reference_simulation",
    "audit_status",
    "n_observable_rows",
    "n_metric_rows",
    "n_difference_rows",
    "closure_max_abs_m3_s",
    "closure_max_abs_mm_d",
    "closure_relative_error_p95",
    "closure_status_code",
    "wall_time_seconds",
]
FILES = [
    "comparison_manifest.json",
    "observables.csv",
    "comparison_metrics.csv",
    "comparison_differences.csv",
    "comparison_metrics.json",
    "comparison_audit.json",
    "comparison_audit.md",
    "numerical_closure.csv",
    "comparison_report.md",
    "comparison_report.html",
]


def wrote(folder, text=COMPARISON, base=FLOW):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.toml").write_text("output = { figures = false }\n" + base, encoding="utf-8")
    (folder / "k.toml").write_text(text, encoding="utf-8")
    return folder / "k.toml"


def ran(folder, text=COMPARISON, base=FLOW, code=0, words=()):
    said = mhx("run", wrote(folder, text, base), "--output-dir", folder / "run", *words)
    assert said.code == code, said.text
    return folder / "run"


def refused(folder, text, base=FLOW):
    path = wrote(folder, text, base)
    before = tree(folder)
    for words in (("--dry-run",), ()):
        said = mhx("run", path, "--output-dir", folder / "run", *words)
        assert said.code == 2, said.text
        assert tree(folder) == before
    return said.err


def summary(run):
    return read(run / "run_summary.json")["metrics"]


def row(run, simulation, observable, name="comparison_metrics.csv"):
    found = [
        entry
        for entry in rows(run / name)
        if (entry["simulation"], entry["observable"]) == (simulation, observable)
    ]
    return found if name != "comparison_metrics.csv" else found[0]


@pytest.fixture(scope="module")
def star(mf6, tmp_path_factory):
    return ran(tmp_path_factory.mktemp("star"))


def head(x, size):
    return 45.0 - 5.0 * (x - size / 2) / (400.0 - size)


def test_files_of_a_comparison(star):
    assert not [name for name in FILES if not (star / name).is_file()]
    assert list((star / "comparison_figures").glob("*.png"))
    for name in ("dis", "disv", "fine"):
        assert (star / f"_generated_configs/{name}.toml").is_file()
        assert (star / f"simulations/{name}/run_summary.json").is_file()
        assert mhx("verify", star / f"simulations/{name}").code == 0
    assert mhx("verify", star).code == 0


def test_page_is_one_file_with_pictures(star):
    page = (star / "comparison_report.html").read_text("utf-8")
    assert "data:image/png" in page or "<svg" in page
    assert 'src="http' not in page and 'href="http' not in page


def test_reports_say_what_a_star_cannot_tell(star):
    for name in ("comparison_report.md", "comparison_report.html"):
        assert "not which" in (star / name).read_text("utf-8")


def test_top_of_the_manifest(star):
    manifest = read(star / "comparison_manifest.json")
    assert not [key for key in TOP if key not in manifest]
    assert manifest["comparison_id"] == "k"
    assert manifest["reference_simulation"] == "dis"
    assert manifest["audit_status"] == "pass"
    assert manifest["n_observable_rows"] == len(rows(star / "observables.csv")) == 9
    assert manifest["n_metric_rows"] == len(rows(star / "comparison_metrics.csv")) == 6
    differences = rows(star / "comparison_differences.csv")
    assert manifest["n_difference_rows"] == len(differences) == 6
    closures = rows(star / "numerical_closure.csv")
    largest = max(abs(float(entry["residual"])) for entry in closures)
    assert manifest["closure_max_abs_m3_s"] == pytest.approx(largest)
    assert manifest["closure_status_code"] == 0
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((star / name).read_bytes()).hexdigest() == digest, name
    metrics, notes = summary(star), read(star / "run_summary.json")["notes"]
    for key in TOP:
        assert (metrics | notes)[key] == manifest[key], key


def test_columns_of_the_metrics(star):
    assert header(star / "comparison_metrics.csv") == [
        "simulation",
        "reference",
        "observable",
        "unit",
        *STATISTICS,
        "n_unmatched",
    ]
    pairs = {
        (entry["simulation"], entry["reference"]) for entry in rows(star / "comparison_metrics.csv")
    }
    assert pairs == {("disv", "dis"), ("fine", "dis")}  # a star


def test_the_same_numbers_in_the_summary(star):
    metrics = summary(star)
    for entry in rows(star / "comparison_metrics.csv"):
        for key in STATISTICS:
            name = f"comparison_metrics.{entry['simulation']}.{entry['observable']}.{key}"
            assert metrics[name] == float(entry[key]), name
    for name in ("dis", "disv", "fine"):
        for key in ("closure_m3_s", "closure_mm_d", "closure_relative", "wall_time_s", "n_cells"):
            assert f"comparison_metrics.{name}.{key}" in metrics
    assert metrics["comparison_metrics.fine.n_cells"] == 32


def test_points_by_hand(star):
    # At 150 and 260 m: cells with centres at 150 and 250 m; with cells of 50 m at 125 or 175 m (a
    # point on a face belongs to one of both) and 275 m.
    first, second = row(star, "fine", "middle", "comparison_differences.csv")
    assert float(first["reference_value"]) == pytest.approx(head(150.0, 100.0))
    assert float(second["reference_value"]) == pytest.approx(head(250.0, 100.0))
    assert float(second["value"]) == pytest.approx(head(275.0, 50.0), abs=1e-6)
    at = [float(entry["difference"]) for entry in (first, second)]
    assert at[1] == pytest.approx(head(275.0, 50.0) - head(250.0, 100.0), abs=1e-6)
    found = row(star, "fine", "middle")
    assert int(found["n_pairs"]) == 2 and int(found["n_unmatched"]) == 0
    assert float(found["bias"]) == pytest.approx(sum(at) / 2)
    assert float(found["mae"]) == pytest.approx(sum(map(abs, at)) / 2)
    assert float(found["rmse"]) == pytest.approx((sum(a * a for a in at) / 2) ** 0.5)
    assert float(found["max_abs_error"]) == pytest.approx(max(map(abs, at)))
    relative = [
        abs(float(entry["difference"])) / float(entry["reference_value"])
        for entry in (first, second)
    ]
    assert float(found["mean_relative_error"]) == pytest.approx(sum(relative) / 2)


def test_outlet_is_what_leaves(star):
    value, reference = (1e-5 * 200.0 * 50.0 * 5.0 / distance for distance in (350.0, 300.0))
    (entry,) = row(star, "fine", "out", "comparison_differences.csv")
    assert entry["unit"] == "m3/s"
    assert float(entry["value"]) == pytest.approx(value, rel=1e-6)
    assert float(entry["reference_value"]) == pytest.approx(reference, rel=1e-6)
    assert float(entry["difference"]) == pytest.approx(value - reference, rel=1e-5)


def test_maps_on_a_common_raster_by_hand(star):
    # 40 x 20 squares of 10 m; nearest cell; every row alike.
    x = 5.0 + 10.0 * np.arange(40)
    fine = head(50.0 * np.floor(x / 50.0) + 25.0, 50.0)
    coarse = head(100.0 * np.floor(x / 100.0) + 50.0, 100.0)
    off = fine - coarse
    found = row(star, "fine", "everywhere")
    assert int(found["n_pairs"]) == 800
    assert float(found["bias"]) == pytest.approx(off.mean(), abs=1e-6)
    assert float(found["rmse"]) == pytest.approx(np.sqrt((off**2).mean()), rel=1e-6)
    assert float(found["max_abs_error"]) == pytest.approx(abs(off).max(), rel=1e-6)
    text = (star / "comparison_report.md").read_text("utf-8")
    assert "linear" in text and "nearest_cell" in text  # what reading the map itself makes


def test_dis_and_the_same_grid_as_disv_agree(star):
    for name in ("middle", "out", "everywhere"):
        assert float(row(star, "disv", name)["max_abs_error"]) < 1e-6


@pytest.mark.parametrize(("bound", "code"), [("0.1", 1), ("0.3", 0)])
def test_bounds_become_gates(tmp_path, mf6, bound, code):
    text = COMPARISON.replace("x = [150.0, 260.0]", f"max_rmse = {bound}\nx = 140.0")
    text = text.replace("y = [60.0, 60.0]", "y = 60.0")
    off = abs(head(125.0, 50.0) - head(150.0, 100.0))
    assert 0.1 < off < 0.3
    run = ran(tmp_path, text, code=code)
    checks = read(run / "validation.json")["checks"]
    (gate,) = [key for key in checks if "fine" in key and "middle" in key]
    assert checks[gate] is (code == 0)


def test_largest_error_becomes_a_gate(tmp_path, mf6):
    text = COMPARISON.replace("# out", "\nmax_abs_error = 1e-9")
    run = ran(tmp_path, text, code=1)
    verdicts = read(run / "validation.json")["verdicts"].values()
    failed = {entry["metric"] for entry in verdicts if entry["verdict"] == "fail"}
    assert failed == {"comparison_metrics.fine.out.max_abs_error"}


@pytest.mark.parametrize(
    ("overlay", "key"),
    [
        ("overlay = { flow.param.K.value = 2e-5 }", "flow.param.K.value"),
        ("overlay = { domain.length_x = 500.0 }", "domain.length_x"),
        ("overlay = { layers.thickness = 40.0 }", "layers.thickness"),
        ("overlay = { flow.ic.value = 41.0 }", "flow.ic.value"),
        ('overlay = { flow.bc = [{ id = "west", package = "chd", head = 44.0 }] }', "flow.bc"),
    ],
)
def test_only_the_method_may_differ(tmp_path, overlay, key):
    text = COMPARISON.replace(WORSE, overlay)
    said = refused(tmp_path, text)
    assert key in said
    if "bc" not in key:
        assert f"k.toml:{line_of(tmp_path / 'k.toml', 'disv')}" in said
        assert "'disv'" in said


def test_on_mismatch_lowers_the_audit_and_says_so(tmp_path, mf6):
    text = COMPARISON.replace(WORSE, "overlay = { flow.param.K.value = 2e-5 }")
    for word, status in (("warn", "warn"), ("ignore", "ignored")):
        audit = f'audit = {{ on_mismatch = "{word}" }}\nraster'
        run = ran(tmp_path / word, text.replace("raster", audit))
        assert read(run / "comparison_manifest.json")["audit_status"] == status
        assert read(run / "comparison_audit.json")["status"] == status
        assert read(run / "run_summary.json")["notes"]["audit_status"] == status
        for name in ("comparison_audit.md", "comparison_report.md", "comparison_report.html"):
            assert status in (run / name).read_text("utf-8").lower(), name
        out = float(row(run, "disv", "out", "comparison_differences.csv")[0]["value"])
        assert out == pytest.approx(2 * 1e-5 * 200.0 * 50.0 * 5.0 / 300.0, rel=1e-6)


RAIN = FLOW.replace(
    "bc = [",
    'source = [{ id = "rain", package = "rcha", where = { all = true }, rate = 1e-9 }]\nbc = [',
)


def test_other_accepted_recharge_fails_the_audit(tmp_path, mf6):
    # Fixed cells take no recharge: 4 of 8 cells, but 8 of 32.
    run = ran(tmp_path, base=RAIN, code=1)
    facts = [
        entry
        for entry in read(run / "comparison_audit.json")["measured"]
        if entry["name"] == "recharge_accepted" and entry["simulation"] == "fine"
    ]
    (fact,) = facts
    assert fact["reference"] == pytest.approx(1e-9 * 40000.0)
    assert fact["value"] == pytest.approx(1e-9 * 60000.0)
    assert fact["verdict"] == "fail"
    assert read(run / "comparison_manifest.json")["audit_status"] == "fail"
    assert "fixed_head" in (run / "comparison_audit.md").read_text("utf-8")


def test_a_changed_recharge_is_caught_in_a_run_that_is_taken_over(tmp_path, mf6):
    other = wrote(tmp_path / "other", base=RAIN.replace("1e-9", "2e-9")).parent / "base.toml"
    said = mhx("run", other, "--output-dir", tmp_path / "other/run")
    assert (tmp_path / "other/run/run_summary.json").is_file(), said.text
    text = COMPARISON.replace(WORSE, 'run_dir = "../other/run"').replace(
        "cell_x = 50.0", "cell_x = 100.0"
    )
    text = text.replace("cell_y = 50.0", "cell_y = 100.0")
    said = refused(tmp_path / "k", text, RAIN)
    assert "rate" in said and "2e-09" in said


def test_a_run_is_taken_over_and_not_touched(star, tmp_path):
    shutil.copytree(star / "simulations/disv", tmp_path / "kept")
    before = tree(tmp_path / "kept")
    run = ran(tmp_path / "k", COMPARISON.replace(WORSE, 'run_dir = "../kept"'))
    assert tree(tmp_path / "kept") == before
    assert not (run / "simulations/disv/mf6").exists()
    assert rows(run / "comparison_metrics.csv") == rows(star / "comparison_metrics.csv")
    with (tmp_path / "kept/results/budget.csv").open("a") as stream:
        stream.write("1,chd,9.0,9.0,\n")
    said = mhx("run", tmp_path / "k/k.toml", "--output-dir", tmp_path / "again")
    assert said.code in (2, 4), said.text
    assert not (tmp_path / "again").exists()


def test_closures_by_hand(star):
    for entry in rows(star / "numerical_closure.csv"):
        assert entry["grade"] == "0" and entry["status"] == "OK"
        into, out, left = (float(entry[key]) for key in ("in", "out", "residual"))
        assert left == pytest.approx(into - out, abs=1e-15)
        assert float(entry["relative"]) == pytest.approx(abs(left) / max(into, out), rel=1e-9)
        depth = abs(left) / 80000.0 * 1000.0 * 86400.0
        assert abs(float(entry["residual_mm_d"])) == pytest.approx(depth, rel=1e-9)


def test_only_those_asked_for_are_observed(tmp_path, mf6):
    text = COMPARISON.replace("# out", '\nsimulations = ["dis", "disv"]')
    run = ran(tmp_path, text)
    assert {e["simulation"] for e in rows(run / "observables.csv") if e["observable"] == "out"} == {
        "dis",
        "disv",
    }
    assert "comparison_metrics.fine.out.rmse" not in summary(run)


def test_disabled_methods_are_left_out(tmp_path, mf6):
    run = ran(tmp_path, COMPARISON.replace('id = "fine"', 'id = "fine"\nenabled = false'))
    assert not (run / "simulations/fine").exists()
    assert {entry["simulation"] for entry in rows(run / "comparison_metrics.csv")} == {"disv"}


STORED = FLOW.replace(
    'regime = "steady"',
    'regime = "transient"\ntime = { period = [{ length = 4.0, steps = 4 }] }',
).replace(
    "param = { K = { value = 1e-5 } }",
    "param = { K = { value = 1e-5 }, Ss = { value = 1e-5 }, Sy = { value = 0.1 } }",
)


def test_nothing_is_matched_by_fallback(tmp_path, mf6):
    # A run of 4 steps and one of 2 share two times; the rest is counted and listed.
    one = (
        wrote(tmp_path / "one", base=STORED.replace("steps = 4", "steps = 2")).parent / "base.toml"
    )
    assert mhx("run", one, "--output-dir", tmp_path / "one/run").code == 0
    text = COMPARISON.replace(WORSE, 'run_dir = "../one/run"').replace(
        'support = "outlet"', 'support = "outlet"\ntime = "all"'
    )
    text = text.replace("raster", 'audit = { on_mismatch = "ignore" }\nraster')
    run = ran(tmp_path / "k", text, STORED)
    found = row(run, "disv", "out")
    assert int(found["n_pairs"]) == 2 and int(found["n_unmatched"]) == 2
    listed = [
        e
        for e in rows(run / "comparison_unmatched.csv")
        if e["simulation"] == "disv" or e["missing_in"] == "disv"
    ]
    assert sorted(float(entry["time_d"]) for entry in listed) == [1.0, 3.0]


def test_masks_domains_cells_and_boundaries(tmp_path, mf6):
    # The western half: cells with centres at 50 and 150 m, or 25 to 175 m.
    more = {
        "half": 'variable = "head"\nsupport = "mask"\nmask = "half.csv"',
        "all": 'variable = "head"\nsupport = "domain"',
        "cell": 'variable = "head"\nsupport = "cell"\ncell = 1',
        "chd": 'variable = "budget"\nsupport = "boundary"\nboundary_id = "east"\ncomponent = "chd"',
        "line": 'variable = "head"\nsupport = "line"\nx = [10.0, 390.0]\ny = [60.0, 60.0]',
    }
    text = COMPARISON + "".join(
        f'[[comparison.observable]]\nname = "{name}"\n{keys}\n' for name, keys in more.items()
    )
    folder = tmp_path / "k"
    folder.mkdir()
    (folder / "half.csv").write_text("x,y\n0,0\n200,0\n200,200\n0,200\n")
    run = ran(folder, text)
    value = {
        (e["simulation"], e["observable"]): float(e["value"]) for e in rows(run / "observables.csv")
    }
    assert value["dis", "half"] == pytest.approx((head(50.0, 100.0) + head(150.0, 100.0)) / 2)
    fine = [head(x, 50.0) for x in (25.0, 75.0, 125.0, 175.0)]
    assert value["fine", "half"] == pytest.approx(sum(fine) / 4, abs=1e-6)
    assert value["dis", "all"] == pytest.approx(42.5)
    assert value["dis", "cell"] == pytest.approx(head(150.0, 100.0))
    assert abs(value["dis", "chd"]) == pytest.approx(value["dis", "out"])
    assert ("dis", "line") in value


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('= "dis"\nraster', '= "diss"\nraster', "comparison.reference_simulation"),
        ('id = "disv"', 'id = "dis"', "comparison.simulation[1].id is used twice: 'dis'"),
        (
            'name = "out"',
            'name = "middle"',
            "comparison.observable[1].name is used twice: 'middle'",
        ),
        ('"east"', '"eas"', "boundary_id must be one of the case (west, east), got 'eas'"),
        ("x = [150.0, 260.0]", "x = [150.0, 2600.0]", "comparison.observable[0].x"),
        ("x = [150.0, 260.0]\n", "", "comparison.observable[0].x is required"),
        (
            'name = "out"\nvariable = "budget"',
            'name = "out"\nvariable = "heat"',
            "variable must be",
        ),
        ('"head"\nsupport = "map"', '"concentration"\nsupport = "map"', "transport"),
        ('support = "map"', 'support = "mask"', "comparison.observable[2].mask is required"),
        ('support = "map"', 'support = "mask"\nmask = "no.csv"', "no file 'no.csv'"),
        ('support = "map"', 'support = "map"\nunit = "ft"', "comparison.observable[2].unit"),
        (
            'support = "map"',
            'support = "map"\nmax_rmse = -1.0',
            "comparison.observable[2].max_rmse",
        ),
        ("cell_x = 50.0", "cell_xx = 50.0", "mesh.cell_xx is not a known key"),
        (WORSE, 'engine = "openfoam"', "comparison.simulation[1].engine must be"),
        (WORSE, 'run_dir = "nowhere"', "comparison.simulation[1].run_dir"),
        (WORSE, 'overlay = { workflow.mode = "command" }', "workflow.mode"),
        ('"base.toml"', '"bas.toml"', "no file 'bas.toml'"),
        ("raster", 'audit = { mode = "loose" }\nraster', "'strict_same_case'"),
        ("raster", "referenc = 1\nraster", "comparison.referenc is not a known key"),
    ],
)
def test_refused_while_planning(tmp_path, old, new, says):
    assert old in COMPARISON
    assert says in refused(tmp_path, COMPARISON.replace(old, new, 1))


def test_a_method_that_fails_is_told(tmp_path, mf6):
    text = COMPARISON.replace(WORSE, 'overlay = { solver.mf6.exe = "missing" }')
    assert "missing" in refused(tmp_path / "planning", text)
    stuck = "overlay = { solver.mf6.outer_maximum = 1, flow.formulation.cell_type = 'convertible' }"
    text = COMPARISON.replace(WORSE, stuck).replace("raster", "continue_on_error = true\nraster")
    said = mhx("run", wrote(tmp_path / "k", text), "--output-dir", tmp_path / "k/run")
    assert said.code == 1, said.text
    manifest = read(tmp_path / "k/run/comparison_manifest.json")
    status = {entry["id"]: entry["status"] for entry in manifest["simulations"]}
    assert status["fine"] == status["dis"] == "ok"
    assert "comparison_metrics.fine.out.rmse" in summary(tmp_path / "k/run")


def test_equal_runs_leave_equal_tables(star, tmp_path):
    run = ran(tmp_path)
    for name in ("observables.csv", "comparison_metrics.csv", "comparison_differences.csv"):
        assert (run / name).read_bytes() == (star / name).read_bytes()


def test_an_altered_table_is_found(star, tmp_path):
    shutil.copytree(star, tmp_path / "run")
    path = tmp_path / "run/comparison_metrics.csv"
    with path.open(newline="") as stream:
        table = list(csv.reader(stream))
    table[1][5] = "7.0"
    path.write_text("\n".join(",".join(line) for line in table) + "\n")
    assert mhx("verify", tmp_path / "run").code == 4
