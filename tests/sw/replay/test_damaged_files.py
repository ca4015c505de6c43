"""Saved files with any damage: an error that names the file, never another one, and never a pickle."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amper import ReplayBuffer, Sampler
from amper.support.files import load_state, save_state

FUZZ = settings(deadline=None, derandomize=True, max_examples=150)
COLUMNS = {"obs": ("float32", 2), "action": "int64"}
ROWS = 20


def new_buffer() -> ReplayBuffer:
    return ReplayBuffer(ROWS, COLUMNS, Sampler(ROWS, seed=1))


def filled(buffer: ReplayBuffer) -> ReplayBuffer:
    buffer.extend(obs=np.arange(30).reshape(15, 2), action=np.arange(15))
    return buffer


def new_sampler() -> Sampler:
    sampler = Sampler(ROWS, seed=1)
    sampler.extend(np.linspace(0.1, 1, ROWS))
    return sampler


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a buffer and a sampler's state, saved."""
    folder = tmp_path_factory.mktemp("saved")
    filled(new_buffer()).save(folder / "buffer.npz")
    save_state(folder / "state.npz", new_sampler().state())
    return folder


@st.composite
def damage(draw):
    """What makes other bytes of the bytes of a file."""
    kind = draw(st.sampled_from(["cut", "bits", "bytes", "swap", "grow"]))
    place, other = draw(st.floats(0, 1, exclude_max=True)), draw(st.floats(0, 1, exclude_max=True))
    piece = draw(st.binary(min_size=1, max_size=8))
    count = draw(st.integers(1, 4))

    def damaged(content: bytes) -> bytes:
        at, to = int(place * len(content)), int(other * len(content))
        changed = bytearray(content)
        if kind == "cut":
            return content[:at]
        if kind == "grow":
            return content[:at] + piece + content[at:]
        if kind == "swap":
            changed[at : at + 8], changed[to : to + 8] = content[to : to + 8], content[at : at + 8]
        elif kind == "bytes":
            changed[at : at + len(piece)] = piece
        else:
            for turn in range(count):
                changed[(at + turn * to) % len(changed)] ^= piece[turn % len(piece)] or 1
        return bytes(changed)

    return damaged


@FUZZ
@given(change=damage())
def test_a_damaged_buffer(folder, change):
    """The checksum is of every byte: none that changed anything is loaded."""
    content = (folder / "buffer.npz").read_bytes()
    path = folder / "damaged.npz"
    path.write_bytes(change(content))
    buffer = new_buffer()
    if path.read_bytes() == content:
        buffer.load(path)
        return
    with pytest.raises(ValueError, match=r"damaged\.npz must be"):
        buffer.load(path)
    assert len(buffer) == 0


@FUZZ
@given(change=damage())
def test_a_damaged_state(folder, change):
    """Each array and number has a checksum, what lies between them has none: what is loaded is what was saved, or an
    error names the file or the field."""
    content = (folder / "state.npz").read_bytes()
    path = folder / "damaged.npz"
    path.write_bytes(change(content))
    saved, sampler = new_sampler().state(), Sampler(ROWS, seed=1)
    try:
        sampler.restore(load_state(path))
    except (ValueError, TypeError) as error:
        said = str(error)
    else:
        said = ""
        for name, value in sampler.state().items():
            np.testing.assert_array_equal(value, saved[name])
    assert not said or (("damaged.npz must be" in said or "state" in said) and len(sampler) == 0)


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "compressed by something"])
def test_what_zip_files_say_of_a_member(tmp_path, place, value):
    """Regression: zipfile's RuntimeError and NotImplementedError went through."""
    path = tmp_path / "damaged.npz"
    save_state(path, new_sampler().state())
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + place] = value
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.npz must be"):
        load_state(path)


class Attack:
    """Its pickle calls a function when it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize("where", ["whole", "member"])
def test_a_pickle_is_refused(tmp_path, where):
    path = tmp_path / "pickled.npz"
    if where == "whole":
        path.write_bytes(pickle.dumps(Attack()))
    else:
        held = np.empty(1, dtype=object)
        held[0] = Attack()
        np.savez(path, allow_pickle=True, tree=held, numbers=held, rows=held)
    with pytest.raises(ValueError, match=r"pickled\.npz must be"):
        load_state(path)
    with pytest.raises(ValueError, match=r"pickled\.npz must be"):
        new_buffer().load(path)
