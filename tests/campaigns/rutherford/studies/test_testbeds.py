"""A study as files: what stands in them, what writing again does, and what is refused."""

import os

import pytest

from mhx.campaigns.rutherford.studies import testbeds
from mhx.campaigns.rutherford.studies.flags import Convergence, LongRun, Seeds, Sweep, study_of
from mhx.errors import ConfigError
from mhx.testbed.launcher import plan_testbed
from mhx.testbed.plan import make_plan
from mhx.testbed.running.journal import JOURNAL

SMALL = {"width": 0.45, "eta": 0.008, "nu": 0.008, "t_end": 1.0, "save_interval": 0.1}
GRID = {**SMALL, "nx": 16, "ny": 16, "dt": 0.05}

SEEDS = """\
# written by mhx benchmark; run it again with: mhx testbed run testbed.toml

[workflow]
mode = "testbed"

[testbed]
id = "seeds"
subject = "reconnection"
purpose = "fast_validation: independence of the seed of the noise"
base_config = "base.toml"
output_root = "."
axis = [
    { id = "seed", unit = "1", label = "seed of the noise" },
]
metric = [
"""

CASES = """\
[testbed.runner]
type = "reduced_mhd"

[testbed.reuse]
from = []

[[testbed.case]]
id = "seed_0"
label = "seed 0"
axis = "seed"
value = 0
changes = []

[testbed.case.overlay]

[[testbed.case]]
id = "seed_5"
label = "seed 5"
axis = "seed"
value = 5
changes = [
    "initial.seed",
]

[testbed.case.overlay.initial]
seed = 5
"""


def seeds(folder, **flags):
    return study_of(Seeds(outdir=folder, seeds="0,5", **{**GRID, **flags}))


def test_the_files_of_an_ensemble(tmp_path):
    file = testbeds.write(seeds(tmp_path / "s"))
    assert file == tmp_path / "s" / "testbed.toml"
    text = file.read_text()
    assert text.startswith(SEEDS)
    assert text.endswith(CASES)
    base = (tmp_path / "s" / "base.toml").read_text()
    assert "[time]\nt0 = 0.0\nt1 = 1.0\ndt = 0.05\nsave_every = 2\n" in base
    assert "quantities" not in base
    assert "output_dir" not in base


STUDIES = {
    "convergence": lambda to: Convergence(
        outdir=to, resolutions="16,24", reference_resolution=16, **SMALL
    ),
    "seeds": lambda to: Seeds(outdir=to, **GRID),
    "widths": lambda to: Sweep(outdir=to, **GRID),
    "etas": lambda to: Sweep(outdir=to, sweep_axis="resistivity", **GRID),
    "modes": lambda to: Sweep(outdir=to, sweep_axis="mode", **GRID),
    "long run": lambda to: LongRun(outdir=to, **GRID),
}


@pytest.mark.parametrize("options", STUDIES.values(), ids=STUDIES)
def test_every_study_is_a_testbed_without_fault_whose_cases_are_its_own(options, tmp_path):
    study = study_of(options(tmp_path / "s"))
    plan = make_plan(testbeds.write(study))
    plan.raise_faults()
    assert [planned.case.id for planned in plan.cases] == [case.id for case in study.cases]
    rows = plan.document()["cases"]
    assert len({row["child_digest"] for row in rows}) == len(rows)
    assert plan.root.resolve() == (tmp_path / "s").resolve()


def test_children_draw_no_pictures(tmp_path):
    plan_testbed(testbeds.write(seeds(tmp_path / "s")))
    for child in (tmp_path / "s" / "_generated_configs").glob("*.toml"):
        assert "figures = false" in child.read_text()


def test_writing_again_changes_nothing(tmp_path):
    file = testbeds.write(seeds(tmp_path / "s"))
    before = {path: path.stat().st_ino for path in file.parent.iterdir()}
    testbeds.write(seeds(tmp_path / "s"))
    assert {path: path.stat().st_ino for path in file.parent.iterdir()} == before


def test_other_bounds_and_other_shares_are_the_same_study(tmp_path):
    testbeds.write(seeds(tmp_path / "s"))
    other = tmp_path / "other"
    other.mkdir()
    (other / JOURNAL).touch()
    file = testbeds.write(seeds(tmp_path / "s", share=[other]))
    assert '"../other"' in file.read_text()


def test_another_study_in_the_folder_is_refused_by_key(tmp_path):
    file = testbeds.write(seeds(tmp_path / "s"))
    before = file.read_bytes()
    with pytest.raises(ConfigError) as caught:
        testbeds.write(seeds(tmp_path / "s", t_end=2.0, eta=0.009))
    told = str(caught.value).splitlines()
    assert told[0] == f"{tmp_path / 's'} holds another study (there -> asked):"
    assert "  physics.resistivity: 0.008 -> 0.009" in told
    assert "  time.t1: 1.0 -> 2.0" in told
    assert told[-1] == "write this one into another --outdir, or move the old one away"
    assert file.read_bytes() == before


def test_more_seeds_are_another_study(tmp_path):
    testbeds.write(seeds(tmp_path / "s"))
    more = study_of(Seeds(outdir=tmp_path / "s", seeds="0,5,6", **GRID))
    with pytest.raises(ConfigError, match=r"testbed.case.seed_6.id: absent -> seed_6"):
        testbeds.write(more)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds files that are no study"):
        testbeds.write(seeds(tmp_path))
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_base_that_is_lost_is_written_again(tmp_path):
    file = testbeds.write(seeds(tmp_path / "s"))
    base = file.parent / "base.toml"
    before = base.read_bytes()
    base.unlink()
    assert testbeds.write(seeds(tmp_path / "s")) == file
    assert base.read_bytes() == before


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "s").write_text("mine")
    with pytest.raises(ConfigError, match="is a file; choose another --outdir"):
        testbeds.write(seeds(tmp_path / "s"))


@pytest.mark.parametrize("sealed", [True, False], ids=["a sealed run", "a study"])
def test_a_study_is_not_written_among_the_files_of_another(tmp_path, sealed):
    above = tmp_path / "above"
    if sealed:
        above.mkdir()
        (above / "artifact_manifest.json").write_text("{}")
    else:
        testbeds.write(seeds(above))
    before = sorted(os.listdir(above))
    with pytest.raises(ConfigError, match=r"lies among the files of .*; choose another --outdir"):
        testbeds.write(seeds(above / "sub"))
    assert sorted(os.listdir(above)) == before


def test_a_torn_base_is_told_as_such(tmp_path):
    file = testbeds.write(seeds(tmp_path / "s"))
    (file.parent / "base.toml").write_text("[mesh")
    with pytest.raises(ConfigError, match=r"base\.toml was written by somebody else"):
        testbeds.write(seeds(tmp_path / "s"))


def test_only_folders_that_hold_runs_are_shared(tmp_path):
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    (tmp_path / "with" / JOURNAL).touch()
    shares = [tmp_path / name for name in ("with", "without", "absent", "s")]
    content = testbeds.testbed_of(seeds(tmp_path / "s", share=shares))
    assert content["testbed"]["reuse"]["from"] == ["../with"]


def test_a_study_never_shares_with_itself(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / JOURNAL).touch()
    content = testbeds.testbed_of(seeds(tmp_path / "s", share=[tmp_path / "with" / ".." / "s"]))
    assert content["testbed"]["reuse"]["from"] == []


def test_a_study_without_cases_leaves_its_base_alone_in_the_folder(tmp_path):
    study = study_of(Sweep(outdir=tmp_path / "s", equilibrium="cosine_tearing"))
    testbeds.write(study)
    assert os.listdir(tmp_path / "s") == ["base.toml"]
    testbeds.write(study)
