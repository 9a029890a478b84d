"""`python -m consilium.finetune.synthesis.frames FILE`: what is wrong with frames, by line."""

import sys
from pathlib import Path
from random import Random

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.lines import read_lines
from consilium.finetune.synthesis.frames import Frame
from consilium.finetune.synthesis.generate import framed
from consilium.finetune.synthesis.verify import problems
from consilium.finetune.synthesis.voices import Writer

_TRIES = 5


def main() -> int:
    """Fill each frame a few times and check the chats; 1 where one is wrong."""
    wrong = 0
    for number, frame in read_lines(Path(sys.argv[1]), Frame):
        for fault in _faults(frame, number):
            wrong += 1
            print(fault)  # noqa: T201
    return 1 if wrong else 0


def _faults(frame: Frame, number: int) -> list[str]:
    for seed in range(_TRIES):
        try:
            chat = framed(frame, Writer(Random(seed)), f"line {number}")
        except (ConsiliumError, KeyError, IndexError, TypeError, ValueError) as error:
            return [f"line {number}: {type(error).__name__}: {error}"]
        if faults := problems(chat):
            return faults
    return []


if __name__ == "__main__":
    sys.exit(main())
