"""A multiple-choice question, whatever data set it is from, and the checks that every one must pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from consilium.assistant.domain import ConsiliumError


@dataclass(frozen=True)
class Item:
    """One question.

    Parameters
    ----------
    id : unique in its data set.
    question, context : `context` is what the question is about (an abstract), empty where there is none.
    labels : what an answer is called, in order: "A", "B", ... or "yes", "no", "maybe".
    texts : the options' own words; the labels again where an option has no other words.
    answer : index of the right option.
    explanation : why it is right; never shown to the model when it is scored.
    where : file and line, for messages.
    """

    id: str
    question: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]
    answer: int
    context: str = ""
    explanation: str = ""
    where: str = ""

    @property
    def lettered(self) -> bool:
        """Whether the options have words besides their labels."""
        return self.labels != self.texts


def letters(count: int) -> tuple[str, ...]:
    """The labels A, B, ... of a question with `count` options."""
    return tuple(ascii_uppercase[:count])


def make_item(
    where: str,
    name: str,
    question: str,
    texts: Sequence[str],
    answer: int,
    *,
    labels: Sequence[str] | None = None,
    context: str = "",
    explanation: str = "",
) -> Item:
    """An item that has passed its checks.

    Raises
    ------
    ConsiliumError
        If the question or an option is empty, options are too few or too many, or the answer is none of them.
    """
    if not question.strip():
        raise ConsiliumError(f"{where}: the question is empty.")
    if not 2 <= len(texts) <= len(ascii_uppercase):
        raise ConsiliumError(f"{where}: there are {len(texts)} options; 2 to 26 can be scored.")
    if not all(text.strip() for text in texts):
        raise ConsiliumError(f"{where}: an option is empty.")
    if not 0 <= answer < len(texts):
        raise ConsiliumError(f"{where}: the answer is none of the {len(texts)} options.")
    return Item(
        id=name,
        question=question.strip(),
        labels=tuple(labels or letters(len(texts))),
        texts=tuple(text.strip() for text in texts),
        answer=answer,
        context=context.strip(),
        explanation=explanation.strip(),
        where=where,
    )


def unique(items: Iterable[Item], source: object) -> list[Item]:
    """The items as a list.

    Raises
    ------
    ConsiliumError
        If there is none, or an id occurs twice.
    """
    seen: dict[str, str] = {}
    found = []
    for item in items:
        if item.id in seen:
            raise ConsiliumError(f"{item.where}: the id {item.id} came before ({seen[item.id]}).")
        seen[item.id] = item.where
        found.append(item)
    if not found:
        raise ConsiliumError(f"{source} holds no question.")
    return found
