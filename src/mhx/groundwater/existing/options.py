"""`[[model.option]]`: lines of the blocks of settings, and the words that MODFLOW 6 knows there.

A line is found by its first words, in upper or lower case.  Numbers of packages are no options:
those are patched.  What is not known in a block is refused before a run, unless the model says it
already.  Source: MODFLOW 6 - Description of Input and Output, versions 6.4.1 to 6.5.
"""

from collections.abc import Mapping
from pathlib import Path

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks, config
from mhx.groundwater.existing.patching import Site, draft_of, site_of
from mhx.groundwater.existing.reading import Opened, Package
from mhx.groundwater.existing.targets import Draft

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "ims": ("OPTIONS", "NONLINEAR", "LINEAR"),
    "mfsim": ("OPTIONS", "SOLUTIONGROUP"),
}
"""Blocks of settings, of all other files OPTIONS alone."""

_FLOWS = "PRINT_INPUT PRINT_FLOWS SAVE_FLOWS"
KNOWN: Mapping[tuple[str, str], str] = {
    ("mfsim", "OPTIONS"): "CONTINUE NOCHECK MEMORY_PRINT_OPTION MAXERRORS PRINT_INPUT",
    ("mfsim", "SOLUTIONGROUP"): "MXITER",
    ("nam", "OPTIONS"): f"LIST {_FLOWS} NEWTON",
    ("tdis", "OPTIONS"): "TIME_UNITS START_DATE_TIME",
    ("ims", "OPTIONS"): "PRINT_OPTION COMPLEXITY NO_PTC ATS_OUTER_MAXIMUM_FRACTION",
    ("ims", "NONLINEAR"): (
        "OUTER_DVCLOSE OUTER_HCLOSE OUTER_RCLOSEBND OUTER_MAXIMUM UNDER_RELAXATION "
        "UNDER_RELAXATION_THETA UNDER_RELAXATION_KAPPA UNDER_RELAXATION_GAMMA "
        "UNDER_RELAXATION_MOMENTUM BACKTRACKING_NUMBER BACKTRACKING_TOLERANCE "
        "BACKTRACKING_REDUCTION_FACTOR BACKTRACKING_RESIDUAL_LIMIT"
    ),
    ("ims", "LINEAR"): (
        "INNER_MAXIMUM INNER_DVCLOSE INNER_HCLOSE INNER_RCLOSE LINEAR_ACCELERATION "
        "RELAXATION_FACTOR PRECONDITIONER_LEVELS PRECONDITIONER_DROP_TOLERANCE "
        "NUMBER_ORTHOGONALIZATIONS SCALING_METHOD REORDERING_METHOD"
    ),
    ("npf", "OPTIONS"): (
        "SAVE_FLOWS PRINT_FLOWS ALTERNATIVE_CELL_AVERAGING THICKSTRT VARIABLECV PERCHED REWET "
        "XT3D SAVE_SPECIFIC_DISCHARGE SAVE_SATURATION K22OVERK K33OVERK"
    ),
    ("sto", "OPTIONS"): "SAVE_FLOWS STORAGECOEFFICIENT SS_CONFINED_ONLY",
    ("adv", "OPTIONS"): "SCHEME ATS_PERCEL",
    ("dsp", "OPTIONS"): "XT3D_OFF XT3D_RHS",
    ("mst", "OPTIONS"): "SAVE_FLOWS FIRST_ORDER_DECAY ZERO_ORDER_DECAY SORPTION",
}
SAME = {"INNER_DVCLOSE": "INNER_HCLOSE", "OUTER_DVCLOSE": "OUTER_HCLOSE"}
"""New words and the old ones that mean the same."""
FILES = ("FILEIN", "FILEOUT", "LIST", "OPEN/CLOSE")
READ = {"SAVE_FLOWS": False, "NOGRB": True, "HEAD": False, "CONCENTRATION": False, "BUDGET": False}
"""Settings of what a run is read from -> the value that would take it away."""


def apply(options: list[config.Option], opened: Opened, drafts: dict[Path, Draft]) -> list[str]:
    """Note new lines in drafts; the faults, one line each."""
    faults = []
    for index, option in enumerate(options):
        try:
            _apply(f"model.option[{index}]", option, opened, drafts)
        except ConfigError as error:
            faults.append(str(error))
    return faults


def _apply(key: str, option: config.Option, opened: Opened, drafts: dict[Path, Draft]) -> None:
    site = _site(f"{key}.file", option, opened)
    draft = draft_of(site, opened, drafts)
    kind = site.package.type
    block = _block(f"{key}.block", option, kind, draft)
    word = option.key.upper()
    named = f"{kind} {block.lower()}.{word.lower()}"
    _refuse_unknown(f"{key}.key", draft, block, word)
    if word in READ and option.value is READ[word]:
        told = "heads, budgets and the grid are read from what the run saves"
        raise ConfigError(f"{key}.value must not be {_shown(option.value)} for {named}: {told}")
    before = current(draft, block, word)
    after = _text(f"{key}.value", option.value, named)
    if word in draft.settings.get(block, {}):
        raise ConfigError(f"{key}.key is set twice: {named}")
    if _alike(before, after):
        stands = "is not stated" if before is None else f"is {' '.join(before) or 'stated'}"
        raise ConfigError(
            f"{key} changed nothing: {named} {stands} and value is {_shown(option.value)}"
        )
    draft.settings.setdefault(block, {})[word] = after
    if word in SAME and current(draft, block, SAME[word]) is not None:
        draft.settings[block][SAME[word]] = None


def _site(key: str, option: config.Option, opened: Opened) -> Site:
    """The file that an option means; besides packages the files above them."""
    own, kind = opened.model, option.file.lower().removesuffix("6")

    def site(kind: str, file: Path) -> Site:
        package = Package(type=kind, name=kind, file=file, model="")
        return Site(package=package, grid=None, shapes=((0,),))

    if kind in ("mfsim", "mfsim.nam", "sim", "simulation"):
        return site("mfsim", own.file)
    models = [
        part for part in own.models
        if option.model is None or part.name.lower() == option.model.lower()
    ]  # fmt: skip
    if not models:
        known = ", ".join(part.name for part in own.models)
        raise ConfigError(f"{key}: {option.model!r} is no model of the simulation ({known})")
    if kind == "nam":
        return site("nam", _one(key, "nam", [part.file for part in models]))
    wanted = {part.name.lower() for part in models}
    solved = [found for found in own.solutions if wanted & {name.lower() for name in found.models}]
    for solution in own.solutions:
        if solution.file.name.lower() == option.file.lower():
            return site(solution.type, solution.file)
    if kind in ("ims", "ems"):
        return site(kind, _one(key, kind, [found.file for found in solved if found.type == kind]))
    for part in models:
        if part.file.name.lower() == option.file.lower():
            return site("nam", part.file)
    return site_of(key, option.file, option.model, opened)


def _one(key: str, kind: str, files: list[Path]) -> Path:
    """The only file of its kind; ConfigError names those there are."""
    names = ", ".join(file.name for file in files)
    if len(set(files)) == 1:
        return files[0]
    told = f"stands for {names}; give one of these names, or model" if files else "is not there"
    raise ConfigError(f"{key}: {kind!r} {told}")


def _block(key: str, option: config.Option, kind: str, draft: Draft) -> str:
    block = option.block.upper()
    known = SETTINGS.get(kind, ("OPTIONS",))
    if block not in known:
        hint = "; its numbers are changed by [[model.patch]]" if draft.source.block(block) else ""
        told = f"must be {' or '.join(name.lower() for name in known)} of {kind}"
        raise ConfigError(f"{key} {told}, got {option.block!r}{hint}")
    return block


def _refuse_unknown(key: str, draft: Draft, block: str, word: str) -> None:
    kind = draft.kind
    known = KNOWN.get((kind, block))
    if word in FILES or " " in word:
        raise ConfigError(f"{key}: {word.lower()!r} of {kind} names a file: not supported")
    if known and word not in known.split() and current(draft, block, word) is None:
        told = f"{word.lower()!r} is not known in {block.lower()} of {kind}"
        raise ConfigError(f"{key}: {told}; known are {known.lower().replace(' ', ', ')}")


def current(draft: Draft, block: str, word: str) -> list[str] | None:
    """What follows a word in the file, comments left out; None where it does not stand there."""
    found = draft.source.option(word, block)
    if found is None:
        return None
    ends = [at for at, text in enumerate(found) if text[0] in "#!" or text.startswith("//")]
    return found[: ends[0]] if ends else found


def _text(key: str, value: bool | float | str, named: str) -> str | None:
    """What will follow the word; None: its line is left out."""
    if isinstance(value, bool):
        return "" if value else None
    if isinstance(value, str):
        words = {word.upper() for word in blocks.texts(value)}
        if words & set(FILES) or "\n" in value or "\r" in value:
            raise ConfigError(f"{key}: {value!r} for {named} names a file: not supported")
        if not value.isascii():
            raise ConfigError(f"{key} must be plain ASCII, got {value!r}")
        return value
    return repr(value)


def _shown(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _alike(before: list[str] | None, after: str | None) -> bool:
    if before is None or after is None:
        return before is None and after is None
    words = blocks.texts(after)
    return len(words) == len(before) and all(
        old.upper() == new.upper()
        or (blocks.real(old) is not None and blocks.real(old) == blocks.real(new))
        for old, new in zip(before, words, strict=True)
    )
