"""What a sampler is built for, checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from amper.cores.initial import LARGEST, LARGEST_EVER, NUMBER, QUANTILE
from amper_spec.algorithm import DRAWS, ORGANISATIONS, VARIANTS, Algorithm, Draws, Organisation
from amper_spec.checks import checked_choice, checked_integer, checked_real
from amper_spec.declare import DERIVED, declarations

Mode = Literal["per", "amper-fr-dithered", "amper-fr-prefix", "amper-fr", "amper-k", "uniform"]
MODES: tuple[str, ...] = get_args(Mode)
Weights = Literal["per", "inclusion"]
WEIGHTS: tuple[str, ...] = get_args(Weights)

ROWS_MAX = 1 << 28
ALPHA, EPS = 0.6, 1e-6  # the defaults
CSP_SHARE = 0.15  # the default target of |CSP|/n
FIRST_SCALE = {"radius": 0.15, "neighbour": 0.3}  # from which lambda' or lambda adapts
NEIGHBOUR_SCALE_MAX = 16.0


_QUANTILE = "quantile:"


def mode_of(variant: str) -> Mode:
    """The mode that draws as a variant does."""
    return "per" if variant == "exact" else f"amper-{variant}"  # type: ignore[return-value]  # a mode for each


@dataclass(frozen=True, kw_only=True)
class SamplerOptions:
    """Parameters of ``amper.Sampler``, which describes them; what two samplers must share to exchange a state.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range, or two that exclude each other.
    """

    rows: int
    mode: Mode
    groups: int
    scale: float | None
    csp_share: float | None
    weights: Weights
    alpha: float
    eps: float
    seed: int
    bit_exact: bool
    priority_width: int
    priority_scale: float | None
    draws: Draws
    organisation: Organisation
    initial_priority: str | float

    def __post_init__(self) -> None:
        checked_choice("mode", self.mode, MODES)
        checked_choice("weights", self.weights, WEIGHTS)
        checked_choice("draws", self.draws, DRAWS)
        checked_choice("organisation", self.organisation, ORGANISATIONS)
        for name, usual in (("draws", "independent"), ("organisation", "parallel")):
            value = getattr(self, name)
            if value != usual and not (self.bit_exact is True and self.mode == "per"):
                raise ValueError(f"{name} must be {usual} unless bit_exact=True in mode per, not {value}")
        if not isinstance(self.bit_exact, bool):
            raise TypeError(f"bit_exact must be True or False, not {self.bit_exact!r}")
        self._set("rows", checked_integer("rows", self.rows, 1, ROWS_MAX))
        for name in ("groups", "seed", "priority_width"):
            self._set(name, declarations(Algorithm)[name].rule.check(name, getattr(self, name)))
        for name in ("alpha", "eps"):
            self._set(name, checked_real(name, getattr(self, name)))
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")
        self._set("initial_priority", _checked_initial(self.initial_priority))
        self._check_scale()
        if self.bit_exact:
            self._check_bit_exact()
        elif self.priority_scale is not None:
            raise ValueError(f"priority_scale is only used with bit_exact=True, and was set to {self.priority_scale}")

    @classmethod
    def of(
        cls, config: Algorithm, *, alpha: float = ALPHA, eps: float = EPS, initial_priority: str | float = "max"
    ) -> SamplerOptions:
        """Of the bit-exact sampler of a configuration."""
        return cls(
            rows=config.rows,
            mode=mode_of(config.variant),
            groups=config.groups,
            scale={"exact": None, "k": config.neighbour_scale}.get(config.variant, config.radius_scale),
            csp_share=None,
            weights="per",
            alpha=alpha,
            eps=eps,
            seed=config.seed,
            bit_exact=True,
            priority_width=config.priority_width,
            priority_scale=config.priority_scale,
            draws=config.draws if config.variant == "exact" else "independent",  # exact may be built in beside it
            organisation=config.organisation,  # type: ignore[arg-type]  # checked there
            initial_priority=initial_priority,
        )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the class is frozen; this is its constructor

    @property
    def variant(self) -> str | None:
        """The variant of AMPER; None for per and uniform."""
        return self.mode.removeprefix("amper-") if self.mode.startswith("amper-") else None

    @property
    def initial(self) -> tuple[int, float]:
        """``initial_priority`` as kind and number of ``amper.cores.initial``."""
        if isinstance(self.initial_priority, float):
            return NUMBER, self.initial_priority
        if self.initial_priority.startswith(_QUANTILE):
            return QUANTILE, float(self.initial_priority.removeprefix(_QUANTILE))
        return (LARGEST if self.initial_priority == "max" else LARGEST_EVER), 0.0

    @property
    def largest_scale(self) -> float:
        """To which lambda' (m: the radius is V) or lambda can adapt."""
        return NEIGHBOUR_SCALE_MAX if self.variant == "k" else float(self.groups)

    @property
    def first_scale(self) -> float:
        """lambda' or lambda at the start."""
        default = FIRST_SCALE["neighbour" if self.variant == "k" else "radius"]
        return min(default if self.scale is None else self.scale, self.largest_scale)

    @property
    def target(self) -> float:
        """The |CSP|/n that the scale adapts to; 0: it is fixed."""
        return 0.0 if self.scale is not None else CSP_SHARE if self.csp_share is None else self.csp_share

    def config(self) -> Algorithm:
        """The configuration whose golden model a bit-exact sampler follows."""
        scales: dict[str, Any] = {}
        if self.scale is not None:
            scales["neighbour_scale" if self.variant == "k" else "radius_scale"] = self.scale
        return Algorithm(
            rows=self.rows,
            priority_width=self.priority_width,
            groups=self.groups,
            variant=self.variant or "exact",  # type: ignore[arg-type]  # checked there
            draws=self.draws,
            organisation=self.organisation,
            seed=self.seed,
            priority_scale=DERIVED if self.priority_scale is None else self.priority_scale,
            **scales,
        )

    def to_dict(self) -> dict[str, Any]:
        """The options by name."""
        return asdict(self)

    def _check_scale(self) -> None:
        for name in ("scale", "csp_share"):
            value = getattr(self, name)
            if value is None:
                continue
            self._set(name, checked_real(name, value))
            if self.variant is None:
                raise ValueError(
                    f"{name} is only used by the modes of AMPER, and was set to {value} in mode {self.mode}"
                )
        if self.scale is not None and self.csp_share is not None:
            raise ValueError(
                f"scale is fixed or adapts to csp_share: set one of them, not {self.scale} and {self.csp_share}"
            )
        if self.scale is not None and not (self.bit_exact or 0 <= self.scale <= self.largest_scale):
            raise ValueError(f"scale must be 0 to {self.largest_scale}, not {self.scale}")
        if self.csp_share is not None and not 0 < self.csp_share <= 1:
            raise ValueError(f"csp_share must be above 0 and at most 1, not {self.csp_share}")

    def _check_bit_exact(self) -> None:
        if self.mode == "uniform":
            modes = ", ".join(mode_of(name) for name in VARIANTS)
            raise ValueError(f"bit_exact needs one of the modes {modes}, not {self.mode}")
        if self.csp_share is not None:
            raise ValueError(
                f"csp_share must not be set with bit_exact, whose scale is fixed, and was {self.csp_share}"
            )
        if self.weights != "per":
            raise ValueError(f"weights must be per with bit_exact, not {self.weights}")
        self.config()


def _checked_initial(value: object) -> str | float:
    """A choice of ``initial_priority``: one of the words, a quantile with a share of 0 to 1, or a number."""
    if not isinstance(value, str):
        number = checked_real("initial_priority", value)
        if number < 0:
            raise ValueError(f"initial_priority must be at least 0, not {number}")
        return number
    if value in ("max", "max-ever"):
        return value
    try:
        share = float(value.removeprefix(_QUANTILE)) if value.startswith(_QUANTILE) else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"initial_priority must be max, max-ever, quantile:0 to quantile:1 or a number, not {value}")
    return f"{_QUANTILE}{share:g}"
