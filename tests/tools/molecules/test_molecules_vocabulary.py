"""Pieces of SMILES: nothing is lost, and what the grammar allows is balanced."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, RDLogger

from consilium.tools.molecules.grammar import Grammar
from consilium.tools.molecules.vocabulary import END, SYMBOLS, UnknownSymbolError, Vocabulary

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1c(=O)c2[nH]cnc2n(C)c1=O",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "O=C(Nc1ccc(Cl)cc1)C1CCCN1S(=O)(=O)c1cccs1",
    "N#Cc1c(Br)cccc1C(F)(F)F",
    "CC1(O)N(Cc2ccco2)C(=O)OC12CCCCC2",  # an atom that closes ring 1 and opens ring 2
    "O=C1C2C3CCN(c4ccncn4)C34C(=O)C14C=CN2c1ccncn1",
]


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.learn(SMILES * 4, 60)


def walk(grammar, pieces):
    """Whether each piece may be written after those before it."""
    place, told = grammar.start(1), []
    for piece in pieces:
        told.append(grammar.allowed(place)[0, piece].item())
        if not told[-1]:
            break
        place = grammar.after(place, torch.tensor([piece]))
    return all(told)


def test_pieces_give_back_what_they_were_made_of(vocabulary):
    encoded = vocabulary.encode(SMILES)
    assert [vocabulary.decode(row) for row in encoded] == SMILES
    assert all(END not in row for row in encoded)
    assert sum(map(len, encoded)) < sum(map(len, Vocabulary().encode(SMILES)))
    assert len(SYMBOLS) + 1 < len(vocabulary) <= 60


def test_it_survives_its_file(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "vocabulary.json")
    again = Vocabulary.parse((tmp_path / "vocabulary.json").read_text())
    assert len(again) == len(vocabulary)
    assert again.encode(SMILES) == vocabulary.encode(SMILES)


def test_what_follows_the_end_is_not_read(vocabulary):
    (row,) = vocabulary.encode([SMILES[0]])
    assert vocabulary.decode([*row, END, 5, 6]) == SMILES[0]
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize("smiles", ["C[N+](C)(C)C", "OB(O)c1ccccc1", "[Na+].[Cl-]", "C%12CC%12"])
def test_symbols_it_never_saw_are_named(vocabulary, smiles):
    with pytest.raises(UnknownSymbolError) as caught:
        vocabulary.encode([smiles])
    assert caught.value.symbol in smiles


def test_the_grammar_allows_real_molecules(vocabulary):
    for these in (vocabulary, Vocabulary()):
        grammar = Grammar(these.pieces)
        assert all(walk(grammar, [*row, END]) for row in these.encode(SMILES))


@pytest.mark.parametrize(
    "smiles", ["C(", "C)", "C1CC", "C2CC2", "C=", "=C", "()", "C(=)C", "C(C)", "1CC1", "C(1CC1)C"]
)
def test_the_grammar_forbids_what_is_not_balanced(smiles):
    plain = Vocabulary()
    assert not walk(Grammar(plain.pieces), [*plain.encode([smiles])[0], END])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_is_written_by_the_rules_has_no_open_end(vocabulary, seed):
    RDLogger.DisableLog("rdApp.*")
    chance = torch.Generator().manual_seed(seed)
    grammar = Grammar(vocabulary.pieces)
    place, row = grammar.start(1), []
    for _ in range(400):
        allowed = grammar.allowed(place)
        assert allowed.any()
        piece = torch.multinomial(allowed.float(), 1, generator=chance)[:, 0]
        if piece == END:
            break
        row.append(piece.item())
        place = grammar.after(place, piece)
    else:
        return
    text = vocabulary.decode(row)
    assert text.count("(") == text.count(")")
    assert all(text.count(ring) % 2 == 0 for ring in "123456")
    # What is left for RDKit to refuse are valences, aromatic rings, and rings of one or two atoms.
    Chem.MolFromSmiles(text, sanitize=False)
