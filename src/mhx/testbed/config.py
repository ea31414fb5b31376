"""What a testbed file may say: one class per table, with types, limits and defaults.

A table is checked here by itself: keys, types, bounds.  What holds between tables (a check names a
declared metric, a value needs a declared axis) is told by `rules`, what a case turns out to be by
`cases`.  Keys of a check or a design that belong to another kind are left unset and refused there.

Units: an axis has one of its own, so its numbers are given in `[unit of the axis]`; times in s.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from mhx.config import InputPath, Names, OutputPath, Table

LONGEST_ID = 100  # characters of a testbed's id
LONGEST_NAME = 200  # characters of the id of a case: with `.toml` it still is a file name


def _named(text: str) -> str:
    """A name without the blanks around it."""
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise PydanticCustomError(
            "rule", "must be at most {most} printable characters", {"most": LONGEST_NAME}
        )
    return text


def _testbed_id(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_ID or not text.isprintable():
        raise PydanticCustomError(
            "rule", "must be 1 to {most} printable characters", {"most": LONGEST_ID}
        )
    return text


def _not_empty(path: Any) -> Any:
    """Empty text would be the folder of the file itself, which nobody means by it."""
    if path == "":
        raise PydanticCustomError("rule", "must name a folder")
    return path


def _axis_id(text: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text):
        raise PydanticCustomError("rule", "must be letters, digits and _, a letter first")
    return text


_T = TypeVar("_T")
Many = Annotated[tuple[_T, ...], Strict(False)]
"""A list, or an array of tables."""
Value = bool | int | float | str
"""A value on an axis; whole numbers stay whole, so that they fit keys that count."""
Name = Annotated[str, AfterValidator(_named)]
Anything = Annotated[Any, WithJsonSchema({"type": "object"})]
"""An overlay; that it is a table is told by `rules`, with the name of the case."""
AxisId = Annotated[str, AfterValidator(_axis_id)]


class Workflow(Table):
    """Mode and label of the file."""

    mode: str = Field(default="testbed", description="what the file is")
    name: str | None = Field(
        default=None, min_length=1, description="label; default: the file's stem"
    )
    output_dir: OutputPath | None = Field(default=None, description="for runs by hand")


class RunnerTable(Table):
    """Which runner carries out the children."""

    type: str = Field(default="simulation", description="a runner that fits the subject")
    no_display: bool = Field(default=True, description="draw without a display")


class Reuse(Table):
    """When a finished case is not computed again."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    mode: Literal["same_digest", "never"] = Field(
        default="same_digest", description="what may be reused"
    )
    rerun_failed: bool = Field(default=True, description="start cases again that did not finish")
    sources: Many[InputPath] = Field(
        default=(),
        alias="from",
        description="other testbeds whose verified equal cases are linked in",
    )


class ExecutionTable(Table):
    """How cases are carried out; none of it enters a digest."""

    backend: Literal["local", "inline"] = Field(default="local", description="where cases run")
    jobs: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default=1, description="cases at a time; auto: CPUs that this process may use [1]"
    )
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of a case [s]")
    grace_s: float = Field(default=10, ge=0, description="between SIGTERM and SIGKILL [s]")
    retries: int = Field(
        default=0,
        ge=0,
        description="new starts of a case whose process died, never of one that failed [1]",
    )


class Level(Table):
    """One level of an axis that sets several keys."""

    id: Name = Field(description="name of the level")
    value: Value | None = Field(
        default=None, description="coordinate; default: the id [unit of the axis]"
    )
    overlay: Anything = Field(default={}, description="what the level sets in the child")


class Axis(Table):
    """What cases vary, with unit, values and order."""

    id: AxisId = Field(description="letters, digits and _, a letter first")
    label: str = Field(default="", description="for tables and plots; default: the id")
    unit: str = Field(default="", description="of the values; '1' without dimension")
    keys: Names = Field(default=(), description="dotted keys of the child that the axis sets")
    values: Annotated[tuple[Value, ...], Strict(False), Field(min_length=1)] | None = Field(
        default=None, description="levels, in order [unit of the axis]"
    )
    names: Names | None = Field(default=None, description="names of the levels, used in case ids")
    level: Many[Level] = Field(default=(), description="instead of values, with overlays")
    low: float | None = Field(default=None, description="smallest sampled value [unit of the axis]")
    high: float | None = Field(default=None, description="largest sampled value [unit of the axis]")
    distribution: Literal["uniform", "loguniform"] = Field(
        default="uniform", description="of samples"
    )
    integer: bool = Field(default=False, description="round samples to whole numbers")
    reference: Value | None = Field(
        default=None,
        description="centre of differences; default: the first level [unit of the axis]",
    )
    scale: Literal["linear", "log"] = Field(
        default="linear", description="of plots and elasticities"
    )
    refines: Literal["size", "count"] | None = Field(
        default=None, description="size: a value is h or dt; count: it is N, h = 1/N"
    )


class CaseTable(Table):
    """One case, listed by hand."""

    id: Name = Field(description="unique without regard to case")
    label: str = Field(default="", description="for tables and plots; default: the id")
    axis: str | None = Field(default=None, description="a declared axis, or a tag")
    value: Value | None = Field(default=None, description="on the declared axis [unit of the axis]")
    changes: Names | None = Field(
        default=None, description="dotted prefixes that the overlay is meant to change"
    )
    enabled: bool = Field(default=True, description="false: no child is written")
    overlay: Anything = Field(default={}, description="tables of the child's mode")


class _Rows(Table):
    """Which rows of a catalog are used."""

    required_fields: Names = Field(default=(), description="fields that may not be blank")
    field_equals: dict[str, Value] = Field(
        default={}, description="values that a row must have [1]"
    )
    tags: Names = Field(default=(), description="tags that a row must carry, all of them")
    exclude_tags: Names = Field(default=(), description="a row that carries any of them is dropped")
    limit: int | None = Field(default=None, ge=1, description="rows at most [1]")


class Catalog(_Rows):
    """A CSV or JSON-lines file whose rows become cases."""

    path: InputPath = Field(description="the file")
    format: Literal["auto", "csv", "jsonl"] = Field(
        default="auto", description="auto: by its suffix"
    )
    id_field: str = Field(default="case_id", description="field of the case's id")
    label_field: str = Field(default="case_label", description="field of its label")
    axis_field: str = Field(default="axis", description="field of its axis")
    enabled_field: str = Field(
        default="enabled", description="field that says whether it is enabled"
    )
    tags_field: str = Field(default="tags", description="field of its tags")
    tag_separator: str = Field(default=";", min_length=1, description="between tags")
    path_fields: Names = Field(
        default=(), description="fields that count from the catalog's folder"
    )
    include_disabled: bool = Field(
        default=False, description="keep disabled rows, as disabled cases"
    )


class CatalogRule(_Rows):
    """How a row becomes a case; every text is a template over the row's fields."""

    id_template: str | None = Field(default=None, description="default: the catalog's id field")
    label_template: str | None = Field(
        default=None, description="default: the catalog's label field"
    )
    axis_template: str | None = Field(default=None, description="default: the catalog's axis field")
    value_template: str | None = Field(default=None, description="value on the axis")
    enabled: bool = Field(default=True, description="false: all its cases are disabled")
    overlay: Anything = Field(default={}, description="tables of the child's mode")


class Design(Table):
    """A rule that makes cases from declared axes."""

    id: Name = Field(description="unique")
    kind: Literal["grid", "one_at_a_time", "latin_hypercube", "sobol", "seeds"] = Field(
        description="how cases are made"
    )
    axes: Names = Field(default=(), description="declared axes")
    id_template: str | None = Field(default=None, description="of case ids")
    label_template: str | None = Field(default=None, description="of case labels; default: the id")
    overlay: Anything = Field(default={}, description="merged before the values of the axes")
    enabled: bool = Field(default=True, description="false: all its cases are disabled")
    exclude: Many[dict[str, Value]] = Field(
        default=(), description="grid: partial matches to leave out"
    )
    count: int | None = Field(default=None, ge=1, description="cases or seeds [1]")
    seed: int | None = Field(default=None, ge=0, description="of the samples; default 0 [1]")
    scramble: bool | None = Field(default=None, description="sobol: scrambled; default true")
    seeds: Annotated[tuple[int, ...], Strict(False), Field(min_length=1)] | None = Field(
        default=None, description="the random seeds themselves [1]"
    )
    base_seed: int | None = Field(default=None, description="seeds are made from it [1]")
    key: str | None = Field(
        default=None, min_length=1, description="dotted key of the child for seeds"
    )


class MetricTable(Table):
    """One column of results."""

    name: Name = Field(description="name of the column")
    source: str = Field(
        default="", description="dotted key of the child's summary; default: the name"
    )
    required: bool = Field(default=False, description="a case that does not report it fails")
    unit: str | None = Field(default=None, description="must be the runner's")
    kind: Literal["point", "mean", "integral", "extremum", "count", "duration", "text"] | None = (
        Field(default=None, description="default: the runner's")
    )
    description: str = Field(default="", description="for the reader")


class CheckTable(Table):
    """One declared check over cases; the unit of its bounds is that of its metric."""

    id: Name = Field(description="unique")
    kind: Literal["bounds", "monotonic", "spread", "difference", "order"] = Field(
        description="what is asked"
    )
    metric: str = Field(description="a declared metric")
    cases: Names | None = Field(
        default=None, description="globs over case ids; default: all enabled"
    )
    design: str | None = Field(default=None, description="only cases of this design")
    required: bool = Field(default=True, description="counts for the exit code")
    reason: Name = Field(description="what a reader would lose without it")
    low: float | None = Field(default=None, description="smallest value [unit of the metric]")
    high: float | None = Field(default=None, description="largest value [unit of the metric]")
    axis: str | None = Field(default=None, description="a declared axis")
    direction: Literal["increasing", "decreasing"] | None = Field(
        default=None, description="along the axis"
    )
    strict: bool | None = Field(
        default=None, description="steps larger than the noise; default true"
    )
    noise: float | None = Field(default=None, ge=0, description="default 0.0 [unit of the metric]")
    max_cv: float | None = Field(default=None, ge=0, description="coefficient of variation [1]")
    max_half_width: float | None = Field(
        default=None, ge=0, description="relative, 95 % confidence [1]"
    )
    max_std: float | None = Field(default=None, ge=0, description="[unit of the metric]")
    min_n: int | None = Field(default=None, ge=2, description="values at least; default 5 [1]")
    reference: str | None = Field(default=None, description="id of the case that is compared with")
    max_abs: float | None = Field(default=None, ge=0, description="difference [unit of the metric]")
    max_rel: float | None = Field(default=None, ge=0, description="difference, relative [1]")
    min_abs: float | None = Field(default=None, ge=0, description="difference [unit of the metric]")
    min_rel: float | None = Field(default=None, ge=0, description="difference, relative [1]")
    h: str | None = Field(default=None, description="a metric that gives the size of the mesh")
    formal_order: float | None = Field(default=None, gt=0, description="of the scheme [1]")
    method: Literal["algebraic", "spectral"] | None = Field(
        default=None, description="default: algebraic"
    )
    order_tolerance: float | None = Field(default=None, gt=0, description="relative [1]")
    max_uncertainty: float | None = Field(default=None, gt=0, description="relative [1]")


class Testbed(Table):
    """A list of cases over one base configuration, and what is asked of them."""

    id: Annotated[str, AfterValidator(_testbed_id)] = Field(
        default="", description="default: the file's stem"
    )
    subject: Annotated[str, AfterValidator(lambda text: text.strip().lower())] = Field(
        default="mesh", description="what the cases are about"
    )
    purpose: str = Field(default="robustness", description="free text, reported")
    profile: Literal["generic"] = Field(default="generic", description="only generic")
    base_config: InputPath | None = Field(default=None, description="the base of all children")
    output_root: Annotated[OutputPath, BeforeValidator(_not_empty)] | None = Field(
        default=None, description="default: testbed/<id> beside the file"
    )
    execute: bool = Field(default=True, description="false: plan only")
    continue_on_error: bool = Field(default=True, description="go on after a case that failed")
    isolation: Literal["report", "require"] = Field(
        default="report", description="what an overlay that changes more than it says leads to"
    )
    require_child_gates: bool = Field(
        default=True, description="gates of children count for the exit code"
    )
    max_cases: int = Field(default=10_000, ge=1, description="guards against a slip in a grid [1]")
    runner: RunnerTable = Field(default=RunnerTable(), description="who carries out the children")
    execution: ExecutionTable = Field(
        default=ExecutionTable(), description="how they are carried out"
    )
    reuse: Reuse = Field(default=Reuse(), description="when a case is not computed again")
    axis: Many[Axis] = Field(default=(), description="what cases vary")
    case: Many[CaseTable] = Field(default=(), description="cases listed by hand")
    catalog: Catalog | None = Field(default=None, description="a file of cases")
    case_from_catalog: Many[CatalogRule] = Field(default=(), description="rows of it as cases")
    design: Many[Design] = Field(default=(), description="rules that make cases")
    metric: Many[MetricTable] = Field(default=(), description="columns of results")
    check: Many[CheckTable] = Field(default=(), description="declared checks")

    def document(self) -> dict[str, Any]:
        """Plain values, every default filled in, None left out; keys as they are written."""
        return self.model_dump(mode="json", exclude_none=True, by_alias=True)


class TestbedFile(Table):
    """A file of `[workflow] mode = "testbed"`.

    Without `testbed.base_config` its other tables are the base of all children.
    """

    model_config = ConfigDict(extra="allow")

    workflow: Workflow | Literal["testbed"] = Field(
        default=Workflow(), description="mode and label"
    )
    base_config: InputPath | None = Field(
        default=None, description="a file that this one inherits from"
    )
    testbed: Testbed = Field(description="cases and what is asked of them")

    def base(self) -> Mapping[str, Any]:
        """The tables of the file that are the children's, where it names no other base."""
        return dict(self.model_extra or {})
