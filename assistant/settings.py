"""Settings, from strongest to weakest: flags, environment (CONSILIUM_...), `consilium.toml`, defaults.

The file is looked for in the data folder; `CONSILIUM_CONFIG` names another one. Where the data folder is,
`CONSILIUM_HOME` alone says: the specialists read it, too, and know no file of settings.
"""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from consilium.assistant.domain import ConsiliumError
from consilium.tools.home import data_home


class _File(TomlConfigSettingsSource):
    """The TOML file; it cannot move the data folder, as half of the house would stay behind."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        if "home" in found:
            raise ConsiliumError(
                "Setting home: it cannot stand in consilium.toml; set CONSILIUM_HOME instead."
            )
        return found


class Settings(BaseSettings):
    """Everything that can be set; unknown names in the file are refused."""

    model_config = SettingsConfigDict(
        env_prefix="CONSILIUM_", env_ignore_empty=True, extra="forbid"
    )

    home: Path = Field(default_factory=data_home, description="data folder")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder")
    host: str = "127.0.0.1"
    port: int = Field(7860, ge=1, le=65535)
    max_upload_mb: int = Field(64, ge=1)
    max_attachments: int = Field(10, ge=1, description="per message")
    max_question_chars: int = Field(20_000, ge=1)

    backend: Literal["local", "openai"] = "local"
    model: str = Field("", description="folder, hub id or server's model name; empty: embedded")
    adapter: str = Field(
        "shipped", description="adapter folder, 'shipped' (fits the embedded model only) or 'none'"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    quantization: Literal["none", "nf4"] = "none"
    allow_download: bool = Field(False, description="let transformers fetch `model` from a hub")
    max_answer_tokens: int = Field(200, ge=16)
    base_url: str = Field("", description="of an OpenAI-compatible server")
    api_key: SecretStr = Field(SecretStr("none"), description="servers without keys take any")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        self.home = self.home.expanduser().resolve()
        if not self.database_url:
            self.database_url = f"sqlite:///{self.home / 'consilium.sqlite'}"
        if self.backend == "openai" and not (self.base_url and self.model):
            raise ValueError("backend openai needs base_url and model")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the TOML file."""
        file = Path(os.environ.get("CONSILIUM_CONFIG") or data_home() / "consilium.toml")
        if "CONSILIUM_CONFIG" in os.environ and not file.is_file():
            raise ConsiliumError(f"CONSILIUM_CONFIG names {file}, which is not a file.")
        return init_settings, env_settings, _File(settings_cls, file)


def load_settings(**flags: Any) -> Settings:
    """Settings with the given flags on top; None means a flag was not given.

    Raises
    ------
    ConsiliumError
        If a value is wrong; names the setting.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        raise ConsiliumError(f"Setting {name}: {first['msg']}.") from error
    except ValueError as error:  # a broken TOML file
        raise ConsiliumError(f"consilium.toml cannot be read: {error}.") from error
