"""Ordinary pictures through the one door: what comes in, in which state it is kept, what is refused."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from consilium.tools.contract import ToolError
from consilium.tools.imaging import intake
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.worker import decode

WIDTH, HEIGHT = 60, 40
SECRET = "Doe^Jane 1951-02-03 MRN-778899"


def gradient(dtype=np.uint8, top=255):
    row = np.linspace(0, top, WIDTH)
    return np.tile(row, (HEIGHT, 1)).astype(dtype)


def upload(tmp_path, picture, name="upload", **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


def opened(path):
    """Decode without the cost of a child process; returns the film."""
    with path.open("rb") as stream:
        return decode(stream)[0]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_format_is_told_by_content_not_by_name(tmp_path, form):
    path = upload(tmp_path, Image.fromarray(gradient()), "film.dcm", format=form)
    result = admit(path, tmp_path / "out")
    pixels = Film.read(result.path).pixels
    assert result.media_type == f"image/{form.lower()}"
    assert (result.width, result.height) == (WIDTH, HEIGHT)
    assert np.abs(pixels.astype(int) - gradient()).max() <= 8
    assert result.preview.exists()


def test_sixteen_bit_is_kept(tmp_path):
    deep = gradient(np.uint16, 4095)
    pixels = opened(upload(tmp_path, Image.fromarray(deep), format="PNG")).pixels
    assert pixels.dtype == np.uint16
    assert (pixels == deep).all()


def test_preview_of_a_dark_sixteen_bit_film_is_visible_and_small(tmp_path):
    deep = np.kron(gradient(np.uint16, 900), np.ones((20, 20), np.uint16))
    result = admit(upload(tmp_path, Image.fromarray(deep), format="PNG"), tmp_path / "out")
    with Image.open(result.preview) as preview:
        assert preview.mode == "L"
        assert max(preview.size) == 512
        assert np.asarray(preview).max() > 250


def test_a_telephones_jpeg_is_its_first_picture(tmp_path):
    depth = [Image.new("L", (30, 20), 90)]
    photograph = Image.fromarray(gradient())
    path = upload(tmp_path, photograph, format="MPO", save_all=True, append_images=depth)
    result = admit(path, tmp_path / "out")
    assert (result.media_type, result.width) == ("image/jpeg", WIDTH)
    assert np.abs(Film.read(result.path).pixels.astype(int) - gradient()).max() <= 8


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to see it upright
    path = upload(tmp_path, Image.fromarray(gradient()), format="JPEG", exif=exif, quality=95)
    pixels = opened(path).pixels
    assert pixels.shape == (WIDTH, HEIGHT)
    assert pixels[0].mean() < pixels[-1].mean()


def test_negative_sixteen_bit_tiff_is_turned(tmp_path):
    path = upload(
        tmp_path, Image.fromarray(gradient(np.uint16, 60000)), format="TIFF", tiffinfo={262: 0}
    )
    pixels = opened(path).pixels
    assert pixels[0, 0] > pixels[0, -1]


def test_cmyk_jpeg(tmp_path):
    path = upload(tmp_path, Image.fromarray(gradient()).convert("CMYK"), format="JPEG", quality=95)
    pixels = opened(path).pixels
    assert np.abs(pixels.astype(int) - gradient()).max() <= 12


def test_palette_and_transparency(tmp_path):
    grey = Image.fromarray(gradient())
    pixels = opened(upload(tmp_path, grey.convert("P"), format="PNG")).pixels
    assert np.abs(pixels.astype(int) - gradient()).max() <= 3
    see_through = Image.merge("LA", [grey, Image.new("L", grey.size, 0)])
    pixels = opened(upload(tmp_path, see_through, format="PNG")).pixels
    assert (pixels == 0).all()


def test_colour_profile_good_or_broken(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for block in (profile, b"no profile at all"):
        rgb = Image.fromarray(gradient()).convert("RGB")
        pixels = opened(upload(tmp_path, rgb, format="PNG", icc_profile=block)).pixels
        assert np.abs(pixels.astype(int) - gradient()).max() <= 2


def test_float_and_bilevel(tmp_path):
    wide = Image.fromarray(np.linspace(-3, 5, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, -1))
    pixels = opened(upload(tmp_path, wide, format="TIFF")).pixels
    assert pixels.dtype == np.uint16
    assert (pixels.min(), pixels.max()) == (0, 65535)
    pixels = opened(upload(tmp_path, Image.fromarray(gradient() > 99), format="PNG")).pixels
    assert set(np.unique(pixels)) == {0, 255}


def test_colour_is_noted(tmp_path):
    red = Image.new("RGB", (WIDTH, HEIGHT), (200, 20, 20))
    assert opened(upload(tmp_path, red, format="PNG")).facts == {"colour": "yes"}
    grey = Image.fromarray(gradient()).convert("RGB")
    assert opened(upload(tmp_path, grey, format="PNG")).facts == {}


def test_nothing_written_in_the_file_survives(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET)
    for options in (
        {"format": "PNG", "pnginfo": notes, "exif": exif},
        {"format": "JPEG", "exif": exif, "comment": SECRET},
        {"format": "TIFF", "tiffinfo": {270: SECRET}},
    ):
        path = upload(tmp_path, Image.fromarray(gradient()), SECRET, **options)
        admit(path, tmp_path / "out")
        for written in (tmp_path / "out").iterdir():
            assert SECRET.split()[0].encode() not in written.read_bytes()
            assert "Doe" not in written.name


def png_that_claims(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def picture_bytes(form, **options):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
    Image.fromarray(noise).save(buffer, form, **options)
    return buffer.getvalue()


FRAMES = [Image.new("L", (200, 200), 90)]

REFUSED = {
    "empty": (b"", "empty"),
    "truncated png": (picture_bytes("PNG")[:9000], "cut short"),
    "truncated jpeg": (picture_bytes("JPEG")[:9000], "cut short"),
    "truncated webp": (picture_bytes("WEBP")[:3000], "cut short|not a picture"),
    "truncated tiff": (picture_bytes("TIFF")[:9000], "cut short|not a picture"),
    "100 megapixels": (png_that_claims(10_000, 10_000), "at most 60 megapixels"),
    "tiny": (png_that_claims(3, 3), "too small"),
    "animated webp": (
        picture_bytes("WEBP", save_all=True, append_images=FRAMES),
        "several pictures",
    ),
    "animated png": (
        picture_bytes("PNG", save_all=True, append_images=FRAMES),
        "several pictures",
    ),
    "pages": (picture_bytes("TIFF", save_all=True, append_images=FRAMES), "several pictures"),
    "gif": (picture_bytes("GIF"), "GIF"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "text": ("Der Patient hustet, 胸片.\n".encode(), "text file"),
    "html": (b"<!doctype html><html></html>", "text file"),
    "zip": (b"PK\x03\x04" + bytes(200), "not a picture"),
    "noise": (np.random.default_rng(1).bytes(5000), "not a picture"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_sentence_that_says_what_to_do(tmp_path, name):
    content, words = REFUSED[name]
    path = tmp_path / "upload.png"
    path.write_bytes(content)
    with path.open("rb") as stream, pytest.raises(ToolError, match=words) as refusal:
        decode(stream)
    assert "please" in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ToolError, match="cannot be opened"):
        admit(tmp_path / "nothing.png", tmp_path / "out")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit(9)", "could not be opened safely"),
        ("import time; time.sleep(60)", "took too long"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile 1: pass",
            "took too long",
        ),
    ],
)
def test_a_child_that_dies_or_hangs(tmp_path, monkeypatch, program, words):
    child = tmp_path / "python"
    child.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{program}'\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    monkeypatch.setattr(intake, "TIME_LIMIT", 4.0)
    path = upload(tmp_path, Image.fromarray(gradient()), format="PNG")
    with pytest.raises(ToolError, match=words):
        admit(path, tmp_path / "out")


def test_a_refusal_crosses_the_process_and_leaves_nothing(tmp_path):
    path = tmp_path / "upload.png"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(ToolError, match="This is a PDF document"):
        admit(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
