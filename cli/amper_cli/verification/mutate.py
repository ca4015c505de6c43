"""``amper mutate``: which small changes of the Verilog ``amper verify`` notices."""

from __future__ import annotations

import argparse
import json
from typing import Any

from amper_cli.arguments import folder
from amper_cli.errors import reporting, say
from amper_cli.options import add_configuration, configuration

DESCRIPTION = """\
Change the sampler's netlist in many places, one at a time, and run the operations of `amper verify` on each mutant;
then look for a proof that those which survive are no change at all. With a bus, the mutants are those of the modules
that it adds, in the benches of that bus. Given again, the command goes on where it stopped.
The exit code is 1 if the score is below --least.
"""

EXAMPLES = """\
examples:
  amper mutate --rows 12 --bank-rows 4 --priority-width 6 --batch 6 --mutants 300
  amper mutate --rows 12 --bank-rows 4 --priority-width 6 --batch 6 --groups 3 --variants fr-dithered,fr,k,exact
  amper mutate --rows 12 --bank-rows 4 --priority-width 6 --batch 6 --bus axi --mutants 100 --batches 20
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--mutants", type=int, default=300, metavar="N", help="how many (default 300)")
    parser.add_argument("--choice", type=int, default=1, metavar="S", help="seed of their choice (default 1)")
    parser.add_argument("--batches", type=int, default=100, metavar="N", help="random batches (default 100)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random operations (default 1)")
    parser.add_argument(
        "--no-corners", dest="corners", action="store_false", help="as of amper verify: only random operations"
    )
    parser.add_argument("--no-proofs", dest="proofs", action="store_false", help="do not look for equivalent mutants")
    parser.add_argument("--benches", action="store_true", help="what is left in the benches of its component, too")
    parser.add_argument("--least", type=float, default=0.92, metavar="X", help="score that passes (default 0.92)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of tables")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", default="build/mutants", help="default build/mutants"
    )
    add_configuration(parser, rename={"seed": "device_seed"})
    parser.set_defaults(run=run)


@reporting("mutate", "sim", resumes=True)
def run(options: argparse.Namespace) -> int:
    """The campaign, the proofs, the score."""
    from pathlib import Path

    from amper_verif.mutants.bus_campaign import bus_campaign
    from amper_verif.mutants.campaign import campaign
    from amper_verif.mutants.equivalence import equivalent_mutants
    from amper_verif.mutants.report import report, score
    from amper_verif.mutants.units import by_benches

    config = configuration(options)
    for name, least in (("mutants", 1), ("batches", 3)):
        if getattr(options, name) < least:
            raise ValueError(f"{name} must be at least {least}, not {getattr(options, name)}")
    if not 0 <= options.least <= 1:
        raise ValueError(f"least must be 0 to 1, not {options.least}")
    output = Path(options.output)
    outcomes = (campaign if config.bus == "native" else bus_campaign)(
        config,
        count=options.mutants,
        workload={
            "kind": "random",
            "batches": options.batches,
            "corners": options.corners,
        },
        seed=options.seed,
        choice=options.choice,
        folder=output,
        say=say,
    )
    survivors = [outcome.mutant for outcome in outcomes if not outcome.noticed]
    equivalent = equivalent_mutants(survivors, config.name, output, config=config, say=say) if options.proofs else {}
    left = [mutant for mutant in survivors if mutant.number not in equivalent]
    benches = by_benches(left, config, output) if options.benches else {}
    reached = score(outcomes, equivalent)
    if options.json:
        print(json.dumps(_found(config.to_dict(), outcomes, equivalent, benches, reached), indent=2))
    else:
        print(report(outcomes, equivalent, benches))
    return 0 if reached >= options.least else 1


def _found(
    config: dict[str, Any], outcomes: Any, equivalent: dict[int, str], benches: dict[int, str], reached: float
) -> dict[str, Any]:
    mutants = [
        {
            "number": outcome.mutant.number,
            "module": outcome.mutant.module,
            "change": outcome.mutant.name,
            "noticed": outcome.noticed,
            "equivalent": equivalent.get(outcome.mutant.number, ""),
            "bench": benches.get(outcome.mutant.number, ""),
        }
        for outcome in outcomes
    ]
    return {"configuration": config, "score": reached, "mutants": mutants}
