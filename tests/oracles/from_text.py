"""A second golden model, written from docs/reference/algorithm.md and docs/hardware/parameters.md alone.

Whoever has only the two pages must be able to write the model; this file shows that it can be done, and a fault of the
text becomes a difference between the two models. So nothing of the project is imported or read for it: what is missing
here is missing in the text, and is mended there first. The sections named are those of algorithm.md.
"""

from dataclasses import dataclass, field

M64 = 2**64 - 1
ONE = 2**20  # 1.0 with 20 fraction bits
JUMP = 0x0992CCAF6A6FCA05_2BD7A6A6E99C2DDC  # section 2
FR_DITHERED, FR_PREFIX, FR, K, EXACT = VARIANTS = range(5)
GROUPS, RADIUS, NEIGHBOURS, VARIANT, BATCH, ROWS, ENABLE, CLEAR = range(8)
QUERY_STATE, DRAW_STATE = 8, 12
OK, FALLBACK, NO_VALID_ROW, BAD_BATCH, DISABLED = range(5)


def bits_above(count: int) -> int:
    """ceil(log2 count)"""
    return (count - 1).bit_length()


def code_of(priority: float, width: int, scale: float | None = None) -> int | None:
    """Section 0; None: refused."""
    if not 0 <= priority < float("inf"):
        return None
    product = priority * (2.0 ** (width // 2) if scale is None else scale)
    return 2**width - 1 if product >= 2**width - 1 else max(1, round(product))


class Stream:
    """Section 2: xoroshiro128++."""

    def __init__(self, s0: int, s1: int) -> None:
        self.s0, self.s1 = s0, s1

    @staticmethod
    def rotl(x: int, k: int) -> int:
        return (x << k | x >> (64 - k)) & M64

    def next(self) -> int:
        word = (self.rotl((self.s0 + self.s1) & M64, 17) + self.s0) & M64
        t = self.s0 ^ self.s1
        self.s0 = (self.rotl(self.s0, 49) ^ t ^ (t << 21)) & M64
        self.s1 = self.rotl(t, 28)
        return word

    def jumped(self) -> "Stream":
        """2^64 steps further on; this one stays where it is."""
        walker, s0, s1 = Stream(self.s0, self.s1), 0, 0
        for k in range(128):
            if JUMP >> k & 1:
                s0, s1 = s0 ^ walker.s0, s1 ^ walker.s1
            walker.next()
        return Stream(s0, s1)


def streams_of(seed: int) -> tuple[Stream, Stream]:
    """Section 2: the query stream and the draw stream at their start."""
    words, z = [], seed
    for _ in range(2):
        z = (z + 0x9E3779B97F4A7C15) & M64
        x = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & M64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & M64
        words.append(x ^ (x >> 31))
    query = Stream(*words)
    return query, query.jumped()


@dataclass
class Answer:
    """What a request gives: the status, (row, code) for each draw, and the numbers on the way."""

    status: int
    rows: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    representatives: list[int] = field(default_factory=list)
    radii: list[int] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    neighbours: list[int] = field(default_factory=list)
    match_sets: list[set[int]] = field(default_factory=list)


@dataclass
class Built:
    """A configuration, under the names of the table "Words"; the variants built in and the active one by number."""

    rows: int
    priority_width: int
    groups: int
    batch: int
    variants: tuple[int, ...]
    variant: int
    radius_scale: float
    neighbour_scale: float
    stratified: bool
    seed: int


class SecondModel:
    """The golden model again."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self.Q, self.n = built.priority_width, built.rows
        self.FW = min(self.Q + 8, 32)
        self.RW = min(64, self.Q + bits_above(self.n) + 14)
        self.top = 2**self.Q - 1
        self.m, self.b, self.variant, self.in_use = built.groups, built.batch, built.variant, built.rows
        self.radius_fixed = round(built.radius_scale * ONE)
        self.neighbour_coefficient = round(built.neighbour_scale * ONE)
        self.enabled = 1
        self.query, self.draw = streams_of(built.seed)
        self.rows: dict[int, int] = {}  # the code of each valid row

    # ---- rows

    def write(self, row: int, code: int) -> bool:
        """False: refused."""
        if not (0 <= row < self.in_use and 0 <= code <= self.top):
            return False
        self.rows[row] = code
        if code == 0 and EXACT in self.built.variants:
            del self.rows[row]
        return True

    def invalidate(self, row: int) -> bool:
        if not 0 <= row < self.in_use:
            return False
        self.rows.pop(row, None)
        return True

    # ---- parameters (parameters.md)

    def change(self, number: int, value: int) -> bool:
        """False: refused, nothing changed."""
        legal = 0 <= value < 2**32 and self.legal(number, value)
        if not legal:
            return False
        if number == GROUPS:
            self.m = value
        elif number == RADIUS:
            self.radius_fixed = value
        elif number == NEIGHBOURS:
            self.neighbour_coefficient = value
        elif number == VARIANT:
            self.variant = value
        elif number == BATCH:
            self.b = value
        elif number == ROWS:
            self.in_use = value
        elif number == ENABLE:
            self.enabled = value
        elif number == CLEAR:
            self.rows.clear()
        else:
            stream, (s0, s1) = self.with_word(number, value)
            stream.s0, stream.s1 = s0, s1
        return True

    def legal(self, number: int, value: int) -> bool:
        built = self.built
        has_groups = set(built.variants) != {EXACT}
        has_radius = bool({FR_DITHERED, FR_PREFIX, FR} & set(built.variants))
        if number == GROUPS:
            return has_groups and 1 <= value <= built.groups and self.radius_fixed < value * 16 * ONE
        if number == RADIUS:
            return has_radius and value < self.m * 16 * ONE
        if number == NEIGHBOURS:
            return K in built.variants and value < 16 * ONE
        if number == VARIANT:
            return value in built.variants
        if number == BATCH:
            return 1 <= value <= built.batch
        if number == ROWS:
            return 1 <= value <= built.rows and not self.rows
        if number in (ENABLE, CLEAR):
            return value in (0, 1) if number == ENABLE else value == 1
        if QUERY_STATE <= number < DRAW_STATE and not has_groups:
            return False
        return QUERY_STATE <= number < DRAW_STATE + 4 and self.with_word(number, value)[1] != (0, 0)

    def with_word(self, number: int, value: int) -> tuple[Stream, tuple[int, int]]:
        """The stream that a word of a state belongs to, and its state once the word is in."""
        stream = self.query if number < DRAW_STATE else self.draw
        place = 32 * ((number - QUERY_STATE) % 4)
        state = stream.s0 | stream.s1 << 64
        state = state & ~(0xFFFFFFFF << place) | value << place
        return stream, (state & M64, state >> 64)

    # ---- a request

    def request(self, count: int | None = None) -> Answer:
        count = self.b if count is None else count
        if not self.enabled:
            return Answer(DISABLED)
        if not 1 <= count <= self.built.batch:
            return Answer(BAD_BATCH)
        if not any(self.rows.values()) if self.variant == EXACT else not self.rows:
            return Answer(NO_VALID_ROW)
        answer = Answer(OK)
        answer.rows = self.by_planes(count) if self.variant == EXACT else self.by_groups(count, answer)
        answer.codes = [self.rows[row] for row in answer.rows]
        return answer

    def by_groups(self, count: int, answer: Answer) -> list[int]:
        """Sections 3 to 6."""
        vmax = max(self.rows.values())
        for i in range(self.m):
            word = self.query.next()
            v = self.representative(i, word >> (64 - self.FW), vmax)
            answer.representatives.append(v)
            answer.match_sets.append(
                self.nearest(i, v, vmax, answer) if self.variant == K else self.around(v, word, answer)
            )
        csp = sorted(set().union(*answer.match_sets))
        if not csp:
            answer.status, csp = FALLBACK, sorted(self.rows)
        return [csp[(self.draw.next() >> 32) * len(csp) >> 32] for _ in range(count)]

    def representative(self, i: int, u: int, vmax: int) -> int:
        """Section 3."""
        gs = self.FW + bits_above(self.m)
        reciprocal = 2**gs // self.m
        f = (i * 2**self.FW + u) * reciprocal >> gs
        return f * (vmax + 1) >> self.FW

    def within(self, v: int, d: int) -> set[int]:
        return {row for row, code in self.rows.items() if abs(code - v) <= d}

    def around(self, v: int, word: int, answer: Answer) -> set[int]:
        """Section 4."""
        d = min(self.top, v * (self.radius_fixed // self.m) >> 20)
        answer.radii.append(d)
        if self.variant == FR:
            return self.within(v, d)
        s = d.bit_length()
        if self.variant == FR_DITHERED and d > 0:
            r, t = d - 2 ** (s - 1), word % 2 ** (s - 1)
            s = min(self.Q, s + 1 if t < r else s)
        mask = self.top - (2**s - 1)
        answer.masks.append(mask)
        return {row for row, code in self.rows.items() if (code ^ v) & mask == 0}

    def nearest(self, i: int, v: int, vmax: int, answer: Answer) -> set[int]:
        """Section 5, by its definition."""
        first = self.representative(i, 0, vmax)
        end = self.representative(i + 1, 0, vmax) if i + 1 < self.m else vmax + 1
        c = sum(first <= code < end for code in self.rows.values())
        n_i = 0
        if c:
            ceiling = -(-self.neighbour_coefficient * v * c // (ONE * vmax)) if vmax else 1
            n_i = min(len(self.rows), max(1, ceiling))
        d = sorted(abs(code - v) for code in self.rows.values())[n_i - 1] if n_i else 0
        answer.neighbours.append(n_i)
        answer.radii.append(d)
        if c and len(self.rows) <= 32:  # the other form of the section, where it is cheap
            assert self.within(v, self.bisected(v, c, vmax)) == self.within(v, d)
        return self.within(v, d) if n_i else set()

    def bisected(self, v: int, c: int, vmax: int) -> int:
        """Section 5, by bisection."""
        r = 0
        for j in reversed(range(self.Q)):
            count = len(self.within(v, r + 2**j - 1))
            if not (count >= 1 and count * ONE * vmax >= self.neighbour_coefficient * v * c):
                r += 2**j
        return r

    def by_planes(self, count: int) -> list[int]:
        """Section 7."""
        planes = [sorted(row for row, code in self.rows.items() if code >> k & 1) for k in range(self.Q)]
        below = [0]
        for k, plane in enumerate(planes):
            below.append(below[-1] + 2**k * len(plane))
        total = below[self.Q]
        drawn = []
        while count:
            h = count.bit_length() - 1 if self.built.stratified else 0
            for i in range(2**h):
                y = (self.draw.next() >> (64 - self.RW)) * total >> self.RW
                x = i * total + y >> h
                k = max(k for k in range(self.Q) if below[k] <= x)
                drawn.append(planes[k][x - below[k] >> k])
            count -= 2**h
        return drawn
