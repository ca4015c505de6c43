"""How much of each stage a sign-off does: quick, for CI, or full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from amper import VARIANTS
from amper_verif.harness.simulators import SIMULATORS

#: Small enough for a gate-level look, with several banks and a last one of its own.
TINY: dict[str, Any] = {"rows": 12, "bank_rows": 4, "priority_width": 6, "groups": 3, "batch": 6}
#: For mutants, each of which costs a simulation.
TINIEST: dict[str, Any] = {"rows": 4, "bank_rows": 4, "priority_width": 4, "groups": 2, "batch": 3}


@dataclass(frozen=True)
class Check:
    """A run of ``amper verify``: ``values`` has the configuration's parameters, or a preset's name as "preset"."""

    label: str
    values: Mapping[str, Any]
    simulators: tuple[str, ...] = SIMULATORS
    batches: int = 100
    corners: bool = True


@dataclass(frozen=True)
class Covered:
    """Runs of ``amper verify`` in Verilator, with one seed after the other, whose coverage is merged; ``least`` percent
    of the lines, branches and changes of bits that are not waived have to be hit.
    """

    label: str
    values: Mapping[str, Any]
    seeds: int
    batches: int
    corners: bool
    least: tuple[float, float, float]


@dataclass(frozen=True)
class Mutants:
    """``count`` mutants of a configuration with native ports; at least ``least`` of them have to be noticed."""

    label: str
    values: Mapping[str, Any]
    count: int
    batches: int
    least: float
    proofs: bool = True  # whether survivors are looked at for equivalence


@dataclass(frozen=True)
class Soak:
    """``shapes`` : of ``native.soak``; () : all. ``calls`` : of each."""

    shapes: tuple[str, ...]
    calls: int


@dataclass(frozen=True)
class Sanitize:
    """Tests of the checkout that are run on a core built with ``kind`` of ``sanitize.KINDS``; arguments of pytest."""

    kind: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What each stage does, by the stage's name."""

    verify: tuple[Check, ...]
    prove: tuple[Mapping[str, Any], ...]  # configurations, of each of which every property is proven
    coverage: tuple[Covered, ...]
    mutate: tuple[Mutants, ...]
    soak: Soak
    sanitize: tuple[Sanitize, ...]

    def of(self, stage: str) -> Any:
        """What JSON holds, of one stage."""
        return json.loads(json.dumps(asdict(self)[stage]))


QUICK = Plan(
    verify=(
        Check("tiny, all variants", TINY | {"variants": VARIANTS}, ("verilator",), batches=30, corners=False),
        Check("tiny", TINY, ("icarus",), batches=30),
        Check("tiny, sum tree", TINY | {"organisation": "tree"}, ("icarus",), batches=30, corners=False),
        Check("tiny, AXI", TINY | {"bus": "axi"}, ("icarus",), batches=10),
    ),
    prove=(TINY,),
    coverage=(Covered("tiny", TINY, seeds=1, batches=30, corners=True, least=(99, 97, 93)),),
    mutate=(Mutants("tiniest", TINIEST, 40, 20, least=0.6, proofs=False),),
    soak=Soak(("one row", "m above n"), 2_000),
    sanitize=(
        Sanitize("address,undefined", ("tests/sw/sampler/test_sampler_machine.py",)),
        Sanitize("thread", ("tests/sw/replay/test_replay_threads.py", "-k", "late_updates and True")),
    ),
)

FULL = Plan(
    verify=(
        *(Check(f"preset {name}", {"preset": name}, batches=200) for name in ("small",)),
        *(
            Check(f"preset {name}", {"preset": name}, ("verilator",), batches=200, corners=False)
            for name in ("medium", "large", "paper", "fast", "latches", "fpga", "soc")
        ),
        Check("tiny, all variants", TINY | {"variants": VARIANTS}, batches=200),
        Check("tiny, sum tree", TINY | {"organisation": "tree"}, batches=200),
        *(Check(f"tiny, {bus}", TINY | {"bus": bus}, batches=60) for bus in ("axi", "axi4", "wishbone")),
        Check("Q = 32, shallow", TINY | {"priority_width": 32, "pipeline": "shallow"}, batches=100),
        Check(
            "most ports",
            {"rows": 64, "search_ports": 8, "draw_ports": 8, "write_ports": 8, "variants": VARIANTS},
            ("verilator",),
        ),
    ),
    prove=(TINY, {"preset": "small"}),
    coverage=(
        Covered("tiny", TINY, seeds=3, batches=200, corners=True, least=(99, 97, 95)),
        Covered("tiny, all variants", TINY | {"variants": VARIANTS}, 3, 200, corners=True, least=(99, 97, 95)),
    ),
    mutate=(
        Mutants("tiny", TINY, 200, 60, least=0.92),
        Mutants("tiny, all variants", TINY | {"variants": VARIANTS}, 400, 60, least=0.85),
        Mutants("tiny, sum tree", TINY | {"organisation": "tree"}, 200, 60, least=0.85),
    ),
    soak=Soak((), 200_000),
    sanitize=(
        Sanitize("address,undefined", ("tests/sw/sampler", "tests/sw/replay", "-k", "not killed")),
        Sanitize("thread", ("tests/sw/replay/test_replay_threads.py", "-k", "True or pieces")),
    ),
)
