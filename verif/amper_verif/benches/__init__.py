"""cocotb benches; each is a module that `amper_verif.harness.simulation.run_bench` loads into the simulator."""
