"""``bit_exact=True`` draws the very indices of the golden model, which is also what the RTL is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amper import AMPER_VARIANTS, VARIANTS, AmperConfig, GoldenModel, NoValidRowError, Parameter, Sampler, quantise
from amper.backends.candidates import CompiledBackend, NumpyBackend
from amper.backends.fast import fast_backend
from amper.cores.exact import ExactCore, weights_function
from amper.operations.trace import Draw, Kind, Trace

TRACE = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"


def operate(sampler: Sampler, model: GoldenModel, rng: np.random.Generator, mean: float) -> None:
    """One random operation on both, with the same indices drawn."""
    config = model.config
    held = [row for row, priority in enumerate(model.priorities) if priority is not None]
    kind = rng.choice(["add", "update", "remove", "sample"], p=[0.3, 0.3, 0.1, 0.3])
    if kind == "add":
        priority = float(rng.exponential(mean))
        model.write(sampler.add(priority), int(quantise(priority, config)))
    elif not held:
        with pytest.raises(NoValidRowError):
            sampler.sample(1)
    elif kind == "update":
        rows = rng.choice(held, int(rng.integers(1, 10)))
        priorities = rng.exponential(mean, rows.size)
        sampler.update(rows, priorities)
        for row, code in zip(rows, quantise(priorities, config), strict=True):
            model.write(int(row), int(code))
    elif kind == "remove":
        row = int(rng.choice(held))
        sampler.remove([row])
        model.invalidate(row)
    else:
        batch = int(rng.integers(1, config.batch + 1))
        indices, _ = sampler.sample(batch)
        np.testing.assert_array_equal(indices, model.sample(batch))
        assert model.last_batch is not None
        if config.variant == "exact":
            assert sampler.csp_share == 1.0
        else:
            union = set().union(*model.last_batch.match_sets)
            assert sampler.csp_share == len(union) / len(held)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("rows", "priority_width", "groups", "scale"),
    [(1, 4, 1, 0.5), (7, 8, 3, 0.2), (60, 16, 20, 0.15), (60, 17, 5, 0.0), (50, 32, 20, 3.0), (40, 24, 256, 15.0)],
)
def test_random_operations(variant, rows, priority_width, groups, scale):
    config = AmperConfig(
        rows=rows,
        priority_width=priority_width,
        groups=groups,
        batch=32,
        variant=variant,
        radius_scale=scale,
        neighbour_scale=scale,
        seed=rows,
    )
    sampler, model = Sampler.from_config(config), GoldenModel(config)
    rng = np.random.default_rng(rows + groups)
    for _ in range(300):
        operate(sampler, model, rng, mean=0.2 * config.priority_max / config.priority_scale)
    np.testing.assert_array_equal(sampler.priorities() > 0, [priority is not None for priority in model.priorities])


@pytest.mark.share(2)
@pytest.mark.parametrize("variant", VARIANTS)
def test_recorded_trace(variant):
    """All of the CartPole run: every write, every draw."""
    trace = Trace.load(TRACE)
    config = AmperConfig(rows=trace.rows, batch=trace.batch, variant=variant, seed=3)
    sampler, model = Sampler.from_config(config), GoldenModel(config)
    draws = 0
    for operation in trace.operations():
        if isinstance(operation, Draw):
            draws += 1
            np.testing.assert_array_equal(sampler.sample(trace.batch)[0], model.sample(trace.batch))
        else:
            sampler.write([operation.row], [operation.priority])
            model.write(operation.row, int(quantise(operation.priority, config)))
    assert draws == trace.counts[Kind.DRAW] > 400


def test_priorities_are_quantised_as_given():
    """A float64 priority keeps its precision on the way to a code of 32 bits."""
    config = AmperConfig(rows=2, priority_width=32, variant="fr", seed=1)
    sampler = Sampler.from_config(config)
    sampler.extend([65535.123456, 1.0])
    assert sampler.state()["extra"].tolist() == quantise([65535.123456, 1.0], config).tolist()


def test_a_priority_of_zero_is_one():
    """Its code is 1, and its row is not an empty one."""
    sampler = Sampler(4, mode="amper-fr", bit_exact=True)
    sampler.write([2], [0.0])
    sampler.update([2], [0.0])
    assert sampler.sample(3)[0].tolist() == [2, 2, 2]
    assert np.flatnonzero(sampler.priorities()).tolist() == [2]
    with pytest.raises(ValueError, match=r"row 1 holds none$"):
        sampler.update([2, 1], [1.0, 1.0])


def test_same_indices_after_restoring():
    config = AmperConfig(rows=30, variant="k", seed=9)
    first, second = Sampler.from_config(config), Sampler.from_config(config)
    first.extend(np.random.default_rng(1).random(25))
    first.remove([3])
    first.sample(10)
    second.restore(first.state())
    for _ in range(5):
        np.testing.assert_array_equal(first.sample(20)[0], second.sample(20)[0])
        assert first.add() == second.add()


# --- compiled and NumPy -----------------------------------------------------------------------------------------------


def fast_backends(config: AmperConfig) -> tuple[CompiledBackend, NumpyBackend]:
    return CompiledBackend(config), NumpyBackend(config)


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize(
    ("rows", "priority_width", "groups", "scale"),
    [(1, 4, 1, 0.5), (63, 5, 3, 0.0), (64, 8, 256, 2.0), (65, 16, 20, 0.15), (1000, 13, 7, 15.0), (3000, 16, 20, 0.1)],
)
def test_compiled_and_numpy_draw_alike(variant, rows, priority_width, groups, scale):
    """Blocks of 64 rows that are full, begun and empty; codes at both ends; rows made invalid; the streams too."""
    config = AmperConfig(
        rows=rows,
        priority_width=priority_width,
        groups=groups,
        variant=variant,
        radius_scale=scale,
        neighbour_scale=scale,
        seed=rows,
    )
    both, chance = fast_backends(config), np.random.default_rng(groups)
    sizes = set()
    for step in range(40):
        end = chance.integers(1, rows + 1)
        top = int(chance.choice([2, 1 << priority_width // 2, 1 << priority_width]))
        count = int(chance.integers(1, 2 * rows + 2))
        written, codes = chance.integers(0, end, count), chance.integers(step % 3 > 0, top, count)
        codes[-1] = config.priority_max if step % 5 == 0 else max(1, codes[-1])
        for backend in both:
            backend.write(written, codes)
        (compiled, compiled_size), (numpy, numpy_size) = (backend.sample(70) for backend in both)
        np.testing.assert_array_equal(compiled, numpy)
        assert compiled_size == numpy_size
        assert both[0].streams() == both[1].streams()
        sizes.add(numpy_size)
    assert len(sizes) > 5 or rows == 1


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_parameters_at_run_time(variant):
    """Both backends and the golden model, which has the reference of what a change does."""
    config = AmperConfig(rows=50, groups=9, variant=variant, variants=AMPER_VARIANTS, seed=8)
    model, both = GoldenModel(config), fast_backends(config)
    changes = [
        (Parameter.GROUPS, 4),
        (Parameter.RADIUS, 1 << 21),
        (Parameter.NEIGHBOURS, 1 << 22),
        (Parameter.QUERY_STATE_1, 12345),
        (Parameter.VARIANT, AMPER_VARIANTS.index("fr")),
        (Parameter.DRAW_STATE_3, 54321),
        (Parameter.VARIANT, AMPER_VARIANTS.index("k")),
        (Parameter.CLEAR, 1),
    ]
    codes = np.random.default_rng(3).integers(1, 2000, 50)
    for change in changes:
        for backend in both:
            backend.write(np.arange(50), codes)
        for row, code in enumerate(codes.tolist()):
            model.write(row, code)
        for each in (model, *both):
            each.set_parameter(*change)
        if change[0] == Parameter.CLEAR:
            for each in both:
                each.write(np.array([30]), np.array([5]))
            model.write(30, 5)
        expected = model.sample(64)
        for backend in both:
            np.testing.assert_array_equal(backend.sample(64)[0], expected)


def test_which_backend():
    narrow, wide = (
        AmperConfig(rows=3, variant="fr-dithered"),
        AmperConfig(rows=3, variant="fr-dithered", priority_width=17),
    )
    assert type(fast_backend(narrow)) is type(fast_backend(narrow, compiled=True)) is CompiledBackend
    assert type(fast_backend(narrow, compiled=False)) is type(fast_backend(wide)) is NumpyBackend
    with pytest.raises(ValueError, match=r"^priority_width must be at most 16 for compiled=True, not 17$"):
        fast_backend(wide, compiled=True)


def test_without_the_compiled_core(monkeypatch):
    """NumPy takes its place, and gives the same indices and weights."""
    config = AmperConfig(rows=30, variant="fr-dithered", seed=2)
    compiled = ExactCore(config, alpha=0.6, eps=1e-6)
    monkeypatch.setattr("amper.cores.compiled._core", None)
    numpy = ExactCore(config, alpha=0.6, eps=1e-6)
    assert isinstance(numpy.backend, NumpyBackend)
    assert weights_function() is weights_function(compiled=False)
    for core in (compiled, numpy):
        core.write(np.arange(30), np.linspace(0.1, 3.0, 30), 0)
    for _ in range(5):
        for given, wanted in zip(compiled.sample(20, 0.7), numpy.sample(20, 0.7), strict=True):
            np.testing.assert_array_equal(given, wanted)
    with pytest.raises(
        ImportError, match=r"^compiled=True needs amper.cores._core: install amper where a C compiler is found$"
    ):
        fast_backend(config, compiled=True)


def test_the_compiled_backend_keeps_to_its_memory():
    """What only a mistake in amper could bring about is refused all the same."""
    core = pytest.importorskip("amper.cores._core")
    exact = core.Exact(4, 8)
    rows, codes = np.array([1, 2]), np.array([3, 4])
    for bad_rows, bad_codes, error, message in (
        (np.array([1, 4]), codes, ValueError, "row and code must be below 4 and 2^8, not 4 and 4"),
        (np.array([-1, 1]), codes, ValueError, "row and code must be below 4 and 2^8, not -1 and 3"),
        (rows, np.array([1, 256]), ValueError, "row and code must be below 4 and 2^8, not 2 and 256"),
        (rows, codes[:1], TypeError, "write takes rows and as many codes, in contiguous int64 arrays"),
        (rows, codes.astype(np.float64), TypeError, "write takes rows and as many codes, in contiguous int64 arrays"),
    ):
        with pytest.raises(error) as raised:
            exact.write(bad_rows, bad_codes)
        assert str(raised.value) == message
    for prepare in (
        lambda: exact.write(rows, codes),
        lambda: (exact.configure(2, 1, 16, 16, 1 << 16, 0, 0), exact.clear()),
        lambda: None,
    ):
        with pytest.raises(
            ValueError, match=r"^sample needs a batch of at least 1, a valid row, and configure before it$"
        ):
            exact.sample(1)
        prepare()
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the whole text follows
        exact.configure(2, 257, 16, 16, 1 << 16, 0, 0)
    rule = "groups, fraction_width and reciprocal_shift must be 1 to 256, 1 to 24 and at most 32"
    assert str(raised.value) == f"{rule}, not 257, 16 and 16"
    with pytest.raises(ValueError, match=r"^rows and width must be 1 to 2\^28 and 1 to 16, not 4 and 17$"):
        core.Exact(4, 17)
