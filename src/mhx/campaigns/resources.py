"""What a run needs of memory and disk, and what this machine has; bytes throughout.

Estimates count arrays that are known to exist; they should be right within a factor of two, and too
large rather than too small.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REAL = 8
_PROGRAM = 450 * 2**20  # interpreter, compiled programs, plotting
_FIELDS = 60  # real arrays of the grid alive at once: stages, transforms, a checkpoint, samples
_NUMBERS_PER_SAMPLE = 120  # history names and critical points, in segments and assembled
_RECORD = 8 * 2**10  # one checkpoint record and its line in the index
_PICTURES = 20 * 2**20  # figures, movies, reports
_FRAMES, _FRAME_POINTS = 200, 128
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Size of a run: grid, samples, checkpoints, full states kept besides every tenth."""

    shape: tuple[int, int]
    samples: int
    checkpoints: int
    keep_states: int = 3

    @property
    def points(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def memory(self) -> int:
        return _PROGRAM + _FIELDS * REAL * self.points + 3 * self._frames

    @property
    def disk(self) -> int:
        states = 2 + min(self.checkpoints, self.keep_states + self.checkpoints // 10 + 1)
        state = 4 * REAL * self.points  # two fields, and two half spectra of complex numbers
        rows = 2 * self.samples * _NUMBERS_PER_SAMPLE * REAL
        return states * state + rows + self._frames + self.checkpoints * _RECORD + _PICTURES

    @property
    def _frames(self) -> int:
        picture = min(self.shape[0], _FRAME_POINTS) * min(self.shape[1], _FRAME_POINTS)
        return min(self.samples, _FRAMES) * 2 * 4 * picture


@dataclass(frozen=True)
class Room:
    """What is free where the run would be."""

    memory: int
    disk: int


def room(folder: Path) -> Room:
    """Memory that a new process may take, and bytes free on the file system of `folder`."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return Room(memory=_memory(), disk=shutil.disk_usage(there).free)


def estimate(needs: Needs, free: Room) -> dict[str, Any]:
    """The part of `resource_estimate` that this module knows."""
    return {
        "memory_bytes": needs.memory,
        "memory_available_bytes": free.memory,
        "disk_bytes": needs.disk,
        "disk_available_bytes": free.disk,
    }


def largest_share(document: dict[str, Any]) -> float:
    """The scarcer of the two: need over room; infinite where there is none."""
    pairs = (("memory_bytes", "memory_available_bytes"), ("disk_bytes", "disk_available_bytes"))
    return max(
        float(document[need]) / document[free] if document[free] else float("inf")
        for need, free in pairs
    )


def _memory() -> int:
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(
            line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines()
        )
        if "MemAvailable" in lines:
            free = int(lines["MemAvailable"].split()[0]) * 1024
    for path in map(Path, _LIMITS):
        if path.exists() and (limit := path.read_text(encoding="ascii").strip()).isdigit():
            free = min(free, int(limit))
    return free
