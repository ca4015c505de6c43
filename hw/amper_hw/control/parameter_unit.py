"""The parameters in force: changed by control transfers, checked, with the quotients that follow from them.

Latency: 1 cycle, and ``division_cycles`` for the quotients. Page: docs/hardware/parameters.md.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, population
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import control_layout, parameter_signature, stream_load_signature
from amper_hw.base.variants import constant_parameters, has_candidates, has_radius
from amper_hw.parts.divider import Divider
from amper_spec.config import COEFFICIENT_WIDTH, VARIANTS, AmperConfig
from amper_spec.parameters import Parameter

_QUERY_STATES = tuple(name for name in Parameter if Parameter.QUERY_STATE_0 <= name < Parameter.DRAW_STATE_0)
_DIVIDER_CYCLES = 2  # of a division, beside its steps: the start, and the quotient taken over


def reciprocal_steps(config: AmperConfig) -> int:
    """Bits of the reciprocal of m."""
    return config.fraction_width + 1


def division_cycles(config: AmperConfig, parameter: Parameter) -> int:
    """For how many cycles ``values.ready`` is 0 after a change of ``parameter``: at most 61."""
    radius = COEFFICIENT_WIDTH + _DIVIDER_CYCLES if has_radius(config) else 0
    if parameter == Parameter.GROUPS:
        return reciprocal_steps(config) + _DIVIDER_CYCLES + radius if has_candidates(config) else 0
    return radius if parameter == Parameter.RADIUS else 0


Rule = tuple[Value, list[Any]]  # (whether the value is legal, what it changes)


class ParameterUnit(Composite):
    """Takes control transfers and holds the parameters; what no built-in variant needs is a constant.

    After a change of m or lambda', ``values.ready`` is 0 until the quotients are there.

    Parameters
    ----------
    config : the configuration; its values are in force after reset.

    Members
    -------
    control : In stream of ``control_layout``; ready, a register, for a cycle at a time, and only for an offer that is
        there. waiting : Out, a register: one was offered in the cycle before and not taken; 1 whenever ready is.
    may_change : In, a change may be taken in the next cycle. draws_idle : In, no draw is under way: a stream word may
        be loaded. empty : In, no row is valid; exact in the cycle after ``may_change``.
    values : Out, ``parameter_signature``.
    refused : Out, 1 in the cycle after a transfer that changed nothing. clear : Out, 1 in the cycle after a CLEAR.
    query_load, draw_load : Out, ``stream_load_signature``, in the cycle of the transfer; query_zero, draw_zero : In,
        1 in the next cycle: the load would have made the whole state 0 and was ignored. The query stream's only with a
        variant that has one.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "control": In(stream.Signature(control_layout())),
                "waiting": Out(1),
                "may_change": In(1),
                "draws_idle": In(1),
                "empty": In(1),
                "values": Out(parameter_signature(config)),
                "refused": Out(1),
                "clear": Out(1),
                **({"query_load": Out(stream_load_signature())} if has_candidates(config) else {}),
                "draw_load": Out(stream_load_signature()),
                **({"query_zero": In(1)} if has_candidates(config) else {}),
                "draw_zero": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = self._held()
        for name, value in held.items():
            m.d.comb += getattr(self.values, name).eq(value)
        parameter = self.control.payload.parameter
        taken = Signal()
        grouped = has_candidates(self._config)  # else there is neither a query stream nor a number to divide by
        is_stream = parameter >= (Parameter.QUERY_STATE_0 if grouped else Parameter.DRAW_STATE_0)
        m.d.comb += taken.eq(self.control.valid & self.control.ready)
        waits = self.control.valid & ~self.control.ready
        able = self.may_change & self.values.ready & (self.draws_idle | ~is_stream)
        m.d.sync += [self.waiting.eq(waits), self.control.ready.eq(waits & able)]
        radius_fixed = self._radius_fixed()
        quotients = [*(["reciprocal"] if grouped else []), *(["radius"] if has_radius(self._config) else [])]
        due = {name: Signal(name=f"{name}_due") for name in quotients}  # to be divided
        illegal = Signal()
        self._load_stream(m, taken & is_stream)
        m.d.comb += self.refused.eq(illegal | self.query_zero | self.draw_zero if grouped else illegal | self.draw_zero)
        m.d.sync += [illegal.eq(0), self.clear.eq(0)]
        with m.Switch(parameter):
            for number, (legal, change) in self._rules(held, radius_fixed, due).items():
                with m.Case(number):
                    with m.If(taken & legal):
                        m.d.sync += change
                    with m.Elif(taken):
                        m.d.sync += illegal.eq(1)
        if grouped:
            self._divide(m, held, radius_fixed, due)
        else:
            m.d.comb += self.values.ready.eq(1)
        return m

    def _held(self) -> dict[str, Value]:
        """What ``values`` shows: registers, or constants where nothing can change or nobody needs it."""
        config, values = self._config, self.values
        after_reset = {
            "groups": config.groups,
            "group_shift": (config.groups - 1).bit_length(),
            "reciprocal": config.reciprocal,
            "radius": config.radius_coefficient,
            "neighbours": config.neighbour_coefficient,
            "variant": VARIANTS.index(config.variant),
            "batch": config.batch,
            "rows": config.rows,
            "enable": 1,
        }
        constant = {parameter.name.lower() for parameter in constant_parameters(config)}
        return {
            name: Const(init, len(getattr(values, name)))
            if name in constant
            else Signal(len(getattr(values, name)), name=f"{name}_held", init=init)
            for name, init in after_reset.items()
            if hasattr(values, name)
        }

    def _radius_fixed(self) -> Value:
        """lambda' in force, below 16 m."""
        config = self._config
        width = COEFFICIENT_WIDTH + (config.groups - 1).bit_length()
        if has_radius(config):
            return Signal(width, name="radius_fixed", init=config.radius_fixed)
        return Const(config.radius_fixed, width)

    def _rules(self, held: dict[str, Value], radius_fixed: Value, due: dict[str, Signal]) -> dict[int, Rule]:
        """For every parameter that is no stream word: whether the value is legal, and what it changes."""
        config = self._config
        value = self.control.payload.value
        fits = (value >> COEFFICIENT_WIDTH) == 0
        never: Rule = (Const(0), [])
        radius, neighbours = never, never
        if has_radius(config):
            radius = (value >> COEFFICIENT_WIDTH) < held["groups"], [radius_fixed.eq(value), due["radius"].eq(1)]
        if "k" in config.variants:
            neighbours = fits, [held["neighbours"].eq(value)]
        groups = never
        if has_candidates(config):
            legal = _from_one_to(value, config.groups) & ((radius_fixed >> COEFFICIENT_WIDTH) < value)
            divide = [quotient.eq(1) for quotient in due.values()]
            shift = _bit_length(value - 1, most=config.groups - 1)
            groups = legal, [held["groups"].eq(value), held["group_shift"].eq(shift), *divide]
        variants = [VARIANTS.index(variant) for variant in config.variants]
        choose = [held["variant"].eq(value)] if len(variants) > 1 else []
        return {
            Parameter.GROUPS: groups,
            Parameter.RADIUS: radius,
            Parameter.NEIGHBOURS: neighbours,
            Parameter.VARIANT: (any_of(value == variant for variant in variants), choose),
            Parameter.BATCH: (_from_one_to(value, config.batch), [held["batch"].eq(value)]),
            Parameter.ROWS: (_from_one_to(value, config.rows) & self.empty, [held["rows"].eq(value)]),
            Parameter.ENABLE: (value <= 1, [held["enable"].eq(value)]),
            Parameter.CLEAR: (value == 1, [self.clear.eq(1)]),
            **(
                {}
                if has_candidates(config)
                else {Parameter(Parameter.QUERY_STATE_0 + word): never for word in range(4)}
            ),
        }

    def _load_stream(self, m: Module, taken: Value) -> None:
        """Offers a word to its random stream."""
        control = self.control.payload
        is_draw = control.parameter >= Parameter.DRAW_STATE_0  # the only stream, unless AMPER's are built in
        of_streams = [(self.draw_load, taken)]
        if has_candidates(self._config):
            of_streams = [(self.query_load, taken & ~is_draw), (self.draw_load, taken & is_draw)]
        for load, valid in of_streams:
            m.d.comb += [
                load.valid.eq(valid),
                load.word.eq(control.parameter[: len(load.word)]),
                load.value.eq(control.value),
            ]

    def _divide(self, m: Module, held: dict[str, Value], radius_fixed: Value, due: dict[str, Signal]) -> None:
        """floor(2^GS / m), then floor(lambda' / m), each when it is due."""
        groups = held["groups"]
        steps = reciprocal_steps(self._config)
        width = max(steps, COEFFICIENT_WIDTH)
        division = Divider(divisor_width=len(groups), dividend_width=width)
        divider = self.instantiate(m, "divider", SharedModule.of("amper_divider", division))
        begun = Signal()
        m.d.comb += [
            self.values.ready.eq(~any_of(due.values())),
            divider.start.eq(~self.values.ready & ~begun),
            divider.divisor.eq(groups),
        ]
        m.d.sync += begun.eq(divider.start | (begun & ~divider.done))
        with m.If(due["reciprocal"]):
            m.d.comb += [
                # 2^GS is half of 2^ceil(log2 m), which is below m, and then FW + 1 zeros; for m = 1 it is 2^FW.
                divider.remainder.eq((Const(1) << held["group_shift"]) >> 1),
                divider.dividend.eq((groups == 1) << (width - 1)),
                divider.steps.eq(steps),
            ]
            with m.If(divider.done):
                m.d.sync += [held["reciprocal"].eq(divider.quotient), due["reciprocal"].eq(0)]
        if "radius" in due:
            with m.Elif(due["radius"]):
                m.d.comb += [
                    # Below 16 m: the bits from 2^24 on are below m.
                    divider.remainder.eq(radius_fixed >> COEFFICIENT_WIDTH),
                    divider.dividend.eq(radius_fixed[:COEFFICIENT_WIDTH] << (width - COEFFICIENT_WIDTH)),
                    divider.steps.eq(COEFFICIENT_WIDTH),
                ]
                with m.If(divider.done):
                    m.d.sync += [held["radius"].eq(divider.quotient), due["radius"].eq(0)]


def _from_one_to(value: Value, most: int) -> Value:
    return (value != 0) & (value <= most)


def _bit_length(value: Value, *, most: int) -> Value:
    """Bits of ``value``, which is at most ``most``."""
    width = most.bit_length()
    return population(Cat(value[bit:width].any() for bit in range(width))) if width else Const(0)
