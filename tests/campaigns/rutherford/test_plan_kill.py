"""A planner under `kill -9`: nothing is half planned, and the same command completes it."""

import json
import signal
import subprocess
import sys

import pytest

from mhx.cli import main

TINY = {
    **{"--nx": "8", "--ny": "8", "--dt": "0.01", "--t-end": "0.48", "--save-every": "4"},
    **{"--min-production-resolution": "8", "--seconds-per-step-estimate": "1e-3"},
}
KILLED_AT = """
import os, signal, sys
import mhx.campaigns.rutherford.plan
from mhx.cli import main
events = 0
def count(event, args):
    global events
    if event in ("os.rename", "os.mkdir", "os.remove", "shutil.rmtree") and folder in str(args[0]):
        events += 1
        if events == at:
            os.kill(os.getpid(), signal.SIGKILL)
at, folder = int(sys.argv[1]), sys.argv[2]
sys.addaudithook(count)
sys.exit(main(["campaign", "rutherford-plan-production", "--outdir", *sys.argv[2:]]))
"""


def planned(folder, *words):
    flags = [word for pair in TINY.items() for word in pair]
    return main(["campaign", "rutherford-plan-production", "--outdir", str(folder), *flags, *words])


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True], ids=["first", "force"])
@pytest.mark.parametrize("at", [1, 3, 9, 19, 27, 35, 38, 40])
def test_the_same_command_completes_a_plan_after_a_kill(at, force, tmp_path, capsys):
    folder = tmp_path / "run"
    words = [word for pair in TINY.items() for word in pair]
    if force:
        planned(folder, "--eta", "2e-3")
        words.append("--force")
    command = [sys.executable, "-c", KILLED_AT, str(at), str(folder), *words]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert planned(folder, *(["--force"] if force else [])) in (0, 1)
    assert json.loads((folder / "campaign_plan.json").read_text())["parameters"]["eta"] == 1e-3
    old = [path for path in folder.glob("superseded/*") if path.name != "planning"]
    assert len(old) == force
    assert not (folder / "superseded/planning").exists()
    for run in (folder, *old):
        assert main(["verify", str(run)]) == 0, capsys.readouterr().out
