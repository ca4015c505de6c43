"""The one definition of the register map; the decoder, the C header, the SystemRDL file and the page are made from it.

How the registers are used: docs/hardware/programmers-guide.md.
"""

from __future__ import annotations

from amper_hw.base.payload import FAULT_COUNTER_WIDTH
from amper_hw.base.variants import has_exact
from amper_hw.bus.fields import PARAMETERS_OFFSET, Field, Register
from amper_spec.build import PROTECTIONS
from amper_spec.config import AMPER_VARIANTS, BUSES, VARIANTS, AmperConfig
from amper_spec.parameters import VALUE_WIDTH, Parameter
from amper_spec.status import STATUS_WIDTH, Status

DATA_WIDTH = 32
ADDRESS_WIDTH = 12  # bits of a byte address
COMMAND_DEPTH = 16  # places of the command queue
ID = int.from_bytes(b"AMPR", "big")
UPDATE_SECOND = 16  # lowest bit of the second priority in UPDATE
WINDOW = 0x400  # of AXI4: every address of it is RESULT_PACKED to a read, UPDATE to a write, and waits its turn
WINDOW_BYTES = 0x400  # a power of two
VERSION = (1, 4)  # an address or a field never changes its meaning within a major version


#: What is answered with an error, and sets the bit of this place in BUS_ERRORS; of several, only the first.
ACCESS_ERRORS = {
    "UNALIGNED": "an address that is no multiple of 4",
    "UNMAPPED": "an address without a register",
    "STROBE": "an access to some bytes of a register",
    "READ_ONLY": "a write to a register that can only be read",
    "WRITE_ONLY": "a read of a register that can only be written",
    "RESERVED": "a 1 written to a reserved bit, so also a row or priority with too many bits",
    "QUEUE_FULL": "a command while the command queue was full",
    "RESULT_EMPTY": "a read of RESULT_ROW while there was no result, or an UPDATE while no drawn row was left",
}

#: All bits of BUS_ERRORS, from bit 0.
BUS_ERRORS = ACCESS_ERRORS | {
    "PARAMETER_REFUSED": "the sampler refused the value of a parameter",
    "WRITE_REFUSED": "the sampler refused a write: no such row, or it is not in use",
    "STREAM_MALFORMED": "a beat of the write stream was malformed and dropped (AXI only)",
    "ROW_FAULT": "a row's bit has flipped (protection only); comes again until rows are repaired or written anew",
}

#: Bits of IRQ_STATUS and IRQ_ENABLE, from bit 0.
INTERRUPTS = {
    "RESULT": "RESULT_ROW has a result",
    "ERROR": "a bit of BUS_ERRORS is 1",
    "IDLE": "the command queue is empty and no batch is under way",
}


def register_map(config: AmperConfig) -> tuple[Register, ...]:
    """The registers of a configuration, by ascending offset."""
    return (
        *_identity(config),
        *_capabilities(config),
        *_parameters(config),
        *_state(config),
        *_errors(),
        *_total(config),
        *_faults(config),
        *_commands(config),
    )


def register_named(config: AmperConfig, name: str) -> Register:
    """The register ``name``; KeyError if there is none."""
    return {register.name: register for register in register_map(config)}[name]


def _whole(description: str, reset: int = 0, source: str = "", width: int = DATA_WIDTH) -> tuple[Field, ...]:
    """One field, from bit 0."""
    return (Field("VALUE", 0, width, description, reset, source),)


def _identity(config: AmperConfig) -> tuple[Register, ...]:
    major, minor = VERSION
    return (
        Register("ID", 0x000, "ro", "Tells that this is AMPER", _whole("the letters AMPR", ID)),
        Register(
            "VERSION",
            0x004,
            "ro",
            "Version of this register map",
            (
                Field("MINOR", 0, 16, "grows when a register or field is added", minor),
                Field("MAJOR", 16, 16, "grows when one changes its meaning", major),
            ),
        ),
        Register("ROWS_MAX", 0x008, "ro", "Rows", _whole("n", config.rows, "rows")),
        Register(
            "PRIORITY_WIDTH",
            0x00C,
            "ro",
            "Bits of a priority code",
            _whole("Q", config.priority_width, "priority_width"),
        ),
        Register("GROUPS_MAX", 0x010, "ro", "The most groups", _whole("m", config.groups, "groups")),
        Register("BATCH_MAX", 0x014, "ro", "The most draws of a request", _whole("b", config.batch, "batch")),
    )


def _numbered(config: AmperConfig) -> tuple[str, ...]:
    """The variants that have a number here; exact's is the last."""
    return VARIANTS if has_exact(config) else AMPER_VARIANTS


def _capabilities(config: AmperConfig) -> tuple[Register, ...]:
    variants = sum(1 << VARIANTS.index(name) for name in config.variants)
    variants_width = len(_numbered(config))
    return (
        Register(
            "FEATURES",
            0x018,
            "ro",
            "What is built in",
            (
                Field("VARIANTS", 0, variants_width, "bit v: the variant with number v", variants, "variants"),
                Field("SHALLOW", 8, 1, "1: the shallow pipeline", int(config.pipeline == "shallow"), "pipeline"),
                Field(
                    "RESULT_PRIORITY",
                    9,
                    1,
                    "1: results have priorities",
                    int(config.result_priority),
                    "result_priority",
                ),
                Field("PACKED", 10, 1, "1: RESULT_PACKED and UPDATE", int(config.packed_registers), "packed_registers"),
                Field("BUS", 12, 2, "1 AXI4-Lite, 2 Wishbone, 3 AXI4", BUSES.index(config.bus), "bus"),
                Field(
                    "PROTECTION",
                    14,
                    2,
                    "of rows: 0 none, 1 parity, 2 SECDED",
                    PROTECTIONS.index(config.protection),
                    "protection",
                ),
            ),
        ),
        Register(
            "PORTS",
            0x01C,
            "ro",
            "What happens in a cycle",
            (
                Field("SEARCHES", 0, 5, "P, searches a cycle", config.search_ports, "search_ports"),
                Field("DRAWS", 8, 5, "D, draws a cycle", config.draw_ports, "draw_ports"),
                Field("WRITES", 16, 5, "W, writes a cycle", config.write_ports, "write_ports"),
            ),
        ),
        Register("COMMAND_DEPTH", 0x020, "ro", "Places of the command queue", _whole("16", COMMAND_DEPTH)),
    )


def _parameters(config: AmperConfig) -> tuple[Register, ...]:
    """One register a parameter, at 0x040 + 4 times its number (docs/hardware/parameters.md)."""
    readable = {
        Parameter.GROUPS: ("Groups, m", config.groups, "groups"),
        Parameter.RADIUS: ("Radius scale, lambda', 20 fraction bits", config.radius_fixed, "radius_scale"),
        Parameter.NEIGHBOURS: (
            "Neighbour scale, lambda, 20 fraction bits",
            config.neighbour_coefficient,
            "neighbour_scale",
        ),
        Parameter.VARIANT: (
            f"Variant: {', '.join(f'{number} {name}' for number, name in enumerate(_numbered(config)))}",
            VARIANTS.index(config.variant),
            "variant",
        ),
        Parameter.BATCH: ("Draws of a request of 0 draws", config.batch, "batch"),
        Parameter.ROWS: ("Rows in use", config.rows, "rows"),
        Parameter.ENABLE: ("0: requests are answered with the status DISABLED", 1, ""),
    }
    registers = []
    for parameter in Parameter:
        offset = PARAMETERS_OFFSET + 4 * parameter
        if parameter in readable:
            description, reset, source = readable[parameter]
            fields = _whole("the value in force; a write is a command", reset, source, VALUE_WIDTH)
            registers.append(Register(parameter.name, offset, "rw", description, fields))
        else:
            description = "Every row becomes invalid" if parameter is Parameter.CLEAR else _state_word(parameter)
            value = "1; a write is a command" if parameter is Parameter.CLEAR else "32 bits; a write is a command"
            registers.append(Register(parameter.name, offset, "wo", description, _whole(value, width=VALUE_WIDTH)))
    return tuple(registers)


def _state_word(parameter: Parameter) -> str:
    stream, _, word = parameter.name.partition("_STATE_")
    half = ("low", "high")[int(word) % 2]
    return f"State of the {stream.lower()} stream: the {half} half of s{int(word) // 2}"


def _bits(names: dict[str, str], *, high: tuple[str, ...] = ()) -> tuple[Field, ...]:
    """A bit a name, those in ``high`` 1 after reset."""
    return tuple(
        Field(name, bit, 1, description, int(name in high)) for bit, (name, description) in enumerate(names.items())
    )


def _state(config: AmperConfig) -> tuple[Register, ...]:
    count, width = config.count_width, config.priority_width
    return (
        Register(
            "STATUS",
            0x080,
            "ro",
            "State of the sampler now",
            (
                Field("BUSY", 0, 1, "a batch is under way"),
                Field("VMAX_EXACT", 1, 1, "VMAX is exact, not only an upper bound", 1),
                Field("RESULT_AVAILABLE", 2, 1, "RESULT_ROW has a result"),
                Field("QUEUE_EMPTY", 3, 1, "every command was taken, and what became of it is known", 1),
                Field("QUEUE_FULL", 4, 1, "the next command would be refused"),
                Field("PARAMETER_REFUSED", 5, 1, "the latest parameter that was taken was refused"),
                Field("WRITE_REFUSED", 6, 1, "the latest write command that was taken was refused"),
            ),
        ),
        Register("LEVEL", 0x084, "ro", "Free places of the command queue", _whole("0 to 16", COMMAND_DEPTH, width=5)),
        Register("VMAX", 0x088, "ro", "The largest valid priority", _whole("code", 0, "priority_width", width)),
        Register(
            "CSP_SIZE", 0x08C, "ro", "|CSP| of the latest batch, 0 if it fell back", _whole("rows", 0, "rows", count)
        ),
        Register("VALID_ROWS", 0x090, "ro", "Valid rows", _whole("rows", 0, "rows", count)),
        Register("SEARCHES", 0x094, "ro", "Searches since reset", _whole("count, wraps around")),
        Register(
            "CYCLES", 0x098, "ro", "Cycles since reset in which a batch was under way", _whole("count, wraps around")
        ),
        Register("ERRORS", 0x09C, "ro", "What the sampler refused since reset", _whole("count, wraps around")),
    )


def _total(config: AmperConfig) -> tuple[Register, ...]:
    """T, where variant exact is built in."""
    if not has_exact(config):
        return ()
    low, high = min(DATA_WIDTH, config.total_width), max(1, config.total_width - DATA_WIDTH)
    return (
        Register("TOTAL_LOW", 0x0B0, "ro", "T of the latest batch of exact", _whole("bits 31:0", 0, "rows", low)),
        Register("TOTAL_HIGH", 0x0B4, "ro", "T of the latest batch of exact", _whole("bits 63:32", 0, "rows", high)),
    )


def _faults(config: AmperConfig) -> tuple[Register, ...]:
    """What became of flipped bits, where variant exact is built in; 0 but of organisation tree with protection."""
    if not has_exact(config):
        return ()
    counts = (
        Field("REPAIRED", 0, FAULT_COUNTER_WIDTH, "what had flipped was made anew: count, wraps around"),
        Field("LOST", FAULT_COUNTER_WIDTH, FAULT_COUNTER_WIDTH, "a row's code could not be: count, wraps around"),
    )
    row = _whole("row, while every batch is refused with ROW_FAULT", 0, "rows", config.row_width)
    return (
        Register("FAULTS", 0x0B8, "ro", "Repairs since reset (organisation tree with protection)", counts),
        Register("LOST_ROW", 0x0BC, "ro", "Row that has to be written anew", row),
    )


def _errors() -> tuple[Register, ...]:
    return (
        Register("BUS_ERRORS", 0x0A0, "w1c", "What was refused since the bits were cleared", _bits(BUS_ERRORS)),
        Register(
            "BUS_ERROR_COUNT",
            0x0A4,
            "ro",
            "Accesses answered with an error and malformed beats since reset",
            _whole("count, wraps around"),
        ),
        Register("IRQ_ENABLE", 0x0A8, "rw", "irq is 1 while one of these is 1 in IRQ_STATUS", _bits(INTERRUPTS)),
        Register("IRQ_STATUS", 0x0AC, "ro", "What there is to interrupt for, now", _bits(INTERRUPTS, high=("IDLE",))),
    )


def _commands(config: AmperConfig) -> tuple[Register, ...]:
    row = Field("ROW", 0, config.row_width, "row", 0, "rows")
    priority = Field("PRIORITY", 0, config.priority_width, "priority code", 0, "priority_width")
    control = Register(
        "CONTROL",
        0x0D0,
        "rw",
        "Where results go (AXI only)",
        (Field("RESULTS", 0, 1, "1: to the result stream; 0: to the result registers", 1),),
    )
    return (
        Register("WRITE_ROW", 0x0C0, "rw", "Row of the next WRITE_PRIORITY", (row,)),
        Register("WRITE_PRIORITY", 0x0C4, "wo", "Command: this priority into row WRITE_ROW", (priority,)),
        Register("INVALIDATE", 0x0C8, "wo", "Command: make this row invalid", (row,)),
        Register("REQUEST", 0x0CC, "wo", "Command: draw a batch", _whole("draws; 0 for as many as BATCH says")),
        *((control,) if config.streams else ()),
        *_packed_update(config),
        Register("RESULT_ROW", 0x0E0, "ro", "Oldest draw: a read takes it and sets the next two", (row,), takes=True),
        Register("RESULT_PRIORITY", 0x0E4, "ro", "Priority of the draw that was taken last", (priority,)),
        Register(
            "RESULT_STATUS",
            0x0E8,
            "ro",
            "Status of the draw that was taken last",
            (
                Field("STATUS", 0, STATUS_WIDTH, ", ".join(f"{each.value} {each.name}" for each in Status)),
                Field("LAST", 8, 1, "it was the last one of its batch"),
            ),
        ),
        *_packed_result(config),
    )


def _packed_update(config: AmperConfig) -> tuple[Register, ...]:
    if not config.packed_registers:
        return ()
    width = config.priority_width
    fields = (
        Field("FIRST", 0, width, "priority code of the oldest of them", 0, "priority_width"),
        Field("SECOND", UPDATE_SECOND, width, "of the next one, if there is one", 0, "priority_width"),
    )
    description = "Command: priorities for the next two rows of the batch that was taken last, in their order"
    return (Register("UPDATE", 0x0D4, "wo", description, fields),)


def _packed_result(config: AmperConfig) -> tuple[Register, ...]:
    if not config.packed_registers:
        return ()
    fields = (
        Field("ROW", 0, config.row_width, "row", 0, "rows"),
        Field("LAST", 14, 1, "it is the last one of its batch"),
        Field("VALID", 15, 1, "there was a draw; else everything is 0"),
        Field("PRIORITY", 16, config.priority_width, "priority code", 0, "priority_width"),
    )
    return (Register("RESULT_PACKED", 0x0EC, "ro", "Oldest draw, as RESULT_ROW, if there is one", fields, takes=True),)
