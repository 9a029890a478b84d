"""The local model as a LangChain chat model: messages in; calls, a question or an answer out.

The model decides to call or to answer, and writes its calls with null for what nobody stated. A call that lacks a
required value is not made: it becomes the question for that value, and goes along as `response_metadata["incomplete"]`
so that the next message of the user can complete it.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from consilium.assistant.llm.asking import question
from consilium.assistant.llm.grammar import Stated, calls_grammar, words_grammar
from consilium.assistant.llm.local import LocalModel, Usage
from consilium.assistant.llm.stated import grounds

_MAX_CALL_TOKENS = 600  # besides what it quotes
_TOO_LONG = "This message is too long for the language model; please shorten it."


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

    After a tool has answered, the only decision left is to answer; before that the model weighs both, and
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
        usage = Usage()
        chances = {"answer": 1.0}
        if self.local.specs and not isinstance(messages[-1], ToolMessage):
            chances = self.local.decide(chat, ["call", "answer"], usage)
        decision = max(chances, key=chances.__getitem__)
        chat = [*chat, *self.local.tokens(f"{decision}\n")]
        metadata: dict[str, Any] = {"decision_probabilities": chances}
        if decision == "call":
            grammar = calls_grammar(self.local.specs, stated)
            left = self.local.context_length - len(self.local.prefix) - len(chat)
            limit = min(self._call_limit(messages), left)
            text = "".join(self._complete(chat, grammar, limit, usage))
            whole = _closed(text)
            calls = parsed_calls(whole)
            if not calls and usage.new_tokens >= limit:
                raise ConsiliumError(_TOO_LONG)
            if whole != text and usage.new_tokens >= limit:
                metadata["calls_cut"] = True
            made, decided = self._made(calls)
            yield made
            metadata |= decided
        else:
            metadata["decision"] = "answer"
            results = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
            grammar = words_grammar(grounds(results, stated.text.splitlines()), results)
            for piece in self._complete(chat, grammar, self.max_answer_tokens, usage):
                said_now = chunk(content=piece)
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=said_now)
                yield said_now
            if usage.new_tokens >= self.max_answer_tokens:
                metadata["finish_reason"] = "length"  # as servers say it
        yield chunk(usage=vars(usage), last=True, **metadata)

    def _complete(
        self, chat: list[int], grammar: xgr.Grammar, limit: int, usage: Usage
    ) -> Iterator[str]:
        return self.local.complete(
            chat, grammar, max_new_tokens=limit, usage=usage, stop=self.stop_event
        )

    def _call_limit(self, messages: Sequence[BaseMessage]) -> int:
        """Most tokens of the calls, which may quote the whole of the user's last message."""
        last = next(m for m in reversed(messages) if isinstance(m, HumanMessage))
        return _MAX_CALL_TOKENS + len(self.local.tokens(str(last.content)))

    def _fitting(self, messages: Sequence[BaseMessage]) -> list[int]:
        """Tokens of the chat; the oldest turns are dropped where all do not fit the model's context."""
        room = self.local.context_length - len(self.local.prefix)
        limit = self._call_limit(messages)
        starts = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)]
        written = [self._as_template(m, earlier=i < starts[-1]) for i, m in enumerate(messages)]
        for start in starts:
            text = template.render(
                self.local.tokenizer,
                written[start:],
                add_generation_prompt=True,
            )
            chat = self.local.tokens(text)
            if start == starts[-1]:  # nothing is left to drop, and not every message is quoted
                limit = _MAX_CALL_TOKENS
            if len(chat) + max(limit, self.max_answer_tokens) <= room:
                return chat
        raise ConsiliumError(_TOO_LONG)

    def _as_template(self, message: BaseMessage, *, earlier: bool) -> template.Message:
        if isinstance(message, HumanMessage):
            return {"role": "user", "content": str(message.content)}
        if isinstance(message, ToolMessage):
            return template.result_message(str(message.name), str(message.content), earlier=earlier)
        if calls := calls_of(message):
            return template.call_message(calls, self.local.specs)
        return template.words_message(str(message.content))

    def _made(
        self, calls: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> tuple[ChatGenerationChunk, dict[str, Any]]:
        """The calls that can be made, or where there is none the question for what they lack; and the metadata."""
        specs = {spec.name: spec for spec in self.local.specs}
        made: list[ToolCallChunk] = []
        incomplete: list[dict[str, Any]] = []
        for name, arguments in calls:
            spec = specs.get(name)
            stated = template.as_stated(spec, arguments) if spec else arguments
            if spec and spec.lacking(stated):
                incomplete.append({"name": name, "arguments": stated})
            else:
                made.append(
                    ToolCallChunk(
                        name=name,
                        args=json.dumps(stated),
                        id=f"call-{uuid4().hex[:8]}",
                        index=len(made),
                        type="tool_call_chunk",
                    )
                )
        asked = incomplete and not made
        text = question((specs[c["name"]], c["arguments"]) for c in incomplete) if asked else ""
        decision = "ask" if asked else "call"
        return chunk(text, made), {"decision": decision, "incomplete": incomplete}


def _closed(text: str) -> str:
    """A decoded list of calls as it is; of one that was cut, the calls that are whole."""
    end = 0
    with suppress(ValueError):
        while (start := text.find("{", end)) >= 0:
            _, end = json.JSONDecoder().raw_decode(text, start)
    return f"{text[:end]}]"


def parsed_calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls of a decoded text, each once; none where it is not a JSON list of named calls, as where it was cut."""
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
    # A small model likes to say a call again; the same call twice brings nothing new.
    once = [call for index, call in enumerate(calls) if call not in calls[:index]]
    return [(call["name"], call["arguments"]) for call in once]


def calls_of(message: BaseMessage) -> list[tuple[str, dict[str, Any]]]:
    """The calls of an assistant's message, those that lacked a value last."""
    if not isinstance(message, AIMessage):
        return []
    made = [(call["name"], call["args"]) for call in message.tool_calls]
    incomplete = message.response_metadata.get("incomplete", ())
    return [*made, *((call["name"], call["arguments"]) for call in incomplete)]


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
