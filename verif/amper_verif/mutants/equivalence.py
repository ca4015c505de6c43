"""Mutants that no test can notice: the same outputs and next states, whatever the registers and inputs hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from amper import AmperConfig
from amper_verif.harness.yosys import SynthesisError, run_script
from amper_verif.mutants.arguments import argued
from amper_verif.mutants.enumeration import Enumeration
from amper_verif.mutants.netlist import READ, WIDTH, Mutant

# Registers become ports, but for bits that nothing reads, which shows once every cell is of one bit, so that what is
# left is combinational; equal cells outside of the mutant's reach become one, so that a solver sees the rest only.
_SCRIPT = """\
{read}{command}
{scope}
memory
dffunmap
simplemap
opt_clean -purge
opt_expr
splitnets
rename -enumerate
expose -dff -evert-dff
opt_clean
design -save mutants
{constants}
design -copy-from original -as original {module}
design -copy-from mutated -as mutated {module}
miter -equiv -flatten original mutated miter
hierarchy -top miter
opt -full
opt_merge -share_all
opt -full
sat -prove trigger 0 -timeout {seconds} miter
"""
_CONSTANT = """\
design -load mutants
cd {module}
delete -input w:mutation
connect -set mutation {width}'d{number}
cd ..
design -stash {name}
"""


def is_equivalent(
    mutant: Mutant, top: str, folder: Path, *, whole: bool = False, outside: str = "", seconds: int = 60
) -> bool:
    """Whether a solver finds it equivalent; False says that it found a difference, or nothing in time.

    Parameters
    ----------
    folder : that ``netlist.make`` filled. whole : look at the flattened sampler, not only at the mutant's module, of
        which then every input is thought to occur. outside : a module in it that is left out: its outputs are anything.
    """
    module = top if whole else mutant.module
    select = f"add -global_input mutation {WIDTH}\n" if whole else ""
    scope = f"expose -evert {module}/t:{outside if whole else 'amper_*'}\nhierarchy -top {module}\n"
    if whole:
        scope = f"{scope if outside else f'hierarchy -top {top}'}\nflatten"
    constants = [
        _CONSTANT.format(module=module, width=WIDTH, number=number, name=name)
        for number, name in ((0, "original"), (mutant.number, "mutated"))
    ]
    text = _SCRIPT.format(
        read=READ.format(top=top) + select,
        command=mutant.command,
        scope=scope,
        constants="".join(constants),
        module=module,
        seconds=seconds,
    )
    name = f"equivalent-{mutant.number}"
    run_script(folder, name, text)
    return "SAT proof finished - no model found: SUCCESS!" in (folder / f"{name}.log").read_text(encoding="utf-8")


def equivalent_mutants(
    mutants: Sequence[Mutant],
    top: str,
    folder: Path,
    *,
    config: AmperConfig | None = None,
    say: Callable[[str], None] = print,
) -> dict[int, str]:
    """How each that was shown to be equivalent was, by number; what was found before is not looked for again.

    ``config`` : of the sampler; some of its multipliers are then tried with all their operands, too. With a bus, it is
    the registers and the bus that are looked at, around the sampler.
    """
    bus = config is not None and config.bus != "native"
    enumeration = Enumeration(config, folder) if config and not bus else None
    file = folder / "equivalent.json"
    known = {one["name"]: one["by"] for one in json.loads(file.read_text("utf-8"))} if file.exists() else {}
    for place, mutant in enumerate(mutants):
        if mutant.name not in known:
            reason = argued(mutant, config) if config else ""
            known[mutant.name] = f"argument: {reason}" if reason else _how(mutant, top, folder, enumeration, bus)
            file.write_text(json.dumps([{"name": name, "by": by} for name, by in known.items()], indent=2), "utf-8")
            say(f"{place + 1} of {len(mutants)} survivors looked at")
    return {mutant.number: known[mutant.name] for mutant in mutants if known[mutant.name]}


def _how(mutant: Mutant, top: str, folder: Path, enumeration: Enumeration | None, bus: bool) -> str:
    ways: list[tuple[str, Callable[[], bool]]] = [("SAT, its module", lambda: is_equivalent(mutant, top, folder))]
    if bus:
        core = f"{top}_sampler"
        ways.append(("SAT, the bus", lambda: is_equivalent(mutant, top, folder, whole=True, outside=core)))
    else:
        ways.append(("all words, m and Vmax", lambda: enumeration is not None and enumeration.hides(mutant)))
        ways.append(("SAT, the whole sampler", lambda: is_equivalent(mutant, top, folder, whole=True)))
    for by, is_shown in ways:
        try:
            if is_shown():
                return by
        except SynthesisError:
            continue  # ports of the two differ: nothing is shown
    return ""
