"""`[command]`: any executable, as a configuration.

    [workflow]
    mode = "command"

    [command]
    argv = ["python", "model.py", "{config}"]     # no shell
    inputs = ["model.py"]                         # what it reads, hashed
    templates = ["model.toml.template"]           # {{k}} in it becomes the value of a parameter
    parameters = { k = 1e-5, time = { steps = 100 } }
    metrics_json = "metrics.json"                 # what it writes, below the run folder

Words of `argv` and values of `env` may hold placeholders: `{config}` (the file made from the first
template, or the run's own `config.toml`), `{output_dir}` (the run folder, in which the program
starts), `{python}` (the Python that runs mhx) and parameters by dotted name (`{time.steps}`).  A
word that ends the path of an input (`model.py`, `bin/model`) stands for that input.  In templates a
parameter stands in double braces, `{{k}}` or `{{k:.3e}}`; the file made has the name of the
template less its ending `.template` or `.tmpl`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mhx.config import InputPath, OutputPath, Table
from mhx.config.faults import shown
from mhx.workflow.placeholders import (
    filled,
    leaves,
    made_name,
    names_in,
    names_in_template,
    rendered,
)

RESERVED = ("config", "output_dir", "python")
CONFIG, STDOUT, STDERR = "config.toml", "stdout.txt", "stderr.txt"
OURS = (CONFIG, "run_summary.json", "run_error.json", "verify.py", "manifest.json")
"""What `mhx run` writes into the folder of any run."""
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def fault(text: str) -> PydanticCustomError:
    """A fault whose text says all of it, what was found included."""
    return PydanticCustomError("value_error", "{error}", {"error": ValueError(text)})


class Workflow(Table):
    """What kind of run this is, and where it goes."""

    mode: Literal["command"] = Field(description="kind of run")
    name: str | None = Field(default=None, min_length=1, description="title of the run")
    output_dir: OutputPath | None = Field(
        default=None, description="folder that the run writes into"
    )


def _below(text: str) -> str:
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts:
        raise fault(f"must be a path below the run folder, got {text!r}")
    return _not_ours(text)


def _not_ours(name: str) -> str:
    if name in (*OURS, STDOUT, STDERR):
        raise fault(f"must leave the name {name!r} to mhx, which writes such a file")
    return name


def _known_values(table: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in leaves(table):
        bad = [part for part in name.split(".") if not _ID.fullmatch(part)]
        if bad:
            raise fault(f"must have names of letters, digits and _, got {bad[0]!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise fault(f"must be finite, got {name} = {value!r}")
        if not isinstance(value, str | bool | int | float | list):
            raise fault(f"must be text, numbers, true, false or lists, got {name} = {shown(value)}")
    if taken := sorted(set(RESERVED) & table.keys()):
        raise fault(f"must leave the name {taken[0]!r} to the placeholder")
    return table


def _word(text: str) -> str:
    if "\0" in text:
        raise fault("must hold no NUL, which no program can be given")
    return text


def _variables(table: Mapping[str, str]) -> Mapping[str, str]:
    for name in table:
        if not _VARIABLE.fullmatch(name):
            raise fault(f"must name variables with letters, digits and _, got {name!r}")
    return table


Word = Annotated[str, AfterValidator(_word)]
"""What a program is given."""


class CommandTable(Table):
    """What is started, what it reads, and where its numbers are."""

    parameters: Annotated[dict[str, Any], AfterValidator(_known_values)] = Field(
        default_factory=dict,
        description="values for placeholders; tables of them are named with dots",
    )
    argv: list[Word] = Field(
        min_length=1, description="program and arguments, without a shell; see placeholders"
    )
    inputs: list[InputPath] = Field(
        default_factory=list, description="files and folders that it reads; their digests count"
    )
    templates: list[InputPath] = Field(
        default_factory=list,
        description="files made in the run folder, {{name}} replaced by the parameter",
    )
    env: Annotated[dict[str, Word], AfterValidator(_variables)] = Field(
        default_factory=dict, description="environment variables besides those inherited"
    )
    metrics_json: Annotated[str, AfterValidator(_below)] = Field(
        default="metrics.json",
        description="JSON file that it writes: numbers, in nested tables if wanted",
    )
    timeout_s: float | None = Field(default=None, gt=0, description="wall-clock limit [s]")

    @field_validator("argv")
    @classmethod
    def _argv(cls, words: list[str], info: ValidationInfo) -> list[str]:
        _refuse_unknown(words, info)
        if not words[0]:
            raise fault("must begin with a program, got ''")
        return words

    @field_validator("env")
    @classmethod
    def _env(cls, table: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        _refuse_unknown(table.values(), info)
        return table

    @field_validator("templates")
    @classmethod
    def _templates(cls, paths: list[Path]) -> list[Path]:
        names = [_not_ours(made_name(path)) for path in paths]
        for name in names:
            if names.count(name) > 1:
                raise fault(f"must make files of different names, got {name!r} twice")
        return paths


class Command(Table):
    """One run of an executable."""

    workflow: Workflow
    command: CommandTable = Field(description="the executable")

    def refusals(self) -> Mapping[str, str]:
        """Templates that ask for unknown parameters, and parameters that nothing asks for."""
        table = self.command
        if not table.templates:
            return {}  # the program may read the parameters from its configuration
        known = insertable(table.parameters)
        used = {name for text in (*table.argv, *table.env.values()) for name in names_in(text)}
        for template in table.templates:
            try:
                text = template.read_text("utf-8")
                used |= {name for name, _ in names_in_template(text)}
                rendered(text, known)
            except KeyError as error:
                line = next(n for name, n in names_in_template(text) if name == error.args[0])
                reason = f"no parameter {error.args[0]!r}; parameters: {', '.join(known)}"
                return {"command.templates": f": {template.name}:{line}  {reason}"}
            except FileNotFoundError:
                return {}  # whoever looks at the input paths says so
            except (OSError, ValueError) as error:
                return {"command.templates": f": {template.name} cannot be used: {error}"}
        unused = [name for name, _ in leaves(table.parameters) if name not in used]
        words = "is asked for by no template, word or variable: it would have no effect"
        return {f"command.parameters.{name}": words for name in unused}


def _refuse_unknown(texts: Iterable[str], info: ValidationInfo) -> None:
    """Every placeholder must be known, where the parameters themselves are in order."""
    if "parameters" not in info.data:
        return
    known = [*RESERVED, *insertable(info.data["parameters"])]
    for text in texts:
        try:
            unknown = [name for name in names_in(text) if name not in known]
            filled(text, {**dict.fromkeys(RESERVED, ""), **insertable(info.data["parameters"])})
        except KeyError:
            raise fault(
                f"holds the unknown placeholder {{{unknown[0]}}}; known: {', '.join(known)}"
            ) from None
        except ValueError as error:
            raise fault(f"must format values as Python does, got {text!r}: {error}") from None


def insertable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a placeholder may stand for, by dotted name; a list has no one text."""
    return {name: value for name, value in leaves(parameters) if not isinstance(value, list)}
