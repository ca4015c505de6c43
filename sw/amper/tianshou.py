"""The public path of the adapter for Tianshou: ``amper.adapters.tianshou``."""

from amper.adapters.tianshou import AmperReplayBuffer, AmperReplayBufferManager, AmperVectorReplayBuffer, SampledWeights

__all__ = ["AmperReplayBuffer", "AmperReplayBufferManager", "AmperVectorReplayBuffer", "SampledWeights"]
