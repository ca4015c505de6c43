"""Liberty files: what is read from them, which cells a flow takes, and how damage is reported."""

import gzip
import re

import pytest
from oracles.mini_liberty import mini_liberty

from amper_synth.liberty.cells import load_library
from amper_synth.liberty.function import truth_table
from amper_synth.liberty.reader import LibertyError, read_liberty


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mini.lib"
    path.write_text(mini_liberty())
    return path


def written(tmp_path, text, name="bad.lib"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_what_a_library_has(path):
    library = load_library([path])
    assert library.names == ("mini",)
    assert (library.time_unit, library.capacitance_unit, library.voltage) == (1e-9, 1e-12, 1.1)
    assert (library.wire_load, library.wire_loads) == ("small", ("small",))
    kinds = {name: cell.kind for name, cell in library.cells.items()}
    assert kinds["DFF_X1"] == "flip-flop"
    assert kinds["LATCH_X1"] == "latch"
    assert kinds["CLKGATE_X1"] == "clock gate"
    assert kinds["NAND2_X1"] == kinds["TIE"] == "logic"


def test_the_cells_that_a_flow_takes(path):
    """A weak buffer drives: the second smallest. The load is four inverters; a gate equivalent the smallest NAND2."""
    library = load_library([path])
    assert (library.nand2.name, library.gate_area) == ("NAND2_X1", 0.8)
    assert library.inverter.name == "INV_X1"
    assert library.buffer.name == "BUF_X2"
    assert library.load == pytest.approx(4e-15)
    assert (library.constant(0), library.constant(1)) == (("TIE", "Z0"), ("TIE", "Z1"))
    roles = {pin.name: pin.role for pin in library.cells["CLKGATE_X1"].pins}
    assert roles == {"IQ": "", "CK": "clock", "E": "enable", "GCK": "output"}


def test_the_reset_comes_from_the_largest_buffer(tmp_path):
    text = mini_liberty()
    start, end = text.index("  cell (BUF_X2)"), text.index("  cell (", text.index("cell (BUF_X2)"))
    larger = text[start:end].replace("BUF_X2", "BUF_X8").replace("area : 1.1", "area : 3.1")
    library = load_library([written(tmp_path, text[:start] + larger + text[start:])])
    assert (library.buffer.name, library.reset_buffer.name) == ("BUF_X2", "BUF_X8")
    assert load_library([tmp_path / "bad.lib"], ["BUF_*"]).reset_buffer.name == "INV_X1"


def test_cells_to_avoid(path, tmp_path):
    library = load_library([path], ["XOR?_*", "BUF_X2"])
    assert library.excluded() == ["BUF_X2", "XOR2_X1"]
    assert library.buffer.name == "BUF_X1"
    marked = written(tmp_path, mini_liberty().replace("cell (XOR2_X1) {", "cell (XOR2_X1) { dont_use : true;"))
    assert load_library([marked]).excluded() == ["XOR2_X1"]


def test_several_compressed_files_are_one_library(tmp_path):
    text = mini_liberty()
    head, body = text[: text.index("  cell (INV_X1)")], text[text.index("  cell (INV_X1)") :]
    logic, registers = body[: body.index("  cell (DFF_X1)")], body[body.index("  cell (DFF_X1)") :]
    paths = [tmp_path / "logic.lib.gz", tmp_path / "registers.lib.gz"]
    paths[0].write_bytes(gzip.compress((head + logic + "}").encode()))
    paths[1].write_bytes(gzip.compress((head + registers).encode()))
    library = load_library(paths)
    assert library.names == ("mini", "mini")
    assert {"INV_X1", "DFF_X1"} <= set(library.cells)
    with pytest.raises(LibertyError) as caught:
        load_library(paths[:1])
    assert str(caught.value) == f"{paths[0]}: the library must have a flip-flop, and has none"
    with pytest.raises(LibertyError) as caught:
        load_library(paths[1:])
    assert str(caught.value) == f"{paths[1]}: the library must have an inverter, and has none"


def test_the_notation_of_other_vendors(tmp_path):
    """Names in quotes, comments with braces, values without a semicolon, continued lines, other units."""
    text = mini_liberty().replace("cell (INV_X1)", '/* { */ cell ("INV_X1")').replace('"!A"', '"A\'"')
    text = text.replace('time_unit : "1ns";', 'time_unit : "100ps"').replace("(1, pf)", "(10, ff)")
    library = load_library([written(tmp_path, text)])
    assert library.inverter.name == "INV_X1"
    assert (library.time_unit, library.capacitance_unit) == (pytest.approx(1e-10), pytest.approx(1e-14))


@pytest.mark.parametrize(
    ("function", "table"),
    [
        ("!(A & B)", (1, 1, 1, 0)),
        ("A' + B'", (1, 1, 1, 0)),
        ("(A B)'", (1, 1, 1, 0)),
        ("A*B", (0, 0, 0, 1)),
        ("A ^ B", (0, 1, 1, 0)),
        ("!A & B | A & !B", (0, 1, 1, 0)),
        ("1", (1, 1, 1, 1)),
    ],
)
def test_functions(function, table):
    assert truth_table(function, ["A", "B"]) == table


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("!(A & B", "function '!(A & B' lacks a closing parenthesis"),
        ("A &", "function 'A &' ends too early"),
        ("A C", "function 'A C' has 'C', which is no input"),
        ("A ? B", "function 'A ? B' has '?' in it"),
        ("A)", "function 'A)' has ')' in a wrong place"),
    ],
)
def test_functions_that_are_none(function, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        truth_table(function, ["A", "B"])


CELL_LINE = mini_liberty()[: mini_liberty().index("cell (NOR2_X1)")].count("\n") + 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", "a Liberty file must not be empty"),
        (lambda text: "module a; endmodule\n", "a Liberty file must be one library (NAME) { ... }, and there are 0"),
        (lambda text: text[: text.index("pin", text.index("cell (NOR2_X1)"))], None),
        (lambda text: text + "}", f"line {mini_liberty().count(chr(10)) + 1}: a closing brace without an opening one"),
        (
            lambda text: text.replace("cell (INV_X4)", "cell INV_X4"),
            "line {line}: a group must be NAME (...) {, not 'cell INV_X4' {",
        ),
        (
            lambda text: text.replace("area : 0.6;", "area : big;"),
            "area of cell INV_X1 (line {line}) must be a number, not 'big'",
        ),
        (
            lambda text: text.replace('"1ns"', '"1 hour"'),
            "time_unit must be a number and one of fs, ps, ns, us, not '1 hour'",
        ),
        (lambda text: "library (a) { }", "a library must have cells, and there is none"),
    ],
    ids=["empty", "no Liberty", "truncated", "brace", "no group", "number", "unit", "no cells"],
)
def test_damaged_files(tmp_path, damage, message):
    text = damage(mini_liberty())
    path = written(tmp_path, text)
    if message is None:
        message = f"the file ends inside cell NOR2_X1 of line {CELL_LINE}: is it truncated?"
    damaged = re.compile(r"cell INV_X4" if "cell INV_X4" in text else r"cell \(INV_X1\)")
    message = message.replace(
        "{line}", str(text[: damaged.search(text).start()].count("\n") + 1) if "{line}" in message else ""
    )
    with pytest.raises(LibertyError) as caught:
        load_library([path])
    assert str(caught.value).startswith(f"{path}: {message}")


def test_damaged_archives(tmp_path):
    whole = gzip.compress(mini_liberty().encode())
    path = tmp_path / "cut.lib.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LibertyError) as caught:
        read_liberty(path)
    assert str(caught.value).startswith(f"{path}: the gzip archive must be whole: ")
    path.write_bytes(whole[:40] + bytes(8) + whole[48:])
    with pytest.raises(LibertyError, match="the gzip archive must be whole"):
        read_liberty(path)
    path.write_bytes(bytes(100))
    with pytest.raises(LibertyError) as caught:
        read_liberty(path)
    assert str(caught.value) == f"{path}: a Liberty file must be text, and there is a zero byte in it"


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_liberty(tmp_path / "none.lib")
    with pytest.raises(ValueError, match=r"^liberty must name at least one file, not none$"):
        load_library([])
