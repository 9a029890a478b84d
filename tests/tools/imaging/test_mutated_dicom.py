"""Three hundred damaged and lying DICOM files: a typed refusal or a film, soon, and the house unharmed.

Every sixth file is tried with the other tests; `CONSILIUM_ALL_MUTATIONS=1` tries all of them.
"""

import json
import os
import random
import resource
import struct
import sys
import time
import zlib
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from consilium.tools.contract import ToolError
from consilium.tools.imaging.intake import Door

COUNT = 300
TRIED = range(0, COUNT, 1 if os.environ.get("CONSILIUM_ALL_MUTATIONS") else 6)
SECONDS, GROWTH = 5.0, 40_000  # for one file; kB of the parent
TAGS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel")


@pytest.fixture(scope="module")
def originals():
    """Small whole files in several encodings, and one of pydicom's own."""
    kept = [encoded(syntax) for syntax in (ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless)]
    own = next(e.locate() for e in files("pydicom-data") if e.name == "vlut_04.dcm")
    return [*kept, Path(own).read_bytes()]


def encoded(syntax):
    """A 12-bit ramp of 48 x 48 pixels as a CR film."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    dataset.Modality, dataset.PhotometricInterpretation = "CR", "MONOCHROME2"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 48, 48, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = np.tile(np.arange(48, dtype=np.uint16) * 80, 48).tobytes()
    dataset["PixelData"].VR = "OW"
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax)
    return written(dataset)


def cut(content, dice):
    return content[: int(len(content) * dice.random())]


def wrong_length(content, dice):
    """Give some element another length, most often a huge one."""
    marks = [
        i for vr in (b"US", b"OW", b"LO", b"CS", b"DS", b"SQ", b"UI") for i in find(content, vr)
    ]
    at = dice.choice(marks) + 2
    lie = dice.choice([0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0xFFFF, 1, dice.randrange(1 << 32)])
    return content[:at] + struct.pack("<I", lie) + content[at + 4 :]


def find(content, part):
    at = content.find(part, 132)
    while 0 <= at < 20_000:
        yield at
        at = content.find(part, at + 1)


def flipped(content, dice):
    """Change some bytes anywhere, more of them in the header."""
    changed = bytearray(content)
    for _ in range(dice.choice([1, 4, 30])):
        reach = min(len(changed), 3000) if dice.random() < 0.7 else len(changed)
        changed[dice.randrange(132, reach)] = dice.randrange(256)
    return bytes(changed)


def lying_size(content, dice):
    """Claim another size, depth or number of channels and frames than there is data for."""
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    for tag in dice.sample(TAGS, dice.randint(1, 3)):
        setattr(dataset, tag, dice.choice([0, 1, 3, 7, 33, 4000, 7700, 65535]))
    if dice.random() < 0.3:
        dataset.NumberOfFrames = dice.choice(["0", "-1", "1", "1000000000"])
    return written(dataset)


def nonsense(content, dice):
    """Values that pass for DICOM and mean nothing."""
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    dataset.RescaleSlope = dice.choice(["0", "1e300", "-1e-300", "1"])
    dataset.RescaleIntercept = dice.choice(["0", "-1e308", "32768"])
    dataset.WindowCenter = dice.choice(["1e308", "-5", ["1", "2", "3"], "0"])
    dataset.WindowWidth = dice.choice(["0", "-1", "1e-300", "1e308", ["1"]])
    dataset.VOILUTFunction = dice.choice(["SIGMOID", "LINEAR_EXACT", "NONSENSE"])
    dataset.add_new("PixelPaddingValue", "US", dice.choice([0, 65535, 500]))
    dataset.PhotometricInterpretation = dice.choice(
        ["MONOCHROME1", "PALETTE COLOR", "RGB", "XYZ", ""]
    )
    return written(dataset)


def other_syntax(content, dice):
    """The pixels of one transfer syntax under the name of another."""
    known = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]
    known += [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 100, 201)]
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    name = str(dataset.file_meta.TransferSyntaxUID).encode()
    other = dice.choice([*known, "1.2.840.10008.1.2.5"]).encode()
    size = len(name) + len(name) % 2
    head = content.find(name)
    return content[:head] + other[:size].ljust(size, b"\0") + content[head + size :]


def nested(content, dice):
    """Sequences in sequences, thousands deep."""
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    depth = dice.choice([50, 2000, 100_000])
    start = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = 144 + int.from_bytes(content[140:144], "little")
    return content[:at] + start * depth + content[at:]


def bomb(content, dice):
    """Less than 2 MB that inflate to 1.1 GB, whole, cut or with a flipped byte."""
    if not _BOMB:
        _BOMB.append(gigabyte_bomb(content))
    change = dice.choice([lambda whole, _: whole, cut, flipped])
    return change(_BOMB[0], dice)


_BOMB = []


def gigabyte_bomb(content):
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    plain = written(dataset)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    deflated = written(dataset)
    start, end = (144 + int.from_bytes(whole[140:144], "little") for whole in (plain, deflated))
    squeeze, zeros = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS), bytes(1 << 24)
    pixels = b"\xe0\x7f\x10\x00OW\0\0" + struct.pack("<I", 70 << 24)
    body = squeeze.compress(plain[start:] + pixels)
    body += b"".join(squeeze.compress(zeros) for _ in range(70)) + squeeze.flush()
    return deflated[:end] + body


def written(dataset):
    stream = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


MUTATIONS = [
    *(
        cut,
        wrong_length,
        flipped,
        flipped,
        lying_size,
        lying_size,
        nonsense,
        other_syntax,
        nested,
        bomb,
    )
]


def mutated(originals, number):
    """The file of that number: the same at every run."""
    dice = random.Random(number)
    change = MUTATIONS[number // 6 % len(MUTATIONS)]
    tried = originals[:1] if change in (bomb, nested) else originals
    return change.__name__, change(dice.choice(tried), dice)


def test_damaged_and_lying_files(originals, tmp_path):
    path, fates, slowest = tmp_path / "film.dcm", {}, ("", 0.0)
    with Door() as door:
        path.write_bytes(originals[0])
        door.admit(path, tmp_path / "out")  # the child is up
        mutated(originals, MUTATIONS.index(bomb) * 6)  # and the bomb is built
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in TRIED:
            name, content = mutated(originals, number)
            path.write_bytes(content)
            start = time.monotonic()
            try:
                door.admit(path, tmp_path / "out")
                fate = "a film"
            except ToolError as refusal:
                fate = str(refusal)
                assert fate.endswith(".")
            taken = time.monotonic() - start
            slowest = max(slowest, (f"{number} {name}", taken), key=lambda pair: pair[1])
            fates.setdefault(name, []).append(fate)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    told = {name: sorted(set(kinds)) for name, kinds in fates.items()}
    sys.stdout.write(f"{json.dumps(told, indent=1)}\nslowest {slowest}, parent +{grown} kB\n")
    assert set(fates) == {change.__name__ for change in MUTATIONS}
    assert all("film" not in fate.split()[:2] for fate in fates["bomb"])
    assert slowest[1] < SECONDS
    assert grown < GROWTH
