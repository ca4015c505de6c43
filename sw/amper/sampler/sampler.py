"""``Sampler``: rows and their priorities, drawn as PER or AMPER would; docs/software/sampler.md has the contract.

The work is done by a core: compiled (sw/amper/cores/c), in NumPy (``amper.cores.numpy``) or bit-exact
(``amper.cores.exact``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from amper.sampler.base import IndexArray as IndexArray
from amper.sampler.base import SamplerBase
from amper.sampler.base import WeightArray as WeightArray
from amper.sampler.choice import chosen_core, new_core
from amper.sampler.options import ALPHA, EPS, Mode, SamplerOptions, Weights
from amper.sampler.state import export, restored
from amper_spec.algorithm import Algorithm, Draws, Organisation


def _fresh() -> int:
    """64 bits that no one knows."""
    return secrets.randbits(64)


class Sampler(SamplerBase):
    """Prioritized sampling of up to ``rows`` rows.

    Parameters
    ----------
    rows : the most rows, 1 to 2^28; they are numbered 0 to ``rows`` - 1.
    mode : "per" (exactly proportional), "amper-fr-dithered", "amper-fr-prefix", "amper-fr", "amper-k" or "uniform".
    groups : m of AMPER, 1 to 256.
    scale : lambda' (for amper-k lambda), fixed; 0 to m (16). None: it adapts to ``csp_share``.
    csp_share : the |CSP|/n that the scale adapts to, above 0 to 1; 0.15 if neither is given.
    weights : importance weights by "per"'s formula, or by AMPER's own "inclusion" probability.
    beta : importance exponent where ``sample`` gets none: a number, or a function of the batches drawn so far.
    alpha, eps : ``update_errors`` stores (|error| + eps)^alpha. ``update`` stores priorities as they are.
    seed : 64 bits; the same operations then give the same results, compiled or not. None: a fresh one.
    bit_exact : give the very indices of ``GoldenModel`` and of the RTL, with a fixed scale; mode "per" is then variant
        exact; not in mode "uniform".
    priority_width, priority_scale, draws, organisation : of bit-exact samplers, as in ``AmperConfig``.
    initial_priority : of a row that is added without one: "max", the largest of all rows that hold one; "max-ever", the
        largest there was so far; "quantile:0.9", which that share of the rows do not exceed; or a number. 1 where
        there is nothing to go by.
    compiled : True or False to insist on a core; None: the compiled one where it is installed.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range. ImportError : ``compiled=True`` where it
    is not installed.
    """

    def __init__(
        self,
        rows: int,
        *,
        mode: Mode = "per",
        groups: int = 20,
        scale: float | None = None,
        csp_share: float | None = None,
        weights: Weights = "per",
        beta: float | Callable[[int], float] = 0.4,
        alpha: float = ALPHA,
        eps: float = EPS,
        seed: int | None = 0,
        bit_exact: bool = False,
        priority_width: int = 16,
        priority_scale: float | None = None,
        draws: Draws = "independent",
        organisation: Organisation = "parallel",
        initial_priority: str | float = "max",
        compiled: bool | None = None,
    ) -> None:
        seed = _fresh() if seed is None else seed
        options = SamplerOptions(
            rows=rows,
            mode=mode,
            groups=groups,
            scale=scale,
            csp_share=csp_share,
            weights=weights,
            alpha=alpha,
            eps=eps,
            seed=seed,
            bit_exact=bit_exact,
            priority_width=priority_width,
            priority_scale=priority_scale,
            draws=draws,
            organisation=organisation,
            initial_priority=initial_priority,
        )
        super().__init__(options, beta)
        self._asked = compiled
        self._compiled = chosen_core(compiled, options)
        self.core = new_core(options, self._compiled)

    @classmethod
    def from_config(cls, config: Algorithm, *, beta: float | Callable[[int], float] = 0.4) -> Sampler:
        """The bit-exact sampler of a configuration."""
        return cls(**SamplerOptions.of(config).to_dict(), beta=beta)

    @property
    def rows(self) -> int:
        """The most rows."""
        return self.options.rows

    @property
    def mode(self) -> str:
        """As given."""
        return self.options.mode

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled core does the work."""
        return self._compiled

    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs to go on exactly as this sampler would; numbers, strings and arrays by name."""
        return export(self.core, self.options)

    def restore(self, state: dict[str, Any]) -> None:
        """Become what the sampler was that gave ``state``; options must be equal.

        Raises TypeError, ValueError : not a state, of another version, of other options; this sampler stays as it was.
        """
        self.core = restored(new_core(self.options, self._compiled), self.options, state)

    def anew(self, seed: int) -> Sampler:
        """An empty sampler like this one, of another seed."""
        options = {**self.options.to_dict(), "seed": seed}
        return Sampler(**options, beta=self.beta, compiled=self._asked)

    def resized(self, rows: int) -> Sampler:
        """An empty sampler like this one, of another number of rows, whose random words go on where these are.

        Raises TypeError, ValueError : not 1 to 2^28; of a bit-exact sampler, whose streams go with its rows.
        """
        if self.options.bit_exact:
            raise ValueError(f"a bit-exact sampler keeps its {self.rows} rows, and cannot have {rows}")
        other = Sampler(**{**self.options.to_dict(), "rows": rows}, beta=self.beta, compiled=self._asked)
        for name in ("key", "counter", "batches", "scale"):
            setattr(other.core, name, getattr(self.core, name))
        return other

    def reseed(self, seed: int | None = None) -> None:
        """Begin the random words anew, as a sampler of this seed does; None: a fresh one. ``options`` stay as they are.

        Raises TypeError, ValueError : not an integer of 64 bits.
        """
        options = replace(self.options, seed=_fresh() if seed is None else seed)
        begun = new_core(options, self._compiled)
        self.core.key, self.core.counter = begun.key, begun.counter

    def __getstate__(self) -> dict[str, Any]:
        return {"options": self.options, "beta": self.beta, "compiled": self._asked, "state": self.state()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        Sampler.__init__(self, **pickled["options"].to_dict(), beta=pickled["beta"], compiled=pickled.get("compiled"))
        self.restore(pickled["state"])
