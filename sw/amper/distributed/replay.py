"""``ShardedReplay``: one replay buffer in several shards; docs/software/sharded.md has the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.distributed.engines.engine import Engine, Threads
from amper.distributed.engines.processes import Processes
from amper.distributed.engines.ray import RayActors
from amper.distributed.pacing import Pacing, checked_seconds
from amper.distributed.shard import Drawn, ShardLostError, ShardSpec, Update
from amper.distributed.shards import Shards
from amper.distributed.shared import SharedRows
from amper.distributed.writer import ShardWriter
from amper.replay.columns import Columns
from amper.replay.episodes.nstep import NStep
from amper.replay.limiter import RateLimiter
from amper.replay.nested import mapped
from amper.sampler.arguments import BATCH_MAX, checked_beta, plain_indices, plain_values
from amper.support.files import replacing
from amper_spec.checks import checked_choice, checked_integer
from amper_spec.errors import NoValidRowError
from amper_spec.urng import split_mix_64

ENGINES: dict[str, Callable[[], Engine]] = {"threads": Threads, "processes": Processes, "ray": RayActors}
SHARDS_MAX = 1024


class ShardedReplay:
    """Transitions in ``shards`` buffers, drawn as from one: exactly by priority, however unequal the shards are.

    Parameters
    ----------
    shards : 1 to 1024. rows : the most transitions of all together, at least one a shard.
    columns, mode, n_step : as of ``ReplayBuffer``; modes "per" and "uniform".
    engine : "threads" of this process, "processes" of this machine, "ray" actors; or an ``Engine``.
    seed : of all shards together. beta : where ``sample`` gets none.
    restart : whether an empty shard takes the place of one that is lost.
    limiter : how often transitions are drawn for each that any writer stores: ``sample`` waits for inserts, and writers
    for draws; it counts from now on. None: nobody waits.
    answer_within : after so many seconds without an answer (but to ``save`` and ``load``) a shard in another process is
    taken as lost, and killed; its writers go on without it, too. None: such an answer is waited for.
    shared_rows : whether shards of this machine that are in other processes keep their rows in shared memory, from
    which ``sample`` copies them; True insists, None is where there is room for it, but not with ``n_step``.
    options : of each shard's ``Sampler``: alpha, eps, initial_priority, compiled.

    Members
    -------
    lost_updates : new priorities for transitions of shards that went.

    Raises
    ------
    TypeError, ValueError : a bad argument. ImportError : no Ray. ShardLostError : a shard does not start.
    OSError : ``shared_rows`` is True, and there is no room for them.
    """

    def __init__(
        self,
        shards: int,
        rows: int,
        columns: Columns,
        mode: str = "per",
        *,
        engine: str | Engine = "threads",
        seed: int = 0,
        beta: float = 0.4,
        n_step: NStep | None = None,
        restart: bool = False,
        limiter: RateLimiter | None = None,
        answer_within: float | None = None,
        shared_rows: bool | None = None,
        **options: Any,
    ) -> None:
        count = checked_integer("shards", shards, 1, SHARDS_MAX)
        each = -(-checked_integer("rows", rows, count, 1 << 38) // count)
        checked_choice("mode", mode, ("per", "uniform"))
        if isinstance(engine, str):
            engine = ENGINES[checked_choice("engine", engine, tuple(ENGINES))]()
        self._beta = checked_beta(beta)
        self._random = np.random.default_rng(seed)
        seeds = split_mix_64(seed, count)
        self._pacing = Pacing(limiter)
        apart = not isinstance(engine, Threads) and n_step is None
        self._shared = SharedRows.wanted(shared_rows, apart, count, each, columns)
        allowed = self._pacing.at_first(count)
        parts = [None if self._shared is None else self._shared.part(number) for number in range(count)]
        specs = [
            ShardSpec(each, columns, mode, one, n_step, options, part, allowed)  # type: ignore[arg-type]
            for one, part in zip(seeds, parts, strict=True)
        ]
        within = checked_seconds("answer_within", answer_within)
        if within == 0:
            raise ValueError("answer_within must be above 0, or None")
        stored = None if self._shared is None else self._shared.stored
        self._shards = Shards(engine, specs, restart=restart, within=within, stored=stored)
        self._one_shard_each = n_step is not None
        self._pending: list[list[Update]] = [[] for _ in range(count)]
        self._writers = self.lost_updates = 0
        self._own: ShardWriter | None = None

    def writer(
        self, shard: int | None = None, *, chunk: int = 256, in_flight: int = 2, timeout: float | None = None
    ) -> ShardWriter:
        """What sends transitions, ``chunk`` at a time, to one shard, or to each in turn if None.

        Where the limiter makes it wait for more than ``timeout`` seconds it raises TimeoutError; None: for ever.

        With n-step transitions None is one shard, too, another for each writer: an episode lies in one shard.

        Raises TypeError, ValueError : a bad argument; a shard that is lost.
        """
        chunk = checked_integer("chunk", chunk, 1, BATCH_MAX)
        in_flight = checked_integer("in_flight", in_flight, 1, 1024)
        living = self._shards.living()
        if shard is not None and checked_integer("shard", shard, 0, len(self._shards) - 1) not in living:
            raise ValueError(f"shard must be one that is there, and shard {shard} is lost")
        if not living:
            raise ShardLostError("a writer needs a shard, and all are gone")
        turn = self._writers % len(living)
        self._writers += 1
        if shard is None and self._one_shard_each:
            shard = living[turn]
        channels = [self._shards.channel(number) for number in (living if shard is None else [shard])]
        return ShardWriter(channels, turn % len(channels), chunk, in_flight, checked_seconds("timeout", timeout))

    def extend(self, /, **transitions: ArrayLike) -> None:
        """Store k transitions, (k, ...) arrays by column, in one shard; in the next one next time.

        They are in a shard then: where that is lost meanwhile, another one takes them.

        Raises as ``ReplayBuffer.extend``. ShardLostError : no shard is left.
        """
        for _ in range(len(self._shards) + 1):
            if self._own is None:
                self._own = self._own_writer()
            before = self._own.lost
            try:
                self._own.extend(**transitions)
                self._own.wait()
            except ShardLostError:  # of all that there were; others may have taken their places
                self._own = None
                self._shards.look()
            else:
                if self._own.lost == before:
                    return
        raise ShardLostError("extend needs a shard, and each that took the transitions was lost")

    def _own_writer(self) -> ShardWriter:
        """One that does not wait for draws, which would come from the same thread."""
        writer = self.writer()
        writer.waits = False
        return writer

    def sample(self, batch: int, beta: float | None = None, *, timeout: float | None = None) -> dict[str, Any]:
        """Draw ``batch`` transitions as ``ReplayBuffer.sample`` does; its result, with indices for ``update``.

        Updates that wait go along. Raises NoValidRowError : nothing to draw. ShardLostError : no shard is left.
        TimeoutError : the limiter has waited for inserts for ``timeout`` seconds; None: for ever.
        """
        return self.sample_many(1, batch, beta, timeout=timeout)[0]

    def sample_many(
        self, batches: int, batch: int, beta: float | None = None, *, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """So many batches for one request to each shard: their rows cost far less than the requests.

        Raises as ``sample``; ValueError : more than the limiter's tolerance lets through.
        """
        size = checked_integer("batches", batches, 1, BATCH_MAX) * checked_integer("batch", batch, 1, BATCH_MAX)
        exponent = self._beta if beta is None else checked_beta(beta)
        size = checked_integer("batches times batch", size, 1, BATCH_MAX)
        with self._pacing.draw(size, self._shards, checked_seconds("timeout", timeout)):
            columns, chance = self._drawn(size)
        found = []
        for start in range(0, size, batch):
            part = slice(start, start + batch)
            one = mapped(lambda column, part=part: column[part], columns)
            one["weights"] = ((chance[part].min() / chance[part]) ** exponent).astype(np.float32)
            found.append(one)
        return found

    def update(self, indices: ArrayLike, priorities: ArrayLike) -> None:
        """New priorities, which go with the next ``sample`` or ``flush``; late ones are dropped, as there.

        Raises TypeError, ValueError : not integers and as many priorities; an index that no shard has.
        """
        self._put_off(indices, plain_values("priorities", priorities), False)

    def update_errors(self, indices: ArrayLike, errors: ArrayLike) -> None:
        """``update`` with (|error| + eps)^alpha."""
        self._put_off(indices, plain_values("errors", errors, signed=True), True)

    def flush(self) -> None:
        """Send the updates that wait."""
        self._exchange([0] * len(self._shards))

    def __len__(self) -> int:
        """Transitions that can be drawn, asked of all shards."""
        self._shards.look()
        return sum(mass.held for mass in self._shards.mass)

    @property
    def dropped(self) -> int:
        """Late updates, as the shards last said."""
        return sum(mass.dropped for mass in self._shards.mass)

    def metrics(self) -> dict[str, Any]:
        """What a monitor shows, as the shards last said: by shard, and what was lost."""
        return {
            "shards": [mass._asdict() for mass in self._shards.mass],
            "living": len(self._shards.living()),
            "lost_shards": self._shards.lost_shards,
            "lost_rows": self._shards.lost_rows,
            "lost_updates": self.lost_updates,
        }

    def save(self, folder: str | Path) -> None:
        """Write each shard's file ``shard-N`` into the folder, which every shard must see, and the draws' state.

        Raises OSError : a folder or file. ShardLostError : a shard is gone.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        self.flush()
        self._shards.ask("save", _files(path, len(self._shards)))
        state = {"random": self._random.bit_generator.state, "epochs": self._shards.numbering.epochs}
        with replacing(path / "replay.json") as aside:
            aside.write_text(json.dumps(state), encoding="utf-8")

    def load(self, folder: str | Path) -> None:
        """Become what the replay was that wrote the folder.

        Raises as ``ReplayBuffer.load``; ValueError : of another number of shards.
        """
        path = Path(folder)
        state = json.loads((path / "replay.json").read_text(encoding="utf-8"))
        if len(state["epochs"]) != len(self._shards):
            raise ValueError(f"{path} must be of {len(self._shards)} shards, not {len(state['epochs'])}")
        self._shards.load(_files(path, len(self._shards)))
        self._random.bit_generator.state = state["random"]
        self._shards.numbering.epochs = state["epochs"]
        self._pending = [[] for _ in self._pending]
        self.flush()  # tells shards until how many transitions their writers may go on

    def close(self) -> None:
        """End all shards; what was not saved is gone."""
        self._shards.close()
        if self._shared is not None:
            self._shared.close()

    def __enter__(self) -> ShardedReplay:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _drawn(self, size: int, reads: int = 2) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """Columns of ``size`` rows in random order, and the chance with which each was really drawn.

        What is overwritten in shared memory in each of so many ``reads`` is then sent by the shards.
        """
        parts = self._parts(size, sent=reads == 0)
        order = self._random.permutation(size)  # they come shard by shard
        shards = np.concatenate([np.full(part.chance.size, shard) for shard, part in parts])[order]
        chance = np.concatenate([part.chance for _, part in parts])[order]
        numbers = np.concatenate([part.batch["indices"] for _, part in parts])[order]
        shared = np.concatenate([np.full(part.chance.size, part.is_shared) for _, part in parts])[order]
        columns: dict[str, Any]
        if self._shared is not None and shared.all():
            columns = self._shared.read(shards, numbers)
        else:
            sent = [self._sent(shard, part) for shard, part in parts]
            columns = mapped(lambda *arrays: np.concatenate(arrays)[order], *sent)
        columns = {**columns, "indices": self._shards.numbering.outer(shards, numbers)}
        gone = shared if self._shared is None else shared & self._shared.overwritten(shards, numbers)
        if gone.any():  # others in their place, as of a draw that came later
            again, chance[gone] = self._drawn(int(gone.sum()), reads - 1)
            mapped(lambda column, new: column.__setitem__(gone, new), columns, again)
        return columns, chance

    def _sent(self, shard: int, part: Drawn) -> dict[str, Any]:
        """The columns of rows that a shard has sent, or put into shared memory while others have not."""
        if self._shared is None or not part.is_shared:
            return {name: column for name, column in part.batch.items() if name != "indices"}
        return self._shared.read(np.full(part.chance.size, shard), part.batch["indices"])

    def _parts(self, size: int, sent: bool = False) -> list[tuple[int, Drawn]]:
        """``size`` rows by shard, with the chance that each had among all.

        How many come from which shard is multinomial over the masses that are known. A shard whose mass has changed
        since draws as many all the same: the chances say so, and with them the weights.
        """
        parts: list[tuple[int, Drawn]] = []
        missing = size
        while missing > 0:
            masses = np.array([mass.total for mass in self._shards.mass])
            if not masses.sum() > 0:
                self._shards.look()
                masses = np.array([mass.total for mass in self._shards.mass])
                if not masses.sum() > 0:
                    raise NoValidRowError("sample needs at least one transition, and no shard has one: add one first")
            share = masses / masses.sum()
            sizes = self._random.multinomial(missing, share)
            lives = list(self._shards.numbering.epochs)
            for shard, drawn in self._exchange(sizes.tolist(), sent).items():
                parts.append((shard, drawn._replace(chance=share[shard] * drawn.chance)))
            # What a shard gave before it was lost, and began again, went with it.
            same = [now == then for now, then in zip(self._shards.numbering.epochs, lives, strict=True)]
            parts = [(shard, drawn) for shard, drawn in parts if same[shard]]
            missing = size - sum(drawn.chance.size for _, drawn in parts)
        return parts

    def _exchange(self, sizes: list[int], sent: bool = False) -> dict[int, Drawn]:
        """Send all shards the updates that wait and how many rows to draw; what came, by shard."""
        pending, self._pending = self._pending, [[] for _ in self._pending]
        allowed = self._pacing.allowed(self._shards)
        joined = [_joined(updates) for updates in pending]
        asked = [(*of_shard, sent) for of_shard in zip(joined, sizes, allowed, strict=True)]
        answers = self._shards.ask("exchange", asked)
        for shard, updates in enumerate(pending):
            if shard not in answers:
                self.lost_updates += sum(update[0].size for update in updates)
        return {shard: drawn for shard, drawn in answers.items() if drawn is not None}

    def _put_off(self, indices: ArrayLike, values: NDArray[np.float64], are_errors: bool) -> None:
        numbers = plain_indices(indices)
        if numbers.size != values.size:
            raise ValueError(f"indices and new values must be of one length, not {numbers.size} and {values.size}")
        living = self._shards.living()
        for shard, inner, chosen in self._shards.numbering.inner(numbers):
            if inner is None or shard not in living:
                self.lost_updates += int(chosen.sum())
            else:
                self._pending[shard].append((inner, values[chosen], are_errors))


def _joined(updates: list[Update]) -> list[Update]:
    """The same in as few arrays as keep the order; of a row that comes more than once the last value counts.

    Many small arrays of ever other sizes cost more to pickle, and leave the C library's memory full of holes.
    """
    found: list[Update] = []
    for are_errors, alike in groupby(updates, itemgetter(2)):
        indices, values, _ = zip(*alike, strict=True)
        found.append((np.concatenate(indices), np.concatenate(values), are_errors))
    return found


def _files(folder: Path, shards: int) -> list[tuple[str]]:
    return [(str(folder / f"shard-{number}"),) for number in range(shards)]
