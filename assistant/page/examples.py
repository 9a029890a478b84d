"""What a newcomer can click. The film is one that an installed package ships, so that nothing must be fetched."""

from dataclasses import dataclass
from pathlib import Path

from consilium.assistant.sample import SAMPLE_FILM


@dataclass(frozen=True)
class Example:
    """A message ready to be sent.

    Parameters
    ----------
    title : what the button says.
    text : the message.
    uploads : the files sent with it.
    """

    title: str
    text: str
    uploads: tuple[Path, ...] = ()


EXAMPLES = (
    Example(
        "Read a sample chest film",
        "Please read the attached chest film. Is there any sign of pneumonia?",
        (SAMPLE_FILM,),
    ),
    Example(
        "Estimate a cardiovascular risk",
        "Estimate the ten-year cardiovascular risk of a woman of 61, total cholesterol 5.8 mmol/L, "
        "HDL 1.4, systolic 142.",
    ),
    Example("See what Consilium can do", "What can you do?"),
)
