"""Lets a model call the leaderboard's functions, each entry with functions of its own.

The local model reads them in our system prompt and decides and calls as in a chat, its calls under a grammar of the
entry's JSON schema. An adapter was trained behind our six tools only; as in a chat, the prefix of the entry's
functions is computed by the base model without it, unless its card says otherwise. So the figure of an adapted model
is a regression test of what is left of general calling, not its purpose.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import xgrammar as xgr
from langchain_core.messages import HumanMessage

from consilium import prompts
from consilium.assistant.domain import ConsiliumError, ModelInfo
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import chosen_adapter, read_card
from consilium.assistant.llm.backend import load_backend
from consilium.assistant.llm.cache import rewindable_cache
from consilium.assistant.llm.chat import parsed_calls
from consilium.assistant.llm.local import LocalModel, Usage
from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import Settings
from consilium.finetune.evaluate.baselines import ANYTHING
from consilium.finetune.evaluate.bfcl import Entry, Function
from consilium.finetune.evaluate.cases import PredictedCall, PredictedTurn, Prediction

_MAX_CALL_TOKENS = 400
_MAX_CALLS = 8


@dataclass(frozen=True)
class Caller:
    """A model that calls an entry's functions."""

    info: dict[str, Any]
    play: Callable[[Entry], Prediction]


def open_caller(settings: Settings, *, unconstrained: bool = False) -> Caller:
    """Load the model that the settings name.

    Raises
    ------
    ConsiliumError
        If it cannot be had; says what to do.
    """
    return _server(settings) if settings.backend == "openai" else _local(settings, unconstrained)


def _local(settings: Settings, unconstrained: bool) -> Caller:
    source = settings.model or ensure_embedded(settings.home)
    adapter = chosen_adapter(settings)

    def load(with_adapter: bool) -> LocalModel:
        return LocalModel.load(
            source,
            [],
            adapter=adapter if with_adapter else None,
            device=settings.device,
            quantization=settings.quantization,
            local_files_only=not settings.allow_download,
        )

    tuned = load(with_adapter=True)
    behind = adapter is not None and read_card(adapter).cached_prefix
    base = load(with_adapter=False) if behind else tuned
    info = ModelInfo(
        name=tuned.name,
        adapter=tuned.adapter,
        adapter_sha256=tuned.adapter_sha256,
        device=str(tuned.model.device),
        dtype=str(tuned.model.dtype).removeprefix("torch."),
        prompt_sha256=template.prompt_sha256([]),
    )
    decoding = "free" if unconstrained else "grammar"

    def play(entry: Entry) -> Prediction:
        local = _behind(tuned, base, _system_text(entry))
        return _predicted(entry, _decode(local, entry, unconstrained))

    return Caller({**info.model_dump(), "decoding": decoding, "format": "bfcl"}, play)


def _system_text(entry: Entry) -> str:
    lines = "\n".join(function.signature() for function in entry.function)
    return prompts.load("system.md") + lines


def _behind(tuned: LocalModel, base: LocalModel, system: str) -> LocalModel:
    """The tuned model behind another system message, whose cache the base model computes."""
    message: template.Message = {"role": "system", "content": system}
    prefix = base.tokens(template.render(base.tokenizer, [message]))
    cache = rewindable_cache(base.model.config)
    with torch.inference_mode():
        base.model(torch.tensor([prefix], device=base.model.device), past_key_values=cache)
    return replace(tuned, prefix=prefix, _cache=cache, _cached=list(prefix))


def _decode(local: LocalModel, entry: Entry, unconstrained: bool) -> list[tuple[str, Any]]:
    messages = [template.user_message(text) for text in entry.turns]
    chat = local.tokens(template.render(local.tokenizer, messages, add_generation_prompt=True))
    usage = Usage()
    if unconstrained:
        text = _text(local, chat, ANYTHING, usage)
        decision, _, text = text.partition("\n")
    else:
        chances = local.decide(chat, ["call", "answer"], usage)
        decision = max(chances, key=chances.__getitem__)
        if decision == "call":
            text = _text(local, [*chat, *local.tokens("call\n")], _grammar(entry), usage)
    return _said(text) if decision == "call" else []


def _said(text: str) -> list[tuple[str, Any]]:
    """All calls of a decoded text: one said twice, which a chat makes once, is one too many by the published rules."""
    valid = bool(parsed_calls(text))
    return [(call["name"], call["arguments"]) for call in json.loads(text)] if valid else []


def _text(local: LocalModel, chat: list[int], grammar: xgr.Grammar, usage: Usage) -> str:
    if len(local.prefix) + len(chat) + _MAX_CALL_TOKENS > local.context_length:
        return ""  # too long for this model: it makes no call
    return "".join(local.complete(chat, grammar, max_new_tokens=_MAX_CALL_TOKENS, usage=usage))


def _grammar(entry: Entry) -> xgr.Grammar:
    branches = [
        {
            "type": "object",
            "properties": {
                "name": {"const": function.name},
                "arguments": function.schema_of_arguments(),
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for function in entry.function
    ]
    calls = {"type": "array", "minItems": 1, "maxItems": _MAX_CALLS, "items": {"anyOf": branches}}
    return xgr.Grammar.from_json_schema(
        json.dumps(calls), any_whitespace=False, separators=(",", ":")
    )


def _server(settings: Settings) -> Caller:
    backend = load_backend(settings, [])
    model = backend.chat_model(threading.Event())

    def play(entry: Entry) -> Prediction:
        bound = model.bind_tools([_openai(function) for function in entry.function])
        try:
            reply = bound.invoke([HumanMessage(text) for text in entry.turns])
        except Exception as error:
            said = backend.explain(error)
            if not said:
                raise
            raise ConsiliumError(f"Entry {entry.id}: {said}") from error
        calls = [(call["name"], call["args"]) for call in reply.tool_calls]
        return _predicted(entry, calls, reply.text)

    return Caller({**backend.info.model_dump(), "format": "bfcl"}, play)


def _openai(function: Function) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": function.name.replace(".", "_"),
            "description": function.description,
            "parameters": function.schema_of_arguments(),
        },
    }


def _predicted(entry: Entry, calls: list[tuple[str, Any]], reply: str = "") -> Prediction:
    made = [PredictedCall(name=name, arguments=arguments) for name, arguments in calls]
    return Prediction(id=entry.id, turns=[PredictedTurn(calls=made, reply=reply)])
