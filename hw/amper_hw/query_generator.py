"""Query generator: from random words and Vmax to the m ternary keys of a batch (docs/algorithm.md, sections 3 and
4)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from amper.config import COEFFICIENT_WIDTH, SCALE_FRACTION_WIDTH, AmperConfig
from amper_hw.modules import Composite, SharedModule
from amper_hw.multiplier import PipelinedMultiplier
from amper_hw.payload import key_layout
from amper_hw.urng import Urng


class QueryGenerator(Composite):
    """The keys of one batch after ``start``, in the order of the groups.

    The place of a group's representative in [0, 1) needs no Vmax and waits ready before the batch begins. A key follows
    its place after ``LATENCY`` cycles; one key a cycle while ``key.ready`` is 1.

    Parameters
    ----------
    config : the configuration; variant "fr-prefix" or "fr-dithered".

    Members
    -------
    start : In, one cycle; ignored while a batch's keys are under way. vmax : In, Q bits, stable from start to the
        last key.
    key : Out stream of ``key_layout``: value V_i, mask, first, last; probe is 0.
    """

    # start -> gate, two multiplications, mask of the radius, dithered mask.
    LATENCY = 1 + 2 * PipelinedMultiplier.LATENCY + 2

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {"start": In(1), "vmax": In(config.priority_width), "key": Out(stream.Signature(key_layout(config)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        (s0, s1), _ = config.stream_states
        dithered = config.variant == "fr-dithered"
        low_width = config.priority_width - 1 if dithered else 0
        generator = Urng(s0=s0, s1=s1, high_width=config.fraction_width, low_width=low_width)
        urng = self.instantiate(m, "urng", SharedModule.of("amper_query_urng", generator))
        word = urng.word.payload
        place, dither, place_valid, place_ready = self._places(
            m, urng, word.high, word.low if dithered else Const(0, 1)
        )

        advance = Signal()
        m.d.comb += advance.eq(~self.key.valid | self.key.ready)
        taken, first, last = self._gate(m, advance & place_valid)
        m.d.comb += place_ready.eq(taken)

        # V_i = (f_i * (Vmax + 1)) >> FW
        value = self._multiply(m, "value", advance, place, self.vmax + 1)
        value = value[config.fraction_width :][: config.priority_width]
        # D_i = min(2^Q - 1, (V_i * coefficient) >> 20)
        radius = self._multiply(m, "radius", advance, Const(config.radius_coefficient, COEFFICIENT_WIDTH), value)
        radius = radius[SCALE_FRACTION_WIDTH:]
        along = self._pipeline(m, advance, taken, first, last, dither, value)
        self._mask(m, advance, radius, along)
        return m

    def _places(self, m: Module, urng: Any, u: Value, dither: Value) -> tuple[Value, Value, Value, Signal]:
        """f_i of the groups in turn, each with its dither bits, as a stream."""
        config = self._config
        ready = Signal(name="place_ready")
        valid = Signal(PipelinedMultiplier.LATENCY, name="place_valid")
        step = Signal(name="place_step")
        group = Signal(config.group_width)
        m.d.comb += [step.eq(~valid[-1] | ready), urng.word.ready.eq(step)]
        with m.If(step):
            m.d.sync += valid.eq((valid << 1) | urng.word.valid)
            with m.If(urng.word.valid):
                m.d.sync += group.eq(Mux(group == config.groups - 1, 0, group + 1))
        numerator = (group << config.fraction_width) + u
        reciprocal = Const(config.reciprocal)
        product = self._multiply(m, "place", step, numerator, reciprocal)
        place = product[config.reciprocal_shift :][: config.fraction_width]
        return place, self._held(m, step, "place_dither", dither, PipelinedMultiplier.LATENCY), valid[-1], ready

    def _gate(self, m: Module, can_take: Value) -> tuple[Signal, Value, Value]:
        """Lets m places through after a start; returns (one goes through now, it is the first, it is the last)."""
        active = Signal()
        group = Signal(self._config.group_width, name="key_group")
        taken = Signal()
        last = group == self._config.groups - 1
        m.d.comb += taken.eq(active & can_take)
        with m.If(taken):
            m.d.sync += [group.eq(Mux(last, 0, group + 1)), active.eq(~last)]
        with m.If(self.start & ~active):
            m.d.sync += active.eq(1)
        return taken, group == 0, last

    def _multiply(self, m: Module, name: str, enable: Value, a: Value, b: Value) -> Value:
        if len(a) < len(b):
            a, b = b, a
        product = PipelinedMultiplier(a_width=len(a), b_width=len(b))
        multiplier = self.instantiate(m, f"{name}_multiplier", SharedModule.of(product.name, product))
        m.d.comb += [multiplier.enable.eq(enable), multiplier.a.eq(a), multiplier.b.eq(b)]
        result: Value = multiplier.product
        return result

    def _held(
        self, m: Module, enable: Value, name: str, value: Value, cycles: int, *, reset_less: bool = True
    ) -> Value:
        for cycle in range(cycles):
            register = Signal(len(value), name=f"{name}_{cycle}", reset_less=reset_less)
            with m.If(enable):
                m.d.sync += register.eq(value)
            value = register
        return value

    def _pipeline(
        self, m: Module, advance: Value, taken: Value, first: Value, last: Value, dither: Value, value: Value
    ) -> dict[str, Value]:
        """What travels beside the multiplications, as it is when the radius comes out."""
        both = 2 * PipelinedMultiplier.LATENCY
        return {
            "valid": self._held(m, advance, "valid", taken, both, reset_less=False),
            "first": self._held(m, advance, "first", first, both),
            "last": self._held(m, advance, "last", last, both),
            "dither": self._held(m, advance, "dither", dither, both),
            "value": self._held(m, advance, "value", value, PipelinedMultiplier.LATENCY),
        }

    def _mask(self, m: Module, advance: Value, radius: Value, along: dict[str, Value]) -> None:
        width = self._config.priority_width
        ones = (1 << width) - 1
        # Stage 1: saturate the radius, and smear it: ones from its leading one down.
        saturated = Mux(radius[width:].any(), ones, radius[:width])
        smear = saturated
        distance = 1
        while distance < width:
            smear = smear | (smear >> distance)
            distance *= 2
        along = {
            name: self._held(m, advance, f"{name}_radius", bits, 1, reset_less=name != "valid")
            for name, bits in along.items()
        }
        radius = self._held(m, advance, "saturated", saturated, 1)
        ignored = self._held(m, advance, "smear", smear, 1)
        # Stage 2: one more ignored bit when the dither lies below the radius, both without the leading one and above.
        if self._config.variant == "fr-dithered":
            below = ignored >> 1
            wider = (along["dither"] & below) < (radius & below)
            ignored = Mux(wider, (ignored << 1) | 1, ignored)[:width]
        payload = self.key.payload
        with m.If(advance):
            m.d.sync += [
                self.key.valid.eq(along["valid"]),
                payload.value.eq(along["value"]),
                payload.mask.eq(~ignored),
                payload.first.eq(along["first"]),
                payload.last.eq(along["last"]),
            ]
