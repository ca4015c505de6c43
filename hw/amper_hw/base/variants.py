"""What is built in, of the two ways to draw."""

from __future__ import annotations

from amper_spec.config import AMPER_VARIANTS, AmperConfig
from amper_spec.parameters import Parameter


def has_exact(config: AmperConfig) -> bool:
    """Whether variant exact is built in: planes are counted, and code 0 is what an invalid row holds."""
    return "exact" in config.variants


def has_candidates(config: AmperConfig) -> bool:
    """Whether a variant is built in that searches and forms a candidate set."""
    return any(name in AMPER_VARIANTS for name in config.variants)


def has_tree(config: AmperConfig) -> bool:
    """Whether rows and sums are in RAM, and nothing looks at several rows at once."""
    return config.organisation == "tree"


def in_lut_ram(config: AmperConfig) -> bool:
    """Whether the rows lie in an FPGA's LUT RAM, transposed: nobody compares them, so none has to show its code."""
    in_order = has_tree(config)
    return (
        config.primitives == "blocks" and config.storage == "flip-flops" and not has_candidates(config) and not in_order
    )


def splits_beats(config: AmperConfig) -> bool:
    """Whether any lanes of a beat of results may be those that hold draws, not only the lowest: exact has a plane a
    beat."""
    return has_exact(config) and config.draw_ports > 1


def has_both(config: AmperConfig) -> bool:
    """Whether a batch has to say which of the two it is."""
    return has_exact(config) and has_candidates(config)


def has_radius(config: AmperConfig) -> bool:
    """Whether a variant with a radius lambda' / m is built in."""
    return any(name.startswith("fr") for name in config.variants)


def constant_parameters(config: AmperConfig) -> frozenset[Parameter]:
    """Parameters that keep the value of a reset, since nothing that is built in needs another: it is refused."""
    constant = {
        Parameter.GROUPS: not has_candidates(config),
        Parameter.RADIUS: not has_radius(config),
        Parameter.NEIGHBOURS: "k" not in config.variants,
        Parameter.VARIANT: len(config.variants) == 1,
    }
    return frozenset(parameter for parameter, keeps in constant.items() if keeps)
