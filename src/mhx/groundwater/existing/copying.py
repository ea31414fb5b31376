"""A copy of a model for one run: links to what nothing changes, new files for what a patch does.

The user's folder is never written to.  Inputs alone are linked or copied; what an earlier run left
there is not.  A path that leads outside of the folder is written as the whole path of the same
file, an output that would go outside goes into the copy: both are told in a notice.  Name files of
models and files of grids are in the copy always, since MODFLOW writes listings and grids beside
them.  Names of inputs are relative to the copy, POSIX.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mhx.errors import ConfigError, RunError
from mhx.groundwater.existing import blocks, config, options, output, patching, reading, render
from mhx.groundwater.existing.blocks import BlockFile
from mhx.groundwater.existing.files import NAME_FILE, Reference
from mhx.groundwater.existing.reading import GRIDS, Opened, OwnModel, Package
from mhx.groundwater.existing.render import Names, Rendered
from mhx.groundwater.existing.targets import Draft
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.placing import replace_file


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


@dataclass(kw_only=True)
class Plan:
    """What a copy will hold.

    links: name -> file of the user.  files: name -> content of what is new.  folders: of outputs.
    read: file of the user -> what its copy says, of those that tell of the structure.
    """

    opened: Opened
    links: dict[str, Path] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)
    read: dict[str, BlockFile] = field(default_factory=dict)


def materialise(model: config.Model, folder: Path) -> Materialised:
    """Put the model, patched, into `folder`, which is this run's alone.

    ConfigError: everything that is wrong with the model or its patches, before anything is
    written.  RunError: the folder cannot be written.
    """
    made = planned(model)
    folder = Path(os.path.abspath(folder))
    user = made.opened.model.folder
    if folder == user or (folder.is_relative_to(user) and _would_mix(made, folder)):
        raise ConfigError(f"model.path: the run would write into the model's own folder {user}")
    try:
        _clear(folder, {*made.links, *made.files})
        for name in made.folders | {os.path.dirname(name) for name in (*made.links, *made.files)}:
            (folder / name).mkdir(parents=True, exist_ok=True)
        outputs = {
            reference.path for reference in made.opened.reached.references if reference.output
        }
        for name, source in made.links.items():
            _link(source, folder / name, linked=source not in outputs)
    except OSError as error:
        raise RunError(f"{error.filename or folder} cannot be written: {error}") from error
    for name, content in made.files.items():
        replace_file(folder / name, content)
    return Materialised(
        folder=folder,
        own=_described(made, folder),
        notices=tuple(made.notices),
        inputs=(*made.links, *made.files),
        changed=tuple(made.files),
    )


def planned(model: config.Model) -> Plan:
    """What a copy will hold, with nothing written; ConfigError tells all faults at once.

    Remembered while neither the table nor a file changes.
    """
    opened = reading.opened(model.path)
    # a plan holds what it was made of, so that the id is not given to another meanwhile
    key = (key_of(model), id(opened))
    return remembered("plan of own model", key, lambda: _planned(model, opened))


def _planned(model: config.Model, opened: Opened) -> Plan:
    drafts: dict[Path, Draft] = {}
    names = Names(folder=opened.model.folder, taken=_taken(opened))
    faults = patching.apply(model.patch, opened, drafts)
    faults += options.apply(model.option, opened, drafts)
    additions = output.apply(model, opened, drafts, names)
    faults += [*additions.faults, *_continues(model, opened, drafts)]
    if faults:
        raise ConfigError("\n".join(faults))
    made = Plan(opened=opened, files=dict(additions.files), notices=list(additions.notices))
    _place(made, drafts, names)
    return made


def _taken(opened: Opened) -> set[str]:
    folder = opened.model.folder
    paths = (*opened.reached.files, *(found.path for found in opened.reached.references))
    inside = (path for path in paths if path.is_relative_to(folder))
    names = {path.relative_to(folder).as_posix().lower() for path in inside}
    return names | {NAME_FILE, "mfsim.lst", "mf6.out"}


def _continues(model: config.Model, opened: Opened, drafts: dict[Path, Draft]) -> Iterator[str]:
    """CONTINUE lets steps pass that did not converge."""
    file = opened.model.file
    says = opened.model.continues
    if file in drafts:
        settings = drafts[file].settings.get("OPTIONS", {})
        says = settings.get("CONTINUE", "" if says else None) is not None
    if says and not model.allow_continue:
        yield (
            f"model.path: {file} says CONTINUE, so that steps pass which did not converge; leave "
            "it out, or say model.allow_continue = true"
        )


def _place(made: Plan, drafts: dict[Path, Draft], names: Names) -> None:
    """Decide for every file whether it is linked, written anew, or stays outside."""
    opened = made.opened
    folder = opened.model.folder
    rendered = _rendered(drafts, names)
    moved = _moved(opened, set(rendered), names)
    for reference, text in moved.items():
        if reference.file not in drafts:
            patching.draft_of(_plain(reference.file), opened, drafts)
        drafts[reference.file].words.append((reference.line, reference.word, text))
    # once more, since files were renamed in files: names of new files stay the same
    again = {reference.file for reference in moved}
    for file in again:
        if file in rendered:
            for name in rendered[file].files:
                names.taken.discard(name.lower())
        rendered[file] = render.render(drafts[file], names)
    made.notices += _notices(opened, moved)
    for file, result in rendered.items():
        name = NAME_FILE if file == opened.model.file else names.of(file)
        made.files[name] = "\n".join(result.lines).encode("latin-1")
        made.files |= result.files
        made.read[name] = _parsed(opened, drafts[file], result)
    for file in opened.reached.files:
        if file in rendered:
            continue
        if file == opened.model.file:
            made.links[NAME_FILE] = file
        elif file.is_relative_to(folder) or file in _written_beside(opened):
            made.links[names.of(file)] = file
    for reference in opened.reached.references:
        if reference.output and reference.path.is_relative_to(folder):
            made.folders.add(os.path.dirname(names.of(reference.path)))


def _plain(file: Path) -> patching.Site:
    package = Package(type="file", name=file.name, file=file, model="")
    return patching.Site(package=package, grid=None, shapes=((0,),))


def _rendered(drafts: dict[Path, Draft], names: Names) -> dict[Path, Rendered]:
    """The files that differ from the user's."""
    found = {}
    for file, draft in drafts.items():
        result = render.render(draft, names)
        if result.files or tuple(result.lines) != draft.source.lines:
            found[file] = result
    return found


def _written_beside(opened: Opened) -> set[Path]:
    """Files beside which MODFLOW writes others."""
    models = opened.model.models
    grids = {p.file for part in models for p in part.packages if p.type in GRIDS}
    return grids | {part.file for part in models}


def _moved(opened: Opened, changed: set[Path], names: Names) -> dict[Reference, str]:
    """Paths that must read differently in the copy; a file that names one of them changes, too."""
    moved: dict[Reference, str] = {}
    own = changed | _written_beside(opened)
    before = -1
    while len(moved) != before:
        before = len(moved)
        for reference in opened.reached.references:
            new = _new_word(reference, names, own)
            if new is not None and reference not in moved:
                moved[reference] = blocks.word_of(new)
                own.add(reference.file)
    return moved


def _new_word(reference: Reference, names: Names, own: set[Path]) -> str | None:
    """What a path reads in the copy, None: as it does; own: files that the copy has its own of."""
    written = Path(blocks.file_name(reference.word.text))
    inside = reference.path.is_relative_to(names.folder)
    if inside or reference.output or reference.path in own:
        # `../model/k.txt` leads back into a folder that is not called so any more
        stands = inside and not written.is_absolute() and ".." not in written.parts
        return None if stands else names.of(reference.path)
    return None if written.is_absolute() else str(reference.path)


def _notices(opened: Opened, moved: dict[Reference, str]) -> Iterator[str]:
    folder = opened.model.folder
    told = set()
    for reference in opened.reached.references:
        if reference.path.is_relative_to(folder) or reference.path in told:
            continue
        told.add(reference.path)
        place = f"{reference.file.name}:{reference.line + 1}"
        new = moved.get(reference, str(reference.path)).strip("'\"")
        if reference.output:
            yield f"{place} writes to {reference.path}; the copy writes to {new} in its folder"
        elif not Path(new).is_absolute():
            yield f"{place} names {reference.path}; the copy has its own as {new}"
        else:
            yield f"{place} names {reference.path}, which is used where it lies"


def _parsed(opened: Opened, draft: Draft, result: Rendered) -> BlockFile:
    """A changed file for what it tells of the structure; numbers of packages tell nothing."""
    source = draft.source
    structural = {opened.model.file, opened.model.tdis.file}
    structural |= {part.file for part in opened.model.models}
    if draft.settings or draft.edits or draft.words or source.path in structural:
        return blocks.parse(source.path, "\n".join(result.lines), source.folder)
    return source


def _described(made: Plan, folder: Path) -> OwnModel:
    """The copy's structure, from what is in memory."""
    read = dict(made.opened.reached.read)
    for name, source in made.links.items():
        if source in read:
            read[folder / name] = read[source]
    read |= {folder / name: parsed for name, parsed in made.read.items()}
    for name, content in made.files.items():
        if folder / name not in read and b"\0" not in content[:100]:
            read[folder / name] = blocks.parse(folder / name, content.decode("latin-1"), folder)
    return reading.described(folder / NAME_FILE, read)


def _would_mix(made: Plan, folder: Path) -> bool:
    """Whether files of the model lie in the folder of the run."""
    return any(path.is_relative_to(folder) for path in made.opened.reached.files)


def _clear(folder: Path, stays: set[str]) -> None:
    """Take away what another run left: it may be a link to other evidence."""
    for above, _, files in os.walk(folder):
        for file in files:
            path = Path(above, file)
            if path.relative_to(folder).as_posix() not in stays:
                path.unlink()


def _link(source: Path, path: Path, *, linked: bool) -> None:
    """A hard link; a copy where there can be none, or where MODFLOW would write through it."""
    path.unlink(missing_ok=True)
    if linked:
        try:
            # a link to a symbolic link would be one, and lead astray from another folder
            os.link(os.path.realpath(source), path)
            return
        except OSError:  # another file system, too many links
            pass
    shutil.copyfile(source, path)
