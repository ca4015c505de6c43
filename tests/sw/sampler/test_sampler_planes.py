"""Variant exact in software: the golden model's indices, compiled and in NumPy, in both organisations, alone and beside
other variants."""

from __future__ import annotations

import numpy as np
import pytest

from amper import VARIANTS, AmperConfig, Device, GoldenModel, Parameter, Sampler, streams
from amper.backends.candidates import CompiledBackend, NumpyBackend
from amper.backends.code_tree import NumpyCodeTree
from amper.backends.fast import SwitchedBackend, fast_backend
from amper.backends.planes import NumpyPlanes, PlanesBackend
from amper_spec.algorithm import ORGANISATIONS

SHAPES = [(1, 4), (2, 8), (7, 5), (64, 16), (65, 17), (257, 24), (1000, 16), (1025, 32), (20_000, 16)]


def config_of(rows: int, width: int, **more: object) -> AmperConfig:
    return AmperConfig(rows=rows, priority_width=width, batch=100, variant="exact", seed=rows, **more)


def golden_of(config: AmperConfig, codes: np.ndarray) -> GoldenModel:
    """A golden model that holds these codes."""
    model = GoldenModel(config)
    model.priorities = [int(code) or None for code in codes]
    return model


@pytest.mark.parametrize("organisation", ORGANISATIONS)
@pytest.mark.parametrize("draws", ["independent", "stratified"])
@pytest.mark.parametrize(("rows", "width"), SHAPES)
def test_the_indices_of_the_golden_model(rows, width, draws, organisation):
    """Nodes that are full, begun and empty; codes at both ends; rows written twice in a call and made invalid."""
    rows = max(rows, 2 if organisation == "tree" else 1)
    check_indices(config_of(rows, width, draws=draws, organisation=organisation))


@pytest.mark.parametrize(("rows", "banks"), [(4, 2), (9, 4), (257, 8)])
def test_the_indices_of_the_golden_model_in_banks(rows, banks):
    check_indices(config_of(rows, 16, draws="stratified", organisation="tree", banks=banks))


def check_indices(config):
    rows, width = config.rows, config.priority_width
    model, chance = GoldenModel(config), np.random.default_rng(width)
    both = fast_backend(config, compiled=True), fast_backend(config, compiled=False)
    codes = np.zeros(rows, dtype=np.int64)
    for _ in range(12):
        count = int(chance.integers(1, min(2 * rows, 500) + 2))
        written = chance.integers(0, rows, count)
        top = int(chance.choice([2, 1 << width // 2, 1 << width]))
        new = chance.integers(0, top, count)
        new[-1] = chance.choice([1, config.priority_max])
        for backend in both:
            backend.write(written, new)
        for row, code in zip(written, new, strict=True):
            codes[row] = code
        model.priorities = [int(code) or None for code in codes]
        batch = int(chance.integers(1, 101))
        wanted = model.sample(batch)
        for backend in both:
            drawn, size = backend.sample(batch)
            np.testing.assert_array_equal(drawn, wanted)
            assert size == 0
            assert backend.streams()[1] == model.settings.draw.s0 | model.settings.draw.s1 << 64


def test_the_largest_total():
    """Every code the largest: all 52 bits of T, all 64 of a word, and places of a stratified batch near 2^64."""
    rows = 1 << 20
    config = config_of(rows, 32, draws="stratified")
    total = rows * config.priority_max
    backend = fast_backend(config, compiled=True)
    backend.write(np.arange(rows), np.full(rows, config.priority_max))
    assert backend._planes.total() == total
    draw = streams(config.seed)[1]
    places = [((part * total) + (draw.next() * total >> 64)) >> 12 for part in range(4096)]
    planes = [max(k for k in range(32) if rows * (2**k - 1) <= place) for place in places]
    wanted = [(place - rows * (2**k - 1)) >> k for place, k in zip(places, planes, strict=True)]
    assert backend.sample(4096)[0].tolist() == wanted


def test_the_largest_total_in_row_order():
    rows = 1 << 20
    config = config_of(rows, 32, draws="stratified", organisation="tree")
    backend = fast_backend(config, compiled=True)
    backend.write(np.arange(rows), np.full(rows, config.priority_max))
    total = rows * config.priority_max
    assert backend._planes.total() == total
    draw = streams(config.seed)[1]
    places = [((part * total) + (draw.next() * total >> 64)) >> 12 for part in range(4096)]
    assert backend.sample(4096)[0].tolist() == [place // config.priority_max for place in places]


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_the_two_level_case(organisation):
    """10 percent of the rows at 300, 90 at 1: the first get 300 / 309 of 10^6 draws, within 0.001."""
    rows = 100_000
    backend = fast_backend(config_of(rows, 16, organisation=organisation))
    backend.write(np.arange(rows), np.where(np.arange(rows) % 10 == 0, 300, 1))
    drawn = np.concatenate([backend.sample(10_000)[0] for _ in range(100)])
    assert np.mean(drawn % 10 == 0) == pytest.approx(300 / 309, abs=0.001)


@pytest.mark.parametrize("compiled", [True, False])
def test_beside_other_variants(compiled):
    """The draw stream goes over with the change of the variant; code 0 is invalid in all of them."""
    config = AmperConfig(rows=60, groups=5, batch=20, variant="fr", variants=("fr", "k", "exact"), seed=8)
    model, backend = GoldenModel(config), fast_backend(config, compiled)
    assert isinstance(backend, SwitchedBackend)
    chance = np.random.default_rng(5)
    for step in range(60):
        rows, codes = chance.integers(0, 60, 30), chance.integers(0, 900, 30)
        backend.write(rows, codes)
        for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
            model.write(row, code)
        changes = [(Parameter.VARIANT, int(chance.choice([2, 3, 4])))]
        if step % 5 == 0:
            changes += [(Parameter.DRAW_STATE_1, step + 1), (Parameter.QUERY_STATE_2, step), (Parameter.GROUPS, 3)]
        for change in changes:
            model.set_parameter(*change)
            backend.set_parameter(*change)
        np.testing.assert_array_equal(backend.sample(20)[0], model.sample(20))
        query, draw = model.settings.query, model.settings.draw
        assert backend.streams() == (query.s0 | query.s1 << 64, draw.s0 | draw.s1 << 64)
    backend.set_parameter(Parameter.CLEAR, 1)
    backend.write(np.array([7]), np.array([3]))
    assert set(backend.sample(20)[0]) == {7}


def test_which_backend():
    """Planes are compiled for every width; beside others they are as wide as those."""
    wide = config_of(3, 32)
    assert isinstance(fast_backend(wide), PlanesBackend)
    assert not isinstance(fast_backend(wide)._planes, NumpyPlanes)
    assert isinstance(fast_backend(wide, compiled=False)._planes, NumpyPlanes)
    tree = config_of(3, 32, organisation="tree")
    assert type(fast_backend(tree)._planes).__name__ == "CodeTree"
    assert isinstance(fast_backend(tree, compiled=False)._planes, NumpyCodeTree)
    narrow = AmperConfig(rows=3, variant="exact", variants=("exact", "fr"))
    assert isinstance(fast_backend(narrow)._candidates, CompiledBackend)
    both = AmperConfig(rows=3, priority_width=17, variant="exact", variants=("exact", "fr"))
    assert isinstance(fast_backend(both)._candidates, NumpyBackend)
    with pytest.raises(ValueError, match=r"^priority_width must be at most 16 for compiled=True, not 17$"):
        fast_backend(both, compiled=True)


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_a_sampler_in_mode_per(organisation):
    """Mode per, bit-exact, is variant exact; weights are PER's."""
    options = {"draws": "stratified", "organisation": organisation, "seed": 3}
    sampler = Sampler(50, mode="per", bit_exact=True, **options)
    priorities = np.linspace(0.1, 20.0, 50)
    sampler.extend(priorities)
    config = AmperConfig(rows=50, variant="exact", **options)
    assert Sampler.from_config(config).options.organisation == organisation
    model = golden_of(config, np.rint(priorities * config.priority_scale))
    indices, weights = sampler.sample(64, beta=0.5)
    np.testing.assert_array_equal(indices, model.sample(64))
    codes = np.rint(priorities * config.priority_scale)[indices]
    np.testing.assert_allclose(weights, (codes.min() / codes) ** 0.5, rtol=1e-6)
    other = Sampler(50, mode="per", bit_exact=True, **options)
    other.restore(sampler.state())
    np.testing.assert_array_equal(other.sample(64)[0], sampler.sample(64)[0])


def test_stratified_draws_beside_another_active_variant():
    """They wait until exact is active."""
    config = AmperConfig(rows=20, groups=4, variant="fr", variants=("fr", "exact"), draws="stratified", seed=3)
    one, other = Device(config, "golden"), Device(config, "exact")
    for number in (VARIANTS.index("fr"), VARIANTS.index("exact")):
        for device in (one, other):
            device.extend(np.linspace(0.1, 9.0, 20))
            device.set_parameter(Parameter.VARIANT, number)
        assert one.sample(32)[0].tolist() == other.sample(32)[0].tolist()
    Sampler.from_config(config).add()


def test_a_state_without_draws_is_of_independent_ones():
    """As earlier revisions saved them."""
    sampler = Sampler(5, mode="amper-fr", bit_exact=True)
    sampler.add(1.0)
    state = sampler.state()
    del state["options"]["draws"], state["options"]["organisation"]
    Sampler(5, mode="amper-fr", bit_exact=True).restore(state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": "stratified"}, "draws must be independent unless bit_exact=True in mode per, not stratified"),
        (
            {"draws": "stratified", "mode": "amper-fr", "bit_exact": True},
            "draws must be independent unless bit_exact=True in mode per, not stratified",
        ),
        (
            {"organisation": "tree"},
            "organisation must be parallel unless bit_exact=True in mode per, not tree",
        ),
        ({"organisation": "auto"}, "organisation must be one of parallel, tree, not 'auto'"),
        ({"draws": "sorted"}, "draws must be one of independent, stratified, not 'sorted'"),
        (
            {"mode": "uniform", "bit_exact": True},
            "bit_exact needs one of the modes amper-fr-dithered, amper-fr-prefix, amper-fr, amper-k, per, not uniform",
        ),
    ],
)
def test_illegal_options(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Sampler(5, **options)


@pytest.mark.parametrize("organisation", ORGANISATIONS)
@pytest.mark.parametrize("backend", ["golden", "exact"])
def test_a_device(backend, organisation):
    """Both backends through the device's calls, a state carried over, and what the variant has not refused."""
    config = AmperConfig(rows=20, batch=16, variant="exact", organisation=organisation, seed=4)
    device = Device(config, backend=backend)
    device.extend(0.1 + np.arange(20) / 10)
    assert device.mode == "per"
    model = golden_of(config, np.rint((0.1 + np.arange(20) / 10) * config.priority_scale))
    np.testing.assert_array_equal(device.sample(16)[0], model.sample(16))
    other = Device(config, backend="golden")
    other.restore(device.state())
    np.testing.assert_array_equal(other.sample(16)[0], device.sample(16)[0])
    with pytest.raises(ValueError, match="GROUPS needs a variant with groups built in"):
        device.set_parameter(Parameter.GROUPS, 3)
