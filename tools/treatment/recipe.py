"""What a training run is made from: one YAML."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consilium.tools.contract import ToolError
from consilium.tools.treatment.fit import FitConfig


class SimulatedData(BaseModel):
    """Patients of the simulator to train on.

    Parameters
    ----------
    seed : of the random numbers; apart from the benchmark's seeds.
    train, val : patients of each treatment policy.
    gammas : confoundings, each a policy that treats by tumour size.
    by_chance : policies that treat each patient with probabilities drawn once, from 0 to 0.6.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    train: int = Field(gt=0)
    val: int = Field(gt=0)
    gammas: list[float]
    by_chance: int = Field(ge=0)


class Recipe(BaseModel):
    """One run; see the comments in `configs/shipped.yaml`.

    Parameters
    ----------
    data : simulated patients, or the file name of a CSV of real histories beside the YAML (`import_histories`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: SimulatedData | str
    fit: FitConfig


def read_recipe(path: Path) -> Recipe:
    """Read a run's YAML.

    Raises
    ------
    ToolError
        If it is missing or not a recipe.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ToolError("The run's YAML cannot be read: give the path of a YAML file.") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ToolError(
            f"The run's YAML is not right at {where or 'its top'}: {first['msg']}."
        ) from None
