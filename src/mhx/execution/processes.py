"""What Linux tells of processes: when one was born, what descends from it, which CPUs it may use.

Where there is no `/proc` a birth is None and nothing is known to descend from anything.
"""

import os
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_DEAD = ("Z", "X")


def born(pid: int) -> str | None:
    """Start of a process in ticks since boot; a later process of its number has another."""
    fields = _fields(_PROC / str(pid))
    return fields[19] if len(fields) > 19 else None


def descendants(pid: int) -> list[int]:
    """Living children of a process, their children and so on, parents first; zombies are dead.

    A process that left its session or group is still a descendant.  One whose parent died belongs
    to the next ancestor that declared itself a subreaper, else to process 1.
    """
    children = defaultdict(list)
    dead = set()
    for entry in os.listdir(_PROC) if _PROC.is_dir() else ():
        if entry.isdigit() and (fields := _fields(_PROC / entry)):
            children[int(fields[1])].append(int(entry))
            if fields[0] in _DEAD:
                dead.add(int(entry))
    found = [pid]
    for parent in found:
        found += children[parent]
    return [each for each in found[1:] if each not in dead]


def usable_cpus() -> int:
    """CPUs that this process may use: those of its affinity mask, cut by the cgroup's quota."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in map(_quota, _cgroup_folders()) if quota is not None]
    return max(1, min([mask, *(int(quota) for quota in quotas)]))


def resident_bytes() -> int:
    """Memory that this process occupies now; 0 where that is not told."""
    try:
        pages = int((_PROC / "self" / "statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _fields(process: Path) -> list[str]:
    """Fields of `stat` after the command's name: state, parent, group, session, ..."""
    try:
        return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _cgroup_folders() -> list[Path]:
    """The folders whose CPU quota binds this process: its cgroup's and all above, v1 and v2."""
    try:
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for _, controllers, name in (line.split(":", 2) for line in lines):
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = _CGROUPS / controllers
        own = root / name.lstrip("/")
        found += [own, *(up for up in own.parents if up.is_relative_to(root))]
    return found


def _quota(folder: Path) -> float | None:
    """CPUs that a cgroup grants, None where it sets no limit."""
    try:
        if (folder / "cpu.max").exists():
            granted, period = (folder / "cpu.max").read_text().split()
        else:
            granted, period = (
                (folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        return None if granted == "max" or float(granted) < 0 else float(granted) / float(period)
    except (OSError, ValueError):
        return None
