"""The search: limits hold, it beats filtering, it ends, and it says what is in the way."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from consilium.tools.contract import ToolError
from consilium.tools.molecules import descriptors, novelty, steering
from consilium.tools.molecules.drugs import similarity
from consilium.tools.molecules.evaluate_steering import Request, for_card, measure, summarise
from consilium.tools.molecules.steering import Limits, sample, search

sys.path.insert(0, str(Path(__file__).parent))
from toy_space import ToySpace

mol = Chem.MolFromSmiles


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """The toy knows 864 molecules: it needs fewer rounds to know that nothing more comes."""
    monkeypatch.setattr(steering, "_IDLE_ROUNDS", 6)


def test_limits_hold_and_scaffolds_differ():
    found = search(ToySpace(), Limits(min_qed=0.5, max_logp=2.5, max_weight=180), 5)
    assert len(found.molecules) == 5
    for one in found.molecules:
        again = mol(one.smiles)
        assert descriptors.qed(again) == pytest.approx(one.qed) and one.qed >= 0.5
        assert descriptors.logp(again) == pytest.approx(one.logp) and one.logp <= 2.5
        assert descriptors.weight(again) == pytest.approx(one.weight) and one.weight <= 180
    assert len({one.scaffold for one in found.molecules}) == 5
    assert len({one.smiles for one in found.molecules}) == 5
    assert found.accepted <= found.tried <= found.decoded


def test_a_lead_is_approached_and_never_returned():
    lead = mol("CCc1cccc(C(=O)O)c1")
    found = search(ToySpace(), Limits(lead=lead), 4)
    assert found.molecules
    best = found.molecules[0]
    assert best.similarity == pytest.approx(similarity(mol(best.smiles), lead))
    assert best.similarity == max(one.similarity for one in found.molecules)
    assert all(one.similarity >= steering.LEAST_SIMILARITY for one in found.molecules)
    assert "CCc1cccc(C(=O)O)c1" not in {one.smiles for one in found.molecules}


def test_the_same_request_gives_the_same_molecules():
    first, second = (search(ToySpace(), Limits(max_logp=2), 3) for _ in range(2))
    assert [one.smiles for one in first.molecules] == [one.smiles for one in second.molecules]
    other = search(ToySpace(), Limits(max_logp=2), 3, seed=3)
    assert [one.smiles for one in first.molecules] != [one.smiles for one in other.molecules]


@pytest.mark.parametrize(
    ("limits", "blocking"),
    [
        (Limits(max_weight=20), ["max_weight"]),
        (Limits(min_qed=1.0), ["min_qed"]),
        (Limits(max_logp=-50), ["max_logp"]),
        (Limits(lead=mol("FC(F)(F)S(F)(F)F")), ["similar_to"]),
    ],
)
def test_what_cannot_be_is_said(limits, blocking):
    begun = time.monotonic()
    found = search(ToySpace(), limits, 3, seconds=30)
    assert time.monotonic() - begun < 20
    assert found.molecules == []
    assert found.blocking == blocking
    assert set(found.reached) == set(blocking)


def test_limits_that_contradict_each_other():
    found = search(ToySpace(), Limits(min_qed=0.75, max_weight=120), 3)
    assert found.molecules == []
    assert set(found.blocking) == {"min_qed", "max_weight"}
    assert found.reached["max_weight"] < 120 and found.reached["min_qed"] > 0.75


def test_what_is_known_or_refused_is_left_out(monkeypatch):
    with_nitrogen = mol("N")
    found = search(ToySpace(), Limits(), 3, is_new=lambda m: not m.HasSubstructMatch(with_nitrogen))
    assert found.molecules
    assert not any("N" in one.smiles.upper() for one in found.molecules)
    assert found.known > 0
    refuse = steering.safety.Concern("weapon", "it is a test")
    monkeypatch.setattr(steering.safety, "examine", lambda m: refuse)
    found = search(ToySpace(), Limits(), 5, seconds=0.5)
    assert found.molecules == [] and found.refused > 0


def test_it_ends_in_time():
    begun = time.monotonic()
    search(ToySpace(), Limits(min_qed=0.9), 50, seconds=0.2)
    assert time.monotonic() - begun < 5


def test_a_start_is_used():
    space, lead = ToySpace(), "CCc1cccc(C(=O)O)c1"
    limits = Limits(lead=mol(lead))
    found = search(space, limits, 4, start=space.encode([lead]), seconds=0)
    assert found.accepted > sample(space, limits, found.decoded).accepted


def test_strange_molecules_of_a_generator_are_passed_over():
    class Broken(ToySpace):
        def decode(self, points, *, noise):
            return ["", "O", "not one", "C1CC", *super().decode(points, noise=noise)[4:]]

        def encode(self, smiles):
            raise ToolError("The generator knows no such molecule.")

    found = search(Broken(), Limits(max_weight=150), 3)
    assert len(found.molecules) == 3


def test_points_lie_as_far_from_codes_as_the_decoder_is_told():
    class Watched(ToySpace):
        def decode(self, points, *, noise):
            self.points, self.told = points, noise
            return []

    space = Watched()
    steering._near(space, np.full((500, 10), 2.0), 0.3, np.random.default_rng(0))
    assert space.points.dtype == np.float32 and space.told == 0.3
    assert space.points.mean() == pytest.approx(2, abs=0.02)
    assert space.points.std() == pytest.approx(0.3, abs=0.02)


def test_the_measure_of_the_gain():
    requests = [
        Request(3, min_qed=0.7, max_logp=2.0),
        Request(3, lead="CCc1cccc(C(=O)O)c1"),
        Request(2, max_weight=20),
    ]
    space = ToySpace()
    outcomes = measure(space, lambda m: True, requests, seconds=5)
    easy, near, impossible = outcomes
    assert (impossible.found, impossible.accepted_by_filtering) == (0, 0)
    assert easy.found == 3 and near.accepted >= near.found
    figures = summarise(outcomes)
    assert figures.requests == 3
    assert figures.met < 1
    assert figures.lift_interval[0] <= figures.lift <= figures.lift_interval[1]
    kept = for_card(figures)
    assert kept.molecules == 3 and kept.values["lift"].low == figures.lift_interval[0]
    assert kept.values["requests met"].value == figures.met


@pytest.mark.skipif(
    not (novelty.WEIGHTS / "card.json").is_file(), reason="needs the generator's weights"
)
def test_the_shipped_generator_is_steered_to_a_lead():
    from consilium.tools.molecules.generator import MoleculeGenerator

    generator, lead = MoleculeGenerator.load(), "CC(=O)Oc1ccccc1C(=O)O"
    limits = Limits(max_logp=3.0, max_weight=350.0, lead=mol(lead))
    found = search(generator, limits, 3, start=generator.encode([lead]), seconds=8)
    assert found.accepted > sample(generator, limits, found.decoded).accepted
