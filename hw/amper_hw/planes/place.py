"""From a random word to a place in the sum of all priorities (algorithm.md, section 7).

Latency: ``latency.place_cycles`` from a word to its place.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed
from amper_hw.base.latency import factor_cycles, is_deep, multiplier_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import lane
from amper_hw.base.pipeline import held
from amper_hw.parts.multiplier import multiplied
from amper_hw.parts.stored_multiples import StoredMultiplier, odd_multiples_layout
from amper_hw.planes.ports import height_width, is_stratified, part_width
from amper_spec.config import AmperConfig


def has_stored_multiples(config: AmperConfig) -> bool:
    """Whether multiples of T are registers: with gates, and where the product has two stages."""
    return is_deep(config) and config.primitives == "gates"


class Place(Composite):
    """x = ((part * 2^RW + word) * T) >> (RW + height); without strata, x = (word * T) >> RW.

    Latency ``place_cycles`` cycles in which ``enable`` is 1, one place a cycle. Not reset: qualify with a valid bit.

    Parameters
    ----------
    config : the configuration, with variant exact built in.

    Members
    -------
    enable : In. word : In, RW bits. total : In, T, stable from the cycle of the word on; if it is 0, so is the place.
    odd : In, ``odd_multiples`` of T, where ``has_stored_multiples``; stable meanwhile.
    part, height : In, with stratified draws: part < 2^height.
    place : Out, TW bits.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        strata = {"part": In(part_width(config)), "height": In(height_width(config))} if is_stratified(config) else {}
        odd = {"odd": In(odd_multiples_layout(config.total_width))} if has_stored_multiples(config) else {}
        super().__init__(
            {
                "enable": In(1),
                "word": In(config.place_width),
                "total": In(config.total_width),
                **odd,
                **strata,
                "place": Out(config.total_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        word: Value = Cat(self.word, self.part) if is_stratified(config) else self.word
        word = held(m, self.enable, word, "factor", factor_cycles(config))
        # Beside the word's register in front of an FPGA's multiplier, one for T, which comes from afar.
        total = delayed(m, self.total, "factor_total", factor_cycles(config))
        place = self._product(m, word, total)[config.place_width :]
        if is_stratified(config):
            cycles = factor_cycles(config) + multiplier_cycles(config)
            height = held(m, self.enable, self.height, "product_height", cycles)
            place = held(m, self.enable, (place >> height)[: config.total_width], "place", int(is_deep(config)))
        m.d.comb += self.place.eq(place)
        return m

    def _product(self, m: Module, word: Value, total: Value) -> Value:
        """word * T."""
        config = self._config
        if not has_stored_multiples(config):
            return multiplied(self, m, "multiplier", config, enable=self.enable, a=word, b=total)
        part = StoredMultiplier(digits_width=len(word), operand_width=config.total_width)
        multiplier = self.instantiate(m, "multiplier", SharedModule.of("amper_total_multiplier", part))
        m.d.comb += [
            multiplier.enable.eq(self.enable),
            multiplier.digits.eq(word),
            multiplier.operand.eq(total),
            multiplier.odd.eq(self.odd),
        ]
        product: Value = multiplier.product
        return product


def place_word(
    m: Module,
    config: AmperConfig,
    place: wiring.PureInterface,
    *,
    beat: wiring.PureInterface,
    index: int = 0,
    total: Value,
    odd: Value | None,
) -> None:
    """The word of lane ``index`` of ``beat``, a ``beat_layout``, to ``place``; ``odd``: where it has multiples of T."""
    ports = config.draw_ports
    word = lane(beat.word, index, ports)
    m.d.comb += [place.word.eq(word[len(word) - config.place_width :]), place.total.eq(total)]
    if odd is not None:
        m.d.comb += place.odd.eq(odd)
    if is_stratified(config):
        m.d.comb += [
            place.part.eq(lane(beat.part, index, ports)),
            place.height.eq(lane(beat.height, index, ports)),
        ]
