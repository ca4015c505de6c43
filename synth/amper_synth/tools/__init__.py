"""Runs of other programs: Yosys, OpenSTA, nextpnr."""
