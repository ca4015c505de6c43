"""What to expect of a configuration before anything is made, and what would be better."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from amper_hw.base.variants import has_exact
from amper_spec.config import AmperConfig
from amper_synth.predict.predictor import Predictor

GATE_UM2 = 3.7536  # of the smallest NAND of sky130_fd_sc_hd, the unit of gate equivalents
MANY_ROWS = 4096  # above which an associative memory is too large to be worth it
WORTH = 0.05  # of the area: what a choice must save to be named
ECP5_ROWS = 2048  # in the largest device: docs/hardware/fpga.md


@cache
def published() -> Predictor:
    """The predictor of docs/measurements/sweep.md, of sky130."""
    return Predictor.load(str(files("amper_synth") / "predict" / "sky130.json"))


def estimate(config: AmperConfig) -> str:
    """Area, clock and time of a batch in sky130 in one line; variant exact was not in the sweep."""
    if has_exact(config):
        page = "how-large" if config.organisation == "tree" else "exact"
        return f"expected: not known for variant exact; measured: docs/hardware/{page}.md"
    found = published().predict(config)
    gates = found.area_um2 / GATE_UM2
    bus = "" if config.bus == "native" else ", without its bus"
    return (
        f"expected in sky130 before layout{bus}: {_short(gates)} gate equivalents, {found.area_um2 / 1e6:.3g} mm2, "
        f"{found.fmax_mhz:.0f} MHz, a batch in {found.batch_ns:.0f} ns; a prediction, some 15 % off"
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
    if has_exact(config):
        return 0.0
    predictor = published()
    latches = predictor.predict(config.changed(storage="latches"))
    return 1 - latches.area_um2 / predictor.predict(config).area_um2


def _short(gates: float) -> str:
    """Three digits, in thousands or millions."""
    unit, word = (1e6, "million") if gates >= 999_500 else (1e3, "thousand")
    digits = f"{gates / unit:.3g}"
    return f"{float(digits):g} {word}"
