"""The page about claims quotes a finished lane: every number is one that a gate read."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("claim_page", ROOT / "tools" / "claim_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(tool):
    """Folder, gate and words of all that is quoted, in order."""
    return [(folder, *row) for folder, gates in tool.ROWS.items() for row in gates.items()]


@pytest.fixture
def docs(tool, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copy(ROOT / "docs" / "explanation" / tool.PAGE, folder)
    return folder


@pytest.fixture
def lane(tool, tmp_path):
    """A lane with the files that the page reads; value n for the n-th gate."""
    root, judged = tmp_path / "lane", {}
    for n, (folder, gate, _) in enumerate(rows(tool)):
        read = {"value": n + 0.5, "bound": {"low": None, "high": 1000}}
        judged.setdefault(folder, {})[gate] = read
    main, cross, seeds, *sweeps = (
        {"path": path, "gates": judged[path]} for path in judged if path.startswith("..")
    )
    files = {"rutherford/promotion/validation.json": {"verdicts": judged["rutherford/promotion"]}}
    files["rutherford/manifest.json"] = {"claim_level": "production", "claim_scope": "of a test"}
    files["rutherford/promotion/promotion_readiness.json"] = {
        "linear_phase": {"slope": 0.0811, "t_start": 7.5, "t_end": 31.0},
        "algebraic_phase": {
            "width_rate": 0.0187, "t_end": 69.0, "rutherford_ratio": 0.19,
            "constant_psi_parameter": 1.5, "comparable": False,
        },
        "saturation": {"width": 1.55, "width_over_half_box": 0.49},
        "convergence_reports": [main, cross], "seed_qi_report": seeds,
        "sweep_reports": dict(zip(("width", "eta"), sweeps, strict=True)),
    }  # fmt: skip
    for name, document in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    for name in tool.FIGURES:
        path = root / "rutherford" / "promotion" / "figures" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_the_page_quotes_every_gate_and_shows_every_figure(tool, lane, docs):
    assert tool.main(lane, docs) == 0
    page = (docs / tool.PAGE).read_text()
    for n, (_, gate, words) in enumerate(rows(tool)):
        assert f"| {words} | {n + 0.5:g} | <= 1000 | `{gate}` |" in page
    assert "*of a test*" in page
    assert "not comparable" in page
    for name in tool.FIGURES:
        assert f"({(tool.PLACE / name).as_posix()})" in page
        assert (docs / tool.PLACE / name).read_bytes() == name.encode()


def test_filling_the_page_again_changes_nothing(tool, lane, docs):
    tool.main(lane, docs)
    once = (docs / tool.PAGE).read_bytes()
    tool.main(lane, docs)
    assert (docs / tool.PAGE).read_bytes() == once


def test_a_lane_without_a_claim_is_refused(tool, lane, docs, capsys):
    before = (docs / tool.PAGE).read_bytes()
    (lane / "rutherford" / "manifest.json").write_text('{"claim_level": "validation"}')
    assert tool.main(lane, docs) == 1
    assert "validation, the page is about a claim" in capsys.readouterr().err
    assert (docs / tool.PAGE).read_bytes() == before


def test_a_lane_that_lacks_a_figure_is_refused_by_name(tool, lane, docs, capsys):
    (lane / "rutherford" / "promotion" / "figures" / "seeds.png").unlink()
    assert tool.main(lane, docs) == 1
    assert "lacks seeds.png" in capsys.readouterr().err


def test_the_gates_that_the_page_names_exist(tool):
    from mhx.campaigns.criteria import CRITERIA

    known = {row.gate.name for row in CRITERIA}
    assert tool.ROWS["rutherford/promotion"].keys() <= known
