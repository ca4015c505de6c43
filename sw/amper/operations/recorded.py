"""A recorded trace as operations of the sampler, its priorities as codes."""

from __future__ import annotations

import itertools

from amper import AmperConfig, quantise
from amper.operations.trace import Draw, Trace
from amper.operations.vocabulary import Operation, Sample, Write, beats


def check_trace_fits(config: AmperConfig, trace: Trace) -> None:
    """ValueError unless the configuration has the rows and the batch size of the trace."""
    if trace.rows > config.rows:
        raise ValueError(f"rows must be at least the trace's {trace.rows}, not {config.rows}")
    if trace.batch > config.batch:
        raise ValueError(f"batch must be at least the trace's {trace.batch}, not {config.batch}")


def trace_steps(
    config: AmperConfig, trace: Trace, limit: int | None = None, *, stretch: bool = False
) -> list[Write | Sample]:
    """The trace's writes and updates as priority codes, its draws as requests of the same size; the first ``limit``.

    ``stretch`` : over all rows, so that a recorded row stands for some that lie side by side, written in turn.
    """
    check_trace_fits(config, trace)
    steps: list[Write | Sample] = []
    for operation in itertools.islice(trace.operations(), limit):
        if isinstance(operation, Draw):
            steps.append(Sample(len(operation.rows)))
            continue
        row = operation.row
        if stretch:
            begin, end = (place * config.rows // trace.rows for place in (row, row + 1))
            row = begin + len(steps) % (end - begin)
        steps.append(Write(row, int(quantise(operation.priority, config))))
    return steps


def trace_operations(
    config: AmperConfig, trace: Trace, limit: int | None = None, *, stretch: bool = False
) -> list[Operation]:
    """``trace_steps`` with the writes between two draws in transfers of up to W."""
    operations: list[Operation] = []
    writes: list[Write] = []
    for step in trace_steps(config, trace, limit, stretch=stretch):
        if isinstance(step, Write):
            writes.append(step)
            continue
        operations += [*beats(config, writes), step]
        writes.clear()
    return [*operations, *beats(config, writes)]
