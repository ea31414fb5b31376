"""A pure function of a configuration, asked again only where it would read something else.

`Remembered` hands the function a table that notes what is read of it.  For a later configuration
in which all of that is equal, the answer is the one known: of ten thousand children that differ in
a conductivity, the executables that they use are looked for once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from mhx.config.lines import Place

T = TypeVar("T")
_ABSENT: Any = object()
_MOST = 32  # answers kept; a matrix seldom has more than a few


class Remembered(Generic[T]):
    """`function`, whose answers are kept with what was read for them."""

    def __init__(self, function: Callable[[Mapping[str, Any]], T]) -> None:
        self._function = function
        self._known: list[tuple[dict[Place, Any], T]] = []

    def __call__(self, config: Mapping[str, Any]) -> T:
        """The answer for a configuration; what the function raises is not kept."""
        for reads, answer in self._known:
            if all(_found(config, place) == value for place, value in reads.items()):
                return answer
        reads = {}
        answer = self._function(_Watched(config, (), reads))
        self._known = [(reads, answer), *self._known[: _MOST - 1]]
        return answer


class _Watched(Mapping[str, Any]):
    """A table that notes in `reads` what is taken from it, by place."""

    def __init__(self, table: Mapping[str, Any], place: Place, reads: dict[Place, Any]) -> None:
        self._table, self._place, self._reads = table, place, reads

    def __getitem__(self, key: str) -> Any:
        place = (*self._place, key)
        if key not in self._table:
            self._reads[place] = _ABSENT
            raise KeyError(key)
        value = self._table[key]
        if isinstance(value, Mapping):
            return _Watched(value, place, self._reads)
        self._reads[place] = value
        return value

    def __iter__(self) -> Iterator[str]:
        self._reads[self._place] = self._table
        return iter(self._table)

    def __len__(self) -> int:
        self._reads[self._place] = self._table
        return len(self._table)


def _found(config: Any, place: Place) -> Any:
    for part in place:
        if not isinstance(config, Mapping) or part not in config:
            return _ABSENT
        config = config[part]
    return config
