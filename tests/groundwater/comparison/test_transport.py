"""Transport compared: schemes, grids, engines, an exact solution as the reference."""

from pathlib import Path

import pytest

from mhx.cli import main
from mhx.evidence import verify

from .files import COMPARISON
from .test_run import compared, manifest, rows

pytestmark = pytest.mark.slow

COLUMN = """\
[workflow]
mode = "simulation"
[domain]
kind = "rectangle"
length_x = 200.0
length_y = 15.0
[topography]
kind = "plane"
base_elevation = 10.0
amplitude = 0.0
rises_to = "west"
[layers]
kind = "constant_bottom"
bottom = 0.0
[mesh]
kind = "structured"
cell_x = 5.0
cell_y = 5.0
[flow]
regime = "steady"
formulation = { newton = true, xt3d = false, cell_type = "confined" }
param = { K = { value = 1e-4 } }
ic = { kind = "constant", value = 11.0 }
accept = { allow_flooding = true }
bc = [
    { id = "west", package = "chd", where = { side = "west" }, head = 12.0, concentration = 1.0 },
    { id = "east", package = "chd", where = { side = "east" }, head = 11.0 },
]
[transport]
param = { porosity = 0.25, alpha_l = 5.0, alpha_th = 0.5 }
scheme = { advection = "upstream" }
time = { length = 120.0, courant = 0.5 }
bc = [ { id = "inlet", package = "cnc", where = { side = "west" }, value = 1.0 } ]
"""
OBSERVABLES = """
[[comparison.observable]]
name = "profile"
variable = "concentration"
support = "line"
x = [0.0, 200.0]
y = [7.5, 7.5]
[[comparison.observable]]
name = "breakthrough"
variable = "concentration"
support = "point"
x = 22.0
y = 7.5
time = "all"
[[comparison.observable]]
name = "leaving"
variable = "concentration"
support = "outlet"
boundary_id = "east"
[[comparison.observable]]
name = "mass_in"
variable = "budget"
unit = "kg/s"
support = "boundary"
boundary_id = "inlet"
[[comparison.observable]]
name = "plume"
variable = "concentration"
support = "map"
time = 60.0
"""
CENTRAL = 'overlay = { transport = { scheme = { advection = "central" } } }'


def test_schemes_differ_and_steps_that_differ_are_not_paired(mf6: Path, tmp_path: Path) -> None:
    fine = (
        '[[comparison.simulation]]\nid = "fine"\n'
        "overlay = { transport = { time = { courant = 0.2 } } }\n"
    )
    code, root = compared(tmp_path, base=COLUMN, method=CENTRAL, more=fine + OBSERVABLES)
    assert code == 0
    assert verify.verify(root).problems == []
    found = {
        (row["simulation"], row["observable"]): row for row in rows(root / "comparison_metrics.csv")
    }
    assert len(found) == 10
    assert float(found["other", "profile"]["rmse"]) > 1e-3  # upstream smears
    assert found["other", "breakthrough"]["n_unmatched"] == "0"
    unmatched = int(found["fine", "breakthrough"]["n_unmatched"])
    listed = [row for row in rows(root / "comparison_unmatched.csv") if "fine" in row.values()]
    assert unmatched == len(listed) > 0
    balances = {row["balance"] for row in rows(root / "numerical_closure.csv")}
    assert balances == {"water", "solute"}
    pictures = {path.name for path in (root / "comparison_figures").iterdir()}
    assert {"concentration.png", "difference_plume.png", "history_breakthrough.png"} <= pictures


def test_gwt_and_mt3d_agree_in_finite_differences(
    mf6: Path, mt3dusgs: Path, mfnwt: Path, tmp_path: Path
) -> None:
    bound = OBSERVABLES.replace('name = "profile"', 'name = "profile"\nmax_abs_error = 1e-4')
    code, root = compared(tmp_path, base=COLUMN, method='engine = "mt3dusgs"', more=bound)
    report = (root / "comparison_report.md").read_text()
    assert code == 0, report
    assert "- flow of other: equal to MODFLOW 6 to about 1e-4 m" in report
    assert "- transport of other: equal to GWT to single precision" in report
    facts = (root / "comparison_audit.md").read_text()
    assert "| fail |" not in facts


def test_against_an_exact_solution_a_difference_is_an_error(mf6: Path, tmp_path: Path) -> None:
    exact = (
        'engine = "analytic"\noverlay = { solver = { analytic = { solution = "ogata_banks" } } }'
    )
    code, root = compared(tmp_path, base=COLUMN, reference=exact, method=CENTRAL, more=OBSERVABLES)
    assert code == 0, (root / "comparison_audit.md").read_text()
    assert "a difference from it is the error of a method" in (
        root / "comparison_report.md"
    ).read_text().replace("\n", " ")
    found = {row["observable"]: row for row in rows(root / "comparison_metrics.csv")}
    assert float(found["profile"]["rmse"]) < 0.1
    assert found["leaving"]["n_pairs"] == "0"  # it tells of no mass that leaves


def test_a_testbed_over_transport_comparisons(mf6: Path, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(COLUMN)
    (tmp_path / "cmp.toml").write_text(
        COMPARISON.format(keys="", reference="", method=CENTRAL, more=OBSERVABLES)
    )
    (tmp_path / "tb.toml").write_text(
        'workflow = { mode = "testbed" }\n[testbed]\nsubject = "transport"\n'
        'base_config = "cmp.toml"\nrunner = { type = "comparison" }\n'
        '[[testbed.case]]\nid = "upstream_reference"\n[[testbed.case]]\nid = "tvd"\n'
        'overlay = { comparison = { simulation = [{ id = "other", overlay = { transport = '
        '{ scheme = { advection = "tvd" } } } }] } }\n'
        '[[testbed.metric]]\nname = "rmse"\nunit = "kg/m3"\nrequired = true\n'
        'source = "comparison_metrics.other.profile.rmse"\n'
    )
    assert main(["run", str(tmp_path / "tb.toml")]) == 0
    found = rows(tmp_path / "testbed" / "tb" / "testbed_metrics.csv")
    central, tvd = (float(row["rmse"]) for row in found)
    assert central > 0 and tvd > 0 and central != tvd


def test_the_manifest_tells_solutes_apart(mf6: Path, tmp_path: Path) -> None:
    code, root = compared(tmp_path, base=COLUMN, method=CENTRAL)
    assert code == 0
    summary = (root / "run_summary.json").read_text()
    assert "comparison_metrics.other.solute_closure_relative" in summary
    names = {row["observable"] for row in rows(root / "comparison_metrics.csv")}
    assert names == {"head_map", "concentration_map"}  # where nothing is declared
    assert manifest(root)["closure_status_code"] == 0
