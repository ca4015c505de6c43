"""Broken samplers: small changes of the Verilog that verification must notice.

Each stands for a class of mistakes. A pattern that does not hit exactly once is an error, so that a mutation cannot
turn into no change at all when the RTL moves on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from amper_verif.harness.modules import modules_of


class MutationError(RuntimeError):
    """A mutation does not fit the Verilog; the message says what it looked for and how often it was found."""


@dataclass(frozen=True)
class Mutation:
    """A change of one line in one module; call it with the Verilog.

    Parameters
    ----------
    effect : what is wrong afterwards. module, pattern : regular expressions of its name and of what is replaced.
    replacement : as for ``re.sub``.
    """

    effect: str
    module: str
    pattern: str
    replacement: str

    def __call__(self, verilog: str) -> str:
        modules = [module.text for name, module in modules_of(verilog).items() if re.fullmatch(self.module, name)]
        if len(modules) != 1:
            raise MutationError(f"{len(modules)} modules are named {self.module}, not 1")
        broken, hits = re.subn(self.pattern, self.replacement, modules[0])
        if hits != 1:
            raise MutationError(f"{self.pattern} occurs {hits} times in {self.module}, not once")
        return verilog.replace(modules[0], broken)


#: By name. They fit a configuration with ternary keys, equal banks of 16 rows, Q = 8, P = 1 and D = W = 2.
MUTATIONS: dict[str, Mutation] = {
    "match line": Mutation(
        effect="the first row of every bank never matches",
        module=r"amper_match_lines_\d+",
        pattern=r"(assign match\[0\] =) [^;]+;",
        replacement=r"\1 1'b0;",
    ),
    "mask": Mutation(
        effect="every key ignores one bit too many",
        module="amper_radius",
        pattern=r"(assign query_key = \{1'b0, ends_3,) second_0,",
        replacement=r"\1 second_0 << 1,",
    ),
    "rank": Mutation(
        effect="the lowest bit of the rank inside a bank is wrong in the second lane",
        module="amper_draw_unit",
        pattern=r"\.start_rank\(array_selected_1_rank\)",
        replacement=".start_rank(array_selected_1_rank ^ 1'b1)",
    ),
    "random stream": Mutation(
        effect="after two words the state of the draw stream's second lane is rotated by 27 places instead of 28",
        module="amper_draw_urng",
        pattern=r"\? \{ahead_mixed_1\[35:0\], ahead_mixed_1\[63:36\],",
        replacement="? {ahead_mixed_1[36:0], ahead_mixed_1[63:37],",
    ),
    "write conflict": Mutation(
        effect="two lanes write into the same bank in the same cycle",
        module="amper_write_unit",
        pattern=r"beat\[5:4\] == beat\[11:10\]",
        replacement="1'b0",
    ),
    "rows in use": Mutation(
        effect="a write to the row behind those in use is not refused",
        module="amper_write_unit",
        pattern=r"write_row\[5:0\] < rows",
        replacement="write_row[5:0] <= rows",
    ),
    "overlap": Mutation(
        effect="the next CSP takes the place of the one that is still drawn from",
        module="amper_controller",
        pattern=r"(assign transfer = ready) & \(~drawing \| released\)",
        replacement=r"\1",
    ),
    "quotient": Mutation(
        effect="a change of m or lambda' makes the reciprocal and the radius 0",
        module="amper_divider",
        pattern=r"quotient\[22:0\], fits",
        replacement="quotient[22:0], 1'b0",
    ),
}

#: Of the draw by planes. They fit variant exact alone, stratified, with equal banks of 16 rows under one node, Q = 8
#: and D = 2.
PLANE_MUTATIONS: dict[str, Mutation] = {
    "plane": Mutation(
        effect="the last row of every bank is in no plane",
        module=r"amper_bank_\d+",
        pattern=r"(plane_rows\[15\] <=) [^;]+;",
        replacement=r"\1 1'b0;",
    ),
    "census": Mutation(
        effect="a census adds the counts without their carries",
        module="amper_census",
        pattern=r"(\{1'b0, upper_below\}) \+ ",
        replacement=r"\1 ^ ",
    ),
    "running sums": Mutation(
        effect="of plane 5 a node looks up the sums of plane 4",
        module=r"amper_node_\d+_\d+",
        pattern=r"\? plane_5_below_1 :",
        replacement="? plane_4_below_1 :",
    ),
    "strata": Mutation(
        effect="all draws of a batch lie in the first part of T",
        module="amper_place",
        pattern=r"\.digits\(\{part, word\}\)",
        replacement=".digits({4'd0, word})",
    ),
    "comparison": Mutation(
        effect="no place is beyond the start of plane 5 by a whole row",
        module="amper_plane_choice",
        pattern=r"place\[10:5\] > sums_uppers\[29:24\]",
        replacement="1'h0",
    ),
    "rank in a plane": Mutation(
        effect="the second lane's rank is 1 too high where the low bits of its place are below those of the sum",
        module="amper_draw_unit",
        pattern=r" - \{\d'd0, choice_1__borrow\}",
        replacement="",
    ),
    "split beat": Mutation(
        effect="two lanes in different planes are drawn from the first one's",
        module="amper_plane_splitter",
        pattern=r"planes\[5:3\] == plane",
        replacement="1'h1",
    ),
}
