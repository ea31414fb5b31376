"""A copy of a model for one run: links to what no patch touches, new files for what one does."""

from dataclasses import dataclass
from pathlib import Path

from mhx.groundwater.existing.reading import OwnModel


@dataclass(frozen=True, kw_only=True)
class Materialised:
    """A model ready to run.

    own: the copy as it is in `folder`, patches included.  inputs: every file placed below
    `folder`, relative, POSIX.  changed: those of them that were written new.  notices: what a
    reader of the run should know (paths outside, options added).
    """

    folder: Path
    own: OwnModel
    notices: tuple[str, ...]
    inputs: tuple[str, ...]
    changed: tuple[str, ...]
