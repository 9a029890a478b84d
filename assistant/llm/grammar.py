"""What the model can say next, as a grammar made from the contracts and from what the chat states.

Under it a call is always valid JSON for a known tool with all its arguments of the right type (see
`template.written_out` for what nobody stated), and a value marked
`stated` in its contract (numbers, SMILES, attachment ids) can only be one that the chat holds, or null; one marked
`quoted` is a run of the user's own words, places in a list (`place_in`) exist in it and rise. A call
with a required value that is null is not run but asked about (see `asking`). Numbers in words are bound in the same
way: an answer can only hold a number of the results or of the user. The grammar says nothing about which tool or
value is right.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xgrammar as xgr

from consilium.assistant.llm.stated import numbers, words, written
from consilium.assistant.llm.template import unsaid
from consilium.tools.contract import ToolSpec

MAX_CALLS = 8
_MAX_LIST = 40  # a list of visits longer than this is a runaway
_MAX_TEXT = 400  # characters of a free-text argument
_MAX_WORDS = 3000  # of a pasted document, the last ones
_MAX_PIECES = 1200  # words and punctuation marks that can be quoted, the last ones
# xgrammar writes the enumerated float 6.1 as 6.0999999999999996: numbers go in as marked strings and are unquoted.
_NUMBER_MARK = "#number#"
_QUOTED_MARK = "#quoted#"
_PLACES_MARK = "#places-{}#"
_MAX_PLACES = 12  # of a longer list any place can be said


_PIECE = re.compile(r"\w+|[^\w\s]")
# 24.0 and 3,054: numbers whose usual spelling (`_spell`) is another
_AS_WRITTEN = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]|[.,]\d)")


@dataclass(frozen=True)
class Stated:
    """What the user has said so far, and the ids of what they attached."""

    text: str
    numbers: frozenset[Decimal]
    words: tuple[str, ...]
    attachments: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str], attachments: Sequence[str]) -> "Stated":
        """Collect what a chat's user messages state."""
        messages = list(texts)
        text = "\n".join(messages)
        spoken = tuple(words(text)[-_MAX_WORDS:])
        said = frozenset[Decimal]().union(*map(numbers, messages))
        return cls(text, said, spoken, tuple(attachments))


def calls_grammar(specs: Iterable[ToolSpec], stated: Stated) -> xgr.Grammar:
    """Grammar of a JSON list of one or more calls of at least one tool."""
    branches = [
        {
            "type": "object",
            "properties": {
                "name": {"const": spec.name},
                "arguments": {"anyOf": _arguments_schemas(spec, stated)},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for spec in specs
    ]
    calls = {"type": "array", "minItems": 1, "maxItems": MAX_CALLS, "items": {"anyOf": branches}}
    grammar = str(xgr.Grammar.from_json_schema(calls, any_whitespace=False, separators=(",", ":")))
    bare = grammar.replace(f'\\"{_NUMBER_MARK}', "").replace(f'{_NUMBER_MARK}\\"', "")
    if f'"\\"{_QUOTED_MARK}\\""' in bare:
        bare = bare.replace(f'"\\"{_QUOTED_MARK}\\""', "quoted") + _quoted(stated.text)
    for count in range(_MAX_PLACES + 1):
        if (mark := f'"\\"{_PLACES_MARK.format(count)}\\""') in bare:
            bare = bare.replace(mark, f"places_{count}") + _places(count)
    return xgr.Grammar.from_ebnf(bare)


def _quoted(text: str) -> str:
    """Rules of a JSON string that is a run of words of a text, with what stands between them."""
    pieces = _pieces(text)
    rules = []
    for number, piece in enumerate(pieces):
        rule = f"quoted_{number} ::= {_literal(piece.group())}"
        if number + 1 < len(pieces):
            between = text[piece.end() : pieces[number + 1].start()]
            rule += f" ({_literal(between) if between else ''} quoted_{number + 1})?"
        rules.append(rule)
    starts = [f"quoted_{i}" for i, piece in enumerate(pieces) if piece.group()[0].isalnum()]
    return "\n".join(["", *rules, rf'quoted ::= "\"" ({" | ".join(starts)}) "\""', ""])


def _places(count: int) -> str:
    """Rules of a JSON list of rising whole numbers from 1 to `count`."""

    def among(first: int) -> str:
        return " | ".join(f"place_{count}_{k}" for k in range(first, count + 1))

    rules = [
        f'place_{count}_{k} ::= "{k}"' + (f' ("," ({among(k + 1)}))?' if k < count else "")
        for k in range(1, count + 1)
    ]
    return "\n".join(["", *rules, f'places_{count} ::= "[" ({among(1)})? "]"', ""])


def _pieces(text: str) -> list[re.Match[str]]:
    return list(_PIECE.finditer(text))[-_MAX_PIECES:]


def _literal(text: str) -> str:
    """A piece of a JSON string as a literal of the grammar."""
    return json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)


def words_grammar(allowed: Collection[Decimal], texts: Iterable[str] = ()) -> xgr.Grammar:
    """Grammar of a text whose numbers are all among `allowed`.

    A number can also be spelt as `texts` have it, "24.0" or "3,054": kept from that, a model goes on in letters,
    "24.oos".
    """
    found = {number for text in texts for number in _AS_WRITTEN.findall(text)}
    as_written = {number for number in found if Decimal(number.replace(",", "")) in allowed}
    spellings = as_written | {_spell(value) for value in allowed}
    number = " | ".join(f'"{spelling}"' for spelling in sorted(spellings))
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


def _arguments_schemas(spec: ToolSpec, stated: Stated) -> list[dict[str, Any]]:
    """A contract's schema with stated values as enumerations, and null for what nobody stated.

    One schema; where arguments are places in a list, one for each length that the list can have.
    """
    contract = spec.properties()
    narrowed = {name: _narrow(prop, stated) for name, prop in contract.items()}
    properties = {
        name: _or_null(schema) if unsaid(contract[name]) is None else schema
        for name, schema in narrowed.items()
    }
    placed = {
        name: prop["items"]["place_in"]
        for name, prop in contract.items()
        if "place_in" in prop.get("items", {})
    }
    if not placed:
        return [_closed(properties)]
    (listed,) = set(placed.values())  # one list is all that a contract has needed
    values = narrowed[listed]
    lengths: list[tuple[dict[str, Any], int]] = [({"type": "null"}, _MAX_PLACES)]
    if values:
        exact = range(values["minItems"], min(values["maxItems"], _MAX_PLACES) + 1)
        lengths += [({**values, "minItems": n, "maxItems": n}, n) for n in exact]
    schemas = [
        _closed({**properties, listed: some, **dict.fromkeys(placed, _places_mark(count))})
        for some, count in lengths
    ]
    if values and values["maxItems"] > _MAX_PLACES:
        schemas.append(_closed({**properties, listed: {**values, "minItems": _MAX_PLACES + 1}}))
    return schemas


def _places_mark(count: int) -> dict[str, Any]:
    return {"const": _PLACES_MARK.format(count)}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
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
        least, most = prop.get("minItems", 0), _MAX_LIST
        if prop["items"].get("stated"):  # no longer than there are numbers in the chat
            said = max(len(stated.numbers), sum(1 for _ in written(stated.text)))
            most = min(most, said)
        if most < least:
            return None
        return {"type": "array", "items": items, "minItems": least, "maxItems": most}
    if prop.get("attachment"):
        return {"enum": list(stated.attachments)} if stated.attachments else None
    if prop.get("stated"):
        values = _candidates(prop, stated)
        return {"enum": values} if values else None
    if prop.get("quoted"):
        sayable = any(piece.group()[0].isalnum() for piece in _pieces(stated.text))
        return {"const": _QUOTED_MARK} if sayable else None
    if prop["type"] == "string" and "enum" not in prop:
        return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT}
    kept = ("type", "enum", "minimum", "maximum")
    return {key: prop[key] for key in kept if key in prop}


def _candidates(prop: Mapping[str, Any], stated: Stated) -> list[str]:
    if prop["type"] == "string":
        return [word for word in stated.words if re.search(r"[^\W\d_]", word)]
    # Not narrowed to the contract's limits: asked for 10,000 molecules or 10 visits ahead, the model would have to
    # take another number, where now the contract says that it is too many.
    return [
        f"{_NUMBER_MARK}{_spell(value)}{_NUMBER_MARK}"
        for value in sorted(stated.numbers)
        if prop["type"] == "number" or value == value.to_integral_value()
    ]
