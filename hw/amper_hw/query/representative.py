"""The representative values V_i of a batch, from random words and Vmax.

Latency: ``latency.representative_cycles`` from the start to the first V_i, then P a cycle.
Page: docs/reference/algorithm.md, section 3.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import structure
from amper_hw.base.latency import numerator_cycles, representative_cycles, urng_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import lane, lanes, parameter_signature, start_signature, stream_load_signature
from amper_hw.base.pipeline import held, skid_handshake
from amper_hw.parts.multiplier import multiplied
from amper_hw.parts.urng import Urng
from amper_spec.config import VARIANTS, AmperConfig


def point_layout(config: AmperConfig) -> data.StructLayout:
    """A beat of up to P points: ``code`` is V_i; ``first`` and ``last`` beat of its batch.

    ``valid``: the lanes that hold a point, the lowest ones. ``dither``, with fr-dithered built in: the low bits of the
    random word. ``boundary``, with k built in: the code is B_i.
    """
    ports = config.search_ports
    fields: dict[str, ShapeLike] = {"valid": ports, "code": lanes(config.priority_width, ports)}
    if "fr-dithered" in config.variants:
        fields["dither"] = lanes(config.priority_width - 1, ports)
    fields |= {"first": 1, "last": 1}
    return data.StructLayout(fields | ({"boundary": 1} if "k" in config.variants else {}))


def k_is_active(config: AmperConfig, parameters: wiring.PureInterface) -> Value:
    """Whether the variant in force is k, which is built in."""
    return Const(1, 1) if config.variants == ("k",) else parameters.variant == VARIANTS.index("k")


class Representatives(Composite):
    """The points of one batch after another, in the order of the groups, P a beat.

    A batch takes m words of the query stream. While k is the active variant, a beat has one point, in lane 0, and the
    m boundaries B_i, which take no words, come before the V_i.

    Parameters
    ----------
    config : P is ``search_ports``.

    Members
    -------
    start : In stream without a payload; its ready is a register, and 0 only while one more batch than that whose words
        are being taken waits here.
    parameters, vmax : In, stable from the start until the last point was taken.
    load, load_zero : of the random stream (``Urng``); only while no batch is under way.
    point : Out stream of ``point_layout``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._k_built = "k" in config.variants
        self._dithered = "fr-dithered" in config.variants
        self._lanes = 1 if config.variants == ("k",) else config.search_ports  # that are ever used
        self._beat_layout = data.StructLayout(
            {"valid": self._lanes, "first": 1, "last": 1, **({"boundary": 1} if self._k_built else {})}
        )
        super().__init__(
            {
                "start": In(start_signature()),
                "parameters": In(parameter_signature(config)),
                "vmax": In(config.priority_width),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
                "point": Out(stream.Signature(point_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        advance = Signal()
        m.d.comb += advance.eq(~self.point.valid | self.point.ready)
        beat, group, take, count = self._beat(m, advance)
        word = self._words(m, advance, take, count)
        cycles = urng_cycles(self._config)
        beat = self._later(m, advance, beat, "word", cycles)
        group = held(m, advance, group, "word_group", cycles)
        us = [lane(word.high, index, self._lanes) for index in range(self._lanes)]
        if self._k_built:
            us = [Mux(beat.boundary, 0, u) for u in us]
        codes = self._codes(m, advance, group, us)
        cycles = representative_cycles(self._config) - cycles
        beat = self._later(m, advance, beat, "point", cycles)
        dither = [held(m, advance, Value.cast(word.low), "dither", cycles)] if self._dithered else []
        unused = self._config.search_ports - self._lanes
        boundary = [beat.boundary] if self._k_built else []
        fields = [beat.valid, Const(0, unused), *codes, Const(0, unused * self._config.priority_width)]
        fields += [*dither, beat.first, beat.last, *boundary]
        m.d.comb += [self.point.valid.eq(beat.valid[0]), Value.cast(self.point.payload).eq(Cat(*fields))]
        return m

    # --- the first cycle: which groups ---------------------------------------------------------------------------

    def _beat(self, m: Module, advance: Value) -> tuple[data.View, Value, Value, Value]:
        """(the beat whose words are taken now, the group of its lane 0, whether it takes words, how many then)."""
        ports = self._lanes
        within = (ports - 1).bit_length()  # low bits of a group's index that are those of its lane
        width = max((self._config.groups - 1).bit_length(), within, 1)
        group = Signal(width, name="group")  # 0 between batches
        final = Signal(width, name="final_group")
        active = Signal()  # the first beat has gone, and more are to come
        stepping = Signal()
        end = Signal()  # of the groups
        beat = structure(self._beat_layout, "beat")
        _, started = skid_handshake(m, self.start, advance & ~active, "start")
        m.d.comb += [
            final.eq(self.parameters.groups - 1),
            stepping.eq(active | started),
        ]
        full, boundary, first_round = self._rounds(m, advance & stepping & end)
        whole_beats = group[within:] == final[within:] if width > within else Const(1, 1)
        m.d.comb += end.eq(Mux(full, whole_beats, group == final))
        with m.If(advance & stepping):
            m.d.sync += [group.eq(Mux(end, 0, group + Mux(full, ports, 1))), active.eq(~beat.last)]
        lanes_taken = [stepping & full & (~end | (final[:within] >= index)) for index in range(1, ports)]
        flags = [boundary] if self._k_built else []
        fields = [stepping, *lanes_taken, (group == 0) & first_round, end & ~boundary, *flags]
        m.d.comb += Value.cast(beat).eq(Cat(*fields))
        in_last = final[:within] + 1 if ports > 1 else 1
        return beat, group, stepping & ~boundary, Mux(full, Mux(end, in_last, ports), 1)

    def _rounds(self, m: Module, end: Value) -> tuple[Value, Value, Value]:
        """Whether beats use all lanes, whether they hold boundaries, whether this is the first time through the groups;
        ``end``: it ends now."""
        if not self._k_built:
            return Const(1, 1), Const(0, 1), Const(1, 1)
        boundary, full, second = Signal(name="boundary_round"), Signal(name="full"), Signal(name="second_round")
        m.d.comb += [full.eq(~k_is_active(self._config, self.parameters)), boundary.eq(~full & ~second)]
        with m.If(end):
            m.d.sync += second.eq(boundary)
        return full, boundary, ~second

    def _later(self, m: Module, advance: Value, beat: data.View, name: str, cycles: int) -> data.View:
        """The beat that many cycles later."""
        return self._beat_layout(held(m, advance, Value.cast(beat), f"{name}_beat", cycles, reset_less=False))

    # --- the stages ----------------------------------------------------------------------------------------------

    def _words(self, m: Module, advance: Value, take: Value, count: Value) -> data.View:
        """The next random words."""
        config = self._config
        (s0, s1), _ = config.stream_states
        generator = Urng(
            s0=s0,
            s1=s1,
            words=self._lanes,
            high_width=config.fraction_width,
            low_width=config.priority_width - 1 if self._dithered else 0,
            stages=urng_cycles(config),
        )
        urng = self.instantiate(m, "urng", SharedModule.of("amper_query_urng", generator))
        wiring.connect(m, wiring.flipped(self.load), urng.load)
        m.d.comb += [
            self.load_zero.eq(urng.load_zero),
            urng.enable.eq(advance),
            urng.take.eq(take),
        ]
        if self._lanes > 1:
            m.d.comb += urng.count.eq(count)
        word: data.View = urng.word
        return word

    def _codes(self, m: Module, advance: Value, group: Value, us: list[Value]) -> list[Value]:
        """V_i, or B_i, of every lane."""
        config = self._config
        fraction, index_bits = config.fraction_width, (config.groups - 1).bit_length()
        numerators: list[Value] = [Cat(u[:fraction], (group | index)[:index_bits]) for index, u in enumerate(us)]
        # For fewer groups GS is smaller: what is missing of the shift comes first, so that f_i stays at one place.
        # Registers: parameters and Vmax were stable for a cycle when a batch's first words come.
        if index_bits:
            missing = Signal(index_bits.bit_length(), name="missing_shift", reset_less=True)
            m.d.sync += missing.eq(index_bits - self.parameters.group_shift)
            numerators = [(numerator << missing)[: fraction + index_bits] for numerator in numerators]
        numerators = [
            held(m, advance, numerator, f"numerator_{index}", numerator_cycles(config))
            for index, numerator in enumerate(numerators)
        ]
        span = Signal(config.priority_width + 1, name="span", reset_less=True)
        m.d.sync += span.eq(self.vmax + 1)
        codes = []
        for index, numerator in enumerate(numerators):
            label, reciprocal = f"place_multiplier_{index}", self.parameters.reciprocal
            product = multiplied(self, m, label, config, enable=advance, a=numerator, b=reciprocal)
            place = product[fraction + index_bits :][:fraction]
            label = f"value_multiplier_{index}"
            product = multiplied(self, m, label, config, enable=advance, a=place, b=span)
            codes.append(product[fraction:][: config.priority_width])
        return codes
