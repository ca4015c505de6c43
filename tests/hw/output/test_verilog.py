"""The Verilog of a component does what the component does: Amaranth's own simulator against Icarus Verilog."""

import random
import subprocess

import pytest
from amaranth.hdl import Array, Cat, Module, Mux, ResetInserter, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from amper_hw.output.verilog import to_verilog

CYCLES = 60
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "shl": lambda a, b: a << b[:2],
    "shr": lambda a, b: a >> b[:2],
    "mux": lambda a, b: Mux(a[0], a, b),
    "cat": lambda a, b: Cat(a, b, a[0], a[0]),
}
UNARY = {
    "not": lambda a: ~a,
    "neg": lambda a: -a,
    "any": lambda a: a.any(),
    "all": lambda a: a.all(),
    "left": lambda a: a << 2,
    "right": lambda a: a >> 1,
    "part": lambda a: a[len(a) // 2 :],
    "bool": lambda a: ~a.bool(),
    "parity": lambda a: a.xor(),
}


class RandomLogic(wiring.Component):
    """Expressions of expressions, into wires, registers with and without reset, cases and a memory."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.kinds: set[str] = set()
        inputs = {
            f"in_{place}": In((signed if self._chance.random() < 0.3 else unsigned)(self._chance.randint(1, 9)))
            for place in range(4)
        }
        super().__init__(inputs | {"word": Out(12), "kept": Out(9), "free": Out(9), "chosen": Out(7), "read": Out(6)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = [getattr(self, f"in_{place}") for place in range(4)]
        for place in range(14):
            value = self._value(values)
            if self._chance.random() < 0.4:
                named = Signal(value.shape(), name=f"named_{place}")
                m.d.comb += named.eq(value)
                value = named
            values.append(value)
        pick = self._chance.choice
        m.d.comb += self.word.eq(Cat(pick(values), pick(values), pick(values)))
        free = Signal(9, reset_less=True)
        with m.If(pick(values)[0]):
            m.d.sync += [self.kept.eq(pick(values)), free.eq(pick(values))]
        with m.Elif(pick(values).any()):
            m.d.sync += self.kept[2:5].eq(pick(values))
        m.d.comb += self.free.eq(free)
        test = Signal(3)
        m.d.comb += test.eq(pick(values))
        with m.Switch(test):
            with m.Case(0, 5):
                m.d.comb += self.chosen.eq(pick(values))
            with m.Case("1-0"):
                m.d.comb += self.chosen[1:4].eq(pick(values))
            with m.Default():
                m.d.comb += self.chosen.eq(Array(pick(values) for _ in range(3))[pick(values)[:2]])
        m.submodules.store = store = memory.Memory(shape=6, depth=8, init=[])
        write = store.write_port(granularity=self._chance.choice([None, 2]))
        read = store.read_port(domain=self._chance.choice(["sync", "comb"]))
        m.d.comb += [
            write.addr.eq(pick(values)),
            write.data.eq(pick(values)),
            write.en.eq(pick(values)),
            read.addr.eq(pick(values)),
            self.read.eq(read.data),
        ]
        return m

    def _value(self, values: list) -> object:
        if self._chance.random() < 0.7:
            kind, make = self._chance.choice(list(BINARY.items()))
            made = make(self._chance.choice(values), self._chance.choice(values))
        else:
            kind, make = self._chance.choice(list(UNARY.items()))
            made = make(self._chance.choice(values))
        self.kinds.add(kind)
        return made[:20] if len(made) > 20 else made


def stimulus(component: RandomLogic, seed: int) -> list[dict[str, int]]:
    chance = random.Random(seed)
    widths = {name: len(getattr(component, name)) for name in component.signature.members if name.startswith("in_")}
    return [
        {"rst": int(cycle < 8 or chance.random() < 0.05)} | {name: chance.getrandbits(w) for name, w in widths.items()}
        for cycle in range(CYCLES)
    ]


def outputs(component: RandomLogic) -> list[str]:
    return [name for name in component.signature.members if not name.startswith("in_")]


def simulated_by_amaranth(component: RandomLogic, steps: list[dict[str, int]]) -> list[list[int]]:
    reset = Signal()
    simulator = Simulator(ResetInserter(reset)(component))
    simulator.add_clock(1e-6)
    seen = []

    async def drive(context: object) -> None:
        for step in steps:
            context.set(reset, step["rst"])
            for name, value in step.items():
                if name != "rst":
                    signal = getattr(component, name)
                    context.set(
                        signal, value - (signal.shape().signed and value >> len(signal) - 1) * (1 << len(signal))
                    )
            await context.delay(1e-7)
            seen.append([context.get(getattr(component, name)) for name in outputs(component)])
            await context.tick()

    simulator.add_testbench(drive)
    simulator.run()
    return seen


def simulated_by_icarus(component: RandomLogic, steps: list[dict[str, int]], folder) -> list[list[int | None]]:
    verilog = to_verilog(component, "dut")
    names = [name for name in steps[0] if name != "rst"]
    drive = "\n".join(
        " ".join(f"{name} = {value};" for name, value in step.items())
        + f' #1 $display("{" ".join("%b" for _ in outputs(component))}", {", ".join(outputs(component))}); #4 clk = 1;'
        " #5 clk = 0;"
        for step in steps
    )
    width = {name: len(getattr(component, name)) for name in component.signature.members}
    regs = "\n".join(f"reg [{width[name] - 1}:0] {name};" for name in names)
    wires = "\n".join(f"wire [{width[name] - 1}:0] {name};" for name in outputs(component))
    ports = ", ".join(f".{name}({name})" for name in ["clk", "rst", *names, *outputs(component)])
    body = f"reg clk = 0, rst;\n{regs}\n{wires}\ndut dut ({ports});\ninitial begin\n{drive}\nend"
    bench = f"module bench;\n{body}\nendmodule\n"
    (folder / "dut.v").write_text(verilog)
    (folder / "bench.v").write_text(bench)
    command = ["iverilog", "-g2005", "-o", str(folder / "run"), str(folder / "dut.v"), str(folder / "bench.v")]
    subprocess.run(command, check=True, capture_output=True)
    printed = subprocess.run(["vvp", str(folder / "run")], check=True, capture_output=True, text=True).stdout
    return [[None if "x" in bits else int(bits, 2) for bits in line.split()] for line in printed.splitlines()]


@pytest.mark.parametrize("seed", range(40))
def test_random_logic_does_what_amaranth_says(tmp_path, seed):
    component = RandomLogic(seed)
    steps = stimulus(component, seed)
    theirs = simulated_by_icarus(component, steps, tmp_path)
    again = RandomLogic(seed)
    wanted = simulated_by_amaranth(again, steps)
    assert len(theirs) == len(wanted) == CYCLES
    known = 0
    for cycle, (ours, right) in enumerate(zip(theirs, wanted, strict=True)):
        for name, got, expected in zip(outputs(component), ours, right, strict=True):
            # Registers without a reset and the memory begin with anything here, with 0 there.
            if got is not None:
                known += 1
                assert got == expected, f"{name} in cycle {cycle}"
    assert known > CYCLES


def test_all_operators_were_among_them():
    kinds = set()
    for seed in range(40):
        component = RandomLogic(seed)
        to_verilog(component, "dut")
        kinds |= component.kinds
    assert kinds == set(BINARY) | set(UNARY)


class OnlyElse(wiring.Component):
    """A condition that is an expression, and something to do only where it does not hold."""

    def __init__(self) -> None:
        super().__init__({"in_0": In(1), "in_1": In(1), "out": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(~self.in_0 & self.in_1):
            pass
        with m.Else():
            m.d.sync += self.out.eq(1)
        return m


def test_the_inverse_of_a_condition_that_begins_with_an_inverse(tmp_path):
    """Regression: of `~a & b` only the sign of `a` was turned."""
    steps = [{"rst": int(cycle < 2), "in_0": cycle >> 1 & 1, "in_1": cycle & 1} for cycle in (0, 0, 1, 1, 0)]
    for inputs in ((0, 1), (1, 1), (0, 0), (1, 0)):
        run = [*steps[:2], {"rst": 1, "in_0": 0, "in_1": 1}, {"rst": 0, "in_0": inputs[0], "in_1": inputs[1]}]
        run.append(run[-1])
        theirs = simulated_by_icarus(OnlyElse(), run, tmp_path)
        assert theirs[-1] == simulated_by_amaranth(OnlyElse(), run)[-1] == [int(inputs != (0, 1))]
