"""Mutants of the multipliers of a representative that no word, number of groups and Vmax shows: all of them are tried.

V_i = ((i + u) / m * (Vmax + 1)), rounded down twice: the low bits of both products show at borders alone, and which
borders there are is known. Only where this is few numbers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig
from amper_hw.base.latency import multiplier_cycles
from amper_verif.harness.simulators import SimulationError, simulator_environment
from amper_verif.mutants.netlist import Mutant

_MOST = 1 << 22  # pairs of operands
_COMBINATIONAL = r" -cell \$(and|or|xor|not|add|ternary)\$\S+ -port [ABY] "

_MAIN = """\
#include <cstdio>
#include <cstdlib>
#include "V{module}.h"
#include "verilated.h"

int main(int, char **words) {{
    VerilatedContext context;
    V{module} top(&context);
    top.mutation = atoi(words[1]);
    top.enable = 1;
    unsigned long long pair[2];
    while (fread(pair, 8, 2, stdin) == 2) {{
        top.a = pair[0];
        top.b = pair[1];
        for (int cycle = 0; cycle < {cycles}; cycle++) {{
            top.clk = 0;
            top.eval();
            top.clk = 1;
            top.eval();
        }}
        unsigned long long product = top.product;
        fwrite(&product, 8, 1, stdout);
    }}
}}
"""
_COMMAND = (
    *("verilator", "--cc", "--exe", "--build", "-O3", "-Wno-lint", "-Wno-UNOPTFLAT", "--no-assert"),
    *("--converge-limit", "1000"),
)


class Enumeration:
    """Of a sampler's netlist in ``folder``, as ``netlist.netlist`` made it of ``config``."""

    def __init__(self, config: AmperConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        text = (folder / "original.v").read_text(encoding="utf-8")
        self._labels = {
            module: label
            for label in ("place", "value")
            for module in re.findall(rf"(?m)^  (amper_multiplier_\w+) {label}_multiplier_0 \(", text)
        }
        for module, label in list(self._labels.items()):
            instances = re.findall(rf"(?m)^  {module} (\w+) \(", text)
            if not all(instance.startswith(f"{label}_multiplier_") for instance in instances):
                del self._labels[module]  # others have other operands

    def hides(self, mutant: Mutant) -> bool:
        """Whether every V_i is the same with it. Only of what lies between registers: waiting is not tried.

        Raises
        ------
        SimulationError : no Verilator, or it failed.
        """
        label = self._labels.get(mutant.module)
        config, width = self._config, self._config.fraction_width
        if label is None or not re.search(_COMBINATIONAL, mutant.command):
            return False
        spans = 1 << config.priority_width
        if max(sum(range(config.groups + 1)), spans if label == "value" else 0) << width > _MOST:
            return False
        pairs = np.concatenate(list(self._operands(label)))
        right, seen = pairs[:, 0] * pairs[:, 1], self._products(mutant, pairs)
        if label == "value":
            return bool(np.all(self._code(right) == self._code(seen)))
        index_bits = (config.groups - 1).bit_length()
        place, other = ((product >> width + index_bits) & (1 << width) - 1 for product in (right, seen))
        differs = np.flatnonzero(place != other)
        return all(
            bool(np.all(self._code(place[differs] * span) == self._code(other[differs] * span)))
            for span in range(1, spans + 1)
        )

    def _code(self, product: NDArray[np.int64]) -> NDArray[np.int64]:
        return (product >> self._config.fraction_width) & self._config.priority_max

    def _operands(self, label: str) -> Iterator[NDArray[np.int64]]:
        """All pairs that can come: numerators and 1/m of every m; or places and Vmax + 1."""
        config, width = self._config, self._config.fraction_width
        index_bits = (config.groups - 1).bit_length()
        if label == "value":
            places = np.arange(1 << width)
            for span in range(1, (1 << config.priority_width) + 1):
                yield np.stack([places, np.full_like(places, span)], axis=1)
            return
        for groups in range(1, config.groups + 1):
            shift = (groups - 1).bit_length()
            numerators = np.arange(groups << width) << index_bits - shift
            reciprocals = np.full_like(numerators, (1 << width + shift) // groups)
            # The wider one is a, as ``multiplied`` has it.
            wide = width + index_bits >= int((1 << width + index_bits) // config.groups).bit_length()
            order = [numerators, reciprocals] if wide else [reciprocals, numerators]
            yield np.stack(order, axis=1)

    def _products(self, mutant: Mutant, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        module = mutant.module
        program = self._folder / f"enumerate-{module}" / f"V{module}"
        if not program.exists():
            source = self._folder / f"enumerate-{module}.cpp"
            source.write_text(_MAIN.format(module=module, cycles=multiplier_cycles(self._config)), encoding="utf-8")
            command = [*_COMMAND, "--top-module", module, "--Mdir", program.parent.name, source.name, "netlist.v"]
            environment = simulator_environment()
            done = subprocess.run(
                command, cwd=self._folder, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SimulationError(f"verilator could not build {module}: {(done.stdout + done.stderr)[-2000:]}")
        made = subprocess.run(
            [program, str(mutant.number)], input=pairs.astype("<i8").tobytes(), capture_output=True, check=True
        )
        return np.frombuffer(made.stdout, dtype="<i8").astype(np.int64)
