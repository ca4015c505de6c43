"""What a replay buffer keeps, without its calls on single transitions: rows, sampler, links, and their state."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.replay.adopted import Held
from amper.replay.batches import batch_types
from amper.replay.columns import column_views, new_storage
from amper.replay.compression import Compression, compressed_columns, named_arrays
from amper.replay.episodes.frames import Frames, FrameStore
from amper.replay.episodes.nstep import Links, NStep
from amper.replay.episodes.sequences import Sequences
from amper.replay.files import SavedFile, opened_saved, write_saved
from amper.replay.nested import Nested
from amper.replay.rows import new_rows
from amper.sampler.base import SamplerBase
from amper.sampler.choice import chosen_core


class StoredRows:
    """The base of ``ReplayBuffer``, which describes all of it.

    Members
    -------
    sampler : the buffer's own. n_step, sequences, frames, compression : as given.
    """

    sampler: SamplerBase
    _nested: Nested | None = None

    def _set_up(
        self,
        dtype: np.dtype[np.void],
        sampler: SamplerBase,
        n_step: NStep | None,
        sequences: Sequences | None,
        frames: Frames | None,
        folder: str | Path | None,
        compiled: bool | None,
        compression: Compression | None,
    ) -> None:
        """The constructor, of checked arguments."""
        self.sampler = sampler
        self._asked = compiled
        self.n_step, self.sequences, self.frames = n_step, sequences, frames
        self._dtype = dtype
        self._given = column_views(np.zeros(1, dtype))  # what transitions have, which may be stored otherwise
        self.compression = compression
        stored = dtype if frames is None else frames.stored(dtype)
        plain = stored if compression is None else compression.apart(stored, ())
        self._compressed = {} if compression is None else compressed_columns(compression, sampler.rows, stored)
        self._storage = self._new_storage(plain, folder)
        self._plain = column_views(self._storage)
        self._columns: dict[str, Any] = {**self._plain, **self._compressed}
        self._frames = None if frames is None else FrameStore(frames, self._columns[frames.obs])
        linked = n_step or sequences or frames
        self._links = Links(self.sampler.rows, linked.envs, backwards=linked is sequences) if linked else None
        # Locked in every operation: a batch is of one moment, its rows, indices and weights.
        self._rows = new_rows(self._plain, n_step, self._links, chosen_core(compiled))
        self._batch_types = batch_types(self._given, n_step=n_step is not None, sequences=sequences)
        self._tensors_checked = False
        # Whether the core does all that there is to do: unless the sampler has another way, as a device has.
        self._stores, self._draws, self._writes = (
            all(getattr(type(sampler), name) is getattr(SamplerBase, name) for name in names)
            for names in (("add", "extend"), ("sample",), ("update", "update_errors"))
        )
        self._stores &= frames is None and compression is None
        self._at_once = self._rows if self._stores else None
        self._draws &= sequences is None and frames is None and compression is None

    def _new_storage(self, dtype: np.dtype[np.void], folder: str | Path | None) -> NDArray[np.void]:
        """Where the rows lie."""
        return new_storage(self.sampler.rows, dtype, folder)

    def __repr__(self) -> str:
        columns = ", ".join(self._given)
        steps = "" if self.n_step is None else f", {self.n_step}"
        return f"{type(self).__name__}({len(self):,} of {self.rows:,} rows: {columns}; {self.sampler!r}{steps})"

    def __len__(self) -> int:
        """Transitions that can be drawn."""
        return len(self.sampler)

    @property
    def rows(self) -> int:
        """The most transitions."""
        return self.sampler.rows

    @property
    def added(self) -> int:
        """The index of the next transition: how many were added, and ``rows`` more for each ``clear``."""
        return self._rows.added

    @property
    def dropped(self) -> int:
        """Updates and removals of transitions that had been replaced meanwhile, and so were passed over."""
        return self._rows.dropped

    @property
    def names(self) -> tuple[str, ...]:
        """What a transition has: the columns' names, nested ones as one."""
        return tuple(self._given) if self._nested is None else tuple(self._nested.tree)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """(rows, ...) arrays by name, to read: the rows themselves, not copies; without those that are compressed."""
        views = {name: column.view() for name, column in self._plain.items()}
        for view in views.values():
            view.flags.writeable = False
        return views

    @property
    def stored_bytes(self) -> int:
        """Bytes that the columns take."""
        return self._storage.nbytes + sum(column.memory() for column in self._compressed.values())

    @property
    def memory_per_row(self) -> float:
        """Bytes that are kept for a row besides its columns."""
        links = sum(array.nbytes for array in self._links.arrays().values()) if self._links else 0
        frames = self._frames.memory() if self._frames else 0
        return self.sampler.memory_per_row + (links + frames) / self.rows

    def save(self, path: str | Path) -> None:
        """Write everything into the file ``path``: rows, priorities, random state, what n-step transitions need.

        The file is replaced in one step, when all is on the disk: whenever the process is killed, ``path`` is the file
        from before or the new one. Others wait meanwhile. Raises OSError : ``path`` is as before.
        """
        with self._rows:
            numbers, arrays = self._state()
            write_saved(Path(path), numbers, arrays, self._storage[: min(self._rows.added, self.rows)])

    def load(self, path: str | Path, *, adapt: bool = False) -> None:
        """Become what the buffer was that wrote ``path``; then go on exactly as it would.

        With ``adapt`` the other buffer may have had other rows, another seed and other options of its sampler: this one
        takes its newest transitions, with their indices and priorities, and keeps its own random state.

        Raises
        ------
        OSError : the file cannot be read. ValueError : it is cut or altered, of another version, or of a buffer with
        other rows, columns, n-step transitions or options of the sampler. Nothing is changed then.
        """
        with opened_saved(Path(path)) as saved, self._rows:
            self._check_same(saved, but=("rows",) if adapt else ())
            arrays = saved.arrays
            if adapt:
                self._check_no_frames()
                self._adopt(self._held_by(saved))
                return
            state = {
                name.removeprefix("sampler."): array for name, array in arrays.items() if name.startswith("sampler.")
            }
            self.sampler.restore({**saved.numbers["sampler"], **state})
            self._rows.added = saved.numbers["added"]
            saved.read_rows(self._storage[: min(self._rows.added, self.rows)])
            if self._links is not None:
                for name, array in self._links.arrays().items():
                    array[:] = arrays[name]
            if self._frames is not None:
                self._frames.become(arrays)
            self._take_compressed(arrays, range(self.rows), range(self.rows))

    def _take_compressed(self, arrays: Mapping[str, NDArray[Any]], here: Iterable[int], there: Iterable[int]) -> None:
        """Into rows ``here`` of the compressed columns those ``there`` of a buffer's that ``arrays`` are of."""
        for name, column in self._compressed.items():
            column.take(arrays[f"compressed {name}"], arrays[f"sizes of {name}"], here, there)

    def _state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Numbers and arrays to be saved, but for the rows."""
        state = self.sampler.state()
        arrays = {f"sampler.{name}": value for name, value in state.items() if isinstance(value, np.ndarray)}
        numbers = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
        if self._links is not None:
            arrays.update(self._links.arrays())
        if self._frames is not None:
            arrays.update(self._frames.arrays())
        arrays.update(named_arrays(self._compressed))
        return {**self._description(), "added": self._rows.added, "sampler": numbers}, arrays

    def _description(self) -> dict[str, Any]:
        """What two buffers must have in common to load each other's files, as JSON has it."""
        columns = {name: [column.dtype.str, list(column.shape[1:])] for name, column in self._given.items()}
        n_step = None if self.n_step is None else {**asdict(self.n_step), "following": list(self.n_step.following)}
        sequences = None if self.sequences is None else {**asdict(self.sequences), "first": list(self.sequences.first)}
        frames = None if self.frames is None else asdict(self.frames)
        found = {"rows": self.rows, "columns": columns, "n_step": n_step, "sequences": sequences, "frames": frames}
        if self.compression is not None:
            found["compression"] = {**asdict(self.compression), "columns": list(self.compression.columns)}
        return found

    def _check_no_frames(self) -> None:
        if self.frames is not None:
            raise ValueError(f"a buffer with frames keeps its size, and this one has {self.frames}")

    def _held(self) -> Held:
        """All transitions, under the lock."""
        arrays = named_arrays(self._compressed) | ({} if self._links is None else self._links.arrays())
        priorities = self.sampler.priorities()
        return Held(self.rows, self._rows.added, self._storage, arrays, priorities, self.sampler.core.maximum)

    def _held_by(self, saved: SavedFile) -> Held:
        rows, added = saved.numbers["rows"], saved.numbers["added"]
        stored = np.empty(min(added, rows), self._storage.dtype)
        saved.read_rows(stored)
        priorities = saved.arrays["sampler.priorities"]
        return Held(rows, added, stored, saved.arrays, priorities, saved.numbers["sampler"]["maximum"])

    def _adopt(self, held: Held) -> None:
        """Take the newest transitions of another buffer in place of all that there are here."""
        numbers, there = held.newest(self.rows)
        here = numbers % self.rows
        self.sampler.clear()
        self._rows.added = held.added
        self._storage[here] = held.stored[there]
        if self._links is not None:
            self._links.clear()
            held.put_links(self._links, numbers, there)
        self._take_compressed(held.arrays, here.tolist(), there.tolist())
        priorities = held.priorities[there]
        drawable = priorities > 0
        self.sampler.write(here[drawable], priorities[drawable].astype(np.float64))
        core = self.sampler.core
        core.cursor, core.maximum = held.added % self.rows, held.maximum

    def _check_same(self, saved: SavedFile, but: tuple[str, ...] = ()) -> None:
        for name, value in {"compression": None, **self._description()}.items():
            if name in but:
                continue
            found = saved.numbers.get(name)  # files of earlier revisions have fewer
            if found != value:
                raise ValueError(f"{saved.path} must be of a buffer with {name} {value}, not {found}")

    def __getstate__(self) -> dict[str, Any]:
        with self._rows:
            links = None if self._links is None else {name: a.copy() for name, a in self._links.arrays().items()}
            return {
                "dtype": self._dtype,
                "sampler": (type(self.sampler), self.sampler.__getstate__()),
                "n_step": self.n_step,
                "sequences": self.sequences,
                "frames": self.frames,
                "frames_kept": None if self._frames is None else copy.deepcopy(self._frames.arrays()),
                "compression": self.compression,
                "compressed": named_arrays(self._compressed),
                "compiled": self._asked,
                "nested": self._nested,
                "added": self._rows.added,
                "stored": np.array(self._storage[: min(self._rows.added, self.rows)]),
                "links": links,
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        kind, of_sampler = state["sampler"]
        sampler = kind.__new__(kind)
        sampler.__setstate__(of_sampler)  # not in the constructor's way: it is not empty
        linked = state["n_step"], state["sequences"], state["frames"]
        self._set_up(state["dtype"], sampler, *linked, None, state["compiled"], state["compression"])
        self._nested = state["nested"]
        self._rows.added = state["added"]
        self._storage[: state["stored"].size] = state["stored"]
        if self._links is not None:
            for name, array in self._links.arrays().items():
                array[:] = state["links"][name]
        if self._frames is not None:
            self._frames.become(state["frames_kept"])
        self._take_compressed(state["compressed"], range(self.rows), range(self.rows))
