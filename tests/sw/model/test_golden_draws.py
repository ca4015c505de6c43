"""The golden model: the candidate set, the draws, and the random streams from batch to batch."""

import numpy as np
import pytest
from oracles.golden import SIZES, WORD_MAX, busy_model, filled, scripted, take

from amper import AMPER_VARIANTS, AmperConfig, Batch, GoldenModel, NoValidRowError, Status, streams

# --- the candidate set and the draws ----------------------------------------------------------------


def test_empty_csp_falls_back_to_all_valid_rows():
    """V = 0 with radius 0, and nobody holds code 0."""
    config = AmperConfig(rows=5, priority_width=4, groups=1, batch=4, variant="fr", radius_scale=0.0)
    model = scripted(config, [3, None, 9, 15, None], [0], [0, 2**62, 2**63, WORD_MAX])
    assert model.sample().tolist() == [0, 0, 2, 3]
    batch = model.last_batch
    assert (batch.fallback, batch.status) == (True, Status.FALLBACK)
    assert batch.match_sets == (frozenset(),)
    assert batch.csp == (True, False, True, True, False)


def test_csp_of_one_row():
    config = AmperConfig(rows=5, priority_width=4, groups=1, batch=3, variant="fr", radius_scale=0.0)
    model = scripted(config, [3, 0, 9, 15, None], [0], [0, 2**63, WORD_MAX])
    assert model.sample().tolist() == [1, 1, 1]
    assert model.last_batch.status is Status.OK
    assert model.last_batch.csp_size == 1


@pytest.mark.parametrize("rows", SIZES)
def test_csp_of_all_rows(rows):
    config = AmperConfig(rows=rows, priority_width=8, groups=3, variant="fr", radius_scale=47.0, seed=2)
    model = filled(config, [(37 * row) % 256 for row in range(rows)])
    model.sample()
    batch = model.last_batch
    assert max(batch.radii) >= batch.vmax
    assert batch.csp == (True,) * rows
    assert batch.status is Status.OK


@pytest.mark.parametrize("rows", SIZES)
def test_rank_thresholds(rows):
    """Rank j is chosen from ceil(j 2^32 / |CSP|) on, and the low half of a word plays no part."""
    starts = [-(-(rank << 32) // rows) for rank in range(rows)]
    ends = [start - 1 for start in starts[1:]] + [2**32 - 1]
    words = [start << 32 for start in starts] + [end << 32 | 2**32 - 1 for end in ends]
    config = AmperConfig(rows=rows, variant="fr-dithered", groups=1, batch=2 * rows)
    model = scripted(config, [0] * rows, [5], words)
    assert model.sample().tolist() == [*range(rows), *range(rows)]


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_index_is_a_row_of_the_csp(variant):
    config = AmperConfig(rows=100, variant=variant, seed=11)
    model = filled(config, np.random.default_rng(4).integers(1, 2**16, 100).tolist())
    for row in range(0, 100, 3):
        model.invalidate(row)
    for _ in range(10):
        indices = model.sample()
        batch = model.last_batch
        assert len(indices) == 64
        for index, rank, priority in zip(batch.indices, batch.ranks, batch.priorities, strict=True):
            assert batch.csp[index]
            assert sum(batch.csp[:index]) == rank
            assert model.priorities[index] == priority


# --- the streams in time ----------------------------------------------------------------------------


def test_same_seed_same_indices():
    one, other, third = busy_model(), busy_model(), busy_model(seed=22)
    runs = [[model.sample().tolist() for _ in range(5)] for model in (one, other, third)]
    assert runs[0] == runs[1] != runs[2]
    assert len({tuple(batch) for batch in runs[0]}) == 5


def test_smaller_batches_use_as_many_draw_words_as_they_draw():
    model = busy_model()
    query, draw = streams(21)
    for size in (1, 64, 5, 63):
        assert len(model.sample(size)) == size
        assert list(model.last_batch.draw_words) == take(draw, size)
        assert list(model.last_batch.query_words) == take(query, 20)
        assert len(model.last_batch.indices) == len(model.last_batch.ranks) == size


def test_default_batch_is_the_configured_one():
    assert len(busy_model().sample()) == 64
    assert len(busy_model().sample(np.int8(3))) == 3


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_words_used_do_not_depend_on_the_priorities(variant):
    """Two models of one seed see the same words whatever they hold."""
    config = AmperConfig(rows=7, groups=3, batch=4, variant=variant, seed=8)
    full, single = filled(config, [9, 5, 0, 800, 65535, 1, 2]), filled(config, [None, 0])
    for _ in range(5):
        full.sample()
        single.sample()
        assert full.last_batch.query_words == single.last_batch.query_words
        assert full.last_batch.draw_words == single.last_batch.draw_words


def test_no_valid_row_uses_no_words():
    model = GoldenModel(AmperConfig(rows=64, variant="fr-dithered", seed=21))
    message = "sample needs at least one valid row, and there is none: write a row first"
    for size in (None, 1, 64):
        with pytest.raises(NoValidRowError, match=rf"\A{message}\Z"):
            model.sample(size)
    assert model.last_batch is None
    assert issubclass(NoValidRowError, ValueError)
    for row in range(64):
        model.write(row, 100 * row)
    assert model.sample().tolist() == busy_model().sample().tolist()


def test_no_valid_row_leaves_the_last_batch():
    model = filled(AmperConfig(rows=1, variant="fr-dithered"), [3])
    model.sample()
    before = model.last_batch
    model.invalidate(0)
    with pytest.raises(NoValidRowError):
        model.sample()
    assert model.last_batch is before


def test_illegal_batch_uses_no_words():
    model = busy_model()
    for size in (0, 65, -1):
        with pytest.raises(ValueError, match=rf"\Abatch must be 1 to 64, not {size}\Z"):
            model.sample(size)
    assert model.last_batch is None
    assert model.sample().tolist() == busy_model().sample().tolist()


def test_reset():
    model = busy_model()
    first = model.sample().tolist()
    model.sample()
    model.reset()
    assert model.priorities == [None] * 64
    assert model.last_batch is None
    assert model.vmax is None
    for row in range(64):
        model.write(row, 100 * row)
    assert model.sample().tolist() == first


def test_sampling_changes_no_priority():
    model = busy_model()
    before = list(model.priorities)
    model.sample()
    assert model.priorities == before


def test_a_batch_is_a_record_of_its_time():
    """What was drawn is not changed by a later write, and cannot be assigned to."""
    model = busy_model()
    model.sample()
    batch = model.last_batch
    copy = Batch(**vars(batch))
    for row in range(64):
        model.write(row, 0)
    model.sample()
    assert batch == copy
    with pytest.raises(AttributeError, match="cannot assign to field 'vmax'"):
        batch.vmax = 1
