"""One request as somebody utters it: the words, and what is right for it."""

from dataclasses import dataclass

from consilium.finetune.synthesis.example import Call


@dataclass(frozen=True)
class Request:
    """Words with guarded values, and what they ask for.

    Parameters
    ----------
    calls : the right calls; one may lack required values that the words leave out.
    asks : an optional value that the words speak of and do not give ("similar to our lead").
    """

    text: str
    calls: tuple[Call, ...] = ()
    asks: tuple[str, ...] = ()
