"""Training end to end on small made-up films: it learns, resumes, ships and tells the truth."""

import csv
import hashlib

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from consilium.tools.contract import ToolError
from consilium.tools.imaging import data
from consilium.tools.imaging.augment import augment
from consilium.tools.imaging.card import Card
from consilium.tools.imaging.evaluate import evaluate
from consilium.tools.imaging.fit import FitConfig, fit
from consilium.tools.imaging.reader import FilmReader
from consilium.tools.imaging.train import train

CONFIG = {
    "seed": 3,
    "network": {"input_size": 32, "widths": [8, 16], "depth": 1, "dropout": 0.0},
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.01,
    "weight_decay": 0.0,
    "warmup": 0.3,
    "average": 0.9,
    "smoothing": 0.0,
    "repeat_nih": 2,
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def collection(folder, count, columns, seed):
    """Write films with (pneumonia) or without a bright patch, and their labels file."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        label = ("normal", "pneumonia")[number % 2]
        pixels = rng.integers(0, 120, (40, 40), np.uint8)
        if label == "pneumonia":
            pixels[10:25, 12:24] += 110
        file = f"images/{number}.png"
        Image.fromarray(pixels).save(folder / file)
        rows.append({"file": file, "label": label, "patient_id": f"p{number // 2}"})
        rows[-1] |= columns(number)
    with (folder / "labels.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture
def folders(tmp_path):
    kermany = collection(
        tmp_path / "kermany",
        80,
        lambda n: {
            "split": ("train", "train", "val", "test")[n // 20],
            "medmnist_split": ("", "", "test")[n % 3],
        },
        1,
    )
    nih = collection(tmp_path / "nih", 120, lambda n: {"view": ("PA", "PA", "AP", "AP")[n % 4]}, 2)
    return kermany, nih


def film_sets(folders):
    films = data.load([*data.kermany(folders[0]), *data.nih(folders[1], 3)], 32)
    return films.split("train"), films.split("val")


def test_splits_keep_patients_apart(folders):
    films = data.nih(folders[1], seed=3)
    of_split = [{f.patient for f in films if f.split == name} for name in ("train", "val", "test")]
    assert all(of_split)
    assert sum(map(len, of_split)) == len(set.union(*of_split))
    assert films == data.nih(folders[1], seed=3)
    assert [f.split for f in films] != [f.split for f in data.nih(folders[1], seed=4)]


def test_class_weights_balance_each_site(folders):
    learned, _ = film_sets(folders)
    weights, sites = learned.class_weights(), np.asarray(learned.sites)
    for site in data.SITES:
        ill = weights[(sites == site) & (learned.labels == 1)].sum()
        assert ill == pytest.approx(weights[(sites == site) & (learned.labels == 0)].sum())
        assert weights[sites == site].mean() == pytest.approx(1)


def test_augmentation_changes_films_but_not_their_kind():
    films = torch.randint(0, 255, (6, 32, 32), dtype=torch.uint8)
    changed = augment(films, torch.Generator().manual_seed(1))
    assert changed.shape == films.shape
    assert changed.min() >= 0 and changed.max() <= 255
    assert not torch.equal(changed, films.float())
    again = augment(films, torch.Generator().manual_seed(1))
    assert torch.equal(changed, again)


def test_a_stopped_run_goes_on_as_if_unbroken(tmp_path, folders, monkeypatch):
    config = FitConfig.model_validate(CONFIG)
    sets = film_sets(folders)
    whole = fit(config, *sets, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop_after_first(network, val, site, seen=[]):  # noqa: B006
        seen.append(site)
        if len(seen) > len(data.SITES):
            raise Stopped
        return original(network, val, site)

    from consilium.tools.imaging import fit as module

    original = module._val_auc
    monkeypatch.setattr(module, "_val_auc", stop_after_first)
    with pytest.raises(Stopped):
        fit(config, *sets, tmp_path / "broken")
    monkeypatch.setattr(module, "_val_auc", original)
    resumed = fit(config, *sets, tmp_path / "broken")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    other = config.model_copy(update={"seed": 4})
    with pytest.raises(ValueError, match="another configuration"):
        fit(other, *sets, tmp_path / "broken")


def test_train_ships_a_reader_whose_card_is_reproduced(tmp_path, folders):
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(CONFIG | {"epochs": 4}))
    weights = tmp_path / "weights"
    card = train(config, *folders, tmp_path / "run", weights)
    assert card == Card.read(weights)
    content = (weights / "film.safetensors").read_bytes()
    assert card.weights_sha256 == hashlib.sha256(content).hexdigest()
    assert card.figures["kermany test"].reader["auc"].value > 0.9
    assert {c.name: c.train + c.val + c.test for c in card.data} == {"kermany": 80, "nih": 120}

    reader = FilmReader.load(weights)
    films = data.load([*data.kermany(folders[0]), *data.nih(folders[1], 3)], 32)
    assert evaluate(reader, films.split("train"), films.split("test")) == card.figures

    (weights / "film.safetensors").write_bytes(content[:-1] + b"x")
    with pytest.raises(ToolError, match="do not match their card"):
        FilmReader.load(weights)
    (weights / "film.safetensors").unlink()
    with pytest.raises(ToolError, match="missing"):
        FilmReader.load(weights)
