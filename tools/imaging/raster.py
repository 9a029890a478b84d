"""Decoding of ordinary pictures (PNG, JPEG, TIFF, WebP) to one grey plane."""

import io
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from consilium.tools.contract import ToolError
from consilium.tools.imaging.film import Film, Pixels
from consilium.tools.imaging.limits import check_size

_MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
_PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 262, 0
_COLOURFUL = 10.0  # mean spread between the channels, grey values; scanned films stay below


def decode_raster(stream: BinaryIO) -> tuple[Film, str]:
    """Decode a picture to a film; returns it with its media type.

    EXIF rotation, colour profiles, palettes, CMYK and transparency are resolved; 16 bit is kept.

    Raises
    ------
    ToolError
        If the picture is too large or small, or holds several.
    OSError, SyntaxError, ValueError
        If it is damaged.
    """
    Image.MAX_IMAGE_PIXELS = None  # check_size is stricter, and says it in our words
    with Image.open(stream, formats=tuple(_MEDIA_TYPES)) as picture:
        check_size(*picture.size)
        # An MPO is the JPEG of a telephone: its first picture is the photograph, the others belong to it.
        if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise ToolError(
                "The file holds several pictures (an animation or several pages): "
                "please attach one film per file."
            )
        media_type = _MEDIA_TYPES.get(picture.format or "", "image/jpeg")
        picture.load()
        return _to_film(picture), media_type


def colour_facts(rgb: NDArray[np.uint8]) -> dict[str, str]:
    """Return the fact that a (height, width, 3) picture is coloured, if it is.

    "yes" is a tint, as a photographed light box has; "several" are many hues, which no film has.
    """
    every = max(1, min(rgb.shape[:2]) // 256)
    small = rgb[::every, ::every].reshape(-1, 3).astype(np.float32)
    if (small.max(axis=1) - small.min(axis=1)).mean() <= _COLOURFUL:
        return {}
    # What is left of the colours once each grey value has the tint that it has on the whole.
    chroma = small[:, :2] - small[:, 2:]
    shade = small.sum(axis=1).astype(np.int64) // 48
    count = np.bincount(shade, minlength=17).clip(1)
    tint = np.stack([np.bincount(shade, chroma[:, c], 17) / count for c in range(2)], axis=1)
    varied = float(np.abs(chroma - tint[shade]).mean())
    return {"colour": "several" if varied > _COLOURFUL else "yes"}


def _to_film(picture: Image.Image) -> Film:
    white_is_zero = _white_is_zero(picture)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        deep = _sixteen_bit(np.asarray(upright))
        return Film(np.iinfo(np.uint16).max - deep if white_is_zero else deep)
    if upright.mode in ("1", "L"):
        return Film(np.asarray(upright.convert("L")))
    rgb = _to_rgb(upright)
    return Film(np.asarray(rgb.convert("L")), colour_facts(np.asarray(rgb)))


def _white_is_zero(picture: Image.Image) -> bool:
    """Whether a 16-bit TIFF stores negatives; Pillow resolves that for 8 bit only."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO


def _to_rgb(picture: Image.Image) -> Image.Image:
    if "transparency" in picture.info or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        opaque = picture.convert("RGBA")
        black = Image.new("RGBA", opaque.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, opaque).convert("RGB")
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a broken profile: the plain conversion still shows the film
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _sixteen_bit(values: NDArray[np.generic]) -> Pixels:
    """Keep values that fit 16 bit; stretch others (32-bit integers, floats) to its range."""
    numbers = np.nan_to_num(values.astype(np.float32))
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= np.iinfo(np.uint16).max:
        return values.astype(np.uint16)
    scale = np.iinfo(np.uint16).max / (high - low) if high > low else 0.0
    return ((numbers - low) * scale).round().astype(np.uint16)
