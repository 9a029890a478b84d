"""The question for what a call lacks: written from the contracts, not by the model, so it names just that."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from consilium.tools.contract import ToolSpec


def question(calls: Iterable[tuple[ToolSpec, Mapping[str, Any]]]) -> str:
    """One sentence for each call that lacks required values, naming them; the same sentence once."""
    sentences = (_sentence(spec, spec.lacking(arguments)) for spec, arguments in calls)
    return " ".join(dict.fromkeys(sentences))


def _sentence(spec: ToolSpec, names: Sequence[str]) -> str:
    properties = spec.properties()
    wanted = [
        f"the {properties[name].get('description', name.replace('_', ' '))}" for name in names
    ]
    them = "it" if len(wanted) == 1 else "them"
    return f"The {spec.title} still needs {_listed(wanted)}: please add {them}."


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
