"""Files for the users of the registers: C header and driver, SystemRDL, a page; all from ``amper_hw.bus.registers``."""

from __future__ import annotations

from importlib.resources import files

from amper_hw.bus.fields import Field, Register
from amper_hw.bus.registers import INTERRUPTS, WINDOW, WINDOW_BYTES, register_map
from amper_spec.config import VARIANTS, AmperConfig
from amper_spec.parameters import Parameter
from amper_spec.status import Status

#: The driver: for its users the first alone, then what is compiled with it.
DRIVER = ("amper.h", "amper_private.h", "amper.c", "amper_queue.c", "amper_batch.c", "amper_seed.c")
DRIVER_SOURCES = tuple(name for name in DRIVER if name.endswith(".c"))


def register_files(config: AmperConfig) -> dict[str, str]:
    """Name and text of the files that go beside the Verilog of a sampler with a bus.

    The C header and the driver, which is one for samplers of any configuration and name; SystemRDL and page.
    ValueError for the native interface, which has no registers.
    """
    if config.bus == "native":
        raise ValueError("bus must be axi or wishbone for register files, not native")
    sources = files("amper_hw") / "driver"
    return {
        "amper_regs.h": c_header(config),
        **{name: (sources / name).read_text(encoding="utf-8") for name in DRIVER},
        f"{config.name}.rdl": system_rdl(config),
        f"{config.name}_registers.md": page(config),
    }


def c_header(config: AmperConfig) -> str:
    """Offsets, and place, mask and value after reset of every field, as macros; statuses and parameters as enums."""
    lines = [
        "/* AMPER registers, generated: offsets in bytes; place, mask and value after reset of each field. */",
        "#ifndef AMPER_REGS_H",
        "#define AMPER_REGS_H",
    ]
    for register in register_map(config):
        lines += [
            "",
            f"/* {register.description} ({register.access}) */",
            _macro(f"REG_{register.name}", register.offset),
            _macro(f"{register.name}_MASK", register.mask),
        ]
        for field in register.fields:
            name = f"{register.name}_{field.name}"
            lines += [
                _macro(f"{name}_LSB", field.low),
                _macro(f"{name}_MASK", field.mask),
                _macro(f"{name}_RESET", field.reset),
            ]
    if config.window:
        lines += ["", "/* Addresses for bursts: RESULT_PACKED to reads, UPDATE to writes. */"]
        lines += [_macro("WINDOW", WINDOW), _macro("WINDOW_BYTES", WINDOW_BYTES)]
    statuses = [f"AMPER_RESULT_{each.name} = {each.value}" for each in Status]
    parameters = [f"AMPER_{each.name} = {each.value}" for each in Parameter]
    variants = [f"AMPER_VARIANT_{name.upper().replace('-', '_')} = {value}" for value, name in enumerate(VARIANTS)]
    lines += _enumeration("status", "What RESULT_STATUS_STATUS says of a batch", statuses)
    lines += _enumeration("parameter", "Parameters by number; docs/hardware/parameters.md has their values", parameters)
    lines += _enumeration("variant", "Values of the parameter VARIANT; FEATURES says which are built in", variants)
    return "\n".join([*lines, "", "#endif", ""])


def _enumeration(name: str, meaning: str, members: list[str]) -> list[str]:
    return ["", f"/* {meaning}. */", f"enum amper_{name} {{", ",\n".join(f"    {each}" for each in members), "};"]


def _macro(name: str, value: int) -> str:
    return f"#define AMPER_{name} 0x{value:X}u"


def system_rdl(config: AmperConfig) -> str:
    """The map in SystemRDL 2.0, with what a read or write does beside reading and writing.

    What a register of AMPER does itself (commands, results that a read takes) is ``external``, so that other
    generators of registers leave it alone.
    """
    lines = [
        "// AMPER registers, generated.",
        f"addrmap {config.name} {{",
        '  name = "AMPER";',
        "  default regwidth = 32;",
        "  default accesswidth = 32;",
    ]
    for register in register_map(config):
        lines += [
            f"  {'external ' * _acts(register)}reg {{",
            f'    name = "{register.name}";',
            f'    desc = "{register.description}";',
        ]
        lines += [_rdl_field(register, field) for field in register.fields]
        lines += [f"  }} {register.name} @ 0x{register.offset:03X};"]
    if config.window:
        description = "bursts: RESULT_PACKED to reads, UPDATE to writes"
        words = f'{{ desc = "{description}"; memwidth = 32; mementries = {WINDOW_BYTES // 4}; sw = rw; }}'
        lines.append(f"  external mem {words} WINDOW @ 0x{WINDOW:X};")
    lines += [f"  IRQ_STATUS.{name}->enable = IRQ_ENABLE.{name};" for name in INTERRUPTS]
    return "\n".join([*lines, "};", ""])


def _acts(register: Register) -> bool:
    return register.command or register.takes


def _rdl_field(register: Register, field: Field) -> str:
    access = {
        "ro": "sw = r; hw = na;" if register.constant else "sw = r; hw = w;",
        "rw": "sw = rw; hw = r;",
        "wo": "sw = w; hw = r;",
        "w1c": "sw = rw; onwrite = woclr; hw = w; stickybit;",
    }[register.access]
    if register.command:
        access = access.replace("hw", "onwrite = wuser; hw")
    if register.takes:
        access = access.replace("hw", "onread = ruser; hw")
    if register.name == "IRQ_STATUS":
        access += " nonsticky intr;"
    place = f"[{field.low + field.width - 1}:{field.low}]"
    return (
        f'    field {{ desc = "{field.description}"; {access} }} {field.name}{place} = {field.width}\'h{field.reset:X};'
    )


def page(config: AmperConfig) -> str:
    """The map as a Markdown page."""
    lines = [
        "# Registers",
        "",
        "Made by `amper_hw.output.register_files` from `amper_hw.bus.registers`: do not edit. How to use them:",
        "`docs/hardware/programmers-guide.md`.",
        "",
        f"All are 32 bits wide. This page is for rows = {config.rows}, priority_width = {config.priority_width}, "
        f"groups = {config.groups}, batch = {config.batch},",
        f"bus = {config.bus}; addresses and the places of fields are the same in every configuration, widths and",
        "values after reset follow from what the last column names. Access: ro read, rw read and write, wo write, w1c",
        "read, and write 1 to clear.",
        "",
        "| address | register | access | bits | field | after reset | meaning | follows from |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for register in register_map(config):
        start = f"| 0x{register.offset:03X} | `{register.name}` | {register.access} |"
        if len(register.fields) == 1:
            (field,) = register.fields
            lines.append(f"{start} {_field_cells(field, f'{_plain(register.description)}: {field.description}')}")
            continue
        lines.append(f"{start} | | | {_plain(register.description)} | |")
        lines += [f"| | | | {_field_cells(field, field.description)}" for field in register.fields]
    if config.window:
        place = f"0x{WINDOW:03X} to 0x{WINDOW + WINDOW_BYTES - 4:03X}"
        lines.append(f"| {place} | window | rw | | | | bursts: `RESULT_PACKED` to reads, `UPDATE` to writes | |")
    return "\n".join([*lines, ""])


def _field_cells(field: Field, meaning: str) -> str:
    high = field.low + field.width - 1
    bits = f"{high}:{field.low}" if field.width > 1 else f"{field.low}"
    reset = f"0x{field.reset:X}" if field.reset > 9 else f"{field.reset}"
    source = f"`{field.source}`" if field.source else ""
    return f"{bits} | `{field.name}` | {reset} | {_plain(meaning)} | {source} |"


def _plain(text: str) -> str:
    """For a cell of a table, in which a bar would end the cell."""
    return text.replace("|", "\\|")
