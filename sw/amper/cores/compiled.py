"""The compiled cores, where the installation has them."""

from __future__ import annotations

from types import ModuleType

compiled_core: ModuleType | None
try:
    from amper.cores import _core as compiled_core
except ImportError:
    compiled_core = None
