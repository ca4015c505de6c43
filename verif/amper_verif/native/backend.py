"""The backend "rtl" of ``amper.Device``: the generated RTL as native code, clocked as fast as the machine can."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from amper import VARIANTS, AmperConfig, Parameter, Status, streams
from amper.backends.backend import DeviceError
from amper.model.changes import parameter_changes
from amper.model.settings import Settings
from amper_spec.errors import ToolError
from amper_verif.native.answers import Answers
from amper_verif.native.program import Kind, Program

IndexArray = NDArray[np.int64]

# What native/model.cpp answers, and what it means.
_TROUBLES = {
    1: "it refused a write of a legal row",
    2: "it refused a legal change of a parameter",
    3: "it took no write for {deadline} cycles",
    4: "it took no change of a parameter for {deadline} cycles",
    5: "it took no request for {deadline} cycles",
    6: "it gave no result for {deadline} cycles",
    7: "its results were not as many as were asked for",
}


def open_backend(config: AmperConfig, simulator: str = "verilator") -> RtlBackend:
    """The RTL of a configuration, with native ports whatever its bus, reset and set to its seed and scales.

    Parameters
    ----------
    simulator : verilator or cxxrtl, that the library is made by.

    Raises
    ------
    ImportError : a package is missing. DeviceError : it cannot be built.
    """
    try:
        from amper_hw.base.latency import batch_cycles, clear_cycles, fallback_cycles, settle_cycles
        from amper_verif.native.build import rtl_library, structure
        from amper_verif.native.cxxrtl import cxxrtl_library
    except ImportError as error:
        raise ImportError(f"backend rtl: {error}. Install it by: pip install 'amper[sim]'") from error
    try:
        path = cxxrtl_library(config) if simulator == "cxxrtl" else rtl_library(config)
    except ToolError as error:
        raise DeviceError(f"backend rtl: {error}") from error
    batches = [batch_cycles(config.changed(variant=variant)) for variant in config.variants]
    longest = max(batches) + fallback_cycles(config) + settle_cycles(config) + clear_cycles(config)
    device = RtlBackend(path, structure(config), deadline=1000 + 4 * longest, query_seed=config.seed)
    for parameter, value in parameter_changes(Settings(config), config.variants):
        device.set_parameter(parameter, value)
    return device


class RtlBackend:
    """A library of ``rtl_backend_build``, from reset on; ``amper.backends.backend.Backend`` has the contract.

    Parameters
    ----------
    path : of the library. config : what it was built of. deadline : cycles that anything may be waited for.
    query_seed : of the query stream, if another than of the reset: exact alone has none that could be set.
    """

    def __init__(self, path: Path, config: AmperConfig, *, deadline: int, query_seed: int | None = None) -> None:
        self._config, self._deadline = config, deadline
        self._library = _loaded(path)
        query, draw = streams(config.seed)
        if query_seed is not None:
            query, _ = streams(query_seed)
        states = np.array([*query.state, *draw.state], dtype=np.uint64)
        self._handle: int | None = self._library.amper_open(
            deadline, config.groups, VARIANTS.index(config.variant), states.ctypes.data
        )
        self._trouble = "is closed: open another"
        self._answer = np.zeros(2, dtype=np.int64)  # status, |CSP|

    @property
    def cycles(self) -> int:
        """Clock cycles since the reset."""
        return int(self._library.amper_cycles(self._open()))

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """W a cycle, each beat as soon as the hardware takes it."""
        rows, codes = np.ascontiguousarray(rows), np.ascontiguousarray(codes)
        self._check(self._library.amper_write(self._open(), rows.ctypes.data, codes.ctypes.data, rows.size))

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now."""
        self._check(self._library.amper_change(self._open(), parameter, value))

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        """A request, and all of its results."""
        rows = np.zeros(batch, dtype=np.int64)
        answer = self._answer.ctypes.data
        self._check(self._library.amper_sample(self._open(), batch, rows.ctypes.data, answer, answer + 8))
        status, csp_size = self._answer.tolist()
        if status > Status.FALLBACK:
            self._fail(f"it answered a legal request with {Status(status).name}")
        return rows, csp_size

    def run(self, program: Program) -> Answers:
        """A program's calls, legal and not, in one call of the library.

        Raises DeviceError : it hangs, or gives more or fewer results than were asked for; the call is named.
        """
        calls = program.kinds.size
        outcomes, csp_sizes, sizes = np.zeros((3, calls), dtype=np.int64)
        samples = program.firsts[program.kinds == Kind.SAMPLE]
        most = np.where((samples > 0) & (samples <= self._config.batch), samples, self._config.batch)
        drawn = np.zeros(int(most.sum()) + 1, dtype=np.int64)
        arrays = (program.kinds, program.firsts, program.seconds, program.rows, program.codes)
        given = [np.ascontiguousarray(array) for array in arrays]
        pointers = [array.ctypes.data for array in (*given, outcomes, csp_sizes, sizes, drawn)]
        done = self._library.amper_run(self._open(), calls, *pointers)
        if done < calls:
            self._fail(f"in call {done} {_TROUBLES[int(outcomes[done])].format(deadline=self._deadline)}")
        return Answers(outcomes, csp_sizes, sizes, drawn[: int(sizes.sum())])

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""
        states = np.zeros(4, dtype=np.uint64)
        self._library.amper_streams(self._open(), states.ctypes.data)
        query0, query1, draw0, draw1 = states.tolist()
        return query0 | query1 << 64, draw0 | draw1 << 64

    def close(self) -> None:
        """Let go of the simulated hardware."""
        if self._handle is not None:
            self._library.amper_close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _open(self) -> int:
        if self._handle is None:
            raise DeviceError(f"the device {self._trouble}")
        return self._handle

    def _check(self, answer: int) -> None:
        """DeviceError unless all went well."""
        if answer:
            self._fail(_TROUBLES[answer].format(deadline=self._deadline))

    def _fail(self, trouble: str) -> NoReturn:
        """Close the device, of whose state nothing is known any more, and say why, now and at every later call."""
        self._trouble = f"failed: {trouble}"
        self.close()
        raise DeviceError(f"the device {self._trouble}")


@functools.cache
def _loaded(path: Path) -> ctypes.CDLL:
    """The library, with the types of its functions (native/model.cpp)."""
    library = ctypes.CDLL(str(path))
    device, array, number = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64
    for name, result, *arguments in (
        ("open", device, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint32, array),
        ("close", None, device),
        ("cycles", ctypes.c_uint64, device),
        ("write", ctypes.c_int, device, array, array, number),
        ("change", ctypes.c_int, device, ctypes.c_uint32, ctypes.c_uint32),
        ("sample", ctypes.c_int, device, number, array, array, array),
        ("run", number, device, number, *[array] * 9),
        ("streams", None, device, array),
    ):
        function = getattr(library, f"amper_{name}")
        function.restype, function.argtypes = result, arguments
    return library
