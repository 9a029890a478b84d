"""Training end to end on small made-up films: it learns, resumes, ships and tells the truth."""

import csv
import hashlib
import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from consilium.assistant.cli import app
from consilium.tools.contract import ToolError
from consilium.tools.imaging import data
from consilium.tools.imaging import fit as fitting
from consilium.tools.imaging.augment import augment
from consilium.tools.imaging.card import WEIGHTS, Card
from consilium.tools.imaging.evaluate import measure
from consilium.tools.imaging.fit import FitConfig, fit
from consilium.tools.imaging.network import FilmNet, NetworkConfig
from consilium.tools.imaging.preprocess import to_input
from consilium.tools.imaging.reader import FilmReader
from consilium.tools.imaging.recipe import read_recipe
from consilium.tools.imaging.train import train
from consilium.tools.imaging.views import COUNT, views

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
    "mixup": 0.2,
}
RECIPE = {"collections": ["kermany", "nih"], "members": [CONFIG | {"epochs": 4}]}
pytestmark = pytest.mark.usefixtures("one_thread")


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
def root(tmp_path):
    """The folder of the collections."""
    kermany = collection(
        tmp_path / data.FOLDERS["kermany"],
        80,
        lambda n: {
            "split": ("train", "train", "val", "test")[n // 20],
            "medmnist_split": ("", "", "test")[n % 3],
        },
        1,
    )
    nih = collection(
        tmp_path / data.FOLDERS["nih"],
        120,
        lambda n: {"view": ("PA", "PA", "AP", "AP")[n % 4], "age": n, "sex": "FM"[n % 2]},
        2,
    )
    boxed = [f.path.name for f in data.nih(nih) if f.pneumonia][:6]
    lines = [f"images/{name},Pneumonia,96,80,96,120" for name in boxed]
    (nih / "boxes.csv").write_text("\n".join(["file,finding,x,y,w,h", *lines, ""]))
    assert kermany.parent == tmp_path
    return tmp_path


def film_sets(root):
    films = data.collect(("kermany", "nih"), root, 32)
    return films.split("train"), films.split("val")


def test_splits_keep_patients_apart(root):
    films = data.nih(root / data.FOLDERS["nih"], seed=3)
    of_split = [{f.patient for f in films if f.split == name} for name in ("train", "val", "test")]
    assert all(of_split)
    assert sum(map(len, of_split)) == len(set.union(*of_split))
    assert films == data.nih(root / data.FOLDERS["nih"], seed=3)
    assert [f.split for f in films] != [
        f.split for f in data.nih(root / data.FOLDERS["nih"], seed=4)
    ]


def test_class_weights_balance_each_site(root):
    learned, _ = film_sets(root)
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


def test_a_stopped_run_goes_on_as_if_unbroken(tmp_path, root, monkeypatch):
    config = FitConfig.model_validate(CONFIG)
    sets = film_sets(root)
    whole = fit(config, *sets, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop_after_first(state, epoch):
        original(state, epoch)
        raise Stopped

    original = fitting._State.save
    monkeypatch.setattr(fitting._State, "save", stop_after_first)
    with pytest.raises(Stopped):
        fit(config, *sets, tmp_path / "broken")
    monkeypatch.setattr(fitting._State, "save", original)
    resumed = fit(config, *sets, tmp_path / "broken")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    other = config.model_copy(update={"seed": 4})
    with pytest.raises(ValueError, match="another configuration"):
        fit(other, *sets, tmp_path / "broken")
    with pytest.raises(ValueError, match="other data"):
        fit(config, *reversed(sets), tmp_path / "broken")


def test_films_may_be_shown_as_they_are(tmp_path, root, monkeypatch):
    monkeypatch.setattr(
        fitting, "augment", lambda films, _, strength: torch.full(films.shape, float("nan"))
    )
    config = FitConfig.model_validate(CONFIG | {"epochs": 1, "mixup": 0.0, "plain": 1.0})
    monkeypatch.setattr(fitting, "shift", lambda pictures, strength: pictures)
    fit(config, *film_sets(root), tmp_path)
    (record,) = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert np.isfinite(record["loss"])


def test_the_best_epoch_by_validation_is_kept(tmp_path, root):
    config = FitConfig.model_validate(CONFIG | {"epochs": 3})
    fit(config, *film_sets(root), tmp_path)
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert [record["epoch"] for record in records] == [1, 2, 3]
    best = max(records, key=lambda record: record["score"])
    assert records[-1]["best_epoch"] == best["epoch"]
    assert set(best["val"]) == set(best["val_shifted"]) == {"kermany", "nih"}


@pytest.mark.parametrize("architecture", ["residual", "efficientnet_lite0"])
def test_architectures(architecture):
    config = NetworkConfig(
        architecture=architecture, input_size=64, widths=(8, 16), depth=1, dropout=0.0
    )
    network = FilmNet(config).eval()
    films = torch.randn(3, 1, 64, 64)
    whole = network.read(films)
    assert whole.logits.shape == (3,)
    network.frozen = 1
    frozen = network.read(films)
    assert torch.allclose(whole.logits, frozen.logits, atol=1e-5)
    assert torch.allclose(whole.embedding, frozen.embedding, atol=1e-5)
    assert not network.train().stem.training and network.stages[-1].training


def test_the_views_leave_the_film_itself_alone():
    films = to_input(torch.randint(0, 255, (2, 32, 32), dtype=torch.uint8))
    seen = views(films)
    assert len(seen) == 2 * COUNT
    assert torch.allclose(seen[0], films[0], atol=1e-3)
    assert torch.allclose(seen[COUNT], films[1], atol=1e-3)
    assert not torch.allclose(seen[1], films[0], atol=1e-1)


def test_train_ships_a_reader_whose_card_is_reproduced(tmp_path, root):
    config = tmp_path / "tiny.yaml"
    second = CONFIG | {"network": CONFIG["network"] | {"input_size": 24}}
    config.write_text(yaml.safe_dump(RECIPE | {"members": [*RECIPE["members"], second]}))
    weights = tmp_path / "weights"
    command = ["--data", str(root), "--run", str(tmp_path / "run"), "--weights", str(weights)]
    done = CliRunner().invoke(app, ["train", "imaging", str(config), *command])
    assert done.exit_code == 0, done.output
    card = Card.read(weights)
    content = (weights / "film.safetensors").read_bytes()
    assert card.weights_sha256 == hashlib.sha256(content).hexdigest()
    assert card.figures["kermany test"].reader["auc"].value > 0.9
    assert {c.name: c.train + c.val + c.test for c in card.data} == {"kermany": 80, "nih": 120}
    assert set(card.calibration) == {"kermany", "nih"}
    assert card.confounds["reader"].value == card.figures["nih test"].reader["auc"].value
    assert card.heatmaps.films == 6
    assert (
        measure(FilmReader.load(weights), data.collect(("kermany", "nih"), root, 32), root) == card
    )

    (weights / "film.safetensors").write_bytes(content[:-1] + b"x")
    with pytest.raises(ToolError, match="do not match their card"):
        FilmReader.load(weights)
    (weights / "film.safetensors").unlink()
    with pytest.raises(ToolError, match="missing"):
        FilmReader.load(weights)


def test_thumbnails_train_through_the_same_code(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {}
    for split, count in (("train", 60), ("val", 30), ("test", 30)):
        labels = np.arange(count) % 2
        pictures = rng.integers(0, 120, (count, 28, 28), np.uint8)
        pictures[labels == 1, 8:18, 8:18] += 110
        arrays |= {f"{split}_images": pictures, f"{split}_labels": labels[:, None]}
    folder = tmp_path / "pneumoniamnist"
    folder.mkdir()
    np.savez(folder / "pneumoniamnist_reassembled.npz", **arrays)
    config = tmp_path / "tiny.yaml"
    network = CONFIG["network"] | {"input_size": 28, "small": True}
    member = CONFIG | {"network": network, "strength": 0.5}
    config.write_text(yaml.safe_dump({"collections": ["pneumoniamnist"], "members": [member]}))
    card = train(config, tmp_path, tmp_path / "run", tmp_path / "weights")
    assert list(card.figures) == ["pneumoniamnist test"]
    assert card.figures["pneumoniamnist test"].films == 30
    assert not card.confounds and card.heatmaps is None


@pytest.mark.parametrize(
    "text", ["[", "collections: [kermany]", "collections: [mars]\nmembers: []", "a: 1"]
)
def test_a_wrong_recipe_is_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ToolError, match="configuration"):
        read_recipe(tmp_path / "bad.yaml")


@pytest.mark.parametrize("recipe", sorted((WEIGHTS.parent / "configs").glob("*.yaml")))
def test_recipes_in_the_repository_are_read(recipe):
    if recipe.name != "gate.yaml":
        assert read_recipe(recipe).members
