"""Films by picture: indexing a folder with labels, and the nearest ones."""

from importlib.metadata import files

import numpy as np
import pytest
from PIL import Image

from consilium.tools.cases import pictures
from consilium.tools.cases.pictures import FilmSearch, add_pictures
from consilium.tools.contract import ToolError
from consilium.tools.imaging.intake import admit

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    source = next(entry.locate() for entry in files("pydicom-data") if entry.name == "RG1_UNCR.dcm")
    return admit(source, tmp_path_factory.mktemp("sample")).path


@pytest.fixture
def folder(tmp_path, film):
    """The sample film and altered ones, written as admitted films so that no child process is needed."""
    from consilium.tools.imaging.film import Film

    images = tmp_path / "images"
    images.mkdir()
    whole = Film.read(film).pixels
    small = np.asarray(Image.fromarray(whole.astype(np.float32)).resize((160, 160)))
    grey = ((small - small.min()) / np.ptp(small) * 255).astype(np.uint8)
    Film(grey).save(images / "sample.png")
    Film(np.ascontiguousarray(grey[:, ::-1])).save(images / "mirrored.png")
    Film(np.ascontiguousarray(grey.T)).save(images / "turned.png")
    (tmp_path / "labels.csv").write_text(
        "file,label\nsample.png,pacemaker\nmirrored.png,mirrored\nturned.png,turned\nsample.png,pacemaker\n"
    )
    return tmp_path


def test_the_same_film_is_the_nearest(folder, film):
    search = FilmSearch(folder)
    assert search.count == 0
    assert add_pictures(folder / "images", folder / "labels.csv", folder) == (3, 0)
    assert search.count == 3
    found = search.search(film, 2)
    assert [near.label for near in found] == ["pacemaker", "mirrored"]
    assert found[0].id.startswith("film-")
    assert found[0].similarity is None
    assert add_pictures(folder / "images", folder / "labels.csv", folder) == (0, 3)


def test_no_file_name_is_kept(folder):
    add_pictures(folder / "images", folder / "labels.csv", folder)
    kept = b"".join(path.read_bytes() for path in (folder / "cases").rglob("*") if path.is_file())
    assert b"mirrored.png" not in kept


def test_no_identifier_stays_in_a_label(folder, film):
    (folder / "labels.csv").write_text("file,label\nsample.png,pacemaker of Mr. Smith\n")
    add_pictures(folder / "images", folder / "labels.csv", folder)
    (near,) = FilmSearch(folder).search(film, 1)
    assert near.label == "pacemaker of Mr. [NAME]"


def test_a_picture_that_is_no_film(folder):
    add_pictures(folder / "images", folder / "labels.csv", folder)
    noise = folder / "noise.png"
    Image.fromarray(RNG.integers(0, 255, (300, 300), dtype=np.uint8)).save(noise)
    assert FilmSearch(folder).search(noise, 3) is None


def test_an_index_of_other_weights(folder, film, monkeypatch):
    add_pictures(folder / "images", folder / "labels.csv", folder)
    search = FilmSearch(folder)
    reader = pictures.FilmReader.load()
    other = pictures.FilmReader(
        reader.network,
        reader.novelty,
        reader.population,
        reader.card.model_copy(update={"weights_sha256": "0" * 64}),
    )
    monkeypatch.setattr(pictures.FilmReader, "load", lambda: other)
    with pytest.raises(ToolError, match="another version"):
        search.search(film, 1)
    with pytest.raises(ToolError, match="another version"):
        add_pictures(folder / "images", folder / "labels.csv", folder)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ("name,label\nsample.png,x\n", "columns file and label"),
        ("file,label\nsample.png,\n", "Line 2 of the labels has no label"),
        ("file,label\nsample.png,x\nmissing.png,y\n", "Line 3 .* not there"),
        ("file,label\n../labels.csv,x\n", "not there"),
        ("file,label\n", "no film"),
        ("file,label\nsample.png,x\nsample.png,y\n", "Line 3 .* film of line 2 another label"),
        (f"file,label\n{'a' * 5000}.png,x\n", "Line 2 .* not there"),
        ("file,label\nnul\0.png,x\n", "Line 2 .* not there|cannot be read"),
        ("file,label\nnotes.png,x\n", "Line 2 of the labels: .*text file"),
        ("file,label\nhalf.png,x\n", "Line 2 of the labels: .*damaged"),
        ("file,label\nsample.png\n", "no label"),
        (b"\xff\xfe\x00", "UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_wrong_labels(folder, labels, what):
    images, path = folder / "images", folder / "wrong.csv"
    (images / "notes.png").write_text("no film but a note")
    (images / "half.png").write_bytes((images / "sample.png").read_bytes()[:3000])
    if labels is not None:
        path.write_bytes(labels if isinstance(labels, bytes) else labels.encode())
    with pytest.raises(ToolError, match=what):
        add_pictures(images, path, folder)
    assert FilmSearch(folder).count == 0


def test_another_label_for_a_film_that_is_there_is_refused(folder):
    add_pictures(folder / "images", folder / "labels.csv", folder)
    (folder / "labels.csv").write_text("file,label\nturned.png,turned\nsample.png,other\n")
    with pytest.raises(ToolError, match=r"Line 3 .* another label \(film-"):
        add_pictures(folder / "images", folder / "labels.csv", folder)
    assert FilmSearch(folder).count == 3
