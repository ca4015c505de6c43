"""What to expect of a configuration before anything is made, and what would be better."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from amper_hw.base.latency import batch_cycles
from amper_hw.base.variants import has_both, has_exact, in_lut_ram
from amper_spec.config import AmperConfig
from amper_synth.predict.organisation import parallel_luts
from amper_synth.predict.predictor import Predictor

GATE_UM2 = 3.7536  # of the smallest NAND of sky130_fd_sc_hd, the unit of gate equivalents
MANY_ROWS = 4096  # above which an associative memory is too large to be worth it
WORTH = 0.05  # of the area: what a choice must save to be named
ECP5_ROWS = 2048  # in the largest device: docs/hardware/fpga.md


def published(config: AmperConfig) -> Predictor | None:
    """The predictor of docs/measurements/sweep.md, of sky130; no sweep had exact beside another, a tree, or rows in an
    FPGA's LUT RAM."""
    if has_both(config) or config.organisation == "tree" or in_lut_ram(config):
        return None
    return _loaded("sky130-exact.json" if has_exact(config) else "sky130.json")


@cache
def _loaded(name: str) -> Predictor:
    return Predictor.load(str(files("amper_synth") / "predict" / name))


def estimate(config: AmperConfig) -> str:
    """Area, clock and time of a batch in sky130 in one line; of rows in an FPGA's LUT RAM, what an ECP5 takes."""
    if config.organisation == "tree":
        return "expected: not known for organisation tree; measured: docs/hardware/how-large.md"
    if in_lut_ram(config):
        return (
            f"expected in an ECP5: some {parallel_luts(config):,.0f} look-up tables at Q = 16 and one port each, "
            f"a batch in {batch_cycles(config)} cycles; measured: docs/hardware/how-large.md"
        )
    predictor = published(config)
    if predictor is None:
        return "expected: not known for variant exact beside another one"
    found = predictor.predict(config)
    gates = found.area_um2 / GATE_UM2
    bus = "" if config.bus == "native" else ", without its bus"
    clock = "" if config.pipeline == "deep" else ", its clock up to 25 %"
    return (
        f"expected in sky130 before layout{bus}: {_short(gates)} gate equivalents, {found.area_um2 / 1e6:.3g} mm2, "
        f"{found.fmax_mhz:.0f} MHz, a batch in {found.batch_ns:.0f} ns; a prediction, some 15 % off{clock}"
    )


def advice(config: AmperConfig) -> list[str]:
    """What would be better: a line each, mostly none."""
    found = []
    if config.rows > MANY_ROWS and config.organisation == "parallel":
        better = "take organisation tree, with rows in RAM" if config.variants == ("exact",) else "draw in software"
        found.append(
            f"rows = {config.rows}: this pays for 64 to a few thousand rows, and an ECP5 holds {ECP5_ROWS} at most; "
            f"for more, {better}"
        )
    if config.rows >= MANY_ROWS // 4 and config.storage == "flip-flops" and config.primitives == "gates":
        saved = _saved(config)
        if saved >= WORTH:
            found.append(f"storage = flip-flops: in a cell library, latches save {saved:.0%} of the area")
    for ports, most, what in (
        ("search_ports", config.groups, "groups to search for"),
        ("draw_ports", config.batch, "draws of a batch"),
        ("write_ports", config.rows, "rows"),
    ):
        value = getattr(config, ports)
        if value > most:
            found.append(f"{ports} = {value}: {value - most} of them never work, with {most} {what}")
    return found


def _saved(config: AmperConfig) -> float:
    """The share of the area that latches save; 0 where it is not known."""
    predictor = published(config)
    if predictor is None:
        return 0.0
    latches = predictor.predict(config.changed(storage="latches"))
    return 1 - latches.area_um2 / predictor.predict(config).area_um2


def _short(gates: float) -> str:
    """Three digits, in thousands or millions."""
    unit, word = (1e6, "million") if gates >= 999_500 else (1e3, "thousand")
    digits = f"{gates / unit:.3g}"
    return f"{float(digits):g} {word}"
