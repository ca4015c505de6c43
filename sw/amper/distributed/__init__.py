"""A replay buffer in shards, in this process, in several or on a cluster: docs/software/sharded.md."""

from amper.distributed.replay import ShardedReplay
from amper.distributed.writer import ShardWriter

__all__ = ["ShardWriter", "ShardedReplay"]
