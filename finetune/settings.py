"""A run's settings as a YAML file says them, and the folder that they belong to."""

import os
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

    def claim(self, out: Path) -> None:
        """Make `out` the folder of a run with these settings, or go on in it.

        Raises
        ------
        ConsiliumError
            If it holds a run with others, which would be resumed wrongly.
        """
        mark, wanted = out / "config.json", self.model_dump_json(indent=2)
        if mark.exists():
            if mark.read_text(encoding="utf-8") != wanted:
                raise ConsiliumError(
                    f"{out} holds a run with another configuration: give another --out."
                )
            return
        out.mkdir(parents=True, exist_ok=True)
        half = mark.with_suffix(f".{os.getpid()}")  # all processes write it, none may read a part
        half.write_text(wanted, encoding="utf-8")
        half.replace(mark)
