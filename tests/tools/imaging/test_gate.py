"""The gate before the film reader: strangers out, films in, upright and positive."""

import hashlib
import json
import shutil
from importlib.metadata import files

import numpy as np
import pytest
from PIL import Image

from consilium.tools.contract import ToolError
from consilium.tools.imaging import gate, gate_drawn, gate_phantoms, gate_rules
from consilium.tools.imaging.film import Film, to_display
from consilium.tools.imaging.gate_card import GATE_CARD_FILE, GATE_WEIGHTS_FILE
from consilium.tools.imaging.gate_model import WEIGHTS, Gate, right
from consilium.tools.imaging.intake import admit
from consilium.tools.registry import TOOLS


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The sample film that comes with an installed package."""
    source = next(e.locate() for e in files("pydicom-data") if e.name == "RG1_UNCR.dcm")
    return Film.read(admit(source, tmp_path_factory.mktemp("film")).path)


def test_a_film_is_let_in_as_it_is(film):
    checked = gate.check(film)
    assert not checked.refusal
    assert np.array_equal(checked.film.pixels, film.pixels)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_film_is_righted_with_a_warning(film, turns):
    checked = gate.check(Film(np.rot90(film.pixels, turns), {}))
    assert not checked.refusal
    assert np.array_equal(checked.film.pixels, film.pixels)
    assert f"{90 * turns} degrees" in " ".join(checked.warnings)


def test_a_negative_is_inverted_with_a_warning(film):
    checked = gate.check(Film(film.pixels.max() - film.pixels + film.pixels.min(), {}))
    assert not checked.refusal
    assert np.array_equal(checked.film.pixels, film.pixels)
    assert gate.INVERTED in checked.warnings


def test_low_contrast_and_a_crop_are_let_in(film):
    height, width = film.pixels.shape
    for pixels in (
        film.pixels // 5 + 90,
        film.pixels[height // 10 :, width // 20 : -(width // 20)],
    ):
        assert not gate.check(Film(pixels, {})).refusal


@pytest.mark.parametrize("name", [*gate_drawn.HELD_OUT, *gate_phantoms.HELD_OUT])
def test_strangers_are_refused(name):
    draw = (gate_drawn.HELD_OUT | gate_phantoms.HELD_OUT)[name]
    assert gate.check(Film(draw(np.random.default_rng(3)), {})).refusal


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_blank_and_noise_are_refused(grey):
    noise = np.random.default_rng(grey).integers(0, 256, (300, 260)).astype(np.uint8)
    assert gate.check(Film(np.full((300, 260), grey, np.uint8), {})).refusal
    assert gate.check(Film(noise, {})).refusal


def test_rules_say_what_they_see(film):
    assert gate.check(Film(film.pixels, {"view": "LL"})).refusal == gate_rules.LATERAL
    assert gate.check(Film(film.pixels, {"colour": "several"})).refusal == gate_rules.COLOURS
    assert gate.check(Film(film.pixels[:200], {})).refusal == gate_rules.LONG


def test_a_thumbnail_is_read_down_to_forty_pixels(film):
    picture = Image.fromarray(to_display(film.pixels))
    for side in (40, 64):
        assert not gate.check(Film(np.asarray(picture.resize((side, side))), {})).refusal
    tiny = gate.check(Film(np.asarray(picture.resize((39, 50))), {}))
    assert "too small" in tiny.refusal and "39 x 50 pixels" in tiny.refusal


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("negative", [False, True])
def test_right_undoes_turns_and_negatives(turns, negative):
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    changed = np.rot90(11 - pixels if negative else pixels, turns)
    assert np.array_equal(right(changed, turns, negative), pixels)


def test_the_card_belongs_to_the_weights_and_keeps_what_was_promised():
    card = Gate.load().card
    content = (WEIGHTS / GATE_WEIGHTS_FILE).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.weights_sha256
    assert card.figures.rejected["all"].n >= 300
    assert card.figures.rejected["all"].share >= 0.95
    for name, refused in card.figures.refused.items():
        assert refused.share <= 0.02 or "28 px" in name, name


def test_the_reader_is_not_ready_without_its_gate(monkeypatch):
    def damaged():
        raise ToolError("damaged")

    monkeypatch.setattr(gate, "load_gate", damaged)
    with pytest.raises(ToolError, match="damaged"):
        TOOLS["analyze_scan"].load()


def test_damaged_or_missing_weights_are_refused(tmp_path):
    with pytest.raises(ToolError, match="missing"):
        Gate.load(tmp_path)
    for name in (GATE_CARD_FILE, GATE_WEIGHTS_FILE):
        shutil.copy(WEIGHTS / name, tmp_path)
    (tmp_path / GATE_WEIGHTS_FILE).write_bytes(b"damaged")
    with pytest.raises(ToolError, match="do not match"):
        Gate.load(tmp_path)
    card = json.loads((tmp_path / GATE_CARD_FILE).read_text())
    card["weights_sha256"] = hashlib.sha256(b"damaged").hexdigest()
    (tmp_path / GATE_CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(ToolError, match="do not fit"):
        Gate.load(tmp_path)
