"""Random configurations, each verified under random operations."""

from __future__ import annotations

import random
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper import AMPER_VARIANTS, AmperConfig
from amper_spec.algorithm import DRAWS, ORGANISATIONS
from amper_spec.build import FIXED_IN_THE_TREE, MEMORIES, PACKED_ROW_WIDTH, PROTECTIONS
from amper_spec.declare import declarations
from amper_verif.harness.simulators import SIMULATORS, require_simulator
from amper_verif.verify import Verification, verify


@dataclass(frozen=True)
class FuzzRun:
    """A configuration in a simulator: what was found, or the error that ended it."""

    config: AmperConfig
    simulator: str
    command: str  # repeats it
    verification: Verification | None
    error: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing differed."""
        return self.verification is not None and self.verification.passed

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold, with the verdict."""
        found = self.verification.to_dict() if self.verification else None
        return {
            "passed": self.passed,
            "command": self.command,
            "configuration": self.config.to_dict(),
            "verification": found,
            "error": self.error,
        }


def random_config(chance: random.Random, *, buses: Sequence[str] = ("native",), **given: Any) -> AmperConfig:
    """A legal configuration; mostly small, since every one has to be built. ``given`` : what is not drawn."""
    word = chance.getrandbits(64)
    values: dict[str, Any] = {"bus": chance.choice(buses), "variants": _variants(chance)} | given
    for name, each in declarations(AmperConfig).items():
        own = random.Random(f"{word}/{name}")  # so that a new parameter changes no other
        if name in given:
            continue
        if name in _DRAWN:
            values[name] = _DRAWN[name](own, values)
        elif name not in values and each.changes != "software":
            values[name] = each.rule.draw(own)
    if values["organisation"] == "tree":
        values |= FIXED_IN_THE_TREE | {
            name: min(values[name], values["banks"]) for name in ("draw_ports", "write_ports")
        }
    values["variant"] = chance.choice(values["variants"])
    return AmperConfig.from_dict(values)


def _variants(chance: random.Random) -> tuple[str, ...]:
    """One alone, exact as often as all others; or several, exact among them as often as not."""
    if chance.random() < 0.4:
        return ("exact",) if chance.random() < 0.5 else (chance.choice(AMPER_VARIANTS),)
    others = tuple(chance.sample(AMPER_VARIANTS, chance.randint(1, len(AMPER_VARIANTS))))
    return ("exact", *others) if chance.random() < 0.5 else others


def _rows(chance: random.Random, values: dict[str, Any]) -> int:
    rows = chance.choices((chance.randint(1, 40), chance.randint(41, 300), chance.randint(301, 3000)), (75, 22, 3))[0]
    if values.get("organisation") == "tree":  # which was asked for
        rows = max(2, rows)
    # Filling more through a bus, an access of some ten cycles a row, takes Icarus half an hour.
    return rows if values["bus"] == "native" else min(rows, 300)


def _priority_width(chance: random.Random, _: dict[str, Any]) -> int:
    return chance.choice((4, 5, 8, 13, 16, 23, 24, 25, 32, chance.randint(4, 32)))


def _groups(chance: random.Random, _: dict[str, Any]) -> int:
    return chance.choices((chance.randint(1, 8), chance.randint(9, 70), 256), (60, 38, 2))[0]


def _batch(chance: random.Random, _: dict[str, Any]) -> int:
    return chance.choices((chance.randint(1, 12), chance.randint(13, 70), chance.randint(71, 300)), (50, 45, 5))[0]


def _draws(chance: random.Random, values: dict[str, Any]) -> str:
    return chance.choice(DRAWS) if "exact" in values["variants"] else "independent"


def _organisation(chance: random.Random, values: dict[str, Any]) -> str:
    can = values["variants"] == ("exact",) and values["rows"] > 1
    return chance.choice(ORGANISATIONS) if can else "parallel"


def _banks(chance: random.Random, values: dict[str, Any]) -> int:
    can = [banks for banks in (1, 1, 2, 4, 8) if 2 * banks <= values["rows"]]
    return chance.choice(can) if values["organisation"] == "tree" else 1


def _memories(chance: random.Random, values: dict[str, Any]) -> str:
    can = values["organisation"] == "tree" and values["primitives"] == "gates"
    return chance.choice(MEMORIES) if can else "inferred"


def _radius_scale(chance: random.Random, values: dict[str, Any]) -> float:
    scale: float = values["groups"] * chance.choice((0.0, 0.01, 0.05, 0.3, 2.0, 15.9)) * chance.random()
    return round(scale, 6)


def _neighbour_scale(chance: random.Random, _: dict[str, Any]) -> float:
    return round(chance.choice((0.0, 0.1, 1.0, 15.9)) * chance.random(), 6)


def _bank_rows(chance: random.Random, values: dict[str, Any]) -> int:
    # At most some 64 banks, so that the Verilog stays small.
    rows: int = values["rows"]
    least = max(2, 1 << max(0, (rows // 64).bit_length()))
    return min(1024, least << chance.randrange(5))


def _protection(chance: random.Random, values: dict[str, Any]) -> str:
    if values["organisation"] == "tree":
        return chance.choice(PROTECTIONS)
    in_registers = values["primitives"] == "gates" or values["storage"] == "latches"
    return chance.choice(("none", "parity")) if values["variants"] == ("exact",) and in_registers else "none"


def _packed_registers(chance: random.Random, values: dict[str, Any]) -> bool:
    fits = values["bus"] != "native" and values["rows"] <= 1 << PACKED_ROW_WIDTH and values["priority_width"] <= 16
    return fits and chance.random() < 0.5


#: How those are drawn that an even choice would make too large to build, or too dull; by what was drawn before.
_DRAWN: dict[str, Callable[[random.Random, dict[str, Any]], Any]] = {
    "rows": _rows,
    "priority_width": _priority_width,
    "groups": _groups,
    "batch": _batch,
    "draws": _draws,
    "organisation": _organisation,
    "banks": _banks,
    "memories": _memories,
    "radius_scale": _radius_scale,
    "neighbour_scale": _neighbour_scale,
    "bank_rows": _bank_rows,
    "protection": _protection,
    "packed_registers": _packed_registers,
}


def fuzz(
    count: int,
    *,
    seed: int = 1,
    simulators: Sequence[str] = SIMULATORS,
    batches: int = 60,
    buses: Sequence[str] = ("native",),
    organisation: str | None = None,
    folder: str | Path = "build/verify",
    say: Callable[[str], None] = print,
) -> list[FuzzRun]:
    """Verify ``count`` random configurations.

    Parameters
    ----------
    seed : of the configurations and the operations. simulators : each configuration runs in all of them. batches : of
        each run, fewer where ``affordable`` says so. buses : to choose from. organisation : of all, if it is given.
    say : takes a line a run.

    Raises
    ------
    ValueError, TypeError : bad parameters. SimulationError : a simulator is not installed.
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"fuzz must be an integer, not {count!r}")
    if count < 1:
        raise ValueError(f"fuzz must be at least 1, not {count}")
    if batches < 3:
        raise ValueError(f"batches must be at least 3, not {batches}")
    if organisation not in (None, *ORGANISATIONS):
        raise ValueError(f"organisation must be one of {', '.join(ORGANISATIONS)} with fuzz, not {organisation}")
    for simulator in simulators:
        require_simulator(simulator)
    given: dict[str, Any] = {} if organisation is None else {"organisation": organisation}
    if organisation == "tree":
        given["variants"] = ("exact",)
    runs = []
    for index in range(count):
        # A configuration does not depend on how many came before it.
        config = random_config(random.Random(f"{seed}/{index}"), buses=buses, **given)
        for simulator in simulators:
            run = _one(config, simulator, affordable(config, batches), seed + index, Path(folder))
            runs.append(run)
            say(line(run, f"{index + 1}/{count}"))
    return runs


def affordable(config: AmperConfig, batches: int) -> int:
    """Batches of a run; through a bus fewer in a large memory, which is filled again and again, a register a row."""
    return batches if config.bus == "native" else min(batches, max(8, 2000 // config.rows))


def _one(config: AmperConfig, simulator: str, batches: int, seed: int, folder: Path) -> FuzzRun:
    arguments = ["amper", "verify", "--sim", simulator, "--batches", str(batches), "--seed", str(seed)]
    command = shlex.join([*arguments, *config.options(seed="device_seed")])
    begin = time.monotonic()
    found, error = None, ""
    try:
        found = verify(config, simulator=simulator, batches=batches, corners=False, seed=seed, folder=folder)
    except Exception as problem:  # whatever a legal configuration raises is a finding, and must not end the others
        error = f"{type(problem).__name__}: {problem}"
    return FuzzRun(config, simulator, command, found, error, time.monotonic() - begin)


def line(run: FuzzRun, place: str) -> str:
    """A run in a line; of one that failed, how to repeat it and what was wrong."""
    found = run.verification
    verdict = "passed" if run.passed else "FAILED"
    size = f"{run.config.bus}, rows {run.config.rows}, {'/'.join(run.config.variants)}, {run.config.pipeline}"
    compared = f"{found.compared} indices compared" if found else "nothing compared"
    text = f"{place} {run.simulator:9} {verdict}  {compared}, {size} ({run.seconds:.1f} s)"
    if run.passed:
        return text
    reason = run.error or (found.first_mismatch if found else "") or "nothing was compared"
    return f"{text}\n  {run.command}\n  {reason}"
