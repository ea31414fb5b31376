"""Lanes of small stand-in commands: each writes, waits, spawns or fails as its words say."""

import json
import sys
from pathlib import Path

from mhx.campaigns.lane import document as lanes
from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.lane.drive import Drive
from mhx.evidence import schemas
from mhx.evidence.gates import validation_document
from mhx.evidence.store import read_json, write_json

STAND_IN = '''
"""write FILE TEXT | gates FILE NAME... | once CODE | exit N | sleep S | hide S | kill; counted."""
import json, os, pathlib, signal, subprocess, sys, time
words = sys.argv[1:]
with open("calls.txt", "a") as calls:
    calls.write(words[0] + "\\n")
at, code = 1, 0
while at < len(words):
    word = words[at]
    if word == "write":
        path = pathlib.Path(words[at + 1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words[at + 2])
        at += 3
    elif word == "gates":
        checks = {name: False for name in words[at + 2].split(",")}
        pathlib.Path(words[at + 1]).write_text(json.dumps({"checks": {"fine": True, **checks}}))
        at += 3
    elif word == "exit":
        code, at = int(words[at + 1]), at + 2
    elif word == "once":  # fails the first time
        seen = pathlib.Path(words[0] + ".seen")
        code, at = (0 if seen.exists() else int(words[at + 1])), at + 2
        seen.touch()
    elif word == "sleep":
        time.sleep(float(words[at + 1])); at += 2
    elif word == "graceful":  # stops with a checkpoint
        signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
        pathlib.Path("ready").touch(); time.sleep(float(words[at + 1])); at += 2
    elif word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(
            [sys.executable, "-c", "import signal, time; "
             "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"],
            start_new_session=True)
        pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(float(words[at + 1])); at += 2
    elif word == "busy":
        end = time.process_time() + float(words[at + 1]); at += 2
        while time.process_time() < end: pass
    elif word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(code)
'''


def stand_in(name: str, *words: str, **changes) -> LaneCommand:
    """A command that writes `NAME.out` and does what the words say."""
    told = {
        "id": name,
        "stage": "stage",
        "family": "none",
        "gate": "none",
        "description": f"stand-in {name}",
        "words": (name, "write", f"{name}.out", f"by {name}", *words),
        "timeout_seconds": 30.0,
        "expensive": False,
        "claim_boundary": "none",
        "expected_outputs": (f"{name}.out",),
        "lasting": (f"{name}.out",),
        "verdicts": f"{name}.json",
    }
    return LaneCommand(**(told | changes))


def lane_of(root: Path, *commands: LaneCommand) -> lanes.Lane:
    root.mkdir(exist_ok=True)
    script = root / "stand_in.py"
    script.write_text(STAND_IN)
    return lanes.Lane(
        root=root,
        commands=commands,
        program=(sys.executable, "stand_in.py"),
        campaign={"root": root.as_posix(), "time": {"largest_stability_ratio": 0.5}},
        required_gates=[],
        policy={},
    )


def drive_of(lane: lanes.Lane, *, restart: bool = False, grace_s: float = 5.0) -> Drive:
    """One call, as `production-lane --execute` prepares it."""
    content = lanes.document(lane, execute=True, before=lanes.stored(lane))
    schema = schemas.gates_of(schemas.PRODUCTION_LANE)
    write_json(lane.manifest, {**content, "validation": validation_document(schema, [], {})})
    return Drive(
        lane=lane, content=read_json(lane.manifest), grace_s=grace_s, restart=restart, silent=True
    )


def rows(lane: lanes.Lane) -> dict[str, dict]:
    results = json.loads(lane.manifest.read_text())["execution"]["results"]
    return {row["id"]: row for row in results}


def statuses(lane: lanes.Lane) -> list[str]:
    return [row["status"] for row in rows(lane).values()]


def calls(lane: lanes.Lane) -> list[str]:
    path = lane.root / "calls.txt"
    return path.read_text().split() if path.exists() else []
