"""Operations as they are written down one after the other, with a golden model that does them, too."""

from __future__ import annotations

import random
from collections.abc import Iterable

from amper import AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Sample, Write, beats


class Follower:
    """Members: ``config``; ``chance``, what is random; ``model``, after ``operations``, all that were written down."""

    def __init__(self, config: AmperConfig, chance: random.Random) -> None:
        self.config = config
        self.chance = chance
        self.model = GoldenModel(config)
        self.operations: list[Operation] = []

    def do(self, *operations: Operation) -> None:
        """Write down, and have the model follow; what it refuses changes nothing."""
        for operation in operations:
            self.operations.append(operation)
            try:
                if isinstance(operation, Control):
                    self.model.set_parameter(*operation)
                elif isinstance(operation, Sample):
                    self.model.draw(operation.batch)
                elif isinstance(operation, Beat):
                    self._write(operation)
            except (ValueError, DisabledError, NoValidRowError):
                pass  # refused

    def _write(self, beat: Beat) -> None:
        for write in beat.writes:
            if write is None or write.row >= self.model.settings.rows:
                continue
            if write.invalidate:
                self.model.invalidate(write.row)
            else:
                self.model.write(write.row, write.priority)

    def change(self, parameter: Parameter, value: int) -> None:
        """A change of a parameter."""
        self.do(Control(parameter, value))

    def fill(self, codes: Iterable[int]) -> None:
        """Codes from row 0 on; no other row is valid."""
        self.change(Parameter.CLEAR, 1)
        self.do(*beats(self.config, [Write(row, code) for row, code in enumerate(codes)]))
