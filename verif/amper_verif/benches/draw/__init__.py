"""Benches of the components in ``amper_hw/draw``."""
