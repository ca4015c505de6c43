"""Every component's module says what it does, in how many cycles, and on which page more is."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from amaranth.lib import wiring

import amper_hw
from amper_hw.base.modules import Composite

ROOT = Path(__file__).parents[2]
MODULES = [import_module(found.name) for found in walk_packages(amper_hw.__path__, "amper_hw.")]


def is_component(thing: object, module: str) -> bool:
    return isinstance(thing, type) and issubclass(thing, wiring.Component) and thing.__module__ == module


COMPONENTS = [
    module
    for module in MODULES
    if any(is_component(thing, module.__name__) and thing is not Composite for thing in vars(module).values())
]


@pytest.mark.parametrize("module", COMPONENTS, ids=lambda module: module.__name__)
def test_a_components_module_names_its_latency_and_its_page(module):
    assert "\nLatency: " in module.__doc__
    page = re.search(r"Page:\s+(docs/[\w/-]+\.md)", module.__doc__)[1]
    assert (ROOT / page).exists()


def test_the_components_are_found():
    assert {"amper_hw.sampler", "amper_hw.array.bank", "amper_hw.boards.uart"} < {part.__name__ for part in COMPONENTS}
