"""Operations that are the hardest for rows in RAM under a tree of sums: priorities at their ends, and writes and draws
of the same row in every distance. docs/reference/verification.md says what each part is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from amper import AmperConfig, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Sample, Settle, Write, beats

_CLEAR = Control(Parameter.CLEAR, 1)
_FILLED_TWICE = 4096  # rows, at most, of a memory that is filled again after a clear: a write takes a cycle
_DISTANCES = 12  # writes between two batches, at most: more than a level takes cycles


def adversarial_operations(config: AmperConfig) -> list[Operation]:
    """All of them, one behind the other, from an empty memory on."""
    return [_CLEAR, *extremes(config), _CLEAR, *one_row(config), *drawn_rows(config), Settle()]


def extreme_memories(rows: int, top: int) -> list[list[int]]:
    """Codes of all rows: all equal, one outlier, one row alone, all zero, sums at their largest."""
    alone = [0] * rows
    alone[rows // 2] = 9
    return [[7] * rows, [1] * (rows - 1) + [top], alone, [0] * rows, [top] * rows]


def extremes(config: AmperConfig) -> list[Operation]:
    """Each of ``extreme_memories``, written over what was there before, and again after a clear: two batches each."""
    sample = Sample(config.batch)
    starts: list[list[Operation]] = [[], [_CLEAR]] if config.rows <= _FILLED_TWICE else [[]]
    operations: list[Operation] = []
    for codes in extreme_memories(config.rows, config.priority_max):
        for before in starts:
            writes = beats(config, (Write(row, code) for row, code in enumerate(codes)))
            operations += [*before, *writes, sample, Settle(), sample]
    return operations


def one_row(config: AmperConfig) -> list[Operation]:
    """Updates of one row in every cycle, and draws right behind: the latest write decides whether T is 0."""
    last, top = config.rows - 1, config.priority_max
    sample = Sample(min(2, config.batch))
    operations = [_one(last, 1)]
    for count in range(1, _DISTANCES + 1):
        operations += [_one(last, 1 + (17 * place + count) % top) for place in range(count)]
        operations += [sample, _one(last, 0), sample, _one(0, top), _one(last, 1 + count % top), sample]
        operations += [_one(0, 0), sample]
    return operations


def drawn_rows(config: AmperConfig) -> list[Operation]:
    """Of few rows, so that draws meet the rows that are being written, as many writes between batches as put the two
    in every distance in the tree."""
    return [*_few_rows(config), Settle()]


def _few_rows(config: AmperConfig) -> Iterator[Operation]:
    rows = list(range(min(config.rows, 17)))
    yield from beats(config, (Write(row, config.priority_max // (row + 1)) for row in rows))
    for step in range(5 * _DISTANCES):
        yield Sample(min(8, config.batch))
        for place in range(step % _DISTANCES):
            yield _one((3 * place + step) % len(rows), config.priority_max * ((place + step) % 5) // 5)
    yield Sample(config.batch)


def _one(row: int, code: int) -> Operation:
    """A transfer of one write."""
    return Beat((Write(row, code),))
