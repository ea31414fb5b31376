"""Where evidence may go: what is in the way is told before anything is written."""

import json
import os

import pytest

from mhx.errors import ConfigError, RunError
from mhx.evidence.verify import verify
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.plan import make_plan

OTHER = {"testbed_plan.json": json.dumps({"testbed_id": "other"})}
RUN = {"artifact_manifest.json": "{}"}
WITHOUT_PLAN = {**RUN, "testbed_events.jsonl": ""}
CHOOSE = "; choose another testbed.output_root"
REFUSED = {
    "a file": (
        'output_root = "base.toml"',
        {},
        "testbed.output_root: base.toml is a file, not a folder" + CHOOSE,
    ),
    "below a file": (
        'output_root = "base.toml/x/y"',
        {},
        "testbed.output_root: base.toml is a file, not a folder" + CHOOSE,
    ),
    "no folder": (
        'output_root = "/dev/null"',
        {},
        "testbed.output_root: /dev/null is a file, not a folder" + CHOOSE,
    ),
    "empty": ('output_root = ""', {}, "testbed.output_root must name a folder, got ''"),
    "another testbed": (
        'output_root = "out"',
        {"out": OTHER},
        "out already belongs to testbed 'other'" + CHOOSE,
    ),
    "a case of another testbed": (
        'output_root = "out/cases/low_k"',
        {"out": OTHER},
        "out/cases/low_k lies among the files of testbed 'other'" + CHOOSE,
    ),
    "children of another testbed": (
        'output_root = "out/_generated_configs"',
        {"out": OTHER},
        "out/_generated_configs lies among the files of testbed 'other'" + CHOOSE,
    ),
    "a run": ('output_root = "r"', {"r": RUN}, "r lies in the run r" + CHOOSE),
    "within a run": ('output_root = "r/a/b"', {"r": RUN}, "r/a/b lies in the run r" + CHOOSE),
    "an id that goes up": (
        'id = "../x"',
        {},
        "testbed.id '../x' is no name of a folder; give a testbed.output_root",
    ),
    "an id of dots": (
        'id = ".."',
        {},
        "testbed.id '..' is no name of a folder; give a testbed.output_root",
    ),
}


def laid(folder, files):
    for name, content in files.items():
        (folder / name).mkdir(parents=True)
        for file, text in content.items():
            (folder / name / file).write_text(text)


@pytest.mark.parametrize(("key", "files", "wanted"), REFUSED.values(), ids=REFUSED)
def test_what_is_in_the_way_is_told(key, files, wanted, file, tmp_path):
    laid(tmp_path, files)
    path = file(runner=("[testbed]\n", f"[testbed]\n{key}\n"))
    before = sorted(os.walk(tmp_path))
    with pytest.raises(ConfigError) as caught:
        make_plan(path).raise_faults()
    found = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert found == ["k.toml: 1 fault", f"  k.toml:5  {wanted}"]
    assert sorted(os.walk(tmp_path)) == before


@pytest.mark.parametrize(
    ("key", "files"),
    [
        ('output_root = "."', {}),
        ('output_root = "out/beside"', {"out": OTHER}),
        ('id = "../x"\noutput_root = "out"', {}),
        ("id = \"\N{SNOWMAN} 'x' #1\"", {}),
        ('output_root = "out"', {"out": WITHOUT_PLAN}),  # judged, and its plan was lost since
    ],
)
def test_a_folder_of_ones_own_is_free(key, files, file, tmp_path):
    laid(tmp_path, files)
    assert make_plan(file(runner=("[testbed]\n", f"[testbed]\n{key}\n"))).faults == ()


def test_links_that_go_round_are_told_when_something_is_written(file, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    path = file(runner=("[testbed]\n", '[testbed]\noutput_root = "loop/t"\n'))
    with pytest.raises(RunError, match=r"cannot lock .*loop/t"):
        plan_testbed(path)


def test_a_link_into_a_run_is_seen_through(file, tmp_path):
    laid(tmp_path, {"r": RUN})
    (tmp_path / "link").symlink_to("r")
    with pytest.raises(ConfigError, match=r"link/t lies in the run r; choose another"):
        make_plan(file(runner=("[testbed]\n", '[testbed]\noutput_root = "link/t"\n')))


PLAN = {"campaign_plan.json": "{}", "artifact_manifest.json": "{}"}
LANE = {"manifest.json": json.dumps({"kind": "lane"}), "artifact_manifest.json": "{}"}


@pytest.mark.parametrize(
    ("files", "place"),
    [({"r": PLAN}, "r/convergence/main"), ({"r": PLAN}, "r/seed_qi"), ({"r": LANE}, "r/x/main")],
)
def test_evidence_about_a_campaign_may_lie_in_its_folders_for_it(files, place, file, tmp_path):
    laid(tmp_path, files)
    path = file(runner=("[testbed]\n", f'[testbed]\noutput_root = "{place}"\n'))
    assert run_testbed(path, Options(backend="inline")).exit_code == 0
    assert verify(tmp_path / place).problems == []


@pytest.mark.parametrize("place", ["r", "r/checkpoints/x", "r/promotion"])
def test_elsewhere_in_a_campaign_no_testbed_may_lie(place, file, tmp_path):
    laid(tmp_path, {"r": PLAN})
    path = file(runner=("[testbed]\n", f'[testbed]\noutput_root = "{place}"\n'))
    with pytest.raises(ConfigError, match=f"{place} lies in the run r; choose another"):
        make_plan(path).raise_faults()
