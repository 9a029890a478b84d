"""The local model without its grammar: what constrained decoding brings is the difference.

The decision and the calls are decoded freely, parsed afterwards, and a text that is no JSON list of calls is no
call. Once tools have answered, the answer is decoded as always: its grammar has no part in the calls.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import xgrammar as xgr
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, ToolCallChunk, ToolMessage
from langchain_core.outputs import ChatGenerationChunk

from consilium.assistant.domain import ModelInfo
from consilium.assistant.llm import template
from consilium.assistant.llm.backend import Backend, load_backend
from consilium.assistant.llm.chat import LocalChatModel, chunk
from consilium.assistant.llm.local import Usage
from consilium.assistant.settings import Settings
from consilium.tools.contract import ToolSpec

ANYTHING = xgr.Grammar.from_ebnf("root ::= [^\\0]*")
MAX_FREE_TOKENS = 600


class FreeChatModel(LocalChatModel):
    """The local chat model whose decision and calls are decoded without a grammar."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if isinstance(messages[-1], ToolMessage):
            yield from super()._stream(messages, stop, run_manager, **kwargs)
            return
        usage = Usage()
        pieces = self._complete(self._fitting(messages), ANYTHING, MAX_FREE_TOKENS, usage)
        decision, _, text = "".join(pieces).partition("\n")
        calls = self._free_calls(text) if decision == "call" else []
        yield chunk(tool_calls=calls) if decision == "call" else chunk(content=text)
        yield chunk(
            decision=decision if decision in ("call", "ask") else "answer",
            usage=vars(usage),
            last=True,
        )

    def _free_calls(self, text: str) -> list[ToolCallChunk]:
        specs = {spec.name: spec for spec in self.local.specs}
        return [
            ToolCallChunk(
                name=name,
                args=json.dumps(
                    template.as_stated(specs[name], arguments) if name in specs else arguments
                ),
                id=f"call-{uuid4().hex[:8]}",
                index=index,
                type="tool_call_chunk",
            )
            for index, (name, arguments) in enumerate(parsed_calls(text))
        ]


def parsed_calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls of a freely decoded text; none where it is not a JSON list of named calls."""
    try:
        calls = json.loads(text)
    except ValueError:
        return []
    if not isinstance(calls, list) or not all(
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("arguments"), dict)
        for call in calls
    ):
        return []
    return [(call["name"], call["arguments"]) for call in calls]


class FreeBackend:
    """A backend whose local model decodes freely; a server's model never was under the grammar."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    @property
    def info(self) -> ModelInfo:
        """Which model, adapter, device and prompt."""
        return self._inner.info

    @property
    def mixes_lines(self) -> bool:
        """As the model's backend says."""
        return self._inner.mixes_lines

    def chat_model(self, stop: threading.Event) -> BaseChatModel:
        """A chat model for one turn."""
        model = self._inner.chat_model(stop)
        if not isinstance(model, LocalChatModel):
            return model
        return FreeChatModel(
            local=model.local,
            max_answer_tokens=model.max_answer_tokens,
            stop_event=model.stop_event,
        )

    def explain(self, error: Exception) -> str:
        """As the model's backend says."""
        return self._inner.explain(error)


def load_free(settings: Settings, specs: Sequence[ToolSpec]) -> Backend:
    """As `load_backend`, without the grammar."""
    return FreeBackend(load_backend(settings, specs))
