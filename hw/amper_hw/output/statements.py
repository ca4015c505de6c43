"""Registers and processes as Verilog statements."""

from __future__ import annotations

from collections.abc import Iterable

from amper_hw.output.expressions import Expressions
from amper_hw.output.netlist import Register
from amper_hw.output.rtlil import Assign, Bits, Statement, Switch

WIDTH = 116  # of a line


def wrapped(line: str) -> list[str]:
    """A long line in several, each broken where the fewest brackets are open, as late as can be."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines = []
    while len(line) > WIDTH:
        depth, best, where = 0, 99, 0
        for place, letter in enumerate(line[: WIDTH + 1]):
            depth += (letter in "{([") - (letter in "})]")
            if letter == " " and place > len(indent) + WIDTH // 3 and depth <= best:
                best, where = depth, place
        if not where:
            break
        lines.append(line[:where])
        line = indent + line[where + 1 :]
    return [*lines, line]


def clocked(registers: list[Register], texts: Expressions) -> list[str]:
    """Lines of the ``always`` blocks: one for the registers with a reset, one for those without, of every clock."""
    lines: list[str] = []
    for clock in dict.fromkeys(register.clock for register in registers):
        resets: list[Statement] = []
        with_reset: list[list[Statement]] = []
        without: list[list[Statement]] = []
        for register in registers:
            if register.clock == clock:
                body, reset = _split(register.statements)
                (with_reset if reset else without).append(body)
                resets += reset
        edge = f"  always @(posedge {texts.text(clock)})"
        if with_reset:
            lines += ["", f"{edge} begin", "    if (rst) begin", *_lines(resets, texts, "<=", 3)]
            inner = _lines(merged(with_reset), texts, "<=", 3)
            lines += ["    end else begin", *inner, "    end", "  end"] if inner else ["    end", "  end"]
        if without:
            lines += ["", f"{edge} begin", *_lines(merged(without), texts, "<=", 2), "  end"]
    return lines


def combinational(block: list[Statement], texts: Expressions) -> list[str]:
    """Lines of the ``always`` block of one wire."""
    return ["", "  always @* begin", *_lines(block, texts, "=", 2), "  end"]


def merged(bodies: Iterable[list[Statement]]) -> list[Statement]:
    """Statements of several registers with each test made once.

    They drive different registers, so only the order of the statements of one and the same matters.
    """
    made: list[Statement] = []
    for body in bodies:
        behind = 0  # where the next statement of this register may stand at the earliest
        for one in body:
            place = _place(made, one, behind)
            if place is None:
                made.append(one)
                behind = len(made)
                continue
            there = made[place]
            if isinstance(one, Switch) and isinstance(there, Switch):
                pairs = zip(there.cases, one.cases, strict=True)
                cases = [(fits, merged([known, new])) for (fits, known), (_, new) in pairs]
                made[place] = Switch(one.test, cases)
            behind = place + 1
    return made


def _place(made: list[Statement], one: Statement, behind: int) -> int | None:
    """Where a switch with the same cases stands."""
    if isinstance(one, Assign):
        return None
    fits = [patterns for patterns, _ in one.cases]
    for place in range(behind, len(made)):
        there = made[place]
        if isinstance(there, Switch) and there.test == one.test and [patterns for patterns, _ in there.cases] == fits:
            return place
    return None


def _split(statements: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """What a register does, and what it does in a reset, which overrules it."""
    last = statements[-1] if statements else None
    if not isinstance(last, Switch) or len(last.cases) != 1 or last.cases[0][0] != ("1",):
        return statements, []
    wire = last.test.whole
    body = last.cases[0][1]
    if wire is None or wire.name != "rst" or not wire.port or not all(isinstance(one, Assign) for one in body):
        return statements, []
    return statements[:-1], body


def _lines(statements: list[Statement], texts: Expressions, sign: str, depth: int) -> list[str]:
    indent = "  " * depth
    lines: list[str] = []
    for one in _joined(statements):
        if isinstance(one, Assign):
            for target, value in texts.taken_apart(one.target, one.value):
                lines += wrapped(f"{indent}{texts.text(target)} {sign} {texts.text(value)};")
        elif (chain := _conditions(one)) is not None:
            lines += _chain(chain, texts, sign, depth)
        else:
            lines += _case(one, texts, sign, depth)
    return lines


def _joined(statements: list[Statement]) -> list[Statement]:
    """With assignments in a row to neighbouring parts of a wire as one."""
    made: list[Statement] = []
    for one in statements:
        last = made[-1] if made else None
        if isinstance(one, Assign) and isinstance(last, Assign):
            target = Bits([*last.target, *one.target])
            if len(target) == 1 and last.target[0].wire is one.target[0].wire:
                made[-1] = Assign(target, Bits([*last.value, *one.value]))
                continue
        made.append(one)
    return made


_Condition = tuple[Bits, bool] | None  # a bit and what it must be; None: whatever the others are


def _conditions(switch: Switch) -> list[tuple[_Condition, list[Statement]]] | None:
    """The cases as conditions in a row, if each looks at one bit; what does nothing at the end is left out."""
    chain: list[tuple[_Condition, list[Statement]]] = []
    for patterns, body in switch.cases:
        if not patterns:
            chain.append((None, body))
            continue
        places = [place for place, bit in enumerate(reversed(patterns[0])) if bit != "-"]
        if len(patterns) != 1 or len(places) != 1:
            return None
        value = patterns[0].strip("-") == "1"
        chain.append(((switch.test.part(places[0], 1), value), body))
    if len(chain) == 2 and len(switch.test) == 1 and switch.test.width == 1:
        chain[1] = (None, chain[1][1])  # 0 where the other is 1
    while chain and not chain[-1][1]:
        chain.pop()
    return chain


def _chain(chain: list[tuple[_Condition, list[Statement]]], texts: Expressions, sign: str, depth: int) -> list[str]:
    if len(chain) == 2 and not chain[0][1] and chain[0][0] and chain[1][0] is None:
        bit, value = chain[0][0]
        chain = [((bit, not value), chain[1][1])]
    indent = "  " * depth
    lines: list[str] = []
    for condition, body in chain:
        head = "" if condition is None else f"if ({texts.condition(*condition)})"
        inner = _lines(body, texts, sign, depth + 1)
        begin = f"{' ' if lines else ''}{head}{' ' if head else ''}"
        if lines and lines[-1] == f"{indent}end":
            lines[-1] += f" else{begin or ' '}"
        elif lines:
            lines.append(f"{indent}else{begin or ' '}")
        else:
            lines.append(f"{indent}{begin}")
        if len(inner) == 1 and len(lines[-1]) + len(inner[0].strip()) <= WIDTH and isinstance(body[0], Assign):
            lines[-1] += inner[0].strip()
        else:
            lines[-1] += "begin"
            lines += [*inner, f"{indent}end"]
    return lines


def _case(switch: Switch, texts: Expressions, sign: str, depth: int) -> list[str]:
    indent = "  " * depth
    wild = any("-" in pattern for patterns, _ in switch.cases for pattern in patterns)
    lines = [f"{indent}{'casez' if wild else 'case'} ({texts.text(switch.test)})"]
    width = switch.test.width
    for patterns, body in switch.cases:
        label = ", ".join(_pattern(pattern, width) for pattern in patterns) or "default"
        inner = _lines(body, texts, sign, depth + 2)
        if not inner:
            lines.append(f"{indent}  {label}: ;")
        elif len(inner) == 1 and len(label) + len(inner[0]) <= WIDTH and isinstance(body[0], Assign):
            lines.append(f"{indent}  {label}: {inner[0].strip()}")
        else:
            lines += [f"{indent}  {label}: begin", *inner, f"{indent}  end"]
    if all(patterns for patterns, _ in switch.cases):
        lines.append(f"{indent}  default: ;")
    return [*lines, f"{indent}endcase"]


def _pattern(pattern: str, width: int) -> str:
    return f"{width}'b{pattern.replace('-', '?')}" if "-" in pattern else f"{width}'d{int(pattern, 2)}"
