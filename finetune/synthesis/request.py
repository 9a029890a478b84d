"""One request as somebody utters it: the words, and the call that is right for it."""

from dataclasses import dataclass

from consilium.finetune.synthesis.example import Call


@dataclass(frozen=True)
class Request:
    """Words with guarded values, and what they ask for: calls, or the values that they leave out."""

    text: str
    calls: tuple[Call, ...] = ()
    asks: tuple[str, ...] = ()
