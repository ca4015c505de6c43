"""The compiled core. Optional: without a C compiler amper installs all the same and uses its NumPy fallback.

AMPER_SANITIZE=address,undefined or =thread builds it with these sanitizers of the compiler, and then it has to build;
`python -m amper_verif.signoff.sanitize` runs its tests so.
"""

import os
from pathlib import Path

import numpy as np
from setuptools import Extension, setup

SOURCES = Path("sw/amper/cores/c")

SANITIZE = os.environ.get("AMPER_SANITIZE", "")
# What is undefined ends the program, as what the others find does.
SANITIZED = [f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g", "-O1"]

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
            extra_compile_args=[
                *("-O3", "-ffp-contract=off", "-fno-trapping-math", "-fvisibility=hidden"),
                *(SANITIZED if SANITIZE else ()),
            ],
            extra_link_args=SANITIZED[:1] if SANITIZE else [],
            optional=not SANITIZE,
        )
    ]
)
