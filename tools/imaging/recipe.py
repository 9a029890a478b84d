"""The YAML of a training: which films, and the networks that read them together."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consilium.tools.contract import ToolError
from consilium.tools.imaging.data import Site
from consilium.tools.imaging.fit import FitConfig
from consilium.tools.imaging.network import NetworkConfig


class TrainConfig(BaseModel):
    """What is trained, on what.

    Parameters
    ----------
    collections : the film collections; PneumoniaMNIST stands alone.
    members : the networks, each trained on its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collections: tuple[Site, ...]
    members: tuple[FitConfig, ...] = Field(min_length=1)

    @property
    def networks(self) -> list[NetworkConfig]:
        """Shapes of the members."""
        return [member.network for member in self.members]

    @property
    def input_size(self) -> int:
        """Side of the prepared films, pixels."""
        return max(network.input_size for network in self.networks)


def read_recipe(path: Path) -> TrainConfig:
    """Read a training's YAML.

    Raises
    ------
    ToolError
        If it is no YAML or not one of these.
    """
    try:
        return TrainConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ToolError("The configuration cannot be read: it must be a YAML file.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ToolError(
            f"The configuration is not one of the film reader ({place}: {first['msg']})."
        ) from None
