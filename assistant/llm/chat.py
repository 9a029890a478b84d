"""The local model as a LangChain chat model: messages in; a decision (call, ask or answer) and its text out."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import xgrammar as xgr
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCallChunk,
    ToolMessage,
)
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import SkipValidation

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.grammar import Stated, calls_grammar, words_grammar
from consilium.assistant.llm.local import LocalModel, Usage
from consilium.assistant.llm.stated import numbers

_MAX_CALL_TOKENS = 600


def human_message(text: str, attachments: Sequence[str] = ()) -> HumanMessage:
    """A user's message as any backend reads it; what was attached is also kept apart, by id."""
    return HumanMessage(
        template.user_message(text, attachments)["content"],
        additional_kwargs={"text": text, "attachments": list(attachments)},
    )


def stated_in(messages: Sequence[BaseMessage]) -> Stated:
    """What the user's messages state, and every attachment so far."""
    human = [message for message in messages if isinstance(message, HumanMessage)]
    attachments = [name for m in human for name in m.additional_kwargs["attachments"]]
    return Stated.of([m.additional_kwargs["text"] for m in human], attachments)


class LocalChatModel(BaseChatModel):
    """A cheap wrapper, made anew for each turn, around the one loaded model.

    After a tool has answered, the only decision left is to answer; before that the model weighs all three, and
    the weights are in `response_metadata["decision_probabilities"]`.
    """

    local: SkipValidation[LocalModel]
    max_answer_tokens: int = 200
    stop_event: SkipValidation[threading.Event] | None = None

    @property
    def _llm_type(self) -> str:
        return "consilium-local"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The tools are those of the loaded prefix already; others are refused."""
        known = {spec.name for spec in self.local.specs}
        unknown = [t.name for t in tools if isinstance(t, BaseTool) and t.name not in known]
        if unknown:
            raise ConsiliumError(f"The model was loaded without the tools {', '.join(unknown)}.")
        return self.bind(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = list(self._stream(messages, stop, run_manager, **kwargs))
        total = chunks[0].message
        for chunk in chunks[1:]:
            total = total + chunk.message
        return ChatResult(generations=[ChatGeneration(message=message_chunk_to_message(total))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        stated = stated_in(messages)
        chat = self._fitting(messages)
        calls = None
        chances = {"answer": 1.0}
        usage = Usage()
        if not isinstance(messages[-1], ToolMessage):
            calls = calls_grammar(self.local.specs, stated)
            options = ["ask", "answer"] if calls is None else ["call", "ask", "answer"]
            chances = self.local.decide(chat, options, usage)
        decision = max(chances, key=chances.__getitem__)
        chat = [*chat, *self.local.tokens(f"{decision}\n")]
        if decision == "call" and calls is not None:
            text = "".join(self._complete(chat, calls, _MAX_CALL_TOKENS, usage))
            yield chunk(tool_calls=self._parsed(text))
        else:
            said = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
            allowed = stated.numbers | numbers("\n".join(said))
            for piece in self._complete(
                chat, words_grammar(allowed), self.max_answer_tokens, usage
            ):
                said_now = chunk(content=piece)
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=said_now)
                yield said_now
        yield chunk(decision=decision, decision_probabilities=chances, usage=vars(usage), last=True)

    def _complete(
        self, chat: list[int], grammar: xgr.Grammar, limit: int, usage: Usage
    ) -> Iterator[str]:
        return self.local.complete(
            chat, grammar, max_new_tokens=limit, usage=usage, stop=self.stop_event
        )

    def _fitting(self, messages: Sequence[BaseMessage]) -> list[int]:
        """Tokens of the chat; the oldest turns are dropped where all do not fit the model's context."""
        room = self.local.context_length - len(self.local.prefix)
        room -= max(_MAX_CALL_TOKENS, self.max_answer_tokens)
        starts = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)]
        written = [self._as_template(m, earlier=i < starts[-1]) for i, m in enumerate(messages)]
        for start in starts:
            text = template.render(
                self.local.tokenizer,
                written[start:],
                add_generation_prompt=True,
            )
            chat = self.local.tokens(text)
            if len(chat) <= room:
                return chat
        raise ConsiliumError("This message is too long for the language model; please shorten it.")

    def _as_template(self, message: BaseMessage, *, earlier: bool) -> template.Message:
        if isinstance(message, HumanMessage):
            return {"role": "user", "content": str(message.content)}
        if isinstance(message, ToolMessage):
            return template.result_message(str(message.name), str(message.content), earlier=earlier)
        if isinstance(message, AIMessage) and message.tool_calls:
            calls = [(call["name"], call["args"]) for call in message.tool_calls]
            return template.call_message(calls, self.local.specs)
        decision = message.response_metadata.get("decision", "answer")
        return template.words_message(str(message.content), decision)

    def _parsed(self, text: str) -> list[ToolCallChunk]:
        """The decoded calls, each once; none where decoding was stopped or cut in the middle of one."""
        try:
            calls = json.loads(text)
        except ValueError:
            return []
        # a small model likes to say a call again; the same call twice brings nothing new
        calls = [call for index, call in enumerate(calls) if call not in calls[:index]]
        specs = {spec.name: spec for spec in self.local.specs}
        return [
            ToolCallChunk(
                name=call["name"],
                args=json.dumps(template.as_stated(specs[call["name"]], call["arguments"])),
                id=f"call-{uuid4().hex[:8]}",
                index=index,
                type="tool_call_chunk",
            )
            for index, call in enumerate(calls)
        ]


def chunk(
    content: str = "",
    tool_calls: Sequence[ToolCallChunk] = (),
    last: bool = False,
    **metadata: Any,
) -> ChatGenerationChunk:
    """A piece of a reply as LangChain streams it."""
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content=content,
            tool_call_chunks=list(tool_calls),
            response_metadata=metadata,
            chunk_position="last" if last else None,
        )
    )
