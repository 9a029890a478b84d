"""Decoding of one DICOM radiograph to the grey plane a viewer would show.

Follows the standard's order: stored values, modality LUT or rescale, VOI LUT or window, photometric
interpretation (DICOM PS3.3 C.11, PS3.4 N.2). Of the header only a keep-list of harmless facts is
read out.
"""

import warnings
import zlib
from datetime import date
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi_lut,
)
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from consilium.tools.contract import ToolError
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.limits import MAX_PIXELS, check_size
from consilium.tools.imaging.raster import colour_facts

MEDIA_TYPE = "application/dicom"

_HEAD, _CHUNK = 4096, 1 << 22
_MAX_INFLATED = 4 * MAX_PIXELS  # bytes

_FILM_MODALITIES = {"CR", "DX", "RG", "DR", "SC", "OT", ""}
_OTHER_MODALITIES = {
    "CT": "a CT image",
    "MR": "an MR image",
    "US": "an ultrasound image",
    "MG": "a mammogram",
    "PT": "a PET image",
    "NM": "a nuclear medicine image",
    "XA": "an angiogram",
    "RF": "a fluoroscopy image",
    "IO": "a dental film",
    "PX": "a panoramic dental film",
    "ES": "an endoscopy picture",
    "SM": "a microscopy picture",
    "OP": "an eye picture",
    "ECG": "an ECG",
}
_VIEWS = {"AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LATERAL"}
_CHEST = {"CHEST", "THORAX", "LUNG", "RIB", "HEART"}
_ELSEWHERE = {
    *("SKULL", "HEAD", "JAW", "NECK", "SPINE", "CSPINE", "TSPINE", "LSPINE", "ABDOMEN", "PELVIS"),
    *("SHOULDER", "CLAVICLE", "ARM", "ELBOW", "FOREARM", "WRIST", "HAND", "FINGER", "EXTREMITY"),
    *("HIP", "LEG", "FEMUR", "KNEE", "ANKLE", "FOOT", "TOE", "BREAST"),
}
_YBR = {"YBR_FULL", "YBR_FULL_422"}
_PHOTOMETRIC = {"MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", *_YBR}
_SEXES = {"F": "female", "M": "male", "O": "other"}
_DAYS_PER = {"Y": 365.25, "M": 30.44, "W": 7.0, "D": 1.0}
_OLDEST = 89  # ages above identify a person (HIPAA safe harbour) and become "90+"


def decode_dicom(stream: BinaryIO) -> Film:
    """Decode a single-frame radiograph.

    Raises
    ------
    ToolError
        If the file holds something else, and what that is.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns with values out of the header
        _check_inflated_size(stream)
        dataset = pydicom.dcmread(stream, force=True)  # old files lack the preamble
        _check(dataset)
        return _pixels(dataset)


def _check_inflated_size(stream: BinaryIO) -> None:
    """Refuse a deflated file before pydicom inflates all of it: 0.5 MB may hold gigabytes."""
    head = stream.read(_HEAD)
    if DeflatedExplicitVRLittleEndian.encode() in head:
        meta_length = int.from_bytes(head[140:144], "little")  # value of the first tag, (0002,0000)
        stream.seek(144 + meta_length)
        inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), 0
        waiting = stream.read()
        while waiting:
            inflated += len(inflater.decompress(waiting, _CHUNK))
            waiting = inflater.unconsumed_tail
            if inflated > _MAX_INFLATED:
                raise ToolError(
                    "The file unpacks to more than can be opened safely: "
                    "please export the film again."
                )
    stream.seek(0)


def _check(dataset: pydicom.Dataset) -> None:
    modality = _code(dataset, "Modality")
    if modality not in _FILM_MODALITIES:
        kind = _OTHER_MODALITIES.get(modality, "not a radiograph")
        raise ToolError(f"This is {kind}; the reader takes frontal chest films.")
    body_part = _one_of(_code(dataset, "BodyPartExamined"), _ELSEWHERE)
    if body_part:
        raise ToolError(
            f"This is a film of another body part ({body_part.lower()}); "
            "the reader takes frontal chest films."
        )
    if "PixelData" not in dataset:
        raise ToolError(
            "The DICOM file holds no picture (a report or a plan): please attach the film itself."
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ToolError(
            f"The DICOM file holds {frames} frames: please attach one single film per file."
        )
    check_size(int(dataset.Columns), int(dataset.Rows))
    photometric = _code(dataset, "PhotometricInterpretation")
    if photometric in _YBR and dataset.BitsStored > 8:  # pydicom would cut every value at 255
        raise ToolError(
            f"The colours of the film are stored in a way that cannot be opened here ({photometric} of "
            f"{dataset.BitsStored} bits): please export it in grey or as RGB."
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # the standard's default
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decodable = get_decoder(syntax).is_available
    except NotImplementedError:
        decodable = False
    if not decodable:
        name = "unknown" if syntax.name == str(syntax) else syntax.name
        raise ToolError(
            f"The film is stored in a compression that cannot be opened here ({name}): "
            "please export it uncompressed or as JPEG 2000."
        )


def _pixels(dataset: pydicom.Dataset) -> Film:
    stored = dataset.pixel_array
    facts = _facts(dataset)
    photometric = _code(dataset, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    if stored.ndim == 3:  # pydicom has turned YBR into RGB
        # A palette fills its type; RGB of 12 bits lies in 16.
        palette = photometric == "PALETTE COLOR"
        bits = 8 * stored.dtype.itemsize if palette else dataset.BitsStored
        rgb = (stored >> max(bits - 8, 0)).astype(np.uint8)
        return Film(np.asarray(Image.fromarray(rgb).convert("L")), facts | colour_facts(rgb))
    shown = _windowed(apply_modality_lut(stored, dataset), dataset)
    padding = _padding(stored, dataset)
    deep = _stretch(shown, ~padding, np.uint8 if dataset.BitsStored <= 8 else np.uint16)
    if photometric == "MONOCHROME1":
        deep = np.iinfo(deep.dtype).max - deep
    deep[padding] = 0
    return Film(deep, facts)


def _windowed(values: NDArray[Any], dataset: pydicom.Dataset) -> NDArray[Any]:
    """Apply the first VOI LUT or window; one that leaves a single grey is taken for a mistake."""
    try:
        shown = apply_voi_lut(values, dataset, index=0)
    except (ValueError, TypeError, AttributeError, IndexError):
        return values
    return shown if np.ptp(shown) > 0 else values


def _padding(stored: NDArray[Any], dataset: pydicom.Dataset) -> NDArray[np.bool_]:
    """Where the scanner filled the frame around the film (DICOM PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    padding = (stored >= low) & (stored <= high)
    return padding if not padding.all() else np.zeros(stored.shape, bool)


def _stretch(
    values: NDArray[Any], kept: NDArray[np.bool_], depth: type[np.uint8] | type[np.uint16]
) -> NDArray[Any]:
    numbers = values.astype(np.float32)
    low, high = float(numbers[kept].min()), float(numbers[kept].max())
    scale = np.iinfo(depth).max / (high - low) if high > low else 0.0
    return ((numbers.clip(low, high) - low) * scale).round().astype(depth)


def _facts(dataset: pydicom.Dataset) -> dict[str, str]:
    """Facts that identify nobody; values outside the standard's own terms are dropped."""
    modality = _code(dataset, "Modality")
    found = {
        "view": _view(dataset),
        "body part": _one_of(_code(dataset, "BodyPartExamined"), _CHEST).lower(),
        "modality": _one_of(modality, _FILM_MODALITIES),
        "age": _age(dataset),
        "sex": _SEXES.get(_code(dataset, "PatientSex"), ""),
        "photometric interpretation": _one_of(
            _code(dataset, "PhotometricInterpretation"), _PHOTOMETRIC
        ),
        "burned-in text": "yes" if _code(dataset, "BurnedInAnnotation") == "YES" else "",
    }
    return {label: value for label, value in found.items() if value}


def _view(dataset: pydicom.Dataset) -> str:
    """The standard's term; LAT, LLAT and the like, as devices write it, are laterals, too."""
    view = _code(dataset, "ViewPosition")
    coded = dataset.get(
        "ViewCodeSequence"
    )  # what a DX film must have, where the position is optional
    meant = _code(coded[0], "CodeMeaning") if coded else ""
    lateral = any(name.endswith(("LAT", "LATERAL")) for name in (view, meant))
    return "LATERAL" if lateral else _one_of(view, _VIEWS)


def _code(dataset: pydicom.Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip().upper()


def _one_of(value: str, known: set[str]) -> str:
    return value if value in known else ""


def _age(dataset: pydicom.Dataset) -> str:
    """Whole years from the age tag, else from the dates of birth and study; empty where unknown."""
    text = _code(dataset, "PatientAge")
    # Devices write "000Y" where nobody entered an age; an infant's is in days, weeks or months.
    if text[:-1].isdigit() and text[-1:] in _DAYS_PER and text.lstrip("0") != "Y":
        years = int(int(text[:-1]) * _DAYS_PER[text[-1]] / _DAYS_PER["Y"])
    else:
        born, studied = _date(dataset, "PatientBirthDate"), _date(dataset, "StudyDate")
        if born is None or studied is None or studied < born:
            return ""
        years = studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))
    return str(years) if years <= _OLDEST else f"{_OLDEST + 1}+"


def _date(dataset: pydicom.Dataset, keyword: str) -> date | None:
    try:
        return date.fromisoformat(_code(dataset, keyword))
    except ValueError:
        return None
