"""Which adapter goes with the model, and whether its weights are those of its card."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import Settings


class AdapterCard(BaseModel):
    """What `finetune.train` writes beside an adapter; further keys are for people.

    `cached_prefix`: the adapter was trained behind a prefix that the base model read without it.
    """

    model_config = ConfigDict(extra="ignore")

    what: str
    base: str
    prompt_sha256: str
    weights_sha256: str
    date: str
    cached_prefix: bool = True


def shipped_adapter() -> Path:
    """The adapter that is packaged for the embedded model."""
    return Path(str(files("consilium.finetune"))) / "weights" / "smollm2-135m-tools"


def chosen_adapter(settings: Settings) -> Path | None:
    """The adapter folder that the settings ask for; the shipped one fits the embedded model alone."""
    if settings.adapter == "none":
        return None
    if settings.adapter == "shipped":
        return None if settings.model else shipped_adapter()
    return Path(settings.adapter)


def read_card(adapter: Path) -> AdapterCard:
    """Card of an adapter whose weights are as the card says.

    Raises
    ------
    ConsiliumError
        If the folder, its card or its weights are missing or do not belong together.
    """
    try:
        card = AdapterCard.model_validate_json((adapter / "card.json").read_bytes())
        digest = sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    except OSError as error:
        raise ConsiliumError(
            f"The adapter {adapter} is not complete ({error.strerror}): install Consilium again, "
            "or set another adapter."
        ) from error
    except ValidationError as error:
        raise ConsiliumError(f"The card of the adapter {adapter} cannot be read.") from error
    if digest != card.weights_sha256:
        raise ConsiliumError(
            f"The weights of the adapter {adapter} are not those of its card: install Consilium again."
        )
    return card
