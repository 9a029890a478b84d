"""The gate before the reader: is this a frontal chest film at all, and which way up?

Independent of the reader's weights, so that either can be replaced alone. A picture that is none is
refused with a plain reason; a film that lies on its side or is a negative is righted, with a warning.
"""

from typing import NamedTuple

from consilium.tools.imaging import gate_rules
from consilium.tools.imaging.film import Film


class Checked(NamedTuple):
    """What the gate made of a picture.

    Parameters
    ----------
    film : the picture, upright and with dense parts bright.
    refusal : why it is no frontal chest film, as the end of a sentence; empty where it is let in.
    warnings : what was changed, or what is doubtful; sentences.
    """

    film: Film
    refusal: str = ""
    warnings: tuple[str, ...] = ()


def check(film: Film) -> Checked:
    """Look at one picture before the reader does."""
    return Checked(film, gate_rules.refusal(film.pixels, film.facts))
