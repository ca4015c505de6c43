"""Broken samplers: small changes of the Verilog that verification must notice.

Each stands for a class of mistakes. A pattern that does not hit exactly once is an error, so that a mutation cannot
turn into no change at all when the RTL moves on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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
        modules = re.findall(rf"(?ms)^module {self.module}\(.*?^endmodule$", verilog)
        if len(modules) != 1:
            raise MutationError(f"{len(modules)} modules are named {self.module}, not 1")
        broken, hits = re.subn(self.pattern, self.replacement, modules[0])
        if hits != 1:
            raise MutationError(f"{self.pattern} occurs {hits} times in {self.module}, not once")
        return verilog.replace(modules[0], broken)


#: By name. "match line" needs a configuration whose banks all have the same number of rows.
MUTATIONS: dict[str, Mutation] = {
    "match line": Mutation(
        effect="the first row of every bank never matches",
        module=r"amper_match_lines_\d+",
        pattern=r"(assign match\[0\] =) [^;]+;",
        replacement=r"\1 1'h0;",
    ),
    "mask": Mutation(
        effect="every key ignores one bit too many",
        module="amper_query_generator",
        pattern=r"(assign key_mask = key__payload\[\d+:\d+\]);",
        replacement=r"\1 << 1;",
    ),
    "rank": Mutation(
        effect="the lowest bit of the rank inside a bank is wrong",
        module="amper_draw_unit",
        pattern=r"\.start_rank\(array_selected_rank\)",
        replacement=".start_rank(array_selected_rank ^ 1'h1)",
    ),
    "random stream": Mutation(
        effect="the draw stream's state is rotated by 27 places instead of 28",
        module="amper_draw_urng",
        pattern=r"\{ mixed\[35:0\], mixed\[63:36\] \}",
        replacement="{ mixed[36:0], mixed[63:37] }",
    ),
}
