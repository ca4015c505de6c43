"""``amper synth``, a module a family of targets."""
