"""Errands: what jobs of these tests do, as a module that worker processes can import."""

import time
from pathlib import Path

import pytest

from mhx.execution.job import Job

ERRANDS = '''
import os, signal, subprocess, sys, time
from pathlib import Path

KEPT = []

def main(words):
    what, *rest = words
    return globals()[what](*rest)

def code(number="0"):
    return int(number)

def wait(seconds, number="0"):
    time.sleep(float(seconds))
    return int(number)

def say(*words):
    print(*words)
    print("to stderr", file=sys.stderr)
    subprocess.run(["echo", "from a program"])
    return 0

def who():
    print(os.getpid(), os.getppid(), os.getsid(0), os.getpgid(0), os.getcwd(), sys.argv)
    return 0

def show(*names):
    print(*(f"{name}={os.environ.get(name)}" for name in names))
    return 0

def spoil():
    os.environ["SPOILT"] = "1"
    os.chdir("/")
    sys.stdout = None
    return 0

def die(number):
    print("about to die", flush=True)
    os.kill(os.getpid(), int(number))

def leave(number):
    os._exit(int(number))

def die_once(marker):
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

def crash():
    import ctypes
    ctypes.string_at(0)

def grow(megabytes):
    KEPT.append(b"x" * (int(megabytes) << 20))
    return 0

def stubborn(note, deaf="yes"):
    """Deaf to SIGTERM, with a child that is, and one that left the session and environment."""
    if deaf == "yes":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    away = subprocess.Popen(
        ["env", "-i", "setsid", "sh", "-c", f"sleep 600 & echo $! > {note}.away"]
    )
    away.wait()
    Path(note + ".part").write_text(f"{os.getpid()} {os.getppid()} {child.pid} "
        + Path(note + ".away").read_text())
    Path(note + ".part").rename(note)
    while True:
        time.sleep(0.05)

def abandon(note):
    """Ends well, and leaves a process behind that nobody waits for."""
    subprocess.run(["env", "-i", "setsid", "sh", "-c", f"sleep 600 & echo $! > {note}"])
    return 0

def polite(note):
    """Writes down what it was told before it ends."""
    try:
        Path(note).touch()
        time.sleep(600)
    except KeyboardInterrupt:
        Path(note).write_text("told")
        return 75
'''


@pytest.fixture
def errands(tmp_path, monkeypatch):
    """Name of the function that runs an errand; it is found by this process and its workers."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "errands.py").write_text(ERRANDS)
    monkeypatch.syspath_prepend(folder)
    return "errands:main"


@pytest.fixture
def job(tmp_path):
    """Makes the job of an errand; its run directory has the job's name."""

    def make(name, *words, timeout_s=None):
        given = tuple(str(word) for word in words)
        run_dir = Path("cases") / name
        return Job(name=name, words=given, folder=tmp_path, run_dir=run_dir, timeout_s=timeout_s)

    return make


def living(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.fixture
def all_gone():
    """True when none of the processes is left; waits a while for the kernel."""

    def check(pids, patience_s=20):
        end = time.monotonic() + patience_s
        while any(map(living, pids)) and time.monotonic() < end:
            time.sleep(0.01)
        return not any(map(living, pids))

    return check


@pytest.fixture
def wait_for():
    """Waits until a file is there; its numbers."""

    def wait(path, patience_s=30):
        end = time.monotonic() + patience_s
        while not path.exists():
            assert time.monotonic() < end, f"{path} never came"
            time.sleep(0.005)
        return [int(word) for word in path.read_text().split()]

    return wait
