"""In which order writes, changes of parameters and batches take effect; Vmax, which all of them need."""
