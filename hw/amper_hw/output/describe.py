"""What a reader of the Verilog is told of a module: from the docstrings of the component that it was made of."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from importlib import import_module

_ENTRY = re.compile(r"(?:^|(?<=[.;:] ))(?P<names>\w+(?:\[\w\])?(?:\.\w+)?(?:, \w+(?:\[\w\])?)*) : ")


def about(component: object) -> str:
    """Paragraphs: what the component does, its latency and its page."""
    module = _text(sys.modules[type(component).__module__].__doc__ or "").strip()
    said = _text(inspect.getdoc(type(component)) or "").split("\n\n")[0]
    first, *rest = module.split("\n\n")
    facts = [line for paragraph in rest for line in paragraph.splitlines() if line.startswith(("Latency:", "Page:"))]
    return "\n\n".join(dict.fromkeys(_line(part) for part in (first, said, *facts) if part))


def port_groups(component: object, ports: Iterable[str]) -> dict[str, str]:
    """The ports in their order; those that begin a member's have what its docstring says of it."""
    doc = inspect.getdoc(type(component)) or ""
    elsewhere = re.search(r"Members: ``([\w.]+)\.(\w+)``", doc)
    said = _members(doc)
    if elsewhere and not said:
        said = _members(inspect.getdoc(getattr(import_module(elsewhere[1]), elsewhere[2])) or "")
    told: set[str] = set()
    groups = {}
    for port in ports:
        member = max((name for name in said if port == name or port.startswith(f"{name}_")), key=len, default="")
        text = said.get(member, "")
        groups[port] = text if text not in told else ""
        told.add(text)
    return groups


def _members(doc: str) -> dict[str, str]:
    """The entries of the section Members, as NumPy's style writes them, several in a line."""
    if "Members\n---" not in doc:
        return {}
    section = doc.split("Members\n")[1].split("\n", 1)[1]
    section = _line(_text(re.split(r"\n\n|\n\w+\n---", section)[0]))
    found = list(_ENTRY.finditer(section))
    members = {}
    for match, after in zip(found, [*found[1:], None], strict=True):
        text = section[match.end() : after.start() if after else None].strip()
        text = re.sub(r"^(In|Out)\b(\([^)]*\)| ?\{[^}]*\})?[,;. ]*", "", text).rstrip(".;")
        for name in match["names"].split(", "):
            members[re.sub(r"\[\w\]", "", name)] = f"{match['names']}: {text}" if text else ""
    return members


def _text(doc: str) -> str:
    return doc.replace("``", "")


def _line(text: str) -> str:
    return " ".join(text.split())
