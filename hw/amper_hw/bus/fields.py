"""What a register is. Page: docs/hardware/registers.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from amper_spec.parameters import Parameter

Access = Literal["ro", "rw", "wo", "w1c"]
PARAMETERS_OFFSET = 0x040  # of parameter 0
_COMMANDS = ("WRITE_PRIORITY", "INVALIDATE", "REQUEST", "UPDATE")  # beside the parameters


@dataclass(frozen=True)
class Field:
    """Bits of a register.

    Parameters
    ----------
    name : in capitals. low : its lowest bit. width : bits. description : one line. reset : value after reset.
    source : what of the configuration the width and the reset value follow from; "" if nothing.
    """

    name: str
    low: int
    width: int
    description: str
    reset: int = 0
    source: str = ""

    @property
    def mask(self) -> int:
        """Its bits within the register."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True)
class Register:
    """A register of 32 bits.

    Parameters
    ----------
    name : in capitals. offset : byte address, a multiple of 4. access : "ro" read only, "rw", "wo" write only, "w1c"
    (writing 1 clears). description : one line. fields : the others of its bits are reserved. takes : a read takes what
    it shows away.
    """

    name: str
    offset: int
    access: Access
    description: str
    fields: tuple[Field, ...]
    takes: bool = False

    @property
    def mask(self) -> int:
        """The bits that are not reserved."""
        return sum(field.mask for field in self.fields)

    @property
    def reset(self) -> int:
        """Value after reset."""
        return sum(field.reset << field.low for field in self.fields)

    @property
    def readable(self) -> bool:
        """Whether it can be read."""
        return self.access != "wo"

    @property
    def writable(self) -> bool:
        """Whether it can be written."""
        return self.access != "ro"

    @property
    def constant(self) -> bool:
        """Whether its value says what was built, and never changes."""
        return self.offset < PARAMETERS_OFFSET

    @property
    def command(self) -> bool:
        """Whether a write to it is a command, which goes into the command queue."""
        return self.name in Parameter.__members__ or self.name in _COMMANDS
