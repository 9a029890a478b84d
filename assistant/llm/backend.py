"""From settings to a language model: the local one, or a server that speaks OpenAI's protocol."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from langchain_core.language_models import BaseChatModel

from consilium import prompts
from consilium.assistant.domain import ModelInfo
from consilium.assistant.llm.adapter import chosen_adapter
from consilium.assistant.llm.template import prompt_sha256
from consilium.assistant.settings import Settings
from consilium.tools.contract import ToolSpec
from consilium.tools.registry import TOOLS

_ROOM_FOR_CALLS = 600  # tokens


class Backend(Protocol):
    """What the chair needs of a language model."""

    @property
    def info(self) -> ModelInfo:
        """Which model, adapter, device and prompt."""
        ...

    @property
    def mixes_lines(self) -> bool:
        """Whether a sentence of its answers may join numbers of several lines of a result."""
        ...

    def chat_model(self, stop: threading.Event) -> BaseChatModel:
        """A chat model for one turn, which ends early when `stop` is set."""
        ...

    def explain(self, error: Exception) -> str:
        """A plain sentence for an error of the model's own; empty where it is not one."""
        ...


def load_backend(settings: Settings, specs: Sequence[ToolSpec] = tuple(TOOLS.values())) -> Backend:
    """Load the model that the settings name, for the given tools in that order.

    Raises
    ------
    ConsiliumError
        If it cannot be had; says what to do.
    """
    return _Remote(settings, specs) if settings.backend == "openai" else _Local(settings, specs)


def _embedded(home: Path) -> Path:
    from consilium.assistant.llm.weights import ensure_embedded, verify

    folder = ensure_embedded(home)
    verify(folder)
    return folder


class _Local:
    def __init__(self, settings: Settings, specs: Sequence[ToolSpec]) -> None:
        from consilium.assistant.llm.local import LocalModel

        self._settings = settings
        self._model = LocalModel.load(
            settings.model or _embedded(settings.home),
            list(specs),
            adapter=chosen_adapter(settings),
            device=settings.device,
            quantization=settings.quantization,
            local_files_only=not settings.allow_download,
        )

    @property
    def info(self) -> ModelInfo:
        model = self._model
        return ModelInfo(
            name=model.name,
            adapter=model.adapter,
            adapter_sha256=model.adapter_sha256,
            device=str(model.model.device),
            dtype=str(model.model.dtype).removeprefix("torch."),
            prompt_sha256=prompt_sha256(model.specs),
        )

    @property
    def mixes_lines(self) -> bool:
        return bool(
            self._settings.model
        )  # the embedded model, of 135 million parameters, mixes them up

    def chat_model(self, stop: threading.Event) -> BaseChatModel:
        from consilium.assistant.llm.chat import LocalChatModel

        return LocalChatModel(
            local=self._model,
            max_answer_tokens=self._settings.max_answer_tokens,
            stop_event=stop,
        )

    def explain(self, error: Exception) -> str:
        return ""


@dataclass
class _Remote:
    settings: Settings
    specs: Sequence[ToolSpec]

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name=self.settings.model,
            device=self.settings.base_url,
            prompt_sha256=_server_prompt_sha256(self.specs),
        )

    @property
    def mixes_lines(self) -> bool:
        return True

    def chat_model(self, stop: threading.Event) -> BaseChatModel:
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(
            model=self.settings.model,
            base_url=self.settings.base_url,
            api_key=self.settings.api_key,
            temperature=0,
            timeout=120,
            max_retries=1,
            max_completion_tokens=self.settings.max_answer_tokens + _ROOM_FOR_CALLS,
        )

    def explain(self, error: Exception) -> str:
        from openai import APIConnectionError, APIStatusError

        if isinstance(error, APIConnectionError):
            return f"The language model server at {self.settings.base_url} does not answer; is it running?"
        if isinstance(error, APIStatusError):
            return (
                f"The language model server at {self.settings.base_url} refused the request "
                f"(status {error.status_code}); check model and api_key."
            )
        return ""


def _server_prompt_sha256(specs: Sequence[ToolSpec]) -> str:
    """What of a server's prompt is ours, as one hash: the system message and the tools' schemas."""
    tools = [[spec.name, spec.description, spec.schema()] for spec in specs]
    return sha256((prompts.load("server.md") + json.dumps(tools)).encode()).hexdigest()
