"""Random configurations, each verified under random operations."""

from __future__ import annotations

import random
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from amper import AMPER_VARIANTS, AmperConfig
from amper_spec.config import PIPELINES, PRIMITIVES, STORAGES
from amper_verif.harness.simulation import SIMULATORS, require_simulator
from amper_verif.verify import Verification, verify

_PORTS = (1, 2, 4, 8)


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


def random_config(chance: random.Random, *, buses: Sequence[str] = ("native",)) -> AmperConfig:
    """A legal configuration; mostly small, since every one has to be built."""
    rows = chance.choices((chance.randint(1, 40), chance.randint(41, 300), chance.randint(301, 3000)), (75, 22, 3))[0]
    bus = chance.choice(buses)
    if bus != "native":
        rows = min(rows, 300)  # filling more, an access of some ten cycles a row, takes Icarus half an hour
    groups = chance.choices((chance.randint(1, 8), chance.randint(9, 70), 256), (60, 38, 2))[0]
    batch = chance.choices((chance.randint(1, 12), chance.randint(13, 70), chance.randint(71, 300)), (50, 45, 5))[0]
    variants = tuple(chance.sample(AMPER_VARIANTS, chance.randint(1, len(AMPER_VARIANTS))))
    # At most some 64 banks, so that the Verilog stays small.
    least_bank = max(2, 1 << max(0, (rows // 64).bit_length()))
    values = {
        "rows": rows,
        "priority_width": chance.choice((4, 5, 8, 13, 16, 23, 24, 25, 32, chance.randint(4, 32))),
        "groups": groups,
        "batch": batch,
        "variant": chance.choice(variants),
        "radius_scale": round(groups * chance.choice((0.0, 0.01, 0.05, 0.3, 2.0, 15.9)) * chance.random(), 6),
        "neighbour_scale": round(chance.choice((0.0, 0.1, 1.0, 15.9)) * chance.random(), 6),
        "seed": chance.randrange(1 << 64),
        "bank_rows": min(1024, least_bank << chance.randrange(5)),
        "fan_out": chance.choice((2, 4, 8, 16)),
        "variants": variants,
        "search_ports": chance.choice(_PORTS),
        "draw_ports": chance.choice(_PORTS),
        "write_ports": chance.choice(_PORTS),
        "pipeline": chance.choice(PIPELINES),
        "result_priority": chance.random() < 0.5,
        "bus": bus,
        "storage": chance.choice(
            STORAGES
        ),  # new ones last, so that a seed's other parameters are what they were before
        "primitives": chance.choice(PRIMITIVES),
    }
    return AmperConfig.from_dict(values)


def options_of(config: AmperConfig) -> list[str]:
    """The options of ``amper verify`` that give this configuration; those with their default are left out."""
    # Defaults of some follow from others, which are then left to be given.
    decisive = ("rows", "priority_width", "variant", "bank_rows")
    plain = AmperConfig(**{name: getattr(config, name) for name in decisive}).to_dict()
    plain |= {"rows": None} | {name: getattr(AmperConfig, name) for name in decisive[1:]}
    options = []
    for field in fields(config):
        value = config.to_dict()[field.name]
        name = "device-seed" if field.name == "seed" else field.name.replace("_", "-")
        if value == plain[field.name]:
            continue
        if isinstance(value, bool):
            options.append(f"--{name}" if value else f"--no-{name}")
        else:
            options += [f"--{name}", ",".join(value) if isinstance(value, list) else str(value)]
    return options


def fuzz(
    count: int,
    *,
    seed: int = 1,
    simulators: Sequence[str] = SIMULATORS,
    batches: int = 60,
    buses: Sequence[str] = ("native",),
    folder: str | Path = "build/verify",
    say: Callable[[str], None] = print,
) -> list[FuzzRun]:
    """Verify ``count`` random configurations.

    Parameters
    ----------
    seed : of the configurations and the operations. simulators : each configuration runs in all of them. batches : of
        each run. buses : to choose from. say : takes a line a run.

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
    for simulator in simulators:
        require_simulator(simulator)
    runs = []
    for index in range(count):
        # A configuration does not depend on how many came before it.
        config = random_config(random.Random(f"{seed}/{index}"), buses=buses)
        for simulator in simulators:
            run = _one(config, simulator, batches, seed + index, Path(folder))
            runs.append(run)
            say(line(run, f"{index + 1}/{count}"))
    return runs


def _one(config: AmperConfig, simulator: str, batches: int, seed: int, folder: Path) -> FuzzRun:
    arguments = ["amper", "verify", "--sim", simulator, "--batches", str(batches), "--seed", str(seed)]
    command = shlex.join([*arguments, *options_of(config)])
    begin = time.monotonic()
    found, error = None, ""
    try:
        found = verify(config, simulator=simulator, batches=batches, seed=seed, folder=folder)
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
