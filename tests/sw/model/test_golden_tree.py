"""Organisation tree of the golden model (algorithm.md, section 8) against the distribution that it promises."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from amper import AmperConfig, GoldenModel, NoValidRowError
from amper.model.tree import tree_batch


def config(rows, width=16, **more):
    return AmperConfig(rows=rows, priority_width=width, organisation="tree", **more)


def test_every_place_hits_its_row_as_often_as_its_priority_and_in_row_order():
    chance = random.Random(14)
    for _ in range(300):
        width, rows = chance.randint(4, 10), chance.randint(2, 12)
        codes = [chance.choice((0, 1, chance.randrange(1 << width))) for _ in range(rows)]
        total = sum(codes)
        if not total:
            continue
        banks = chance.choice([each for each in (1, 2, 4) if 2 * each <= rows])
        shape = config(rows, width, batch=1, banks=banks)
        words = [-(-(place << shape.place_width) // total) << (64 - shape.place_width) for place in range(total)]
        batch = tree_batch(shape, codes, words)
        assert batch.places == tuple(range(total))
        assert list(batch.indices) == sorted(batch.indices, key=lambda row, banks=banks: (row % banks, row))
        assert [Counter(batch.indices)[row] for row in range(rows)] == codes
        assert batch.priorities == tuple(codes[row] for row in batch.indices)


def test_the_words_and_the_total_are_those_of_the_other_organisation():
    chance = random.Random(3)
    models = [
        GoldenModel(AmperConfig(rows=50, organisation=name, draws="stratified", seed=7))
        for name in ("tree", "parallel")
    ]
    for row in range(50):
        code = chance.randrange(1 << 16)
        for model in models:
            model.write(row, code)
    drawn = [model.sample().tolist() for model in models]
    assert drawn[0] != drawn[1]
    in_order, by_planes = (model.last_batch for model in models)
    assert (in_order.total, in_order.places, in_order.draw_words) == (
        by_planes.total,
        by_planes.places,
        by_planes.draw_words,
    )


def test_code_0_is_an_invalid_row():
    model = GoldenModel(config(3))
    model.write(1, 0)
    with pytest.raises(NoValidRowError):
        model.sample()
    model.write(2, 7)
    assert set(model.sample(8).tolist()) == {2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 1}, "rows must be at least 2 with organisation tree, not 1"),
        ({"variant": "fr"}, "variants must be exact alone with organisation tree, not fr"),
        ({"variants": ("exact", "k")}, "variants must be exact alone with organisation tree, not k, exact"),
        ({"draw_ports": 2}, "draw_ports must be at most banks, 1, with organisation tree, not 2"),
        ({"write_ports": 4, "banks": 2}, "write_ports must be at most banks, 2, with organisation tree, not 4"),
        ({"banks": 4, "rows": 7}, "rows must be at least 8 with organisation tree in 4 banks, not 7"),
        ({"banks": 2, "organisation": "parallel"}, "banks must be 1 unless organisation is tree, not 2"),
        ({"pipeline": "shallow"}, "pipeline must be deep with organisation tree, not shallow"),
        ({"storage": "latches"}, "storage must be flip-flops with organisation tree, not latches"),
        ({"organisation": "heap"}, "organisation must be one of parallel, tree, auto, not 'heap'"),
    ],
)
def test_what_it_does_not_go_with(options, message):
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        AmperConfig(**({"rows": 20, "organisation": "tree"} | options))


@pytest.mark.parametrize(
    ("options", "organisation"),
    [
        ({"rows": 2047}, "parallel"),
        ({"rows": 2048}, "tree"),
        ({"rows": 1 << 20}, "tree"),
        ({"rows": 1 << 20, "variant": "fr"}, "parallel"),
    ],
)
def test_auto(options, organisation):
    assert AmperConfig(organisation="auto", **options).organisation == organisation
