"""The register map and the bus bridges in front of the sampler."""
