"""The decoder: a GRU that writes the molecule of a code, with noise on the code.

While learning, each code gets noise of a size drawn by chance, and the decoder is told that size. So it
learns at once to follow a code closely, to write a like molecule from a nearby point, and to trust its
own sense of what molecules look like where a point says little.
"""

from collections.abc import Callable

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from consilium.tools.molecules.grammar import Grammar
from consilium.tools.molecules.vocabulary import END

IGNORED = -100  # the target of positions after a molecule's end
Layer = Callable[[nn.GRU, Tensor, Tensor | None], Tensor]


class DecoderConfig(BaseModel):
    """Widths of the layers; `most_noise` is the largest standard deviation of the noise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: int
    width: int
    latent: int
    most_noise: float


def _run(layer: nn.GRU, inputs: Tensor, start: Tensor | None) -> Tensor:
    states: Tensor = layer(inputs, start)[0]
    return states


class Decoder(nn.Module):
    """(n, latent) points to (n, length) piece numbers, padded with END.

    Parameters
    ----------
    layer : runs a GRU layer over all steps; see `recurrence` for a quicker one to learn with.
    """

    def __init__(self, config: DecoderConfig, pieces: int, layer: Layer = _run) -> None:
        super().__init__()
        self.config, self._layer = config, layer
        self.embedding = nn.Embedding(pieces, config.embedding)
        told = config.latent + 1  # the point and the size of its noise
        self.to_state = nn.Linear(told, config.width)
        self.writer = nn.GRU(config.embedding + told, config.width)
        self.to_piece = nn.Linear(config.width, pieces)

    def loss(self, points: Tensor, noise: Tensor, molecules: Tensor) -> Tensor:
        """Return the mean cross-entropy per piece (nats) of molecules under their points.

        Parameters
        ----------
        points, noise : (n, latent) codes with their noise on them, and its size, (n, 1).
        """
        told = scaled(points, noise)
        steps = molecules.T
        targets = functional.pad(steps, (0, 0, 0, 1), value=END)
        inputs = functional.pad(steps, (0, 0, 1, 0), value=END)
        ended = (targets == END).cumsum(0) > 1
        states = self._layer(self.writer, self._inputs(inputs, told), self._start(told))
        return functional.cross_entropy(
            self.to_piece(states).flatten(0, 1),
            targets.masked_fill(ended, IGNORED).flatten(),
            ignore_index=IGNORED,
        )

    @torch.inference_mode()
    def decode(
        self,
        points: Tensor,
        noise: Tensor,
        longest: int,
        grammar: Grammar,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Write the molecules of (n, latent) points, (n, longest) pieces padded with END.

        Parameters
        ----------
        noise : (n, 1) size of the noise that the points are to be thought of as carrying.
        grammar : of the pieces, which says what may come next.
        generator : source of chance; None always takes the likeliest piece.
        temperature : below 1 keeps closer to the likeliest pieces; unused without `generator`.
        """
        told = scaled(points, noise)
        state = self._start(told)
        piece = torch.full((len(points),), END)
        written = torch.full((len(points), longest), END)
        rows, place = torch.arange(len(points)), grammar.start(len(points))
        for step in range(longest):
            states, state = self.writer(self._inputs(piece[None], told), state)
            scores = self.to_piece(states[0]).masked_fill(~grammar.allowed(place), -torch.inf)
            if generator is None:
                piece = scores.argmax(1)
            else:
                chances = (scores / temperature).softmax(1)
                piece = torch.multinomial(chances, 1, generator=generator)[:, 0]
            written[rows, step] = piece
            going = piece != END
            place = grammar.after(place[going], piece[going])
            rows, piece, told, state = rows[going], piece[going], told[going], state[:, going]
            if not len(rows):
                break
        return written

    def _inputs(self, pieces: Tensor, told: Tensor) -> Tensor:
        return torch.cat([self.embedding(pieces), told.expand(len(pieces), *told.shape)], 2)

    def _start(self, told: Tensor) -> Tensor:
        return torch.tanh(self.to_state(told))[None]


def blur(codes: Tensor, noise: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Put noise of a size (n, 1) on (n, d) codes."""
    return codes + noise * torch.randn(codes.shape, generator=generator)


def scaled(points: Tensor, noise: Tensor) -> Tensor:
    """Join points, scaled back to variance 1, and the size of their noise."""
    return torch.cat([points / (1 + noise.square()).sqrt(), noise], 1)
