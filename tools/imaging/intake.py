"""The one door for uploads: whatever comes in, one de-identified greyscale film comes out.

No header, EXIF block, name, number or date of the upload is kept: the film is written anew from its
pixels. Text burned into the pixels is not removed.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consilium.tools.contract import ToolError

TIME_LIMIT = 30.0  # seconds


@dataclass(frozen=True)
class Admitted:
    """An upload that was let in.

    Parameters
    ----------
    path : `film.png`, greyscale, 8 or 16 bit, upright, in the film's own size.
    preview : `preview.png`, 8 bit, at most 512 pixels a side.
    media_type : of the upload, by its content.
    width, height : of the film, pixels.
    facts : harmless facts from the upload's header, e.g. {"view": "PA", "age": "54"}.
    """

    path: Path
    preview: Path
    media_type: str
    width: int
    height: int
    facts: dict[str, str]


def admit(source: Path, folder: Path) -> Admitted:
    """Decode an upload in a child process and write the film into `folder`.

    Raises
    ------
    ToolError
        One sentence that says what is wrong with the file and what to do.
    """
    answer = _ask_child(source, folder)
    if "refusal" in answer:
        raise ToolError(answer["refusal"])
    return Admitted(path=folder / "film.png", preview=folder / "preview.png", **answer)


def _ask_child(source: Path, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "consilium.tools.imaging.worker", str(folder)]
    # The upload goes in as an open file: its name, which may be a patient's, is seen by nobody.
    try:
        with source.open("rb") as upload:
            child = subprocess.run(  # noqa: S603 - our own module, no shell, a fixed command line
                command,
                stdin=upload,
                capture_output=True,
                timeout=TIME_LIMIT,
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                check=False,
            )
        answer: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise ToolError(
            "The file took too long to open: please export the film again, uncompressed."
        ) from None
    except OSError:
        raise ToolError(
            "The file cannot be opened: please check that it exists and may be read."
        ) from None
    except (ValueError, IndexError):  # the child died, most likely of its memory limit
        raise ToolError(
            "The file could not be opened safely: please export the film again, uncompressed."
        ) from None
    return answer
