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
    """``shapes`` : of ``native.soak``; () : all. ``calls`` : of each, beside those that are in ``kept``, a file of the
    checkout. ``asked`` : of all of them together, which the page says where it is missed.
    """

    shapes: tuple[str, ...]
    calls: int
    kept: str = ""
    asked: int = 0


@dataclass(frozen=True)
class Sanitize:
    """Tests of the checkout that are run on a core built with ``kind`` of ``sanitize.KINDS``; arguments of pytest."""

    kind: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Watched:
    """Properties that are watched in simulation for so many random batches: those of ``only``, and what goes with them;
    all if it is empty."""

    batches: int
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What each stage does, by the stage's name."""

    verify: tuple[Check, ...]
    prove: tuple[Mapping[str, Any], ...]  # configurations, of each of which every property is proven
    prove_own: bool  # those, too, that have a configuration of their own, once
    watch: Watched  # of the first of these configurations
    netlist: Mapping[str, Mapping[str, Any]]  # configurations, whose modules are compared with their netlists
    resets: Mapping[str, Mapping[str, Any]]  # configurations, whose registers without reset are listed
    coverage: tuple[Covered, ...]
    mutate: tuple[Mutants, ...]
    soak: Soak
    sanitize: tuple[Sanitize, ...]

    def of(self, stage: str) -> Any:
        """What JSON holds, of one stage."""
        return json.loads(json.dumps(asdict(self)[stage]))


_ALL = TINY | {"variants": VARIANTS}
_TREE = TINY | {"organisation": "tree"}
_BUSES = {f"tiny, {bus}": TINY | {"bus": bus} for bus in ("axi", "axi4", "wishbone")}
RESETS = {"tiny": TINY, "tiny, all variants": _ALL, "tiny, sum tree": _TREE} | _BUSES

QUICK = Plan(
    verify=(
        Check("tiny, all variants", _ALL, ("verilator",), batches=30, corners=False),
        Check("tiny", TINY, ("icarus",), batches=30),
        Check("tiny, sum tree", _TREE, ("icarus",), batches=30, corners=False),
        Check("tiny, AXI", TINY | {"bus": "axi"}, ("icarus",), batches=10),
    ),
    prove=(TINY,),
    prove_own=False,  # the tests prove them
    watch=Watched(20, ("results",)),
    netlist={"tiniest": TINIEST},
    resets=RESETS,
    coverage=(Covered("tiny", TINY, seeds=1, batches=30, corners=True, least=(99, 97, 93)),),
    mutate=(Mutants("tiniest", TINIEST, 40, 20, least=0.6, proofs=False),),
    soak=Soak(("one row", "m above n"), 2_000),
    sanitize=(
        Sanitize("address,undefined", ("tests/sw/sampler/test_sampler_machine.py",)),
        Sanitize("thread", ("tests/sw/replay/test_replay_threads.py", "-k", "late_updates and True")),
    ),
)

#: Less than an hour of a core, and the campaigns of mutants.
FULL = Plan(
    verify=(
        Check("preset small", {"preset": "small"}, ("verilator",), batches=100),
        *(
            Check(f"preset {name}", {"preset": name}, ("verilator",), batches=60, corners=False)
            for name in ("paper", "fast")
        ),
        Check("tiny, all variants", _ALL, batches=100),
        Check("tiny, sum tree", _TREE, batches=100),
        *(Check(label, values, ("icarus",), batches=60) for label, values in _BUSES.items()),
        Check("Q = 32, shallow", TINY | {"priority_width": 32, "pipeline": "shallow"}, ("verilator",)),
    ),
    prove=(TINY, {"preset": "small"}),
    prove_own=True,
    watch=Watched(300),
    netlist={"tiny": TINY, "tiny, all variants": _ALL} | _BUSES,
    resets=RESETS,
    coverage=(
        Covered("tiny", TINY, seeds=2, batches=100, corners=True, least=(100, 99, 97)),
        # Reciprocals of m up to 7: with m up to 3, half the bits of one are always 0.
        Covered(
            "tiny, all variants, m = 7", _ALL | {"groups": 7}, seeds=2, batches=100, corners=True, least=(100, 99, 97)
        ),
    ),
    # docs/measurements/results/mutants-all.json is of the same mutants and operations.
    mutate=(
        Mutants("tiny, all variants", _ALL | {"variant": "exact"}, 400, 60, least=0.92),
        Mutants("tiny", TINY, 100, 60, least=0.92),
        Mutants("tiny, sum tree", _TREE, 100, 60, least=0.92),
    ),
    soak=Soak((), 4_096, kept="docs/measurements/results/soak.jsonl", asked=100_000_000),
    sanitize=(
        Sanitize(
            "address,undefined", ("tests/sw/sampler/test_sampler_machine.py", "tests/sw/replay/test_damaged_files.py")
        ),
        Sanitize("thread", ("tests/sw/replay/test_replay_threads.py", "-k", "True or pieces")),
    ),
)
