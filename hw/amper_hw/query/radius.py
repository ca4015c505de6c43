"""From a point to its key in the fr variants: the radius D_i and what it covers.

Latency: ``latency.radius_cycles``. Page: docs/reference/algorithm.md, section 4.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from amper_hw.base.latency import multiplier_cycles, radius_cycles
from amper_hw.base.modules import Composite
from amper_hw.base.payload import lane, parameter_signature, query_layout
from amper_hw.base.pipeline import held
from amper_hw.parts.multiplier import multiplied
from amper_hw.query.representative import point_layout
from amper_spec.config import SCALE_FRACTION_WIDTH, VARIANTS, AmperConfig


class RadiusKeys(Composite):
    """The key of every point, lane by lane.

    One beat every cycle while they are taken.

    Parameters
    ----------
    config : with an fr variant built in.

    Members
    -------
    point : In stream of ``point_layout``; only while an fr variant is the active one.
    parameters : In, stable from a point being taken to its key being taken.
    query : Out stream of ``query_layout``: value and mask, or low and high for range match lines; census and probe
        are 0.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._built = [name for name in config.variants if name != "k"]
        if not self._built:
            raise ValueError(f"variants must have an fr variant for a radius, not only {', '.join(config.variants)}")
        super().__init__(
            {
                "point": In(stream.Signature(point_layout(config))),
                "parameters": In(parameter_signature(config)),
                "query": Out(stream.Signature(query_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, point = self._config, self.point.payload
        ports, cycles = config.search_ports, radius_cycles(config)
        advance = Signal()
        m.d.comb += [advance.eq(~self.query.valid | self.query.ready), self.point.ready.eq(advance)]
        keys = [self._key(m, advance, index) for index in range(ports)]
        lowest, highest = zip(*keys, strict=True)
        valid = held(m, advance, self.point.valid, "valid", cycles, reset_less=False)
        lanes_valid = held(m, advance, point.valid, "lanes", cycles)
        ends = held(m, advance, Cat(point.first, point.last), "ends", cycles)
        m.d.comb += [
            self.query.valid.eq(valid),
            Value.cast(self.query.payload).eq(Cat(lanes_valid, *lowest, *highest, ends, Const(0, 2))),
        ]
        return m

    def _key(self, m: Module, advance: Value, index: int) -> tuple[Value, Value]:
        """Both codes of the key of the lane ``index``."""
        config, point = self._config, self.point.payload
        ports, width = config.search_ports, config.priority_width
        stages = multiplier_cycles(config)
        extra = (radius_cycles(config) - stages) // 2  # registers behind each of the two steps after the product
        code = lane(point.code, index, ports)
        # D_i = min(2^Q - 1, (V_i * coefficient) >> 20)
        label = f"radius_multiplier_{index}"
        product = multiplied(self, m, label, config, enable=advance, a=self.parameters.radius, b=code)
        product = product[SCALE_FRACTION_WIDTH:]
        radius = Signal(width, name=f"saturated_{index}")
        m.d.comb += radius.eq(Mux(product[width:].any(), config.priority_max, product[:width]))
        parts: dict[str, Value] = {"radius": radius} if self._built != ["fr-prefix"] else {}
        if self._built != ["fr"]:
            parts["smear"] = _smear(m, radius, f"smear_{index}")
        parts = {name: held(m, advance, value, f"{name}_{index}", extra) for name, value in parts.items()}
        parts["code"] = held(m, advance, code, f"code_{index}", stages + extra)
        if "fr-dithered" in self._built:
            dither = lane(point.dither, index, ports)
            parts["dither"] = held(m, advance, dither, f"dither_{index}", stages + extra)
        first, second = self._codes(m, parts, index)
        return held(m, advance, first, f"first_{index}", extra), held(m, advance, second, f"second_{index}", extra)

    def _codes(self, m: Module, parts: dict[str, Value], index: int) -> tuple[Value, Value]:
        """The last step, of the active variant."""
        if self._built == ["fr"]:
            return self._window(m, parts, index)
        ignored = Signal(self._config.priority_width, name=f"ignored_{index}")
        m.d.comb += ignored.eq(self._ignored(parts))
        code = parts["code"]
        block = (code & ~ignored, code | ignored) if self._config.range_match else (code, ~ignored)
        if "fr" not in self._built:
            return block
        is_fr = self.parameters.variant == VARIANTS.index("fr")
        low, high = self._window(m, parts, index)
        return Mux(is_fr, low, block[0]), Mux(is_fr, high, block[1])

    def _window(self, m: Module, parts: dict[str, Value], index: int) -> tuple[Value, Value]:
        """V - D and V + D, within the codes."""
        width = self._config.priority_width
        low, high = Signal(width + 1, name=f"low_{index}"), Signal(width + 1, name=f"high_{index}")
        m.d.comb += [low.eq(parts["code"] - parts["radius"]), high.eq(parts["code"] + parts["radius"])]
        return Mux(low[width], 0, low[:width]), Mux(high[width], self._config.priority_max, high[:width])

    def _ignored(self, parts: dict[str, Value]) -> Value:
        """The low bits that do not count: those from D's leading one down, and one more where the dither lies below D,
        both without the leading one and above."""
        smear = parts["smear"]
        if "fr-dithered" not in self._built:
            return smear
        below = smear >> 1
        wider = (parts["dither"] & below) < (parts["radius"] & below)
        if "fr-prefix" in self._built:
            wider &= self.parameters.variant == VARIANTS.index("fr-dithered")
        return Mux(wider, Cat(1, smear), smear)[: len(smear)]


def _smear(m: Module, value: Value, name: str) -> Value:
    """Ones from the leading one of ``value`` down."""
    distance = 1
    while distance < len(value):
        wider = Signal(len(value), name=f"{name}_by_{distance}")
        m.d.comb += wider.eq(value | (value >> distance))
        value, distance = wider, 2 * distance
    return value
