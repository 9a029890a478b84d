"""The child process that opens uploads: `python -m consilium.tools.imaging.worker`.

Decoders are old C code and files may lie about their size, so decoding happens here, under a memory
limit and a limit of processor time, which a busy machine does not use up. Takes one JSON list
[file, folder] a line on standard input and answers each with one JSON object a line: what was
admitted, or the refusal.
"""

import codecs
import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from consilium.tools.contract import ToolError
from consilium.tools.imaging.dicom import MEDIA_TYPE, decode_dicom
from consilium.tools.imaging.film import Film, to_display
from consilium.tools.imaging.raster import decode_raster

MEMORY_LIMIT = 2 * 1024**3  # bytes of address space
CPU_LIMIT = 20  # seconds of processor time for one file
PREVIEW_SIDE = 512
KINDS = "PNG, JPEG, TIFF, WebP or DICOM"
_HEAD = 4096
_PREAMBLE = 128


def decode(stream: BinaryIO) -> tuple[Film, str]:
    """Decode an upload by its content; returns the film and the media type of the upload.

    Raises
    ------
    ToolError
        With the sentence for the user, whatever is wrong with the file.
    """
    head = stream.read(_HEAD)
    stream.seek(0)
    _refuse_by_content(head)
    try:
        if _is_dicom(head):
            return decode_dicom(stream), MEDIA_TYPE
        return decode_raster(stream)
    except ToolError:
        raise
    except UnidentifiedImageError:
        raise ToolError(
            f"The file is not a picture that can be read here: please attach a {KINDS} file."
        ) from None
    except MemoryError:
        raise ToolError(
            "The file unpacks to more than can be opened safely: please export the film again."
        ) from None
    except Exception:  # whatever old decoders raise on damaged data
        raise ToolError(
            "The file is damaged or cut short: please export or upload the film again."
        ) from None


def _refuse_by_content(head: bytes) -> None:
    if not head:
        raise ToolError("The file is empty: please attach the film again.")
    if head.startswith(b"%PDF"):
        raise ToolError(
            f"This is a PDF document, not a film: please attach the film as a {KINDS} file."
        )
    if head[:6] in (b"GIF87a", b"GIF89a"):
        raise ToolError(f"This is a GIF picture: please attach the film as a {KINDS} file.")
    if _is_text(head):
        raise ToolError(f"This is a text file, not a film: please attach a {KINDS} file.")


def _is_dicom(head: bytes) -> bool:
    """Whether it starts like DICOM: the magic word, or (old files) a first tag of group 2 or 8."""
    return head[_PREAMBLE : _PREAMBLE + 4] == b"DICM" or (
        head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00"
    )


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def _limit_time() -> None:
    """Allow so many seconds from now on; the system ends the process that takes more."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime) + 1 + CPU_LIMIT
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _admit(source: Path, folder: Path) -> dict[str, Any]:
    """Decode a file and write film and preview into the folder; returns the answer."""
    try:
        stream = source.open("rb")
    except OSError:
        return {
            "refusal": "The file cannot be opened: please check that it exists and may be read."
        }
    try:
        with stream:
            film, media_type = decode(stream)
        film.save(folder / "film.png")
        preview = Image.fromarray(to_display(film.pixels))
        preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        preview.save(folder / "preview.png", "PNG")
    except ToolError as refusal:
        return {"refusal": str(refusal)}
    except OSError:
        return {"refusal": "The film could not be stored: please make room on the disk."}
    height, width = film.pixels.shape
    return {
        "media_type": media_type,
        "width": width,
        "height": height,
        "facts": dict(film.facts),
    }


def main() -> None:
    """Answer one line after the other until standard input ends."""
    _limit_memory()
    # The answers get a channel of their own: some decoders write to standard output, too.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        source, folder = json.loads(line)
        _limit_time()
        answers.write(json.dumps(_admit(Path(source), Path(folder))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
