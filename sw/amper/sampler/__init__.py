"""The sampler and the device: one interface over the cores, the model and the hardware."""
