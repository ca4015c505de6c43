"""Several devices as one: the indices of one device, the chances of each row, states, and what is refused."""

import pickle
from collections import Counter

import numpy as np
import pytest

from amper import AmperConfig, Device, Parameter, ShardedDevice
from amper.backends.shards import shard_rows

CONFIG = AmperConfig(rows=45, priority_width=8, batch=20, organisation="tree", seed=5)


def worked(device, steps=12):
    """Writes, updates, removals, changes and draws; everything that comes back."""
    chance = np.random.default_rng(3)
    device.extend(np.linspace(0.1, 9.0, device.rows))
    history = []
    for step in range(steps):
        drawn, weights = device.sample(1 + step)
        history += [drawn.tolist(), weights.tolist()]
        device.update(drawn, chance.random(drawn.size) * 12)
        device.write(chance.integers(0, device.rows, 9), chance.random(9))
        device.remove(chance.choice(np.flatnonzero(device.priorities()), 2, replace=False))
        if step == 5:
            device.set_parameter(Parameter.CLEAR, 1)
            device.set_parameter(Parameter.ROWS, 30)  # of four shards, the last holds none of them
            device.extend(chance.random(30))
    return history


@pytest.mark.parametrize("rows", [1, 2, 7, 45])
def test_shards_hold_all_rows_once(rows):
    for shards in range(1, rows + 1):
        held = shard_rows(rows, shards)
        assert [row for each in held for row in each] == list(range(rows))
        assert max(map(len, held)) - min(map(len, held)) <= 1
        in_turn = shard_rows(rows, shards, in_turn=True)
        assert sorted(row for each in in_turn for row in each) == list(range(rows))
        assert [row % shards for row in range(rows)] == [
            next(shard for shard, each in enumerate(in_turn) if row in each) for row in range(rows)
        ]


@pytest.mark.parametrize("draws", ["independent", "stratified"])
@pytest.mark.parametrize("backend", ["golden", "exact"])
def test_four_shards_equal_one_device(backend, draws):
    config = CONFIG.changed(draws=draws)
    expected = worked(Device(config, "golden"))
    for shards in (1, 4, 22):
        assert worked(ShardedDevice(config, shards, backend)) == expected


@pytest.mark.parametrize("draws", ["independent", "stratified"])
@pytest.mark.parametrize("backend", ["golden", "exact"])
@pytest.mark.parametrize("banks", [2, 4, 8])
def test_shards_equal_a_device_in_banks(banks, backend, draws):
    """Each shard is a bank: it holds the rows whose number modulo ``banks`` is its own."""
    config = CONFIG.changed(draws=draws, banks=banks, draw_ports=2, write_ports=banks)
    assert worked(ShardedDevice(config, banks, backend)) == worked(Device(config, "golden"))


def test_wide_codes():
    config = CONFIG.changed(priority_width=32, rows=1 << 10)
    assert worked(ShardedDevice(config, 4, "exact"), 4) == worked(Device(config, "exact"), 4)


@pytest.mark.parametrize("organisation", ["tree", "parallel"])
@pytest.mark.parametrize("draws", ["independent", "stratified"])
def test_shares_have_the_chances_of_one_device(draws, organisation):
    """A shard has nearly all of T, another nothing; z of each row's count below 5 at the variance of independence."""
    config = AmperConfig(rows=8, priority_width=8, batch=64, draws=draws, organisation=organisation, seed=2)
    device = ShardedDevice(config, 4, "exact", order="shares")
    codes = np.array([200, 55, 0, 0, 1, 3, 30, 2])
    device.write(np.flatnonzero(codes), codes[codes > 0] / config.priority_scale)
    counts = Counter()
    for _ in range(300):
        counts.update(device.sample(64)[0].tolist())
    chance, draws_made = codes / codes.sum(), 300 * 64
    for row, each in enumerate(chance):
        z = (counts[row] - draws_made * each) / max(1e-9, (draws_made * each * (1 - each)) ** 0.5)
        assert abs(z) < 5 if each else counts[row] == 0


@pytest.mark.parametrize("order", ["rows", "shares"])
def test_a_state_goes_on(order):
    device = ShardedDevice(CONFIG, 4, "exact", order=order)
    worked(device, 3)
    copied, other = pickle.loads(pickle.dumps(device)), ShardedDevice(CONFIG, 4, "golden", order=order)
    other.restore(device.state())
    for _ in range(3):
        wanted = device.sample(20)[0].tolist()
        assert copied.sample(20)[0].tolist() == other.sample(20)[0].tolist() == wanted


def test_a_state_of_shards_goes_on_in_one_device():
    device, one = ShardedDevice(CONFIG, 4, "exact"), Device(CONFIG, "golden")
    worked(device, 3)
    one.restore(device.state())
    assert one.sample(20)[0].tolist() == device.sample(20)[0].tolist()


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        (CONFIG, {"shards": 0}, "shards must be 1 to 1048576, not 0"),
        (CONFIG, {"shards": 23}, "shards must be 1 to 22 of 45 rows, not 23"),
        (CONFIG, {"shards": 2, "order": "x"}, "order must be one of rows, shares, not 'x'"),
        (CONFIG, {"shards": 2, "backend": ["golden"]}, "backend must be one, or one for each of 2 shards, not 1"),
        (CONFIG.changed(banks=2), {"shards": 4}, "banks must be 1 or as many as shards, 4, with order rows, not 2"),
        (AmperConfig(rows=8), {"shards": 2}, "organisation must be tree with order rows, not parallel"),
        (
            AmperConfig(rows=8, variant="k"),
            {"shards": 2, "order": "shares"},
            "variants must be exact alone in shards, not k",
        ),
    ],
)
def test_bad_arguments(config, arguments, message):
    with pytest.raises(ValueError, match=message):
        ShardedDevice(config, **arguments)


def test_the_wrong_kind():
    with pytest.raises(TypeError, match="shards must be an integer, not 'two'"):
        ShardedDevice(CONFIG, "two")
