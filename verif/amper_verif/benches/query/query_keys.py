"""Keys in the benches of the query generator and its parts: what the golden model says, and what a port shows."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.lib import data

from amper import AmperConfig, GoldenModel
from amper_hw.base.payload import key_layout
from amper_spec.config import SCALE_FRACTION_WIDTH
from amper_verif.benches.support import Device
from amper_verif.harness.coverage import cover


class Query(NamedTuple):
    """A beat of queries; both codes of each valid lane."""

    valid: int
    codes: tuple[tuple[int, int], ...]
    first: int
    last: int
    probe: int = 0
    census: int = 0


def read_query(device: Device, config: AmperConfig) -> Query:
    """The beat at the port ``query``."""
    key = fields_of(key_layout(config), device.read("query_key"))
    names = ("low", "high") if config.range_match else ("value", "mask")
    lanes = [lane for lane in range(config.search_ports) if key["valid"] >> lane & 1]
    first, second = ([lane_of(key[name], lane, config.priority_width) for lane in lanes] for name in names)
    codes = tuple(zip(first, second, strict=True))
    return Query(key["valid"], codes, key["first"], key["last"], key["probe"], device.read("query_census"))


def fields_of(layout: data.StructLayout, bits: int) -> dict[str, int]:
    """The fields of a structure that is one port."""
    return {str(name): bits >> field.offset & (1 << field.width) - 1 for name, field in layout}


def lane_of(value: int, index: int, width: int) -> int:
    """A lane of a port that has several."""
    return value >> index * width & (1 << width) - 1


def key_codes(model: GoldenModel, value: int, radius: int, mask: int) -> tuple[int, int]:
    """Both codes of the key of an fr variant: low and high for range match lines, else value and mask."""
    largest = model.config.priority_max
    if not model.config.range_match:
        return value, mask
    if model.settings.variant == "fr":
        return max(0, value - radius), min(largest, value + radius)
    return value & mask, value | (largest - mask)


def cover_key(model: GoldenModel, value: int, radius: int, mask: int) -> None:
    """Count a key of an fr variant."""
    config, settings = model.config, model.settings
    saturated = (value * settings.radius_coefficient) >> SCALE_FRACTION_WIDTH > config.priority_max
    cover("query.radius", "saturated" if saturated else "some" if radius else "zero")
    if settings.variant != "fr":
        cover("query.mask", {0: "zero", config.priority_max: "all_ones"}.get(mask, "some"))
    if settings.variant != "fr-dithered":
        cover("query.dither", "absent")
    elif radius == 0:
        cover("query.dither", "no_radius")
    else:
        ignored = config.priority_width - mask.bit_count()
        cover("query.dither", "widens" if ignored > radius.bit_length() else "stays")
