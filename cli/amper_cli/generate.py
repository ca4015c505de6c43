"""``amper generate``: write the Verilog of a sampler."""

from __future__ import annotations

import argparse
from pathlib import Path

from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, values_of
from amper_spec.config import AmperConfig

MOST_SMOKE_ROWS = 1 << 16  # of a sampler that gets a smoke bench: the golden model looks at each row for each group

DESCRIPTION = """\
Write the sampler of a configuration as Verilog, with its description: DIR/amper.v and DIR/amper.json (configuration,
ports with widths, cycles, versions, digest), and what tools want beside it: DIR/amper.sdc, DIR/amper.core (FuseSoC),
DIR/amper_librelane.json, an instance to copy, and a smoke bench in plain Verilog. --name gives another name than amper
to all of them and to every module. The same configuration gives the same bytes. Before that it says what to expect:
area and clock in sky130, as predicted from a sweep; of variant exact which organisation it has, and what either would
take; and what would be better where a size makes no sense. With --lint, the exit code is 1 when a linter complains.
"""

EXAMPLES = """\
examples:
  amper generate --rows 1024 -o build/amper
  amper generate --preset paper --write-ports 2 -o build/paper
  amper generate --rows 1024 --variants fr-dithered,k --search-ports 4 --draw-ports 4 --write-ports 4 -o build/fast
  amper generate --rows 4096 --bus axi --no-result-priority -o build/axi
  amper generate --rows 65536 --organisation auto --primitives blocks -o build/large
  amper generate --rows 1024 --clocks 2 -o build/apart
  amper generate --rows 64 --name replay0 -o build/replay0
  amper generate --config mine.toml --variant fr-prefix -o build/amper
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", required=True, help="folder for the files, made if need be"
    )
    parser.add_argument(
        "--clocks",
        type=int,
        choices=(1, 2),
        default=1,
        help="2: also DIR/amper_two_clocks.v, the streams at one clock and the sampler at another (default 1)",
    )
    parser.add_argument("--lint", action="store_true", help="check it with Verilator, Icarus, Yosys and slang")
    add_configuration(parser)
    parser.set_defaults(run=run)


@reporting("generate", "hw")
def run(options: argparse.Namespace) -> int:
    """Write the files and say what they are."""
    values = values_of(options)
    config = AmperConfig.from_dict(values)
    from amper_hw.output.constraints import save_constraints
    from amper_hw.output.generate import generate
    from amper_hw.packaging.two_clocks import check_two_clocks, two_clocks
    from amper_synth.predict.estimate import advice, estimate
    from amper_synth.predict.organisation import organisations

    if options.clocks == 2:
        check_two_clocks(config)
    options.output.mkdir(parents=True, exist_ok=True)  # before the work, so that a folder that cannot be costs none
    before = _dates(options.output, config.name)
    print(estimate(config))
    for line in organisations(config, values.get("organisation")):
        print(line)
    for line in advice(config):
        print(f"note: {line}", flush=True)  # before the work, which for such sizes takes minutes
    generated = generate(config)
    wrapper = two_clocks(generated) if options.clocks == 2 else {}
    verilog, description = generated.save(options.output)
    for name, text in wrapper.items():
        (options.output / name).write_text(text, encoding="utf-8")
    save_constraints(generated, options.output, smoke_rows(config))
    now = _dates(options.output, config.name)
    if older := [name for name, date in before.items() if now.get(name) == date]:
        print(f"note: files of before, which this run did not write: {', '.join(older)}")
    print(f"{verilog}: {len(generated.verilog.splitlines())} lines, {len(generated.verilog) / 1e6:.2f} MB")
    print(f"{description}: sha256 {generated.description['sha256'][:16]}...")
    if config.memories == "macro":
        from amper_hw.output.memories import split
        from amper_synth.asic.macros import macro_line

        print(f"memories: {macro_line(split(generated.verilog, config.name)[2])}")
    cycles = generated.description["cycles"]
    print(f"a batch of {config.batch} takes {_sum(config, cycles)}{cycles['batch']} cycles")
    return lint_file(verilog, config.name) if options.lint else 0


def _dates(folder: Path, name: str) -> dict[str, int]:
    """When each file that begins with ``name`` was written, in ns."""
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob(f"{name}*"))}


def _sum(config: AmperConfig, cycles: dict[str, int]) -> str:
    """What the cycles of a batch are the sum of, where they are one of so many searches and draws."""
    if "batch_constant" not in cycles:
        return ""
    searches, draws = -(-config.groups // config.search_ports), -(-config.batch // config.draw_ports)
    return f"{searches} + {draws} + {cycles['batch_constant']} = "


def smoke_rows(config: AmperConfig) -> list[int] | None:
    """The rows that the smoke bench's batch must draw, by the golden model; None where that would take too long."""
    if config.rows > MOST_SMOKE_ROWS:
        return None
    from amper import GoldenModel
    from amper_hw.output.smoke import smoke_draws, smoke_writes

    model = GoldenModel(config)
    for row, priority in smoke_writes(config):
        model.write(row, priority)
    return [int(row) for row in model.sample(smoke_draws(config))]


@reporting("generate", "sim,lint")
def lint_file(verilog: Path, top: str) -> int:
    """Print what the linters say; returns the exit code."""
    from amper_verif.harness.lint import lint

    results = lint(verilog, top)
    for result in results:
        print(f"{result.linter} {result.version}: {'no warning' if result.passed else 'FAILED'}")
        if not result.passed:
            print(result.output.rstrip())
    return 0 if all(result.passed for result in results) else 1
