"""What runs a bench and judges it: simulators, scoreboard, coverage, lint."""
