"""The shipped reader: its card, real films, strange pictures, broken weights, the picture it draws."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import files
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.imaging import data, report, tool
from consilium.tools.imaging.card import THUMBNAIL_WEIGHTS, WEIGHTS, Card
from consilium.tools.imaging.contract import AnalyzeScan
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.folder import read_films
from consilium.tools.imaging.heatmap import attention, draw
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.metrics import auc
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.reader import FilmReader

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("CONSILIUM_SHARED", REPOSITORY.parent / "shared"))
needs_films = pytest.mark.skipif(
    not (SHARED / "data/kermany_cxr224").exists(), reason="needs the shared films"
)
RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def reader():
    return FilmReader.load()


@pytest.fixture(scope="module")
def sample_film(tmp_path_factory):
    source = next(e.locate() for e in files("pydicom-data") if e.name == "RG1_UNCR.dcm")
    return admit(source, tmp_path_factory.mktemp("sample")).path


def call(path, folder):
    context = ToolContext(attachments={"scan-1": path}, artifact_dir=folder)
    return tool.analyze_scan(AnalyzeScan(image="scan-1"), context)


def test_card_is_complete_and_weights_are_small():
    card = Card.read(WEIGHTS)
    assert (card.name, card.version) == (report.SOURCE.name, report.SOURCE.version)
    assert card.figures["kermany test"].reader["auc"].value >= 0.95
    for figures in card.figures.values():
        assert figures.films and figures.patients
        for figure in (*figures.reader.values(), *figures.baseline.values()):
            assert figure.low <= figure.value <= figure.high
    for calibration in card.calibration.values():
        assert 0 < calibration.threshold < 1 and calibration.scale > 0
    assert card.heatmaps.inside.value > max(card.heatmaps.chance, card.heatmaps.randomised)
    assert (WEIGHTS / "film.safetensors").stat().st_size < 10_000_000
    assert card.limits


def test_the_benchmark_reader_loads_and_says_what_it_is():
    card = FilmReader.load(THUMBNAIL_WEIGHTS).card
    assert card.name != Card.read(WEIGHTS).name
    assert card.figures["pneumoniamnist test"].films == 624


def test_sample_film(tmp_path, sample_film):
    result = call(sample_film, tmp_path)
    assert result.status == "ok"
    finding = result.findings[0]
    low, high = finding.interval
    assert 0 <= low <= finding.value <= high <= 1
    assert f": {finding.level}." in result.summary
    assert any("adult" in warning for warning in result.warnings)
    assert {f.label: f.value for f in result.findings[1:]}["view"] == "PA"
    (artifact,) = result.artifacts
    with Image.open(artifact.path) as picture:
        assert picture.size[0] > 1.5 * picture.size[1]
    assert call(sample_film, tmp_path).artifacts[0].id != artifact.id
    assert call(sample_film, tmp_path).findings == result.findings


def test_a_raw_file_is_admitted_on_the_way(tmp_path, sample_film):
    source = next(e.locate() for e in files("pydicom-data") if e.name == "RG1_UNCR.dcm")
    assert call(source, tmp_path).findings == call(sample_film, tmp_path).findings
    (tmp_path / "notes.txt").write_text("no film")
    with pytest.raises(ToolError, match="text file"):
        call(tmp_path / "notes.txt", tmp_path)


def strange_pictures():
    ramp = np.tile(np.linspace(0, 255, 300), (200, 1))
    yield "noise", RNG.integers(0, 255, (300, 300))
    yield "blank", np.full((300, 300), 128)
    yield "stripes", 255 * (np.arange(300)[:, None] // 8 % 2) * np.ones((1, 300))
    yield "checks", 255 * ((np.add.outer(np.arange(256), np.arange(256)) // 16) % 2)
    yield "ramp", ramp
    page = np.full((400, 300), 250)
    page[20:380:14, 20:280] = RNG.integers(0, 255, (26, 260))
    yield "page", page


@pytest.mark.parametrize("name", [name for name, _ in strange_pictures()])
def test_strange_pictures_are_declined(tmp_path, name):
    pixels = dict(strange_pictures())[name].astype(np.uint8)
    Film(pixels).save(tmp_path / "film.png")
    result = call(tmp_path / "film.png", tmp_path)
    assert result.abstained
    assert result.findings[0].value is None
    assert not result.artifacts


def test_poor_quality_is_warned_of(sample_film, reader):
    film = Film.read(sample_film)
    assert reader.doubts(film.pixels) == []
    assert reader.doubts(film.pixels[::20, ::20]) == [report.LOW_RESOLUTION]
    burnt = film.pixels.copy()
    burnt[: len(burnt) // 2] = burnt.max()
    assert reader.doubts(burnt) == [report.CLIPPED]


def test_a_folder_is_warned_of_poor_quality_too(tmp_path, sample_film, reader):
    small = Film.read(sample_film).pixels[::20, ::20]
    Image.fromarray(small).save(tmp_path / "small.png")
    (read,) = read_films([tmp_path / "small.png"], reader)
    assert not read.turned_away
    assert report.LOW_RESOLUTION in read.warnings


def test_many_at_once_give_the_same(tmp_path, sample_film):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: call(sample_film, tmp_path), range(4)))
    assert all(result.findings == results[0].findings for result in results)
    assert len({result.artifacts[0].path for result in results}) == 4


def test_a_film_that_is_read_meanwhile_leaves_the_heatmap_alone(reader, sample_film, monkeypatch):
    film = Film.read(sample_film).pixels
    alone = attention(reader.network, film)
    forward = FilmNet.forward

    def interrupted(self, films):
        logits = forward(self, films)
        other = Thread(target=reader.read, args=(film[::-1],))
        other.start()
        other.join()
        return logits

    monkeypatch.setattr(FilmNet, "forward", interrupted)
    np.testing.assert_array_equal(attention(reader.network, film), alone)


@pytest.mark.parametrize("shape", [(300, 200), (200, 500)])
def test_heatmap_keeps_the_films_shape(tmp_path, reader, shape):
    pixels = RNG.integers(0, 65535, shape, np.uint16)
    heat = attention(reader.network, pixels)
    assert heat.min() >= 0 and heat.max() <= 1
    draw(pixels, heat, tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        picture.load()
        wide = picture.size[0] / picture.size[1]
    assert (wide > 2.5) == (shape[1] > shape[0])


def test_damaged_weights_are_refused_in_one_sentence(tmp_path):
    for name in ("card.json", "film.safetensors"):
        shutil.copy(WEIGHTS / name, tmp_path)
    assert FilmReader.load(tmp_path)
    content = bytearray((tmp_path / "film.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "film.safetensors").write_bytes(content)
    with pytest.raises(ToolError, match="do not match their card"):
        FilmReader.load(tmp_path)
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ToolError, match="damaged"):
        FilmReader.load(tmp_path)
    (tmp_path / "card.json").unlink()
    with pytest.raises(ToolError, match="missing"):
        FilmReader.load(tmp_path)


@needs_films
def test_real_films(reader):
    """A quarter of the children's test films and all adult ones come out as the card says, roughly."""
    size = reader.network.input_size
    children = [f for f in data.kermany(SHARED / "data/kermany_cxr224") if f.split == "test"][::4]
    adults = data.nih(SHARED / "data/nih_cxr320")
    adults = [film for film in adults if film.split == "test"]
    for films, name in ((children, "kermany test"), (adults, "nih test")):
        part = data.load(films, size)
        figure = reader.card.figures[name].reader["auc"]
        probability = reader.read_many(part.pictures).probability
        assert auc(part.labels, probability) == pytest.approx(figure.value, abs=0.03)


@needs_films
def test_an_original_reads_like_its_squashed_copy(tmp_path, reader):
    folder = SHARED / "data/kermany_originals_demo"
    for original in sorted(folder.glob("*.jpeg"))[::8]:
        film = Film.read(admit(original, tmp_path / "out").path)
        squashed = Image.fromarray(film.pixels).resize((224, 224), Image.Resampling.BILINEAR)
        as_is, small = reader.read(film.pixels), reader.read(np.asarray(squashed))
        assert as_is.probability == pytest.approx(small.probability, abs=0.05)
        assert not as_is.outside
