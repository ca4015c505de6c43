"""From a random word to a place in the sum of all priorities (algorithm.md, section 7).

Latency: ``latency.place_cycles`` from a word to its place.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Value
from amaranth.lib.wiring import In, Out

from amper_hw.base.latency import is_deep, multiplier_cycles
from amper_hw.base.modules import Composite
from amper_hw.base.pipeline import held
from amper_hw.parts.multiplier import multiplied
from amper_hw.planes.ports import height_width, is_stratified, part_width
from amper_spec.config import AmperConfig


class Place(Composite):
    """x = ((part * 2^RW + word) * T) >> (RW + height); without strata, x = (word * T) >> RW.

    Latency ``place_cycles`` cycles in which ``enable`` is 1, one place a cycle. Not reset: qualify with a valid bit.

    Parameters
    ----------
    config : the configuration, with variant exact built in.

    Members
    -------
    enable : In. word : In, RW bits. total : In, T, stable meanwhile; if it is 0, so is the place.
    part, height : In, with stratified draws: part < 2^height.
    place : Out, TW bits.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        strata = {"part": In(part_width(config)), "height": In(height_width(config))} if is_stratified(config) else {}
        super().__init__(
            {
                "enable": In(1),
                "word": In(config.place_width),
                "total": In(config.total_width),
                **strata,
                "place": Out(config.total_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        word: Value = Cat(self.word, self.part) if is_stratified(config) else self.word
        product = multiplied(self, m, "multiplier", config, enable=self.enable, a=word, b=self.total)
        place = product[config.place_width :]
        if is_stratified(config):
            height = held(m, self.enable, self.height, "product_height", multiplier_cycles(config))
            place = held(m, self.enable, (place >> height)[: config.total_width], "place", int(is_deep(config)))
        m.d.comb += self.place.eq(place)
        return m
