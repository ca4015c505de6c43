"""Points that need not be hit: each with its reason, in ``waivers.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from amper_verif.code_coverage.points import KINDS, Point


@dataclass(frozen=True)
class Waiver:
    """``module``, ``points`` : regular expressions, of the whole name of a module and of a point. ``kind`` : see KINDS.
    ``reason`` : why its points cannot, or need not, be hit.

    Raises
    ------
    ValueError : a field is empty, or the kind is none.
    """

    module: str
    kind: str
    points: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("module", "points", "reason"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} of a waiver must not be empty")
        if self.kind not in KINDS:
            raise ValueError(f"kind of a waiver must be one of {', '.join(KINDS)}, not {self.kind!r}")

    def covers(self, point: Point) -> bool:
        """Whether the point is waived."""
        matches = re.fullmatch(self.module, point.module) and re.fullmatch(self.points, point.name)
        return self.kind == point.kind and bool(matches)


def committed_waivers() -> tuple[Waiver, ...]:
    """Those of ``waivers.toml``."""
    text = (files("amper_verif") / "code_coverage" / "waivers.toml").read_text(encoding="utf-8")
    return tuple(Waiver(**each) for each in tomllib.loads(text).get("waiver", ()))


def reason_of(point: Point, waivers: Sequence[Waiver]) -> str:
    """Of the first waiver that covers the point; empty if none does."""
    return next((waiver.reason for waiver in waivers if waiver.covers(point)), "")
