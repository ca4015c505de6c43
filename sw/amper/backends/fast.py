"""The backend "exact": fast software, bit for bit, for the variants that are built in."""

from __future__ import annotations

from amper.backends.backend import Backend
from amper.backends.candidates import TABLE_WIDTH, CompiledBackend, NumpyBackend
from amper.backends.planes import PlanesBackend
from amper.cores.base import IndexArray
from amper.cores.compiled import compiled_core
from amper_spec.algorithm import VARIANTS, Algorithm
from amper_spec.parameters import Parameter


def can_compile(variants: tuple[str, ...], priority_width: int) -> bool:
    """Whether the compiled module draws these variants from codes of this width."""
    return variants == ("exact",) or priority_width <= TABLE_WIDTH


def fast_backend(config: Algorithm, compiled: bool | None = None) -> Backend:
    """The backend "exact" of a configuration.

    Parameters
    ----------
    compiled : True or False to insist; None: the compiled one where it is installed and the codes are narrow enough.

    Raises
    ------
    ImportError, ValueError : ``compiled`` is True, and it is not installed, or the codes are too wide.
    """
    installed = compiled_core(compiled) is not None
    possible = can_compile(config.variants, config.priority_width)
    if compiled and not possible:
        raise ValueError(f"priority_width must be at most {TABLE_WIDTH} for compiled=True, not {config.priority_width}")
    chosen = installed and possible
    if config.variants == ("exact",):
        return PlanesBackend(config, chosen)
    candidates = CompiledBackend(config) if chosen else NumpyBackend(config)
    return (
        SwitchedBackend(config, PlanesBackend(config, chosen), candidates) if "exact" in config.variants else candidates
    )


class SwitchedBackend:
    """Variant exact beside others: both hold all rows, and the one that is active draws.

    ``planes`` and ``candidates`` draw from the same stream: it goes to the other with the change of the variant.
    """

    cycles = 0

    def __init__(self, config: Algorithm, planes: PlanesBackend, candidates: CompiledBackend | NumpyBackend) -> None:
        self._planes, self._candidates = planes, candidates
        self._active: PlanesBackend | CompiledBackend | NumpyBackend = self._of(config.variant)

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        self._planes.write(rows, codes)
        self._candidates.write(rows, codes)

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now."""
        draw = self._active.streams()[1]
        for part in (self._planes, self._candidates):
            part.set_draw_stream(draw)
            part.set_parameter(parameter, value)
        if parameter == Parameter.VARIANT:
            self._active = self._of(VARIANTS[value])

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        """Rows drawn, and |CSP|, 0 if there was none; at least one row is valid."""
        return self._active.sample(batch)

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""
        return self._candidates.streams()[0], self._active.streams()[1]

    def close(self) -> None:
        """There is nothing to let go of."""

    def _of(self, variant: str) -> PlanesBackend | CompiledBackend | NumpyBackend:
        return self._planes if variant == "exact" else self._candidates
