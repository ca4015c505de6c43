"""Liberty files: read far enough to judge them and to choose cells. Tables and timing are left to the tools.

The format: groups ``name (arguments) { ... }`` of attributes ``name : value;`` and ``name (values);``. What lies inside
groups that say nothing of a cell's function is skipped, so that a file of 20 MB takes seconds.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Comments and strings hide braces; a backslash at the end of a line continues it.
_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\]|\\.)*"|[{};]', re.DOTALL)
_GROUP = re.compile(r"([A-Za-z_]\w*)\s*\(([^()]*)\)\s*$")
_SIMPLE = re.compile(r"^\s*([A-Za-z_]\w*)\s*:\s*(.*?)\s*$", re.DOTALL)
_COMPLEX = re.compile(r"^\s*([A-Za-z_]\w*)\s*\((.*)\)\s*$", re.DOTALL)
_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_KEPT = {"library", "cell", "pin", "bus", "ff", "latch", "statetable", "wire_load"}


class LibertyError(ValueError):
    """A file is no whole Liberty library; the message names it, the rule and what was found."""


@dataclass
class Group:
    """A group of a Liberty file, with the line that it begins on."""

    kind: str
    names: tuple[str, ...]
    line: int
    attributes: dict[str, str] = field(default_factory=dict)  # simple and complex ones, unquoted; the last one counts
    groups: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first argument, empty if there is none."""
        return self.names[0] if self.names else ""

    def all(self, kind: str) -> Iterator[Group]:
        """Its groups of a kind."""
        return (group for group in self.groups if group.kind == kind)

    def number(self, name: str, default: float) -> float:
        """An attribute that is a number; ValueError says which is none."""
        text = self.attributes.get(name)
        if text is None:
            return default
        try:
            return float(text)
        except ValueError:
            raise ValueError(
                f"{name} of {self.kind} {self.name} (line {self.line}) must be a number, not {text!r}"
            ) from None


def read_liberty(path: str | Path) -> Group:
    """The library of a file, plain or compressed by gzip.

    Raises
    ------
    LibertyError : empty, damaged, truncated or no Liberty. OSError : missing or unreadable.
    """
    source = Path(path)
    try:
        library = parse_liberty(_text(source))
        if not any(library.all("cell")):
            raise ValueError("a library must have cells, and there is none")
    except (ValueError, EOFError, zlib.error) as error:
        raise LibertyError(f"{source}: {error}") from None
    return library


def liberty_text(path: str | Path) -> str:
    """The text of a file, plain or compressed by gzip; LibertyError, OSError: as ``read_liberty``."""
    try:
        return _text(Path(path))
    except (ValueError, EOFError, zlib.error) as error:
        raise LibertyError(f"{path}: {error}") from None


def _text(source: Path) -> str:
    data = source.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"the gzip archive must be whole: {error}") from None
    if not data.strip():
        raise ValueError("a Liberty file must not be empty")
    if b"\0" in data:
        raise ValueError("a Liberty file must be text, and there is a zero byte in it")
    return data.decode("latin-1")  # names are ASCII; comments may be anything


def parse_liberty(text: str) -> Group:
    """The library of a Liberty text; ValueError says what is wrong and where."""
    root = Group("file", (), 1)
    stack = [root]
    skipped = 0  # depth inside a group that is skipped
    begin, line, counted = 0, 1, 0
    for token in _TOKENS.finditer(text):
        mark = token.group()
        if mark not in "{};":
            continue
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if skipped:
            skipped += {"{": 1, "}": -1, ";": 0}[mark]
        elif mark == "{":
            group = _group(text[begin : token.start()], line, stack[-1])
            if group.kind in _KEPT:
                stack[-1].groups.append(group)
                stack.append(group)
            else:
                skipped = 1
        else:
            _attributes(text[begin : token.start()], stack[-1])
            if mark == "}":
                if len(stack) == 1:
                    raise ValueError(f"line {line}: a closing brace without an opening one")
                stack.pop()
        begin = token.end()
    if len(stack) > 1 or skipped:
        open_group = stack[-1]
        raise ValueError(
            f"the file ends inside {open_group.kind} {open_group.name} of line {open_group.line}: is it truncated?"
        )
    libraries = list(root.all("library"))
    if len(libraries) != 1:
        raise ValueError(f"a Liberty file must be one library (NAME) {{ ... }}, and there are {len(libraries)}")
    return libraries[0]


def _group(text: str, line: int, parent: Group) -> Group:
    """The group whose head is the end of ``text``; attributes that lack their semicolon come before."""
    plain = _COMMENTS.sub(" ", text)
    head = _GROUP.search(plain)
    if head is None:
        raise ValueError(f"line {line}: a group must be NAME (...) {{, not {plain.strip()[-40:]!r} {{")
    _attributes(plain[: head.start()], parent)
    names = tuple(name.strip().strip('"') for name in head[2].split(",") if name.strip())
    return Group(head[1], names, line)


def _attributes(text: str, parent: Group) -> None:
    if not text.strip():
        return
    plain = _COMMENTS.sub(" ", text).replace("\\\n", " ")
    whole = _COMPLEX.match(plain)
    for statement in [plain] if whole else plain.splitlines():
        found = _SIMPLE.match(statement) or _COMPLEX.match(statement)
        if found:
            parent.attributes[found[1]] = found[2].strip().strip('"').strip()
