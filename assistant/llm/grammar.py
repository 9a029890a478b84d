"""What the model can say next, as a grammar made from the contracts and from what the chat states.

Under it a call is always valid JSON for a known tool with all its arguments of the right type (see
`template.written_out` for what nobody stated), and a value marked
`stated` in its contract (numbers, SMILES, attachment ids) can only be one that the chat holds. A tool whose
required value was never said cannot be called at all. Numbers in words are bound in the same way: an answer can
only hold a number of the results or of the user. The grammar says nothing about which tool or value is right.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xgrammar as xgr

from consilium.assistant.llm.stated import numbers, words
from consilium.assistant.llm.template import unsaid
from consilium.tools.contract import ToolSpec

MAX_CALLS = 8
_MAX_LIST = 40  # a list of visits longer than this is a runaway
_MAX_TEXT = 400  # characters of a free-text argument
_MAX_WORDS = 3000  # of a pasted document, the last ones
# xgrammar writes the enumerated float 6.1 as 6.0999999999999996: numbers go in as marked strings and are unquoted.
_NUMBER_MARK = "#number#"


@dataclass(frozen=True)
class Stated:
    """What the user has said so far, and the ids of what they attached."""

    numbers: frozenset[Decimal]
    words: tuple[str, ...]
    attachments: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str], attachments: Sequence[str]) -> "Stated":
        """Collect what a chat's user messages state."""
        text = "\n".join(texts)
        return cls(frozenset(numbers(text)), tuple(words(text)[-_MAX_WORDS:]), tuple(attachments))


def calls_grammar(specs: Iterable[ToolSpec], stated: Stated) -> xgr.Grammar | None:
    """Grammar of a JSON list of one or more calls; None where no tool can be called with what was stated."""
    branches = [
        {
            "type": "object",
            "properties": {"name": {"const": spec.name}, "arguments": arguments},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for spec in specs
        if (arguments := _arguments_schema(spec, stated)) is not None
    ]
    if not branches:
        return None
    calls = {"type": "array", "minItems": 1, "maxItems": MAX_CALLS, "items": {"anyOf": branches}}
    grammar = str(xgr.Grammar.from_json_schema(calls, any_whitespace=False, separators=(",", ":")))
    numbers_bare = grammar.replace(f'\\"{_NUMBER_MARK}', "").replace(f'{_NUMBER_MARK}\\"', "")
    return xgr.Grammar.from_ebnf(numbers_bare)


def words_grammar(allowed: Collection[Decimal]) -> xgr.Grammar:
    """Grammar of a text whose numbers are all among `allowed`."""
    number = " | ".join(
        f'"{spelling}"' for spelling in sorted({_spell(value) for value in allowed})
    )
    return xgr.Grammar.from_ebnf(
        (
            "root ::= plain+ rest | number after\n"
            'rest ::= "" | number after\n'
            'after ::= "" | [.,] | [.,]? [^0-9.,\\0] plain* rest\n'
            f"number ::= {number}\n"
            if number
            else "root ::= plain+\n"
        )
        + "plain ::= [^0-9\\0]"
    )


def _spell(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _arguments_schema(spec: ToolSpec, stated: Stated) -> dict[str, Any] | None:
    """A contract's schema with stated values as enumerations; None if a required one was never stated."""
    required = spec.schema().get("required", ())
    properties: dict[str, Any] = {}
    for name, prop in spec.properties().items():
        narrowed = _narrow(prop, stated)
        if name in required:
            if narrowed is None:
                return None
            properties[name] = narrowed
        elif unsaid(prop) is None:
            properties[name] = _or_null(narrowed)
        else:
            assert narrowed is not None  # choices need nothing stated
            properties[name] = narrowed
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: dict[str, Any] | None) -> dict[str, Any]:
    null = {"type": "null"}
    return null if schema is None else {"anyOf": [schema, null]}


def _narrow(prop: Mapping[str, Any], stated: Stated) -> dict[str, Any] | None:
    if prop["type"] == "array":
        items = _narrow(prop["items"], stated)
        if items is None:
            return None
        return {
            "type": "array",
            "items": items,
            "minItems": prop.get("minItems", 0),
            "maxItems": _MAX_LIST,
        }
    if prop.get("attachment"):
        return {"enum": list(stated.attachments)} if stated.attachments else None
    if prop.get("stated"):
        values = _candidates(prop, stated)
        return {"enum": values} if values else None
    if prop["type"] == "string" and "enum" not in prop:
        return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT}
    kept = ("type", "enum", "minimum", "maximum")
    return {key: prop[key] for key in kept if key in prop}


def _candidates(prop: Mapping[str, Any], stated: Stated) -> list[str]:
    if prop["type"] == "string":
        return list(stated.words)
    low, high = prop.get("minimum"), prop.get("maximum")
    return [
        f"{_NUMBER_MARK}{_spell(value)}{_NUMBER_MARK}"
        for value in sorted(stated.numbers)
        if (low is None or value >= low)
        and (high is None or value <= high)
        and (prop["type"] == "number" or value == value.to_integral_value())
    ]
