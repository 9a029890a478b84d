"""The local model without its grammar: what constrained decoding brings is the difference.

The decision and the calls are decoded freely, parsed afterwards, and a text that is no JSON list of calls is no
call. Once tools have answered, the answer is decoded as always: its grammar has no part in the calls.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import xgrammar as xgr
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk

from consilium.assistant.domain import ModelInfo
from consilium.assistant.llm.backend import Backend, load_backend
from consilium.assistant.llm.chat import LocalChatModel, chunk, parsed_calls
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
        metadata: dict[str, Any] = {"decision": "answer"}
        if decision == "call":
            made, metadata = self._made(parsed_calls(text))
            yield made
        else:
            yield chunk(content=text)
        yield chunk(usage=vars(usage), last=True, **metadata)


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
