"""What a command says on standard error, and the code that it ends with, the same for all."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from amper_spec.errors import ToolError

P = ParamSpec("P")


def reporting(command: str, extra: str, *, resumes: bool = False) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Have a command print its error in one line on standard error and return the exit code.

    2 of a bad option, file or value and of a missing package; 1 of a ``ToolError``; 130 after an interruption.

    Parameters
    ----------
    command : its words. extra : of amper's, with the packages that it needs. resumes : given again, it goes on.
    """

    def decorated(run: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(run)
        def reported(*arguments: P.args, **named: P.kwargs) -> int:
            try:
                return run(*arguments, **named)
            except ImportError as error:
                remedy = "" if "pip install" in str(error) else f". Install it by: pip install 'amper[{extra}]'"
                return fail(command, f"{error}{remedy}")
            except (OSError, ValueError, TypeError) as error:
                return fail(command, error)
            except ToolError as error:
                return fail(command, error, code=1)
            except KeyboardInterrupt:
                goes_on = "; the same command goes on where it stopped" if resumes else ""
                print(f"\namper {command}: interrupted{goes_on}", file=sys.stderr)
                return 130

        return reported

    return decorated


def fail(command: str, error: object, code: int = 2) -> int:
    """Print an error; returns the exit code."""
    print(f"amper {command}: error: {error}", file=sys.stderr)
    return code


def say(text: str) -> None:
    """Print how far it is."""
    print(text, file=sys.stderr, flush=True)
