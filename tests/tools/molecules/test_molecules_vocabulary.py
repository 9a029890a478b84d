"""Pieces of SELFIES: nothing is lost, and nothing written is invalid."""

import pytest
import selfies
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from consilium.tools.molecules.vocabulary import END, SYMBOLS, UnknownSymbolError, Vocabulary

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "O=C(Nc1ccc(Cl)cc1)C1CCCN1S(=O)(=O)c1cccs1",
    "FC(F)(F)c1cccc(Br)c1C#N",
]
MOLECULES = [selfies.encoder(text) for text in SMILES]


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.learn(MOLECULES * 4, 60)


def test_pieces_give_back_what_they_were_made_of(vocabulary):
    encoded = vocabulary.encode(MOLECULES)
    assert [vocabulary.decode(row) for row in encoded] == MOLECULES
    assert all(END not in row for row in encoded)
    symbols = sum(len(list(selfies.split_selfies(text))) for text in MOLECULES)
    assert sum(map(len, encoded)) < symbols
    assert 27 < len(vocabulary) <= 60


def test_it_survives_its_file(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "vocabulary.json")
    again = Vocabulary.parse((tmp_path / "vocabulary.json").read_text())
    assert len(again) == len(vocabulary)
    assert again.encode(MOLECULES) == vocabulary.encode(MOLECULES)


def test_what_follows_the_end_is_not_read(vocabulary):
    (row,) = vocabulary.encode([MOLECULES[0]])
    assert vocabulary.decode([*row, END, 5, 6]) == MOLECULES[0]
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize("smiles", ["C[N+](C)(C)C", "OB(O)c1ccccc1", "[Na+].[Cl-]"])
def test_symbols_it_never_saw_are_named(vocabulary, smiles):
    with pytest.raises(UnknownSymbolError) as caught:
        vocabulary.encode([selfies.encoder(smiles)])
    assert caught.value.symbol.startswith("[") or caught.value.symbol == "."


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=40).map("".join))
def test_any_symbols_are_pieces_and_a_molecule(text):
    plain = Vocabulary()
    assert plain.decode(plain.encode([text])[0]) == text
    assert Chem.MolFromSmiles(selfies.decoder(text)) is not None


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_any_pieces_are_a_molecule(vocabulary, rows):
    pieces = [row % (len(vocabulary) - 1) + 1 for row in rows]
    assert Chem.MolFromSmiles(selfies.decoder(vocabulary.decode(pieces))) is not None


def test_a_molecule_begins_with_a_heavy_atom(vocabulary):
    for piece, starts in enumerate(vocabulary.starts):
        if starts:
            assert Chem.MolFromSmiles(
                selfies.decoder(vocabulary.decode([piece]))
            ).GetNumHeavyAtoms()
    assert not vocabulary.starts[END] and sum(vocabulary.starts) > 10
