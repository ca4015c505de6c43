"""Transitions that follow one another: whole episodes, sequences, n steps, stacks of frames; who writes them."""
