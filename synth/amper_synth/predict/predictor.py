"""Area, clock and batch time of a configuration from a fitted predictor, in well under a millisecond.

``amper_synth.predict.fit`` fits it to the points of a sweep.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amper_hw.base.latency import batch_cycles
from amper_spec.config import AmperConfig
from amper_spec.declare import declarations, word
from amper_synth.predict.features import absent, area_columns, clock_columns

FORMAT = 1  # of predictor.json
#: Parameters that change registers' first values at most, and so neither area nor clock to speak of.
VALUES = tuple(name for name, each in declarations(AmperConfig).items() if each.changes != "build")


@dataclass(frozen=True)
class Errors:
    """Relative errors on points that were not in the fit, in percent."""

    points: int
    area_median: float
    area_worst: float
    fmax_median: float
    fmax_worst: float


@dataclass(frozen=True)
class Prediction:
    """What is to be expected of a configuration. ``outside`` : parameters that lie outside what was seen, and how."""

    config: AmperConfig
    area_um2: float
    by_group: dict[str, float]  # um2
    period_ns: float
    limited_by: str  # the component in which the longest path ends
    fmax_mhz: float
    batch_cycles: int  # exact
    batch_ns: float
    outside: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self) | {"config": self.config.to_dict(), "outside": list(self.outside)}


@dataclass(frozen=True)
class Predictor:
    """Coefficients of the columns of ``amper_synth.predict.features``, and what they were fitted to.

    Parameters
    ----------
    area : um2 a unit of each column, by group and column. clock : powers of two of the longest path into a component,
    in ps, by component and column; the longest of them is the period. seen : of each parameter the values that the
    points had. held_out : errors on points left out, with their twins, one after another. largest : errors on the
    points of the largest n, left out together. library : its names. versions : of the tools.
    """

    area: dict[str, dict[str, float]]
    clock: dict[str, dict[str, float]]
    seen: dict[str, list[Any]]
    held_out: Errors
    largest: Errors | None
    library: list[str]
    versions: dict[str, str]

    def predict(self, config: AmperConfig) -> Prediction:
        """What to expect of ``config``."""
        columns, terms = area_columns(config), clock_columns(config)
        areas = {name: _dot(each, columns[name]) for name, each in self.area.items()}
        there = {name: each for name, each in self.clock.items() if name not in absent(config)}
        paths = {name: 2 ** _dot(each, terms) / 1000 for name, each in there.items()}
        slowest = max(paths, key=lambda name: paths[name])
        period = paths[slowest]
        cycles = batch_cycles(config)
        return Prediction(
            config=config,
            area_um2=sum(areas.values()),
            by_group=areas,
            period_ns=period,
            limited_by=slowest,
            fmax_mhz=1000 / period,
            batch_cycles=cycles,
            batch_ns=cycles * period,
            outside=tuple(self._outside(config)),
        )

    def _outside(self, config: AmperConfig) -> list[str]:
        found = []
        usual = AmperConfig(rows=config.rows).to_dict()  # what a parameter that came later was for all points
        for name, value in config.to_dict().items():
            seen = self.seen.get(name, [usual[name]])
            if name in VALUES or value in seen:
                continue
            if isinstance(value, int) and not isinstance(value, bool) and seen:
                if min(seen) <= value <= max(seen):
                    continue
                found.append(f"{name} = {value}, seen {min(seen)} to {max(seen)}")
            else:
                found.append(f"{name} = {word(value)}, seen {' | '.join(map(word, seen)) or 'nothing'}")
        return found

    def save(self, path: str | Path) -> None:
        """Write a JSON file."""
        Path(path).write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Predictor:
        """Read a file that ``save`` wrote.

        Raises
        ------
        OSError : missing or unreadable. ValueError : no predictor, or of another version's columns; the message begins
        with the path.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
                raise ValueError(f"it must be an object whose format is {FORMAT}")
            held_out, largest = Errors(**values.pop("held_out")), values.pop("largest")
            loaded = cls(**values, held_out=held_out, largest=largest and Errors(**largest))
            loaded.predict(AmperConfig(rows=1))  # a column that another version had would be missed here
            return loaded
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}: not a predictor: {error}") from None


def _dot(coefficients: dict[str, float], columns: dict[str, float]) -> float:
    return sum(coefficient * columns[name] for name, coefficient in coefficients.items())
