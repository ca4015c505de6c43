"""What is done to a sampler: writes and samples as data, recorded traces, workloads."""
