"""Boolean functions as Liberty writes them: ``!``, ``'``, ``^``, ``&`` or ``*`` or a blank, ``|`` or ``+``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

_TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w\[\]]*)|([01])|([!'^&*|+()]))")


def truth_table(function: str, inputs: Sequence[str]) -> tuple[int, ...]:
    """The function's values, the first input's bit lowest; ValueError when it is none of ``inputs``.

    >>> truth_table("!(A & B)", ["A", "B"])
    (1, 1, 1, 0)
    """
    values = []
    for bits in itertools.product((0, 1), repeat=len(inputs)):
        parser = _Parser(function, dict(zip(inputs, reversed(bits), strict=True)))
        values.append(parser.whole())
    return tuple(values)


class _Parser:
    """Evaluates by recursive descent; the binding from weak to strong: or, and, exclusive or, not."""

    def __init__(self, function: str, values: Mapping[str, int]) -> None:
        self._function = function
        self._values = values
        self._tokens = list(_tokens(function))

    def whole(self) -> int:
        value = self._or()
        if self._tokens:
            raise ValueError(f"function {self._function!r} has {self._tokens[0]!r} in a wrong place")
        return value

    def _next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _or(self) -> int:
        value = self._and()
        while self._next() in ("|", "+"):
            self._tokens.pop(0)
            value |= self._and()
        return value

    def _and(self) -> int:
        value = self._xor()
        while self._next() not in ("", "|", "+", ")"):
            if self._next() in ("&", "*"):
                self._tokens.pop(0)
            value &= self._xor()
        return value

    def _xor(self) -> int:
        value = self._not()
        while self._next() == "^":
            self._tokens.pop(0)
            value ^= self._not()
        return value

    def _not(self) -> int:
        if not self._tokens:
            raise ValueError(f"function {self._function!r} ends too early")
        token = self._tokens.pop(0)
        if token == "!":
            return 1 - self._not()
        if token == "(":
            value = self._or()
            if self._next() != ")":
                raise ValueError(f"function {self._function!r} lacks a closing parenthesis")
            self._tokens.pop(0)
        elif token in ("0", "1"):
            value = int(token)
        elif token in self._values:
            value = self._values[token]
        else:
            raise ValueError(f"function {self._function!r} has {token!r}, which is no input")
        while self._next() == "'":
            self._tokens.pop(0)
            value = 1 - value
        return value


def _tokens(function: str) -> Iterator[str]:
    place = 0
    while place < len(function.rstrip()):
        found = _TOKEN.match(function, place)
        if found is None:
            raise ValueError(f"function {function!r} has {function[place:].lstrip()[0]!r} in it")
        yield found.group().strip()
        place = found.end()
