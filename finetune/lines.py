"""JSON Lines files whose rows are checked by a model; what is broken is named by line."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from consilium.assistant.domain import ConsiliumError

Row = TypeVar("Row", bound=BaseModel)


def read_lines(path: Path, kind: type[Row]) -> Iterator[tuple[int, Row]]:
    """Rows of a JSON Lines file with their line numbers, from 1; empty lines are passed over.

    Raises
    ------
    ConsiliumError
        If a line is not UTF-8, is no JSON, or is not of this kind; names line and field.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = kind.model_validate_json(line.decode())
            except UnicodeDecodeError as error:
                raise ConsiliumError(f"{path}, line {number}: this is not UTF-8 text.") from error
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                says = f"{where}: {first['msg']}" if where else first["msg"]
                raise ConsiliumError(f"{path}, line {number}: {says}.") from error
            yield number, row
