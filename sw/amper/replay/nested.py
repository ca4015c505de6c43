"""Columns within columns: dictionaries and tuples of observations, kept as flat columns "obs/image", "pair/0"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amper.replay.columns import RESERVED, Columns

Tree = dict[str, Any]  # name: the flat name, or a dictionary or tuple of what is below


class Nested:
    """The shape of nested columns.

    Members: ``tree``, names and what is below them; ``columns``, the flat ones; ``is_flat``, whether they were flat
    already.

    Raises ValueError : a reserved name; two columns of one flat name.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns: dict[str, Any] = {}
        self.tree: Tree = {name: self._flattened(name, spec) for name, spec in columns.items()}
        self.is_flat = not any(isinstance(below, (dict, tuple)) for below in self.tree.values())
        for name in () if self.is_flat else self.tree:
            if name in RESERVED:
                raise ValueError(f"columns must not be named {', '.join(RESERVED)}, and one is {name!r}")

    def _flattened(self, name: Any, spec: Any) -> Any:
        if isinstance(spec, Mapping):
            return {key: self._flattened(f"{name}/{key}", below) for key, below in spec.items()}
        if isinstance(spec, tuple) and not _is_column(spec):
            return tuple(self._flattened(f"{name}/{i}", below) for i, below in enumerate(spec))
        if name in self.columns:
            raise ValueError(f"columns must have different flat names, and two are {name!r}")
        self.columns[name] = spec
        return name

    def names(self, name: str) -> tuple[str, ...]:
        """The flat names of what is under ``name``."""
        return tuple(flat for flat in self.columns if flat == name or flat.startswith(f"{name}/"))

    def flat(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of nested columns by flat names; others stay, for who knows what is wrong with them.

        Raises TypeError : a dictionary or tuple is missing, or has other members.
        """
        found: dict[str, Any] = {}
        for name, value in values.items():
            _put(found, name, self.tree.get(name, name), value)
        return found

    def nest(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The flat arrays of a batch as the columns are nested; what is no column stays."""
        nested = {name: _taken(batch, below) for name, below in self.tree.items()}
        return nested | {name: value for name, value in batch.items() if name not in self.columns}


def mapped(call: Callable[..., Any], value: Any, *others: Any) -> Any:
    """``call`` with the leaves of ``value``, and the same ones of ``others``, nested as they are."""
    if isinstance(value, Mapping):
        return {name: mapped(call, below, *(other[name] for other in others)) for name, below in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(call, *below) for below in zip(value, *others, strict=True))
    return call(value, *others)


def length(value: Any) -> int:
    """Transitions in nested (k, ...) arrays: k."""
    while isinstance(value, (Mapping, tuple)):
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return len(value)


def _is_column(spec: tuple[Any, ...]) -> bool:
    """(dtype, shape), not a tuple of columns."""
    if len(spec) != 2 or isinstance(spec[0], (Mapping, tuple)):
        return False
    shape = spec[1]
    return isinstance(shape, int) or (isinstance(shape, (tuple, list)) and all(isinstance(n, int) for n in shape))


def _put(found: dict[str, Any], name: str, below: Any, value: Any) -> None:
    if isinstance(below, dict):
        if not isinstance(value, Mapping) or value.keys() != below.keys():
            given = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise TypeError(f"{name} must be a dictionary of {', '.join(below)}, not {given}")
        for key, deeper in below.items():
            _put(found, f"{name}/{key}", deeper, value[key])
    elif isinstance(below, tuple):
        if not isinstance(value, (tuple, list)) or len(value) != len(below):
            given = f"{len(value)}" if isinstance(value, (tuple, list)) else type(value).__name__
            raise TypeError(f"{name} must be a tuple of {len(below)}, not {given}")
        for i, deeper in enumerate(below):
            _put(found, f"{name}/{i}", deeper, value[i])
    else:
        found[below] = value


def _taken(batch: Mapping[str, Any], below: Any) -> Any:
    if isinstance(below, dict):
        return {key: _taken(batch, deeper) for key, deeper in below.items()}
    if isinstance(below, tuple):
        return tuple(_taken(batch, deeper) for deeper in below)
    return batch[below]
