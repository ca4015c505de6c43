"""The RTL generator stands alone: no module of it loads NumPy, the golden model, or what both are compared with."""

import pkgutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

import amper_hw

MODULES = sorted(module.name for module in pkgutil.walk_packages(amper_hw.__path__, "amper_hw."))
FORBIDDEN = ("numpy", "amper", "amper_report", "amper_lab", "amper_verif", "amper_synth", "amper_cli")


def loaded(program):
    """The top packages that a fresh interpreter has loaded after ``program``."""
    ending = "\nimport sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_module_is_found():
    assert {"amper_hw.sampler", "amper_hw.bus.registers", "amper_hw.output.generate"} <= set(MODULES)
    assert len(MODULES) > 40


def test_importing_all_of_it_loads_neither_numpy_nor_the_model():
    found = loaded("\n".join(f"import {name}" for name in MODULES))
    assert {"amper_hw", "amper_spec", "amaranth"} <= found
    assert not found & set(FORBIDDEN)


def test_generating_loads_neither():
    program = "from amper_hw.output.generate import generate\nfrom amper_spec.config import AmperConfig\n"
    found = loaded(program + "assert generate(AmperConfig(rows=2, groups=2, batch=2, bus='axi')).verilog")
    assert not found & set(FORBIDDEN)


def test_the_specification_loads_the_standard_library_alone():
    import amper_spec

    names = [module.name for module in pkgutil.iter_modules(amper_spec.__path__, "amper_spec.")]
    found = loaded("\n".join(f"import {name}" for name in names))
    assert found - {"amper_spec", "__main__"} - set(sys.stdlib_module_names) - loaded("") == set()


@pytest.mark.parametrize("name", ["numpy", "amper"])
def test_what_is_forbidden_would_be_seen(name):
    assert find_spec(name) is not None
    assert name in loaded(f"import {name}")
