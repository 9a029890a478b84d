"""Where a conversation's films and a tool's pictures lie below the home folder, and how they are removed."""

import shutil
from pathlib import Path

from consilium.assistant.domain import ConsiliumError


class ConversationFolders:
    """The two private folders of each conversation: `attachments/<id>` and `artifacts/<id>`."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def attachments(self, conversation_id: str) -> Path:
        """Folder of the admitted films, made on first use."""
        return self._private("attachments", conversation_id)

    def artifacts(self, conversation_id: str) -> Path:
        """Folder of what the tools drew, made on first use."""
        return self._private("artifacts", conversation_id)

    def remove(self, conversation_id: str) -> None:
        """Delete both folders with everything in them.

        Raises
        ------
        ConsiliumError
            If the system refuses; the sentence names the folder, so that films are never left behind unnoticed.
        """
        for kind in ("attachments", "artifacts"):
            folder = self.home / kind / conversation_id
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ConsiliumError(
                    f"The folder {folder} could not be deleted ({error.strerror}); delete it by hand."
                ) from error

    def relative(self, path: Path) -> Path:
        """Path as it is stored, so that the home folder can be moved or restored elsewhere."""
        return path.relative_to(self.home) if path.is_relative_to(self.home) else path

    def absolute(self, path: Path) -> Path:
        """Path as it is used now."""
        return self.home / path

    def _private(self, kind: str, conversation_id: str) -> Path:
        folder = self.home / kind / conversation_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
