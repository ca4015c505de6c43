"""The trace format: what comes back, what is refused, and in which words."""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amper.operations.trace import Draw, Kind, Trace, TraceError, Update, Write

KEPT = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"
NAN = np.float32(np.nan)


def parts(**changed: Any) -> dict[str, Any]:
    """Arguments of a small legal `Trace`: 3 rows, the fourth write wraps around, 2 draws of 2 rows."""
    legal: dict[str, Any] = {
        "kind": np.array([0, 0, 0, 1, 2, 2, 0, 1, 2, 2], np.uint8),
        "row": np.array([0, 1, 2, -1, 2, 0, 0, -1, 1, 1], np.int32),
        "priority": np.array([1, 1, 1, NAN, 0.25, 1.5, 1.5, NAN, 0.1, 0.1], np.float32),
        "draws": np.array([[2, 0], [1, 1]], np.int32),
        "metadata": {"rows": 3, "batch": 2, "seed": 7, "versions": {"numpy": "2"}, "episode_returns": [9.5]},
    }
    return legal | changed


def altered(name: str, at: Any, value: object) -> dict[str, Any]:
    """`parts` with one element of one array changed."""
    arguments = parts()
    arguments[name][at] = value
    return arguments


def stored(path: Path, **changed: Any) -> Path:
    """Write a file of the format by hand, with members or header fields ``changed`` (None: left out)."""
    arrays = parts()
    metadata = arrays.pop("metadata")
    header = {
        "format": "amper-trace",
        "sha256": Trace(**parts()).digest,
        "metadata": metadata | {"format_version": 1},
    }
    for name, value in changed.items():
        (header if name in header else arrays)[name] = value
    header = {name: value for name, value in header.items() if value is not None}
    members = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)} | arrays
    # Through zipfile, since np.savez would store nothing that its loader refuses.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in members.items():
            if array is not None:
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=True)
                archive.writestr(f"{name}.npy", buffer.getvalue())
    return path


def load_error(path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        Trace.load(path)
    return str(caught.value)


def test_operations_are_the_arrays_in_order() -> None:
    assert list(Trace(**parts()).operations()) == [
        Write(0, 1.0),
        Write(1, 1.0),
        Write(2, 1.0),
        Draw((2, 0)),
        Update(2, 0.25),
        Update(0, 1.5),
        Write(0, 1.5),
        Draw((1, 1)),
        Update(1, float(np.float32(0.1))),
        Update(1, float(np.float32(0.1))),
    ]


def test_operations_of_two_kinds_are_never_equal() -> None:
    """Tuples compare by content alone; without their kind a swapped write and update would look the same."""
    assert tuple(Write(3, 1.0)) != tuple(Update(3, 1.0))
    assert [Write(3, 1.0).kind, Draw((3,)).kind, Update(3, 1.0).kind] == [Kind.WRITE, Kind.DRAW, Kind.UPDATE]


def test_sizes() -> None:
    trace = Trace(**parts())
    assert (len(trace), trace.rows, trace.batch) == (10, 3, 2)
    assert trace.counts == {Kind.WRITE: 4, Kind.DRAW: 2, Kind.UPDATE: 4}


def test_empty_trace_is_legal(tmp_path: Path) -> None:
    empty = {name: array[:0] for name, array in parts().items() if name != "metadata"}
    trace = Trace(**empty, metadata={"rows": 1, "batch": 2})
    trace.save(tmp_path / "empty.npz")
    assert Trace.load(tmp_path / "empty.npz") == trace
    assert list(trace.operations()) == []


def test_round_trip(tmp_path: Path) -> None:
    trace = Trace(**parts())
    trace.save(tmp_path / "a.npz")
    loaded = Trace.load(tmp_path / "a.npz")
    assert loaded == trace
    assert hash(loaded) == hash(trace)
    assert loaded.metadata == parts()["metadata"] | {"format_version": 1}
    for name in ("kind", "row", "priority", "draws"):
        assert getattr(loaded, name).dtype == parts()[name].dtype
        np.testing.assert_array_equal(getattr(loaded, name), parts()[name])


def test_handwritten_file_loads(tmp_path: Path) -> None:
    """The error cases below start from this file: unaltered, it must be legal."""
    assert Trace.load(stored(tmp_path / "a.npz")) == Trace(**parts())


def test_same_trace_gives_the_same_bytes(tmp_path: Path) -> None:
    Trace(**parts()).save(tmp_path / "a.npz")
    Trace.load(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError("no space left")

    (tmp_path / "a.npz").write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match=r"^no space left$"):
        Trace(**parts()).save(tmp_path / "a.npz")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.npz": b"old"}


def test_equality_sees_arrays_and_metadata() -> None:
    trace = Trace(**parts())
    assert trace == Trace(**parts())
    assert trace != Trace(**altered("priority", 4, 0.5))
    assert trace != Trace(**parts(metadata={"rows": 3, "batch": 2}))
    assert trace != "trace"


def test_trace_is_closed_to_its_arguments() -> None:
    arguments = parts()
    trace = Trace(**arguments)
    digest = trace.digest
    arguments["priority"][0] = 9
    arguments["metadata"]["versions"]["numpy"] = "9"
    assert trace.digest == digest
    assert trace.metadata["versions"] == {"numpy": "2"}
    with pytest.raises(ValueError, match="read-only"):
        trace.priority[0] = 9


def test_digest_is_of_name_type_shape_and_bytes() -> None:
    """Computed here from the definition in the docstring alone, so that another program can check a file."""
    arrays = parts()
    sha = hashlib.sha256()
    for name, kind in (("draws", "<i4"), ("kind", "|u1"), ("priority", "<f4"), ("row", "<i4")):
        sha.update(f"{name} {kind} {arrays[name].shape}\n".encode() + arrays[name].astype(kind).tobytes())
    assert Trace(**arrays).digest == sha.hexdigest()


ILLEGAL = [
    (altered("kind", 4, 3), "kind must be 0 (write), 1 (draw) or 2 (update), got 3 at kind[4]"),
    (altered("row", 3, 0), "row must be -1 for a draw, got 0 at row[3]"),
    (altered("row", 4, -1), "row must be 0 to 2, got -1 at row[4]"),
    (altered("row", 4, 3), "row must be 0 to 2, got 3 at row[4]"),
    (altered("draws", (1, 0), -1), "draws must be 0 to 2, got -1 at draws[1, 0]"),
    (altered("draws", (0, 1), 3), "draws must be 0 to 2, got 3 at draws[0, 1]"),
    (altered("priority", 3, 1.0), "priority must be nan for a draw, got 1.0 at priority[3]"),
    (altered("priority", 4, NAN), "priority must be finite and above 0, got nan at priority[4]"),
    (altered("priority", 4, np.inf), "priority must be finite and above 0, got inf at priority[4]"),
    (altered("priority", 0, -1.0), "priority must be finite and above 0, got -1.0 at priority[0]"),
    (altered("priority", 9, 0.0), "priority must be finite and above 0, got 0.0 at priority[9]"),
    (altered("row", 2, 1), "row must be written before its update, got 2 at row[4]"),
    (altered("row", [2, 4], 1), "draws must be rows written before, got 2 at draws[0, 0]"),
    (
        parts(draws=np.zeros((1, 2), np.int32)),
        "draws must have the shape (draw operations, batch) (2, 2), got (1, 2)",
    ),
    (
        parts(draws=np.zeros((2, 3), np.int32)),
        "draws must have the shape (draw operations, batch) (2, 2), got (2, 3)",
    ),
    (
        parts(draws=np.zeros(4, np.int32)),
        "draws must have the shape (draw operations, batch) (2, 2), got (4,)",
    ),
    (parts(row=np.zeros(9, np.int32)), "row must have the shape of kind (10,), got (9,)"),
    (parts(priority=np.ones((10, 1), np.float32)), "priority must have the shape of kind (10,), got (10, 1)"),
    (parts(kind=np.zeros((5, 2), np.uint8)), "kind must have the shape (operations,), got (5, 2)"),
    (parts(metadata={"batch": 2}), "metadata rows must be an integer above 0, got None"),
    (parts(metadata={"rows": 0, "batch": 2}), "metadata rows must be an integer above 0, got 0"),
    (parts(metadata={"rows": 3, "batch": True}), "metadata batch must be an integer above 0, got True"),
    (parts(metadata={"rows": 3, "batch": 2.0}), "metadata batch must be an integer above 0, got 2.0"),
]


@pytest.mark.parametrize(("arguments", "message"), ILLEGAL)
def test_illegal_values_are_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    """By the constructor; and by load, whose message begins with the file."""
    with pytest.raises(TraceError, match=f"^{re.escape(message)}$"):
        Trace(**arguments)
    arguments["metadata"] = arguments["metadata"] | {"format_version": 1}
    path = stored(tmp_path / "a.npz", **arguments)
    assert load_error(path) == f"{path}: {message}"


def test_metadata_rules_of_the_constructor() -> None:
    sizes = {"rows": 3, "batch": 2}
    with pytest.raises(TraceError, match=r"^metadata format_version must be 1, got 2$"):
        Trace(**parts(metadata=sizes | {"format_version": 2}))
    with pytest.raises(TraceError, match=r"^metadata must hold only finite numbers, got: Out of range float"):
        Trace(**parts(metadata=sizes | {"eps": float("nan")}))
    with pytest.raises(TypeError, match=r"^metadata must be a mapping, got list$"):
        Trace(**parts(metadata=[3, 2]))
    with pytest.raises(TypeError, match="not JSON serializable"):
        Trace(**parts(metadata=sizes | {"seed": np.int64(7)}))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"row": [0, 1]}, "row must be an array of int32, got list"),
        ({"row": parts()["row"].astype(np.int64)}, "row must be an array of int32, got array of int64"),
        ({"kind": parts()["kind"].astype(bool)}, "kind must be an array of uint8, got array of bool"),
        ({"priority": np.ones(10)}, "priority must be an array of float32, got array of float64"),
    ],
)
def test_wrong_types_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Trace(**parts(**changed))


def test_wrong_array_type_in_a_file_is_a_trace_error(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.npz", priority=np.ones(10))
    assert load_error(path) == f"{path}: priority must be an array of float32, got array of float64"


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.npz"
    assert load_error(path) == f"{path}: trace file must exist, got no such file"


def test_unreadable_file(tmp_path: Path) -> None:
    assert load_error(tmp_path) == f"{tmp_path}: trace file must be readable, got: Is a directory"


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("kind row priority\n")
    assert load_error(path) == (
        f"{path}: trace file must be a whole .npz archive of plain arrays, got 18 bytes: File is not a zip file"
    )


def test_file_truncated_at_any_length(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    Trace(**parts()).save(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert load_error(path) == (
            f"{path}: trace file must be a whole .npz archive of plain arrays, got {length} bytes: "
            "File is not a zip file"
        )


def test_kept_trace_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    whole = KEPT.read_bytes()
    for length in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert load_error(path) == (
            f"{path}: trace file must be a whole .npz archive of plain arrays, got {length} bytes: "
            "File is not a zip file"
        )


def test_any_flipped_bit_is_refused_or_harmless(tmp_path: Path) -> None:
    """Some bits of a zip file mean nothing to a reader (dates, permissions); no other may pass unseen.

    One bit of every byte, each place in turn: all bits of the file would take eight times as long.
    """
    path = tmp_path / "a.npz"
    trace = Trace(**parts())
    trace.save(path)
    whole = path.read_bytes()
    refused = 0
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            loaded = Trace.load(path)
        except TraceError as error:
            assert str(error).startswith(f"{path}: trace ")  # noqa: PT017  # either outcome is right
            refused += 1
        else:
            assert loaded == trace
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        data_bytes = sum(member.compress_size for member in archive.infolist())
    assert refused > data_bytes


def test_wrong_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    Trace(**parts()).save(path)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        checksum = archive.getinfo("draws.npy").CRC.to_bytes(4, "little")
    directory = data.rindex(checksum)
    path.write_bytes(data[:directory] + bytes(4) + data[directory + 4 :])
    assert load_error(path) == (
        f"{path}: trace file must be a whole .npz archive of plain arrays, got {len(data)} bytes: "
        "bad checksum of draws.npy"
    )


def test_pickled_array_is_not_unpickled(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.npz", row=np.array([{}], object))
    assert load_error(path) == (
        f"{path}: trace file must be a whole .npz archive of plain arrays, got {path.stat().st_size} bytes: "
        "Object arrays cannot be loaded when allow_pickle=False"
    )


def test_other_npz_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, weights=np.zeros(3), bias=np.zeros(1))
    assert load_error(path) == f"{path}: trace must hold the array header, got bias, weights"
    np.savez(path)
    assert load_error(path) == f"{path}: trace must hold the array header, got none"
    np.savez(path, header=np.zeros(1, np.uint8))
    expected = f"{path}: trace header must be JSON, got: Expecting value: line 1 column 1 (char 0)"
    assert load_error(path) == expected
    np.savez(path, header=np.frombuffer(b"[1]", np.uint8))
    assert load_error(path) == f"{path}: trace header must have format 'amper-trace', got [1]"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": "other"}, "trace header must have format 'amper-trace', got 'other'"),
        ({"format": None}, "trace header must have format 'amper-trace', got None"),
        ({"metadata": None}, "trace header must have a metadata object, got None"),
        ({"metadata": {"format_version": 2}}, "trace format version must be 1, got 2"),
        ({"metadata": {"rows": 3, "batch": 2}}, "trace format version must be 1, got None"),
        (
            {"draws": None},
            "trace must hold the arrays draws, header, kind, priority, row, got header, kind, priority, row",
        ),
        (
            {"extra": np.zeros(1)},
            "trace must hold the arrays draws, header, kind, priority, row, "
            "got draws, extra, header, kind, priority, row",
        ),
    ],
)
def test_wrong_header_or_members(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = stored(tmp_path / "a.npz", **changed)
    assert load_error(path) == f"{path}: {message}"


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_wrong_digest(digest: str | None, tmp_path: Path) -> None:
    path = stored(tmp_path / "a.npz", sha256=digest)
    right = Trace(**parts()).digest
    assert load_error(path) == f"{path}: sha256 must be the digest of the arrays {right}, got {digest}"


def test_exchanged_array_breaks_the_digest(tmp_path: Path) -> None:
    """A legal array from another trace: only the digest can tell."""
    other = altered("priority", 4, 0.5)
    path = stored(tmp_path / "a.npz", priority=other["priority"])
    held, stated = Trace(**other).digest, Trace(**parts()).digest
    assert load_error(path) == f"{path}: sha256 must be the digest of the arrays {held}, got {stated}"
