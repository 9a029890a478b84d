"""DICOM through the one door: the picture a viewer would show, and nothing that names the patient."""

import resource
import time
from importlib.metadata import files

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from consilium.tools.contract import ToolError
from consilium.tools.imaging import gate_rules
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.worker import decode

SIDE = 48
RAMP = np.tile(np.arange(SIDE, dtype=np.uint16) * 80, (SIDE, 1))  # 0 .. 3760: 12 bit


def dicom(tmp_path, pixels=RAMP, bits=12, syntax=ExplicitVRLittleEndian, name="film.dcm", **tags):
    """Write a DX film; `tags` replace its header's values, None removes one."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, int(pixels.dtype.kind == "i")
    dataset.BitsAllocated, dataset.BitsStored = 8 * pixels.dtype.itemsize, bits
    dataset.HighBit = bits - 1
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in tags.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    if syntax in (JPEG2000Lossless, RLELossless):
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(syntax)
    path = tmp_path / name
    dataset.save_as(path, enforce_file_format=True)
    return path


def opened(path):
    """Decode without the cost of a child process; returns the film."""
    with path.open("rb") as stream:
        return decode(stream)[0]


def shown(path):
    return opened(path).pixels


def sample(name):
    """A file of pydicom-data, an installed package."""
    return next(entry.locate() for entry in files("pydicom-data") if entry.name == name)


def test_plain_film_is_shown_over_its_whole_range(tmp_path):
    pixels = shown(dicom(tmp_path))
    assert pixels.dtype == np.uint16
    assert (pixels[0, 0], pixels[0, -1]) == (0, 65535)


def test_monochrome1_is_inverted(tmp_path):
    pixels = shown(dicom(tmp_path, PhotometricInterpretation="MONOCHROME1"))
    assert (pixels[0, 0], pixels[0, -1]) == (65535, 0)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_bit_depths(tmp_path, bits):
    depth = np.uint8 if bits == 8 else np.uint16
    ramp = np.tile(np.linspace(0, 2**bits - 1, SIDE).astype(depth), (SIDE, 1))
    pixels = shown(dicom(tmp_path, ramp, bits))
    assert pixels.dtype == depth
    assert (np.diff(pixels[0].astype(int)) > 0).all()


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_colour_in_sixteen_bits_is_shown_over_its_whole_range(tmp_path, bits):
    grey = np.tile(np.linspace(0, 2**bits - 1, SIDE).astype(np.uint16), (3, SIDE, 1))
    tags = {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 1}
    pixels = shown(dicom(tmp_path, grey, bits, **tags))
    assert (pixels[0, 0], pixels[0, -1]) == (0, 255)
    assert (np.diff(pixels[0].astype(int)) > 0).all()


def test_signed_pixels_with_rescale(tmp_path):
    signed = (RAMP.astype(np.int16) - 2000).astype(np.int16)
    pixels = shown(dicom(tmp_path, signed, 16, RescaleSlope="-1", RescaleIntercept="5"))
    assert (pixels[0, 0], pixels[0, -1]) == (65535, 0)


@pytest.mark.parametrize("window", [("1000", "400"), (["1000", "2000"], ["400", "4000"])])
def test_window_one_or_several(tmp_path, window):
    center, width = window
    pixels = shown(dicom(tmp_path, WindowCenter=center, WindowWidth=width))
    dark, bright = RAMP[0] <= 790, RAMP[0] >= 1210
    assert (pixels[0][dark] == 0).all()
    assert (pixels[0][bright] == 65535).all()
    assert 0 < pixels[0][~dark & ~bright].mean() < 65535


def test_useless_window_is_ignored(tmp_path):
    path = dicom(tmp_path, WindowCenter="60000", WindowWidth="10")
    assert len(np.unique(shown(path))) == SIDE


def test_voi_lut_comes_before_the_window(tmp_path):
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 16]
    lut.LUTData = (65535 - 16 * np.arange(4096)).astype(np.uint16).tobytes()
    path = dicom(tmp_path, VOILUTSequence=Sequence([lut]), WindowCenter="9", WindowWidth="9")
    pixels = shown(path)
    assert (pixels[0, 0], pixels[0, -1]) == (65535, 0)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_set_the_range(tmp_path, photometric):
    padded = RAMP + 100
    padded[:5] = 65000
    pixels = shown(
        dicom(tmp_path, padded, 16, PhotometricInterpretation=photometric, PixelPaddingValue=65000),
    )
    assert (pixels[:5] == 0).all()
    assert pixels[5:].max() == 65535


@pytest.mark.parametrize("name", ["RG1_UNCI.dcm", "RG1_J2KR.dcm", "RG1_J2KI.dcm"])
def test_compressed_sample_looks_like_the_plain_one(tmp_path, name):
    plain = shown(sample("RG1_UNCR.dcm"))
    pixels = shown(sample(name))
    assert pixels.shape == plain.shape == (1955, 1841)
    assert np.corrcoef(plain[::9, ::9].ravel(), pixels[::9, ::9].ravel())[0, 1] > 0.999


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_here(tmp_path, syntax):
    if syntax == JPEG2000Lossless:
        pytest.importorskip("openjpeg")
    pixels = shown(dicom(tmp_path, syntax=syntax))
    assert (np.diff(pixels[0].astype(int)) > 0).all()


def test_sample_film_and_its_facts(tmp_path):
    result = admit(sample("RG1_UNCR.dcm"), tmp_path / "out")
    assert result.media_type == "application/dicom"
    assert result.facts == {
        "view": "PA",
        "body part": "chest",
        "modality": "CR",
        "age": "64",
        "sex": "female",
        "photometric interpretation": "MONOCHROME1",
    }


@pytest.mark.parametrize(
    ("tags", "age"),
    [
        ({"PatientAge": "045Y"}, "45"),
        ({"PatientAge": "089Y"}, "89"),
        ({"PatientAge": "097Y"}, "90+"),
        ({"PatientAge": "018M"}, "1"),
        ({"PatientAge": "010D"}, "0"),
        ({"PatientAge": "000D"}, "0"),
        ({"PatientAge": "000Y"}, None),
        ({"PatientAge": "000Y", "PatientBirthDate": "19900615", "StudyDate": "20200614"}, "29"),
        ({"PatientAge": "000Y", "PatientBirthDate": "20200601", "StudyDate": "20200614"}, "0"),
        ({"PatientBirthDate": "19900615", "StudyDate": "20200614"}, "29"),
        ({"PatientBirthDate": "19900615"}, None),
        ({"PatientAge": "old"}, None),
    ],
)
def test_age(tmp_path, tags, age):
    assert opened(dicom(tmp_path, **tags)).facts.get("age") == age


@pytest.mark.parametrize(
    ("written", "view"),
    [("LAT", "LATERAL"), ("L LAT", "LATERAL"), ("lateral", "LATERAL"), ("LL", "LL"), ("AP", "AP")],
)
def test_a_lateral_is_known_however_it_is_written(tmp_path, written, view):
    film = opened(dicom(tmp_path, ViewPosition=written))
    assert film.facts["view"] == view
    assert (gate_rules.refusal(film.pixels, film.facts) == gate_rules.LATERAL) == (view != "AP")


@pytest.mark.parametrize(
    ("meaning", "view"), [("left lateral", "LATERAL"), ("postero-anterior", None)]
)
def test_a_lateral_is_known_by_its_coded_view(tmp_path, meaning, view):
    code = Dataset()
    code.CodeMeaning = meaning
    film = opened(dicom(tmp_path, ViewCodeSequence=Sequence([code])))
    assert film.facts.get("view") == view


def test_nothing_that_names_the_patient_is_kept(tmp_path):
    private = Dataset()
    secrets = {
        "PatientName": "Muster^Erika",
        "PatientID": "PID-4711",
        "PatientBirthDate": "19510203",
        "StudyDate": "20240229",
        "StudyDescription": "Erika Muster thorax",
        "InstitutionName": "Waldklinik",
        "AccessionNumber": "ACC-90210",
        "ReferringPhysicianName": "Docteur^Quelconque",
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.777",
        "ViewPosition": "ERIKA",
        "BodyPartExamined": "ERIKAS LUNGE",
        "ImageComments": "call 0171-555",
    }
    private.PatientName = secrets["PatientName"]
    path = dicom(tmp_path, ReferencedPatientSequence=Sequence([private]), **secrets)
    result = admit(path, tmp_path / "out")
    kept = b"".join(written.read_bytes() for written in (tmp_path / "out").iterdir())
    kept += repr(result.facts).encode()
    words = {part for value in secrets.values() for part in value.replace("^", " ").split()}
    assert not [word for word in words if word.encode().lower() in kept.lower()]


def test_sample_film_leaves_its_tags_behind(tmp_path):
    admit(sample("RG1_UNCR.dcm"), tmp_path / "out")
    kept = b"".join(written.read_bytes() for written in (tmp_path / "out").iterdir())
    for secret in (b"CompressedSamples", b"9RG1", b"19400305", b"exam Number", b"Hamburg"):
        assert secret not in kept


REFUSED = {
    "CT": ({"Modality": "CT", "SOPClassUID": CTImageStorage}, "This is a CT image"),
    "unknown modality": ({"Modality": "XYZ"}, "not a radiograph"),
    "hand": ({"BodyPartExamined": "HAND"}, "another body part"),
    "no pixels": ({"PixelData": None}, "no picture"),
    "frames": ({"NumberOfFrames": "12"}, "12 frames"),
    "huge": ({"Rows": 20_000, "Columns": 20_000}, "at most 60 megapixels"),
    "deep YBR": (
        {"PhotometricInterpretation": "YBR_FULL", "SamplesPerPixel": 3},
        "YBR_FULL of 12 bits",
    ),
    "lying size": ({"Rows": 4000, "Columns": 4000}, "cut short"),
    "no rows": ({"Rows": None}, "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    tags, words = REFUSED[name]
    path = dicom(tmp_path, **tags)
    with pytest.raises(ToolError, match=words):
        opened(path)


def test_unknown_compression_is_refused(tmp_path):
    path = dicom(tmp_path)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    path.write_bytes(content)
    with pytest.raises(ToolError, match="compression"):
        opened(path)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_truncated(tmp_path, share):
    path = dicom(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ToolError):
        opened(path)


def test_without_preamble(tmp_path):
    path = dicom(tmp_path)
    path.write_bytes(path.read_bytes()[132:])
    assert shown(path).shape == (SIDE, SIDE)


def test_bomb_leaves_the_parent_alone(tmp_path):
    """Less than half a megabyte that inflates to 400 MB."""
    path = dicom(
        tmp_path,
        np.zeros((1, 400_000_000), np.uint8),
        8,
        DeflatedExplicitVRLittleEndian,
        Rows=SIDE,
        Columns=SIDE,
    )
    assert path.stat().st_size < 500_000
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(ToolError, match="unpacks to more"):
        admit(path, tmp_path / "out")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000  # kB
    assert time.monotonic() - start < 10
