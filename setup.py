"""The compiled sampler. Optional: without a C compiler amper installs all the same and uses its NumPy fallback."""

from pathlib import Path

import numpy as np
from setuptools import Extension, setup

HEADERS = sorted(str(path) for path in Path("sw/amper/cores/c").glob("*.h"))

setup(
    ext_modules=[
        Extension(
            "amper.cores._core",
            ["sw/amper/cores/c/module.c"],
            include_dirs=[np.get_include()],
            depends=HEADERS,
            # No contraction of a * b + c into one rounding: the NumPy fallback could not give the same numbers. Without
            # traps, which change no number, loops with comparisons are vectorised.
            extra_compile_args=["-O3", "-ffp-contract=off", "-fno-trapping-math"],
            optional=True,
        )
    ]
)
