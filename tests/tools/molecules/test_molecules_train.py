"""Training end to end on a handful of molecules: it resumes, ships, samples and measures."""

import gzip

import numpy as np
import pytest
import torch
import yaml
from rdkit import Chem

from consilium.tools.contract import ToolError
from consilium.tools.molecules import ablation, choose_sampling, commands, data
from consilium.tools.molecules import fit_decoder as module
from consilium.tools.molecules.card import Card
from consilium.tools.molecules.fit_decoder import fit_decoder
from consilium.tools.molecules.generator import MoleculeGenerator
from consilium.tools.molecules.metrics.chemnet import Gaussian
from consilium.tools.molecules.train import read_config, train

CONFIG = {
    "seed": 3,
    "pieces": 48,
    "learn_from": 100,
    "network": {"embedding": 16, "width": 48, "latent": 8, "most_noise": 1.0},
    "decoder": {
        "molecules": 1280,
        "batch_size": 16,
        "learning_rate": 0.01,
        "warmup": 5,
        "fall": 0.3,
        "weight_decay": 0.0,
        "clip": 1.0,
        "checkpoint_every": 20,
    },
    "adversaries": {
        "chance": 12,
        "generator_width": 16,
        "generator_depth": 1,
        "critic_width": 16,
        "critic_depth": 1,
    },
    "gan": {
        "codes": 100,
        "steps": 10,
        "batch_size": 16,
        "critic_rate": 0.001,
        "generator_rate": 0.001,
        "penalty": 1.0,
        "last_penalty": 0.1,
        "penalty_every": 2,
        "least_noise": 0.0,
        "most_noise": 1.0,
        "average": 0.9,
        "checkpoint_every": 5,
    },
    "sampling_noise": 0.2,
    "sampling_temperature": 0.9,
}
TAILS = ["C", "CC", "O", "N", "F", "Cl", "OC", "C#N", "C(=O)N", "S(C)(=O)=O"]
HEADS = ["c1ccc({})cc1", "C1CCN({})CC1", "c1cc({})ccn1", "C1CC({})C1", "O=C(N{})c1cccs1"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(data.os, "sched_getaffinity", lambda process: {0})
    smiles = [head.format(f"C{tail}") for head in HEADS for tail in TAILS] * 3
    smiles = [Chem.CanonSmiles(text) for text in smiles]
    with gzip.open(tmp_path / "train.csv.gz", "wt") as lines:
        lines.write("SMILES\n" + "\n".join(smiles) + "\n")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def prepared(files):
    config = read_config(files / "tiny.yaml")
    found = data.prepare(files / "train.csv.gz", files / "prepared", 48, 8, 100, 3)
    return config, found


def same(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().values(), strict=True)
    return all(torch.equal(value, twin) for (_, value), twin in pairs)


def test_a_stopped_run_goes_on_as_if_unbroken(files, monkeypatch):
    config, training = prepared(files)

    def fit(name, molecules=1280):
        (files / name).mkdir(exist_ok=True)
        longer = config.decoder.model_copy(update={"molecules": molecules})
        return fit_decoder(config.network, longer, training, 3, files / name)

    whole = fit("whole")

    class Stopped(Exception):
        pass

    original, calls = module.measure, []

    def stop(*args):
        calls.append(1)
        if len(calls) > 2:
            raise Stopped
        return original(*args)

    monkeypatch.setattr(module, "measure", stop)
    with pytest.raises(Stopped):
        fit("broken")
    monkeypatch.setattr(module, "measure", original)
    assert same(whole, fit("broken"))

    # A finished run that is given more molecules goes on from before its learning rate fell, and
    # ends as one that had been given them at once.
    assert same(fit("broken", 1920), fit("longer", 1920))

    other = config.decoder.model_copy(update={"batch_size": 8})
    with pytest.raises(ToolError, match="another configuration"):
        fit_decoder(config.network, other, training, 3, files / "whole")


def test_train_ships_a_generator_of_valid_molecules(files, capsys):
    weights = files / "weights"
    card = train(files / "tiny.yaml", files / "train.csv.gz", files / "run", weights)
    assert card == Card.read(weights)
    generator = MoleculeGenerator.load(weights)

    smiles = generator.sample(40, seed=1)
    assert smiles == generator.sample(40, seed=1) != generator.sample(40, seed=2)
    assert all(text and Chem.CanonSmiles(text) == text for text in smiles)

    chance = torch.Generator().manual_seed(9)
    points = generator.latents(300, seed=4, noise=0.5)
    assert "" in generator.write(points, chance) and any(generator.decode(points, seed=5))
    points = points[:5]
    assert points.shape == (5, 8) and points.dtype == np.float32
    assert generator.decode(points) == generator.decode(points)
    assert len(generator.decode(points[:0])) == 0 and generator.encode([]).shape == (0, 8)
    codes = generator.encode(["CCc1ccccc1", "c1ccc(CC)cc1", "FCC1CCC1"])
    assert np.allclose(codes[0], codes[1], atol=1e-5) and not np.allclose(codes[0], codes[2])

    for smiles in ("C1CC", ""):
        with pytest.raises(ToolError, match="cannot be read"):
            generator.encode([smiles])

    content = (weights / "molecules.safetensors").read_bytes()
    (weights / "molecules.safetensors").write_bytes(content[:-1] + b"x")
    with pytest.raises(ToolError, match="do not match their card"):
        MoleculeGenerator.load(weights)
    (weights / "molecules.safetensors").unlink()
    with pytest.raises(ToolError, match="missing"):
        MoleculeGenerator.load(weights)


def test_the_sample_command_gives_the_same_molecules_again(files, monkeypatch):
    weights = files / "weights"
    train(files / "tiny.yaml", files / "train.csv.gz", files / "run", weights)
    loaded = MoleculeGenerator.load(weights)
    monkeypatch.setattr(MoleculeGenerator, "load", classmethod(lambda cls: loaded))
    monkeypatch.setattr(commands, "_AT_ONCE", 8)
    for name, count in (("one.smi", 20), ("again.smi", 20), ("few.smi", 11)):
        commands.sample(count, files / name, seed=5)
    one, again, few = (
        (files / name).read_text().splitlines() for name in ("one.smi", "again.smi", "few.smi")
    )
    assert one == again and few == one[:11] and len(one) == 20
    with pytest.raises(ToolError, match="from 1 to"):
        commands.sample(0, files / "x.smi")
    with pytest.raises(ToolError, match="folder of"):
        commands.sample(3, files / "nowhere" / "x.smi")
    with pytest.raises(ToolError, match="seed"):
        commands.sample(3, files / "x.smi", seed=-1)


def test_the_best_way_to_read_the_decoder_goes_into_the_card(files, monkeypatch):
    weights = files / "weights"
    train(files / "tiny.yaml", files / "train.csv.gz", files / "run", weights)
    monkeypatch.setattr(choose_sampling, "_LEAST", 20)

    def lengths(smiles, what):  # in the place of ChemNet, which is slow
        return np.array([[len(text), text.count("c")] for text in smiles], np.float32)

    monkeypatch.setattr(choose_sampling, "activations", lengths)
    noises, temperatures = [0.1, 0.4], [0.5, 1.0]
    generator, others = MoleculeGenerator.load(weights), data.read_smiles(files / "train.csv.gz")
    pairs = [(n, t) for n in noises for t in temperatures]
    found = choose_sampling.compare(generator, others, 150, 40, pairs)
    assert len({quality.fcd for quality in found.values()}) == 4
    assert all(quality.fcd >= -1e-6 and 0 <= quality.novelty <= 1 for quality in found.values())
    choose_sampling.main(files / "train.csv.gz", noises, temperatures, 40, 150, weights)
    config = MoleculeGenerator.load(weights).card.config
    best = min(found, key=lambda pair: found[pair].fcd)
    assert (config.sampling_noise, config.sampling_temperature) == best
    with pytest.raises(ToolError, match="At least 20"):
        choose_sampling.main(files / "train.csv.gz", noises, temperatures, 10, 150, weights)


def test_the_ablation_compares_every_source_of_points(files, monkeypatch):
    train(files / "tiny.yaml", files / "train.csv.gz", files / "run", files / "weights")
    generator, others = (
        MoleculeGenerator.load(files / "weights"),
        data.read_smiles(files / "train.csv.gz"),
    )

    def lengths(smiles, what):  # in the place of ChemNet, which is slow
        return np.array([[len(text), text.count("c")] for text in smiles], np.float32)

    monkeypatch.setattr(ablation, "activations", lengths)
    compared = Gaussian.of(lengths(others, "reference"))
    found = ablation.ablate(generator, others, compared, 40, [0.2, 0.6], 0)
    assert len(found) == 16 and all(figure.low <= figure.value for figure in found.values())
    assert 0 < found["valid at once, generator, noise 0.2"].value < 1
    assert "untrained generator, noise 0.6" in found and "real codes, noise 0.2" in found
    folder, file = files / "weights", files / "train.csv.gz"
    monkeypatch.setattr(ablation, "_LEAST", 20)
    ablation.main(file, file, 40, 150, [0.2], 0, None, folder, "ablation")
    figures = Card.read(folder).figures["ablation"]
    assert figures.molecules == 40 and len(figures.values) == 8
    assert figures.notes == ["FCD against 150 molecules of train.csv.gz; seed 0."]
    with pytest.raises(ToolError, match="At least 20"):
        ablation.main(file, file, 40, 10, [0.2], 0, None, folder)


def test_too_few_molecules_are_refused(files):
    (files / "train.csv.gz").unlink()
    (files / "few.smi").write_text("CCO\nCCN\n" * 20)
    with pytest.raises(ToolError, match="at least 100"):
        train(files / "tiny.yaml", files / "few.smi", files / "run", files / "weights")


@pytest.mark.parametrize(("odd", "says"), [("C[Si](C)C", "holds .Si."), ("C1CC", "C1CC cannot")])
def test_molecules_that_cannot_be_learned_from_are_named(files, odd, says):
    (files / "odd.smi").write_text("CCO\nCCN\n" * 60 + odd + "\n")
    with pytest.raises(ToolError, match=says):
        data.prepare(files / "odd.smi", files / "odd", 48, 2, 50, 3)


def test_a_configuration_that_is_wrong_says_so(tmp_path):
    file = tmp_path / "wrong.yaml"
    for content in ("seed: 3\n", "[", yaml.safe_dump(CONFIG | {"extra": 1})):
        file.write_text(content)
        with pytest.raises(ToolError, match="not usable"):
            read_config(file)
    with pytest.raises(ToolError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")


def test_the_shipped_configuration_is_usable():
    configs = data.Path(data.__file__).parent / "configs"
    for path in configs.glob("*.yaml"):
        assert read_config(path).decoder.steps > 0


def test_an_encoded_set_is_taken_from_the_run_the_second_time(files):
    _, training = prepared(files)
    (files / "train.csv.gz").unlink()
    _, again = prepared(files)
    assert np.array_equal(training.pieces, again.pieces)
    assert np.array_equal(training.codes, again.codes) and again.codes.shape == (150, 8)
    assert len(training.pieces) == 150 and (training.lengths > 0).all()
