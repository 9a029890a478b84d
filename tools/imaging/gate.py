"""The gate before the reader: is this a frontal chest film at all, and which way up?

Independent of the reader's weights, so that either can be replaced alone. A picture that is none is
refused with a plain reason; a film that lies on its side or is a negative is righted, with a warning.
"""

import threading
from typing import NamedTuple

from consilium.tools.imaging import gate_rules
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.gate_model import Gate, right

OUTSIDE = "it does not look like a frontal chest film"
DOUBTFUL = "The picture is unusual for a frontal chest film: please check that it is one."
TURNED = "The film was turned by {degrees} degrees clockwise to stand upright: please check."
INVERTED = "The film looks like a negative (bones dark) and was inverted: please check."

_loading = threading.Lock()
_loaded: list[Gate] = []


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
    """Look at one picture before the reader does.

    Raises
    ------
    ToolError
        If the gate's weights are missing or not those of their card.
    """
    if refusal := gate_rules.refusal(film.pixels, film.facts):
        return Checked(film, refusal)
    gate = load_gate()
    opinion = gate.look([film.pixels])
    if gate.refuses(opinion)[0]:
        return Checked(film, OUTSIDE)
    turns, negative = opinion.turns[0], opinion.negative[0]
    warnings = []
    if opinion.film[0] < gate.card.lines.doubt_below:
        warnings.append(DOUBTFUL)
    if turns:
        warnings.append(TURNED.format(degrees=90 * int(turns)))
    if negative:
        warnings.append(INVERTED)
    return Checked(Film(right(film.pixels, turns, negative), film.facts), "", tuple(warnings))


def load_gate() -> Gate:
    """Load the gate once, whichever thread comes first.

    Raises
    ------
    ToolError
        If the gate's weights are missing or not those of their card.
    """
    with _loading:
        if not _loaded:
            _loaded.append(Gate.load())
        return _loaded[0]
