"""A run's settings as a YAML file says them, and the folder that they belong to."""

import json
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consilium.assistant.domain import ConsiliumError


class LoraSettings(BaseModel):
    """Rank, scale and dropout of the adapter (Hu 2021, arXiv 2106.09685)."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class RunSettings(BaseModel):
    """What every training run has in common; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 1
    lora: LoraSettings = LoraSettings()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML file.

        Raises
        ------
        ConsiliumError
            If the file is missing, is no YAML, or holds a wrong value; names the key.
        """
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except OSError as error:
            raise ConsiliumError(f"Cannot read {path}: {error.strerror}.") from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConsiliumError(f"{path} is not valid YAML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "settings"
            raise ConsiliumError(f"{path}: {key}: {first['msg']}.") from error

    def claim(self, out: Path, **origin: str) -> None:
        """Make `out` the folder of a run with these settings, or go on in it.

        Parameters
        ----------
        origin : what the settings only point to (the base model's name, hashes of the data).

        Raises
        ------
        ConsiliumError
            If it holds a run with others, which would be resumed wrongly; says which.
        """
        mark = out / "config.json"
        wanted = {**self.model_dump(mode="json"), **origin}
        if mark.exists():
            # Runs of earlier versions do not tell their origin.
            found = {**origin, **json.loads(mark.read_text(encoding="utf-8"))}
            if differing := [
                f"{name} was {found.get(name)} and is {wanted.get(name)}"
                for name in {**found, **wanted}
                if found.get(name) != wanted.get(name)
            ]:
                raise ConsiliumError(
                    f"{out} holds a run with another configuration ({'; '.join(differing)}): "
                    "give another --out."
                )
            return
        out.mkdir(parents=True, exist_ok=True)
        half = mark.with_suffix(f".{os.getpid()}")  # all processes write it, none may read a part
        half.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
        half.replace(mark)


def digest(rows: Iterable[str]) -> str:
    """The sha256 of some data, a text for each row."""
    return sha256("\n".join(rows).encode()).hexdigest()
