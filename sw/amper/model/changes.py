"""The changes of parameters, each legal when its turn comes, that bring a sampler to given settings."""

from __future__ import annotations

from collections.abc import Sequence

from amper.model.settings import Settings
from amper_spec.algorithm import VARIANTS
from amper_spec.parameters import VALUE_WIDTH, Parameter

Change = tuple[Parameter, int]


def stream_changes(first: Parameter, state: int) -> list[Change]:
    """The four words of a stream's 128 bits of state; ``first`` is QUERY_STATE_0 or DRAW_STATE_0."""
    words = [state >> VALUE_WIDTH * word & (1 << VALUE_WIDTH) - 1 for word in range(4)]
    # One that is not 0 goes first, so that the state is never all 0 in between.
    order = sorted(range(4), key=lambda word: words[word] == 0)
    return [(Parameter(first + word), words[word]) for word in order]


def parameter_changes(settings: Settings, variants: Sequence[str]) -> list[Change]:
    """For an empty sampler that has ``variants`` built in: all parameters, the streams' states included."""
    changes = []
    has_radius = any(name.startswith("fr") for name in variants)
    has_groups = tuple(variants) != ("exact",)
    if has_radius:
        changes.append((Parameter.RADIUS, 0))  # goes with every number of groups
    if has_groups:
        changes.append((Parameter.GROUPS, settings.groups))
    if has_radius:
        changes.append((Parameter.RADIUS, settings.radius))
    if "k" in variants:
        changes.append((Parameter.NEIGHBOURS, settings.neighbours))
    changes += [
        (Parameter.VARIANT, VARIANTS.index(settings.variant)),
        (Parameter.BATCH, settings.batch),
        (Parameter.ROWS, settings.rows),
        (Parameter.ENABLE, int(settings.enable)),
    ]
    if has_groups:
        changes += stream_changes(Parameter.QUERY_STATE_0, settings.query.s0 | settings.query.s1 << 64)
    changes += stream_changes(Parameter.DRAW_STATE_0, settings.draw.s0 | settings.draw.s1 << 64)
    return changes
