"""Checkpoints of a run: the last one that is whole, and how to go on after a stop or on a full disk."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from transformers import Trainer

from consilium.assistant.domain import ConsiliumError

# How torch.save says that a file could not be written; it raises RuntimeError for that.
_NOT_WRITTEN = re.compile("PytorchStreamWriter|inline_container")


def last_checkpoint(folder: Path) -> str | None:
    """The last complete checkpoint: its state is written last, so a full disk leaves none or a torn one."""
    for found in sorted(folder.glob("checkpoint-*"), key=lambda p: -int(p.name.split("-")[1])):
        try:
            json.loads((found / "trainer_state.json").read_bytes())
        except (OSError, ValueError):
            continue
        return str(found)
    return None


@contextmanager
def resumable(trainer: Trainer) -> Iterator[None]:
    """Training and saving, whose ends by Ctrl-C or a full disk are said with how to go on.

    Raises
    ------
    ConsiliumError
        On either.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        on = _on(trainer)
        raise ConsiliumError(
            f"Stopped at step {trainer.state.global_step}. {on[0].upper()}{on[1:]}"
        ) from stop
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _NOT_WRITTEN.search(str(error)):
            raise
        raise ConsiliumError(
            f"{_folder(trainer).parent} could not be written to ({error}). Make room; {_on(trainer)}"
        ) from error


def _folder(trainer: Trainer) -> Path:
    return Path(str(trainer.args.output_dir))


def _on(trainer: Trainer) -> str:
    return f"the same command goes on from {last_checkpoint(_folder(trainer)) or 'the start'}."
