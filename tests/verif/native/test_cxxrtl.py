"""The third simulator: the same calls give the same indices and cycles as Verilator's model and the exact software."""

import pytest

from amper import VARIANTS, AmperConfig, Device
from amper.backends.backend import DeviceError
from amper_verif.native import cxxrtl
from amper_verif.native.run import BACKENDS, random_run

SMALL = AmperConfig(rows=5, priority_width=6, batch=4, bank_rows=4, seed=3)


def test_the_same_in_all_three():
    run = random_run(SMALL, ("exact", "rtl", "cxxrtl"), 300, 1)
    assert (run.mismatches, run.first_mismatch) == (0, "")
    assert run.compared > 300
    cycles = [run.devices[name].cycles for name in ("rtl", "cxxrtl")]
    assert cycles[0] == cycles[1]
    assert cycles[0].total > 300


@pytest.mark.long  # a minute of C++
def test_all_variants():
    config = AmperConfig(rows=17, priority_width=8, groups=5, batch=8, variants=VARIANTS, draw_ports=2, write_ports=2)
    run = random_run(config, ("exact", "cxxrtl"), 3000, 2)
    assert (run.mismatches, run.first_mismatch) == (0, "")
    assert run.compared > 3000


def test_wide_ports_are_refused():
    config = AmperConfig(rows=64, bank_rows=8, draw_ports=8, write_ports=8)
    with pytest.raises(DeviceError, match="CXXRTL needs ports of at most 64 bits, and write_priority, result_priority"):
        Device(config, BACKENDS["cxxrtl"])


def test_a_compiler_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(cxxrtl, "_FLAGS", ["-x", "nonsense"])
    with pytest.raises(DeviceError, match=r"c\+\+ ended with 1: .*nonsense"):
        Device(SMALL, BACKENDS["cxxrtl"])
