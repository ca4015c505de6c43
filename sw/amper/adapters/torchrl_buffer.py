"""``AmperTensorDictReplayBuffer``: TorchRL's buffer, with a short way from the draw to the batch; adapters.md."""

from __future__ import annotations

from typing import Any

from amper.adapters.torchrl import AmperSampler
from amper.support.extras import require

require("torchrl.data", "torchrl")
import torch  # noqa: E402
from tensordict import TensorDict  # noqa: E402
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer  # noqa: E402

_CPU = torch.device("cpu")


class AmperTensorDictReplayBuffer(TensorDictReplayBuffer):
    """TorchRL's ``TensorDictReplayBuffer`` with a quicker ``sample``; the parameters are the same.

    What an ``AmperSampler`` draws from a ``LazyTensorStorage`` of one dimension on the CPU is gathered tensor by
    tensor, and becomes a ``TensorDict`` once. All else (other samplers and storages, transforms, sample units,
    prefetching, a ``collate_fn``) goes TorchRL's way; the results are the same.
    """

    _has_collate = False

    def __init__(self, *, collate_fn: Any = None, **keywords: Any) -> None:
        super().__init__(collate_fn=collate_fn, **keywords)
        self._has_collate = collate_fn is not None

    def set_storage(self, storage: Any, collate_fn: Any = None) -> Any:
        """As in TorchRL."""
        self._has_collate = collate_fn is not None
        return super().set_storage(storage, collate_fn)

    def sample(self, batch_size: int | None = None, return_info: bool = False, include_info: bool | None = None) -> Any:
        """As in TorchRL."""
        usual = not return_info and include_info is None and batch_size in (None, self._batch_size)
        if not (usual and self._is_plain()):
            return super().sample(batch_size, return_info, include_info)
        with self._replay_lock, self._write_lock:
            index, values = self._sampler.sample(self._storage, self._batch_size)
            stored = self._storage._storage
            for key, value in stored.items():
                # A nested dictionary is indexed by TorchRL.
                values[key] = value.index_select(0, index) if type(value) is torch.Tensor else value[index]
        values["index"] = index
        # The constructor checks every value's shape and device again, for a sixth of the time of all this.
        return TensorDict._new_unsafe(values, batch_size=index.shape, device=stored.device)

    def _is_plain(self) -> bool:
        """Whether a batch is rows of tensors and what the sampler says of them, and nothing else is asked for."""
        if not (self._initialized and self._batch_size) or self._has_collate or self._prefetch or self._pin_memory:
            return False
        if self._sample_unit is not None or self._service_shutdown or self._sample_dependency is not None:
            return False
        if self._writer.tracks_generations or (self._transform is not None and len(self._transform)):
            return False
        storage = self._storage
        if type(storage) is not LazyTensorStorage or storage.ndim != 1 or not isinstance(self._sampler, AmperSampler):
            return False
        return type(storage._storage) is TensorDict and storage.device == _CPU
