"""Uploads become attachments: checked, stripped of identifiers, kept below the home folder under an opaque id."""

import errno
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from consilium.assistant.domain import Attachment, ConsiliumError
from consilium.assistant.folders import ConversationFolders
from consilium.tools.contract import ToolError
from consilium.tools.imaging.intake import admit

MEGABYTE = 1_000_000


class AttachmentStore:
    """Films below `home/attachments/<conversation>/scan-<n>/`. The uploaded file itself is not kept.

    Parameters
    ----------
    home : the folder everything of this installation lies in.
    max_files : how many one message may bring.
    max_megabytes : how large each may be.
    """

    def __init__(self, home: Path, max_files: int = 10, max_megabytes: int = 64) -> None:
        self._folders = ConversationFolders(home)
        self._max_files = max_files
        self._max_megabytes = max_megabytes

    def admit(
        self, conversation_id: str, uploads: Sequence[Path], next_number: int
    ) -> list[Attachment]:
        """Take in the files of one message, all of them or none.

        Parameters
        ----------
        conversation_id : whose folder they go to.
        uploads : the files as they were uploaded.
        next_number : the number of the first one; ids go on over the whole conversation.

        Raises
        ------
        ConsiliumError
            If there are too many, or if one is too large or no film; it is named by its position, because a
            file name may hold a patient's.
        """
        if len(uploads) > self._max_files:
            raise ConsiliumError(
                f"{len(uploads)} files are attached; one message takes up to {self._max_files}. "
                "Remove some and send the rest with the next message."
            )
        admitted: list[Attachment] = []
        try:
            for position, upload in enumerate(uploads, start=1):
                scan = f"scan-{next_number + position - 1}"
                admitted.append(self._admit_one(conversation_id, upload, scan, position))
        except BaseException:
            for offset in range(len(admitted) + 1):
                self._remove(conversation_id, f"scan-{next_number + offset}")
            raise
        return admitted

    def _admit_one(
        self, conversation_id: str, upload: Path, scan: str, position: int
    ) -> Attachment:
        try:
            if upload.stat().st_size > self._max_megabytes * MEGABYTE:
                raise ToolError(
                    f"it is larger than {self._max_megabytes} MB; attach a smaller version."
                )
            with upload.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            folder = self._folders.attachments(conversation_id) / scan
            # A folder of that number can only be left from a message that was cut off before it was stored.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            film = admit(upload, folder)
            for path in (film.path, film.preview):
                path.chmod(0o600)
        except ToolError as refusal:
            raise ConsiliumError(f"File {position}: {refusal}") from refusal
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise ConsiliumError(
                    "The disk is full, so the files could not be stored: free some space and try again."
                ) from error
            raise ConsiliumError(
                f"File {position} could not be read or stored ({error.strerror}): attach it again."
            ) from error
        return Attachment(
            id=scan,
            path=film.path,
            preview=film.preview,
            media_type=film.media_type,
            width=film.width,
            height=film.height,
            sha256=sha256,
            facts=film.facts,
        )

    def _remove(self, conversation_id: str, scan: str) -> None:
        shutil.rmtree(self._folders.attachments(conversation_id) / scan, ignore_errors=True)
