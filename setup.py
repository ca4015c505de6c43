"""The compiled core. Optional: without a C compiler amper installs all the same and uses its NumPy fallback."""

from pathlib import Path

import numpy as np
from setuptools import Extension, setup

SOURCES = Path("sw/amper/cores/c")

setup(
    ext_modules=[
        Extension(
            "amper.cores._core",
            sorted(str(path) for path in SOURCES.rglob("*.c")),
            include_dirs=[np.get_include()],
            depends=sorted(str(path) for path in SOURCES.rglob("*.h")),
            # No contraction of a * b + c into one rounding: the NumPy fallback could not give the same numbers. Without
            # traps, which change no number, loops with comparisons are vectorised. Hidden: calls between the files are
            # direct, and no other library can take their names.
            extra_compile_args=["-O3", "-ffp-contract=off", "-fno-trapping-math", "-fvisibility=hidden"],
            optional=True,
        )
    ]
)
