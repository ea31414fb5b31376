"""Whether what a command left behind is there, verifies, and is as it was left."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.campaigns.lane.commands import LaneCommand
from mhx.errors import MhxError
from mhx.evidence.hashing import file_digest
from mhx.evidence.manifest import verified
from mhx.evidence.store import read_json

_TOLD = 3
_TOLD_OF_A_GATE = ("verdict", "metric", "value", "bound")


class Outputs:
    """The outputs of a lane's commands; a folder is verified once until it is forgotten."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: dict[str, list[str]] = {}

    def forget(self) -> None:
        """A command ran: what was verified may have changed."""
        self._folders.clear()

    def digests(self, command: LaneCommand) -> dict[str, str]:
        """Digests of the files that no later command rewrites."""
        return {
            name: file_digest(self.root / name)
            for name in command.lasting
            if (self.root / name).is_file()
        }

    def faults(self, command: LaneCommand) -> list[str]:
        """What is missing or does not verify, right after the command; [] when all is well."""
        missing = [
            f"{name} is missing"
            for name in command.expected_outputs
            if not (self.root / name).is_file()
        ]
        return missing or [fault for name in command.folders for fault in self._verified(name)]

    def changes(self, command: LaneCommand, known: Mapping[str, str]) -> list[str]:
        """What is no longer as the command left it: `known` are the digests it was left with."""
        found = self.digests(command)
        altered = [
            f"{name} is {'missing' if name not in found else 'not as it was left'}"
            for name in command.lasting
            if found.get(name) != known.get(name)
        ]
        return altered or self.faults(command)

    def failed_gates(self, command: LaneCommand) -> dict[str, dict[str, Any]]:
        """The gates that the command judged and that did not pass, by name, from its verdicts."""
        try:
            document = read_json(self.root / command.verdicts)
        except MhxError:
            return {}
        verdicts = document.get("verdicts", {})
        return {
            name: {key: verdicts.get(name, {}).get(key) for key in _TOLD_OF_A_GATE}
            for name, passed in document.get("checks", {}).items()
            if not passed
        }

    def _verified(self, folder: str) -> list[str]:
        if folder not in self._folders:
            try:
                problems = [f"{folder}: {fault}" for fault in verified(self.root / folder).problems]
            except MhxError as error:
                problems = [str(error)]
            more = len(problems) - _TOLD
            self._folders[folder] = problems[:_TOLD] + ([f"{more} more"] if more > 0 else [])
        return self._folders[folder]
