"""One way into the network, for squashed training films and for uploads of any size and depth."""

import numpy as np
from PIL import Image

from consilium.tools.imaging.preprocess import prepare, to_input

RNG = np.random.default_rng(3)
SMOOTH = np.asarray(
    Image.fromarray(RNG.integers(0, 255, (12, 12), np.uint8)).resize(
        (900, 1200), Image.Resampling.BICUBIC
    )
)


def test_an_upload_looks_like_its_squashed_training_copy():
    squashed = np.asarray(Image.fromarray(SMOOTH).resize((224, 224), Image.Resampling.BILINEAR))
    difference = prepare(SMOOTH, 144).astype(int) - prepare(squashed, 144)
    assert np.abs(difference).mean() < 1


def test_depth_and_scale_do_not_matter():
    deep = SMOOTH.astype(np.uint16) * 12 + 300
    assert np.abs(prepare(SMOOTH, 144).astype(int) - prepare(deep, 144)).max() <= 1


def test_contrast_is_set_by_the_centre_not_by_the_border():
    film = np.full((200, 200), 100, np.uint8)
    film[20:180, 20:180] = RNG.integers(90, 110, (160, 160))
    film[:10] = 255
    prepared = prepare(film, 200)
    assert prepared[30:170, 30:170].std() > 50
    assert (prepared[:5] == 255).all()


def test_one_grey_becomes_zero():
    assert (prepare(np.full((50, 30), 7, np.uint8), 64) == 0).all()


def test_input_is_about_centred():
    batch = to_input(np.array([[[0, 255]]], np.uint8))
    assert batch.shape == (1, 1, 1, 2)
    assert batch.mean() == 0
