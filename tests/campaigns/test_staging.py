"""A run directory is planned as a whole or not at all; an older run is moved aside, never lost."""

import pytest

from mhx.campaigns import staging
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.staging import Standing
from mhx.errors import ConfigError

OLD = {"campaign_plan.json": "old plan", "checkpoints/step_1.json": "old record", "a.txt": "old"}
NEW = {"campaign_plan.json": "new plan", "checkpoints/index.json": "new index"}


def fill(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def content(root):
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def plan_anew(folder, *, moving):
    """What the planner does, with any step of it replaced by a kill."""
    fill(staging.begin(folder).root, NEW)
    if moving and folder.plan.exists():
        staging.move_aside(folder)
    staging.publish(folder)


STANDINGS = {
    "absent": (None, Standing.EMPTY),
    "empty": ({}, Standing.EMPTY),
    "a lock only": ({".lock": "", ".lock.json": ""}, Standing.EMPTY),
    "superseded only": ({"superseded/x/campaign_plan.json": ""}, Standing.EMPTY),
    "planned": ({"campaign_plan.json": ""}, Standing.PLANNED),
    "a killed planner": (
        {f"{staging.PLANNING}/new/runbook.md": "", "runbook.md": ""},
        Standing.INTERRUPTED,
    ),
    "foreign": ({"thesis.tex": ""}, Standing.FOREIGN),
    "a run without its plan": ({"manifest.json": ""}, Standing.FOREIGN),
}


@pytest.mark.parametrize(("files", "expected"), STANDINGS.values(), ids=STANDINGS)
def test_standing(files, expected, tmp_path):
    root = tmp_path / "run"
    if files is not None:
        root.mkdir()
        fill(root, files)
    assert staging.standing(RunFolder(root)) is expected


def test_a_foreign_folder_is_named_and_left_alone(tmp_path):
    fill(tmp_path, {"thesis.tex": "x"})
    with pytest.raises(ConfigError, match=r"not empty.*thesis\.tex"):
        staging.refuse_foreign(RunFolder(tmp_path))
    with pytest.raises(ConfigError, match="is a file"):
        staging.refuse_foreign(RunFolder(tmp_path / "thesis.tex"))


def test_a_plan_is_published_and_nothing_is_left_behind(tmp_path):
    folder = RunFolder(tmp_path)
    plan_anew(folder, moving=False)
    assert content(tmp_path) == NEW


def test_an_old_run_is_moved_as_a_whole(tmp_path):
    folder = RunFolder(tmp_path)
    fill(tmp_path, OLD)
    plan_anew(folder, moving=True)
    (aside,) = (tmp_path / "superseded").iterdir()
    assert content(aside) == OLD
    assert {
        name: text for name, text in content(tmp_path).items() if "superseded" not in name
    } == NEW


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("old", [{}, OLD], ids=["first", "force"])
@pytest.mark.parametrize("at", range(12))
def test_a_kill_at_any_rename_loses_nothing_and_the_same_command_completes(
    at, old, tmp_path, monkeypatch
):
    folder = RunFolder(tmp_path)
    fill(tmp_path, old)
    calls = iter(range(100))
    real = staging.os.replace

    def replace(source, target):
        if next(calls) == at:
            raise Killed
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(staging.os, "replace", replace)
        try:
            plan_anew(folder, moving=True)
        except Killed:
            assert staging.standing(folder) in (Standing.PLANNED, Standing.INTERRUPTED)
            if folder.plan.exists():  # whole or not at all
                assert folder.plan.read_text() == OLD["campaign_plan.json"]
                assert {name: content(tmp_path)[name] for name in OLD} == OLD
    if not (folder.plan.exists() and folder.plan.read_text() == NEW["campaign_plan.json"]):
        plan_anew(folder, moving=True)
    found = content(tmp_path)
    assert {name: text for name, text in found.items() if "superseded" not in name} == NEW
    saved = [text for name, text in found.items() if "superseded" in name]
    assert sorted(saved) == sorted(old.values())
