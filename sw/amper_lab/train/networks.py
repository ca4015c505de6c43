"""Networks side by side: of one shape, each with weights of its own, all evaluated by the same few calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch

Tensors = list[torch.Tensor]


class Networks:
    """K networks of two hidden layers of rectified units.

    Parameters
    ----------
    sizes : inputs, units of each hidden layer, outputs. seeds : of the initial weights, one a network; PyTorch's own
    initial weights of such layers.

    Members
    -------
    flat : (K, P) all parameters, network by network, with a gradient of that shape in ``flat.grad``. The layers'
    weights are parts of it, so that an optimizer, a copy and a norm need one call for everything.
    """

    def __init__(self, sizes: tuple[int, int, int], seeds: Sequence[int]) -> None:
        ends = (sizes[0], sizes[1], sizes[1], sizes[2])
        shapes = [shape for i in range(3) for shape in ((ends[i + 1], ends[i]), (1, ends[i + 1]))]
        self.flat = torch.stack([_initial(ends, seed) for seed in seeds])
        self.flat.grad = torch.zeros_like(self.flat)
        values, slopes = _parts(self.flat, shapes), _parts(self.flat.grad, shapes)
        self._weights, self._biases = values[::2], values[1::2]
        self._rooms: dict[tuple[str, int], Tensors] = {}
        self._weight_slopes, self._bias_slopes = slopes[::2], slopes[1::2]

    def layers(self, inputs: torch.Tensor) -> Tensors:
        """The inputs, (K, b, sizes[0]), what each hidden layer makes of them, and the outputs, (K, b, sizes[2]).

        All but the inputs are overwritten by the next call with as many rows.
        """
        made = [inputs]
        for weight, bias, room in zip(self._weights, self._biases, self._room("layers", inputs.shape[1]), strict=True):
            values = torch.baddbmm(bias, made[-1], weight.transpose(1, 2), out=room)
            made.append(values if len(made) == 3 else values.relu_())
        return made

    def _room(self, what: str, rows: int) -> Tensors:
        """A tensor of each layer's size: new memory for every call would cost more than the arithmetic."""
        if (what, rows) not in self._rooms:
            self._rooms[what, rows] = [torch.empty(bias.shape[0], rows, bias.shape[2]) for bias in self._biases]
        return self._rooms[what, rows]

    def differentiate(self, layers: Tensors, slopes: torch.Tensor) -> None:
        """Set ``flat.grad``: of a sum over the rows, a network by itself.

        Parameters
        ----------
        layers : of the rows that count; overwritten. slopes : (K, b, outputs), the derivative of that sum by each
        output.
        """
        room = self._room("slopes", slopes.shape[1])
        for i in (2, 1, 0):
            torch.bmm(slopes.transpose(1, 2), layers[i], out=self._weight_slopes[i])
            torch.sum(slopes, dim=1, keepdim=True, out=self._bias_slopes[i])
            if i > 0:  # a rectified unit passes slopes on where it is not 0; its values are at least 0
                slopes = torch.bmm(slopes, self._weights[i], out=room[i - 1]).mul_(layers[i].sign_())


def _parts(flat: torch.Tensor, shapes: Sequence[tuple[int, int]]) -> Tensors:
    """Views of (K, P) numbers, (K, *shape) each."""
    parts = flat.split([math.prod(shape) for shape in shapes], dim=1)
    return [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def _initial(ends: Sequence[int], seed: int) -> torch.Tensor:
    """(P,) parameters of a network as PyTorch would make it."""
    # They come from torch's global generator: seed a copy of it, and leave the caller's alone.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        made = [torch.nn.Linear(*pair) for pair in pairwise(ends)]
        return torch.cat([part.flatten() for layer in made for part in (layer.weight, layer.bias)])
