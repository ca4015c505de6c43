"""The places in the sum of all codes that draw words choose: docs/reference/algorithm.md, section 7."""

from __future__ import annotations

from amper_spec.algorithm import RANDOM_WIDTH, Algorithm


def drawn_places(config: Algorithm, words: list[int], total: int) -> list[int]:
    """x_j, 0 to ``total`` - 1, for each word of the draw stream."""
    high = [word >> (RANDOM_WIDTH - config.place_width) for word in words]
    places = [(value * total) >> config.place_width for value in high]
    return stratified(places, total) if config.draws == "stratified" else places


def stratified(places: list[int], total: int) -> list[int]:
    """Independent places spread out: each power of two of them, the largest first, over as many equal parts of T."""
    spread: list[int] = []
    for bit in range(len(places).bit_length() - 1, -1, -1):
        if len(places) >> bit & 1:
            spread += [(part * total + places[len(spread) + part]) >> bit for part in range(1 << bit)]
    return spread
