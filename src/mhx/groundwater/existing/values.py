"""Numbers of somebody else's packages that results need: areas, porosity, heads at the start.

In the model's own units.  Read from the copy that ran, so that patches count; remembered for links
of one file.
"""

import os
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.existing import arrays, blocks
from mhx.groundwater.existing.reading import OwnModel, Package, Part
from mhx.groundwater.existing.targets import Draft
from mhx.groundwater.grid import Floats
from mhx.groundwater.memory import remembered

BLOCK = "GRIDDATA"


def package_array(own: OwnModel, part: Part, kind: str, name: str) -> Floats | None:
    """(n_layers, n) numbers of an array, (1, nodes) of DISU; None where it does not stand there.

    kind: type of the package; name: lower case, as in the MODFLOW manual.
    """
    package = part.package(kind)
    if package is None:
        return None
    source = _source(own, package.file)
    block = source.block(BLOCK)
    if block is None:
        return None
    section = arrays.sections(source, block).get(name)
    if section is None or not section.records:
        return None
    outside = [Path(own.folder, record.words[1]) for record in section.records if _external(record)]
    key = (_stamp(package.file), name, tuple(map(_stamp, outside)))
    size = arrays.extent(name, BLOCK, part.grid, section.layered, 0)
    return remembered(
        f"own array {name}",
        key,
        lambda: np.asarray(arrays.values(source, section, size, own.folder)).reshape(
            part.grid.layers, -1
        ),
    )


def largest(own: OwnModel, part: Part, package: Package, variable: str) -> float:
    """The largest number of a column or array of a package; 0 where there is none."""
    key = (_stamp(package.file), variable)
    return remembered("own extreme", key, lambda: _largest(own, part, package, variable))


def _largest(own: OwnModel, part: Part, package: Package, variable: str) -> float:
    draft = Draft(
        package=package,
        source=_source(own, package.file),
        grid=part.grid,
        shapes=(part.grid.shape,),
        periods=len(own.tdis.periods),
    )
    numbers = [target.numbers for target in draft.targets(variable, None)]
    there = [one[np.isfinite(one)] for one in numbers]
    return max((float(one.max()) for one in there if one.size), default=0.0)


def _source(own: OwnModel, file: Path) -> blocks.BlockFile:
    return remembered("own package", _stamp(file), lambda: blocks.read(file, own.folder))


def _external(record: arrays.Record) -> bool:
    return record.kind == "OPEN/CLOSE" and len(record.words) > 1


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = os.stat(file)
    except OSError as error:
        raise EvidenceError(f"{file} cannot be read ({error.strerror or error})") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
