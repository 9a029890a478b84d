"""The autoencoder: padding changes nothing, noise is told, and it can learn to rebuild."""

import pytest
import torch

from consilium.tools.molecules.autoencoder import Autoencoder, AutoencoderConfig, blur, to_sphere
from consilium.tools.molecules.vocabulary import END

CONFIG = AutoencoderConfig(embedding=8, encoder=16, decoder=32, latent=6, most_noise=1.0)
PIECES = 12
STARTS = torch.arange(PIECES) > 2


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Autoencoder(CONFIG, PIECES).eval()


def molecules(count=9, length=7):
    rows = torch.randint(1, PIECES, (count, length), generator=torch.Generator().manual_seed(1))
    for number, row in enumerate(rows):
        row[0] = max(row[0], 3)
        row[2 + number % (length - 1) :] = END
    return rows


def test_padding_changes_neither_code_nor_loss(network):
    short = molecules()
    long = torch.nn.functional.pad(short, (0, 5), value=END)
    codes = network.encode(short)
    assert torch.allclose(codes, network.encode(long), atol=1e-6)
    noise = torch.full((len(codes), 1), 0.3)
    assert torch.allclose(
        network.loss(codes, noise, short), network.loss(codes, noise, long), atol=1e-6
    )


def test_codes_lie_on_the_sphere(network):
    codes = network.encode(molecules())
    assert torch.allclose(codes.mean(1), torch.zeros(9), atol=1e-5)
    assert torch.allclose(codes.var(1, unbiased=False), torch.ones(9), atol=1e-2)
    assert torch.allclose(to_sphere(codes), codes, atol=1e-2)


def test_decoding_is_the_same_with_the_same_chance_and_begins_as_it_may(network):
    codes, noise = network.encode(molecules()), torch.zeros(9, 1)
    greedy = network.decode(codes, noise, 10, STARTS)
    assert greedy.shape == (9, 10) and (greedy[:, 0] > 2).all()
    assert torch.equal(greedy, network.decode(codes, noise, 10, STARTS))
    drawn = [
        network.decode(codes, noise, 10, STARTS, torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    for row in drawn[0].tolist():  # nothing after the end
        ends = [place for place, piece in enumerate(row) if piece == END]
        assert not ends or set(row[ends[0] :]) == {END}


def test_a_molecule_decodes_alike_alone_and_among_others(network):
    codes, noise = network.encode(molecules()), torch.zeros(9, 1)
    together = network.decode(codes, noise, 10, STARTS)
    alone = torch.cat([network.decode(codes[i : i + 1], noise[:1], 10, STARTS) for i in range(9)])
    assert torch.equal(together, alone)


def test_the_decoder_is_told_how_much_noise_there_is(network):
    points = network.encode(molecules())
    little = network.loss(points, torch.zeros(9, 1), molecules())
    much = network.loss(points, torch.ones(9, 1), molecules())
    assert not torch.allclose(little, much)
    noise = torch.rand(9, 1)
    moved = blur(points, noise, torch.Generator().manual_seed(1)) - points
    assert torch.allclose(blur(points, torch.zeros(9, 1)), points)
    assert (moved.std(1) < 3 * noise[:, 0] + 0.1).all()


def test_it_learns_to_rebuild():
    torch.manual_seed(0)
    network, rows, noise = Autoencoder(CONFIG, PIECES), molecules(12), torch.zeros(12, 1)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(150):
        loss = network.loss(network.encode(rows), noise, rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    again = network.decode(network.encode(rows), noise, rows.shape[1], STARTS)
    assert (again == rows).all(1).float().mean() > 0.9
