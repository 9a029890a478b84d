"""The decoder: padding changes nothing, noise is told, it keeps the rules, and it can learn."""

import pytest
import torch

from consilium.tools.molecules.decoder import Decoder, DecoderConfig, blur
from consilium.tools.molecules.grammar import Grammar
from consilium.tools.molecules.vocabulary import END

CONFIG = DecoderConfig(embedding=8, width=32, latent=6, most_noise=1.0)
# Atoms only, but for one pair of brackets.
SYMBOLS = [[], *([symbol] for symbol in ["C", "N", "O", "F", "S", "Cl", "Br", "c", "n", "(", ")"])]
PIECES, ATOMS = len(SYMBOLS), 10
GRAMMAR = Grammar(SYMBOLS)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Decoder(CONFIG, PIECES).eval()


def molecules(count=9, length=7):
    rows = torch.randint(1, ATOMS, (count, length), generator=torch.Generator().manual_seed(1))
    for number, row in enumerate(rows):
        row[2 + number % (length - 1) :] = END
    return rows


def points(count=9):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(2))


def test_padding_does_not_change_the_loss(network):
    short, noise = molecules(), torch.full((9, 1), 0.3)
    long = torch.nn.functional.pad(short, (0, 5), value=END)
    one, other = (network.loss(points(), noise, rows) for rows in (short, long))
    assert torch.allclose(one, other, atol=1e-6)


def test_decoding_is_the_same_with_the_same_chance_and_keeps_the_rules(network):
    codes, noise = points(), torch.zeros(9, 1)
    greedy = network.decode(codes, noise, 10, GRAMMAR)
    assert greedy.shape == (9, 10)
    assert torch.equal(greedy, network.decode(codes, noise, 10, GRAMMAR))
    drawn = [
        network.decode(codes, noise, 60, GRAMMAR, torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    for row in drawn[0].tolist():
        ends = [place for place, piece in enumerate(row) if piece == END]
        if ends:
            assert set(row[ends[0] :]) == {END}  # nothing after the end
            assert row.count(ATOMS) == row.count(ATOMS + 1)  # brackets


def test_a_molecule_decodes_alike_alone_and_among_others(network):
    codes, noise = points(), torch.zeros(9, 1)
    together = network.decode(codes, noise, 10, GRAMMAR)
    alone = torch.cat([network.decode(codes[i : i + 1], noise[:1], 10, GRAMMAR) for i in range(9)])
    assert torch.equal(together, alone)


def test_the_decoder_is_told_how_much_noise_there_is(network):
    little = network.loss(points(), torch.zeros(9, 1), molecules())
    much = network.loss(points(), torch.ones(9, 1), molecules())
    assert not torch.allclose(little, much)
    noise = torch.rand(9, 1)
    moved = blur(points(), noise, torch.Generator().manual_seed(1)) - points()
    assert torch.allclose(blur(points(), torch.zeros(9, 1)), points())
    assert (moved.std(1) < 3 * noise[:, 0] + 0.1).all()


def test_it_learns_to_write_the_molecule_of_a_code():
    torch.manual_seed(0)
    network, rows, noise = Decoder(CONFIG, PIECES), molecules(12), torch.zeros(12, 1)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(150):
        loss = network.loss(points(12), noise, rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    again = network.decode(points(12), noise, rows.shape[1], GRAMMAR)
    assert (again == rows).all(1).float().mean() > 0.9
