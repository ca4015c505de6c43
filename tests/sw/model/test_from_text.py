"""The golden model against the second one, which was written from the algorithm's page alone (issue 17, fault 4)."""

import random
from collections import Counter

import pytest
from oracles import from_text as text

from amper import AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter, quantise

NAMES = ("fr-dithered", "fr-prefix", "fr", "k", "exact")
STATE = Parameter.QUERY_STATE_0
SEEDS = 2**64
MOST = 2**32 - 1


def both(built: text.Built) -> tuple[GoldenModel, text.SecondModel]:
    config = AmperConfig(
        rows=built.rows,
        priority_width=built.priority_width,
        groups=built.groups,
        batch=built.batch,
        variant=NAMES[built.variant],
        variants=tuple(NAMES[number] for number in built.variants),
        radius_scale=built.radius_scale,
        neighbour_scale=built.neighbour_scale,
        draws="stratified" if built.stratified else "independent",
        seed=built.seed,
    )
    return GoldenModel(config), text.SecondModel(built)


def accepted(call, *arguments) -> bool:
    try:
        call(*arguments)
    except ValueError:
        return False
    return True


def golden_answer(model: GoldenModel, count: int | None):
    """Status, rows, codes and the numbers on the way of a request to the golden model, as the second model has them."""
    try:
        rows = [int(row) for row in model.sample(count)]
    except DisabledError:
        return text.Answer(text.DISABLED)
    except NoValidRowError:
        return text.Answer(text.NO_VALID_ROW)
    except ValueError:
        return text.Answer(text.BAD_BATCH)
    batch = model.last_batch
    answer = text.Answer(int(batch.status), rows, list(batch.priorities))
    variant = model.get_parameter(Parameter.VARIANT)
    if variant != text.EXACT:
        answer.representatives, answer.radii = list(batch.representatives), list(batch.radii)
        answer.match_sets = [set(rows) for rows in batch.match_sets]
    if variant in (text.FR_DITHERED, text.FR_PREFIX):
        answer.masks = list(batch.masks)
    if variant == text.K:
        answer.neighbours = list(batch.neighbours)
    return answer


def words(stream: text.Stream) -> list[int]:
    return [half >> shift & MOST for half in (stream.s0, stream.s1) for shift in (0, 32)]


def assert_same_state(golden: GoldenModel, second: text.SecondModel) -> None:
    values = [second.m, second.radius_fixed, second.neighbour_coefficient, second.variant, second.b, second.in_use]
    values += [second.enabled, 0, *words(second.query), *words(second.draw)]
    assert [golden.get_parameter(number) for number in range(16)] == values
    assert {row: code for row, code in enumerate(golden.priorities) if code is not None} == second.rows


class Scenario:
    """Random operations on a random configuration, the same for both models; ``seen`` counts what came."""

    def __init__(self, seed: int, seen: Counter) -> None:
        self.rng = rng = random.Random(seed)
        self.seen = seen
        groups = rng.choice([1, 2, 3, rng.randint(1, 32), rng.randint(1, 256), 256])
        variants = sorted(rng.sample(text.VARIANTS, rng.randint(1, 5)))
        rows = rng.choice([1, 2, 3, rng.randint(1, 40), rng.randint(1, 300)])
        self.built = text.Built(
            rows=rows,
            priority_width=rng.choice([4, 24, 25, 32, rng.randint(4, 32)]),
            groups=groups,
            batch=rng.choice([1, 2, rng.randint(1, 100)]),
            variants=tuple(variants),
            variant=rng.choice(variants),
            radius_scale=rng.choice([0, 0.02, 1, groups * rng.uniform(0, 1.2), 16 * groups - 2**-20]),
            neighbour_scale=rng.choice([0, 0.3, rng.uniform(0, 4), 16 - 2**-20]),
            stratified=text.EXACT in variants and rng.random() < 0.5,
            seed=rng.choice([0, SEEDS - 1, rng.randrange(SEEDS)]),
        )
        self.golden, self.second = both(self.built)
        self.few = [self.code() for _ in range(3)]  # codes that come often, so that rows tie

    def code(self) -> int:
        """Of any size, both ends often."""
        width, rng = self.built.priority_width, self.rng
        return rng.choice([0, 1, 2**width - 1, rng.getrandbits(width), rng.getrandbits(width) >> rng.randrange(width)])

    def write(self) -> None:
        code = self.rng.choice([self.code(), *self.few])
        self.store(2**self.built.priority_width if self.rng.random() < 0.03 else code)

    def store(self, code: int) -> None:
        row = self.rng.randrange(self.second.in_use + (self.rng.random() < 0.1))
        done = self.second.write(row, code)
        assert accepted(self.golden.write, row, code) == done
        self.seen["write", done] += 1

    def fill(self) -> None:
        for _ in range(self.rng.randint(1, 1 + self.second.in_use)):
            self.write()

    def zeros(self) -> None:
        """Vmax = 0, or no valid row where variant exact is built in."""
        self.change(text.CLEAR, 1)
        for _ in range(3):
            self.store(0)

    def invalidate(self) -> None:
        row = self.rng.randint(0, self.second.in_use)
        done = self.second.invalidate(row)
        assert accepted(self.golden.invalidate, row) == done
        self.seen["invalidate", done] += 1

    def change(self, number: int, value: int) -> None:
        done = self.second.change(number, value)
        assert accepted(self.golden.set_parameter, number, value) == done, (number, value)
        self.seen[min(number, 16), done] += 1

    def parameter(self) -> None:
        rng, built = self.rng, self.built
        number = rng.randint(text.GROUPS, text.ROWS)
        top = [built.groups, 16 * text.ONE * self.second.m, 16 * text.ONE, 5, built.batch, built.rows][number]
        if number == text.ROWS and rng.random() < 0.7:
            self.change(text.CLEAR, 1)
        group = 16 * text.ONE  # a radius of 16 for each group is just too large
        near = {text.RADIUS: top - group, text.GROUPS: self.second.radius_fixed // group}.get(number, 1)
        self.change(number, rng.choice([0, near, top - 1, top, top + 1, rng.randint(0, top), rng.randint(0, top)]))

    def switch(self) -> None:
        """Rarely off for long: nothing else is seen meanwhile."""
        for value in self.rng.choice([(0, 1), (2, 1), (0, 0)]):
            self.change(text.ENABLE, value)
            self.request()

    def clear(self) -> None:
        self.change(text.CLEAR, self.rng.choice([0, 1, 2]))

    def state(self) -> None:
        """Words of a state, at times all zeros, of which the last is refused; and a number that no parameter has."""
        numbers = self.rng.choice([range(8, 12), range(12, 16), range(16, 17)])
        zeros = self.rng.random() < 0.5
        for number in self.rng.sample(numbers, len(numbers)):
            self.change(number, 0 if zeros else self.rng.randint(0, MOST + (self.rng.random() < 0.1)))

    def reset(self) -> None:
        self.golden.reset()
        self.second = text.SecondModel(self.built)

    def request(self) -> None:
        count = self.rng.choice([None, None, self.rng.randint(1, self.built.batch), 0, self.built.batch + 1])
        answer = self.second.request(count)
        assert golden_answer(self.golden, count) == answer
        self.seen[NAMES[self.second.variant], answer.status] += 1

    def run(self, steps: int) -> None:
        work = [self.fill, self.write, self.zeros, self.invalidate, self.parameter]
        work += [self.switch, self.clear, self.state, self.reset]
        likely = [5, 6, 1, 3, 8, 1, 1, 2, 1]
        for _ in range(steps):
            self.rng.choices(work, likely)[0]()
            assert_same_state(self.golden, self.second)
            self.request()
            assert_same_state(self.golden, self.second)


@pytest.mark.parametrize("part", range(2))
def test_random_operations_mean_the_same_in_both_models(part):
    seen = Counter()
    for seed in range(80):
        Scenario(1000 * part + seed, seen).run(steps=24)
    expected = {(name, status) for name in NAMES for status in range(5)}
    expected -= {("k", text.FALLBACK), ("exact", text.FALLBACK)}
    expected |= {(what, done) for what in ("write", "invalidate", *range(16)) for done in (True, False)} | {(16, False)}
    assert set(seen) == expected


def test_the_reciprocal_is_that_of_the_groups_in_force():
    """With the shift of the 27 groups built in, V_4 would be one more, and row 0 never drawn."""
    built = text.Built(2, 32, 27, 4, (text.FR,), text.FR, 0.0, 0.0, stratified=False, seed=5)
    golden, second = both(built)
    for row, code in enumerate([2485736540, 3853682659]):
        golden.write(row, code)
        second.write(row, code)
    golden.set_parameter(Parameter.GROUPS, 7)
    assert second.change(text.GROUPS, 7)
    answer = second.request()
    assert answer == golden_answer(golden, None)
    assert answer.representatives[4] == 2485736540
    assert (answer.status, answer.rows) == (text.OK, [0, 0, 0, 0])


@pytest.mark.parametrize("row", [0, 1])
def test_how_many_bits_of_a_draw_word_count_follows_from_the_rows_built(row):
    """20 for 4 rows of 4 bits; row 0 would be row 1 with 21, and row 1 would be row 0 with the 19 of 2 rows in use."""
    built = text.Built(4, 4, 1, 1, (text.EXACT,), text.EXACT, 0.0, 0.0, stratified=False, seed=0)
    golden, second = both(built)
    word = (58254 + row) << 44 | (2**44 - 1)  # 58254 * T = 2^20 - 4, with T = 18
    state = text.Stream(0, text.Stream.rotl(word, 64 - 17))  # that word is its first
    changes = [(text.ROWS, 2), *enumerate(words(state), text.DRAW_STATE)]
    for number, value in changes:
        golden.set_parameter(number, value)
        assert second.change(number, value)
    for written in range(2):
        golden.write(written, 9)
        second.write(written, 9)
    answer = second.request()
    assert answer == golden_answer(golden, None)
    assert answer.rows == [row]


def test_codes_of_float_priorities():
    rng = random.Random(3)
    for _ in range(2000):
        width, scale = rng.randint(4, 32), rng.choice([None, rng.uniform(1e-3, 1e6)])
        priority = rng.choice(
            [rng.randint(0, 64) / 32, 10 ** rng.uniform(-9, 9), 1e308, float("inf"), float("nan"), -1.0]
        )
        config = AmperConfig(rows=1, priority_width=width, priority_scale=scale)
        code = text.code_of(priority, width, scale)
        if code is None:
            with pytest.raises(ValueError, match="finite and at least 0"):
                quantise(priority, config)
        else:
            assert quantise(priority, config) == code
