"""A language model that follows a script, for tests of the turn; real models are in the tests marked `model`."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from consilium.assistant.domain import ModelInfo


class ScriptedModel(BaseChatModel):
    """Gives its replies one after the other; a string is streamed by words, an exception is raised.

    A message breaks off with the exception that its `additional_kwargs["raises"]` holds.
    """

    replies: list[Any]
    seen: list[list[BaseMessage]] = []
    pause: float = 0  # seconds between two words

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _next(self, messages: Sequence[BaseMessage]) -> AIMessage:
        self.seen.append(list(messages))
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return AIMessage(reply) if isinstance(reply, str) else reply

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[Any]:
        message = self._next(messages)
        words = str(message.content).split(" ")
        for index, word in enumerate(words):
            text = word if index == 0 else f" {word}"
            last = index == len(words) - 1
            time.sleep(self.pause)
            chunk = AIMessageChunk(
                content=text,
                tool_calls=message.tool_calls if last else [],
                response_metadata=message.response_metadata if last else {},
            )
            yield ChatGenerationChunk(message=chunk)
        if error := message.additional_kwargs.get("raises"):
            raise error


@dataclass
class ScriptedBackend:
    """A backend whose model is scripted."""

    replies: list[Any]
    mixes_lines: bool = True
    model: ScriptedModel = field(init=False)
    info: ModelInfo = field(default_factory=lambda: ModelInfo(name="scripted"))

    def __post_init__(self) -> None:
        self.model = ScriptedModel(replies=self.replies)

    def chat_model(self, stop: threading.Event) -> BaseChatModel:
        return self.model

    def explain(self, error: Exception) -> str:
        return ""


def calls(*named: tuple[str, dict[str, Any]]) -> AIMessage:
    """A reply that calls tools."""
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": arguments, "id": f"id-{i}", "type": "tool_call"}
            for i, (name, arguments) in enumerate(named)
        ],
    )
