"""Two frames as one chat: both requests in one message, or the second chat after the first.

People ask for two things at once, and go on to the next patient, in more combinations than anybody writes out.
"""

import re

from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.frames import SLOT, Frame, FrameTurn
from consilium.finetune.synthesis.voices import Writer

_MOST_TURNS = 2
_MOST_CALLS = 3  # in one message
_SHIFT = 5  # {sbp} and {sbp_2} of the second chat become {sbp_5} and {sbp_7}: other values
_JOINTS = ("{a}\n{b}", "{a}\n\n{b}", "1. {a}\n2. {b}", "- {a}\n- {b}", "{a}\n---\n{b}")
_FILM_TOOLS = frozenset({"analyze_scan", "find_similar_cases"})


def paired(writer: Writer, first: Frame, second: Frame) -> Frame | None:
    """Both frames as one; None where the right calls of the two together are not those of each.

    Single requests to different tools go into one message, if nothing lacks in either; else the second chat follows.
    """
    if _attaches(first) and _about_films(second):
        return None  # its films would need other ids
    second = _with_other_slots(second)
    if len(first.turns) == len(second.turns) == 1 and _separable(first.turns[0], second.turns[0]):
        return _in_one_message(writer, first.turns[0], second.turns[0])
    return _one_after_the_other(first, second)


def _in_one_message(writer: Writer, a: FrameTurn, b: FrameTurn) -> Frame:
    text = writer.choice(_JOINTS).format(a=a.user.rstrip(), b=b.user)
    films = [*a.attachments, *b.attachments]
    return Frame(turns=[FrameTurn(user=text, attachments=films, calls=[*a.calls, *b.calls])])


def _separable(a: FrameTurn, b: FrameTurn) -> bool:
    tools = [{call.name for call in turn.calls} for turn in (a, b)]
    calls = [*a.calls, *b.calls]
    if not all(tools) or tools[0] & tools[1] or any(call.lacking for call in calls):
        return False
    if len(calls) > _MOST_CALLS:
        return False
    # "Cases like this one" might mean the film of the other request.
    return not ((a.attachments or b.attachments) and tools[0] | tools[1] >= _FILM_TOOLS)


def _one_after_the_other(first: Frame, second: Frame) -> Frame | None:
    if len(first.turns) + len(second.turns) > _MOST_TURNS:
        return None
    called = {call.name for call in _calls(first)}
    unfinished = {call.name for call in _calls(second) if call.lacking}
    if called & unfinished or any(call.lacking for call in first.turns[-1].calls):
        return None  # the second chat might be read as the end of the first
    return Frame(turns=[*first.turns, *second.turns])


def _with_other_slots(frame: Frame) -> Frame:
    def other(slot: re.Match[str]) -> str:
        name, which, form = slot.groups()
        return f"{{{name}_{(int(which or 0) + _SHIFT) % 10}{':' + form if form else ''}}}"

    return Frame.model_validate_json(SLOT.sub(other, frame.model_dump_json()))


def _calls(frame: Frame) -> list[Call]:
    return [call for turn in frame.turns for call in turn.calls]


def _attaches(frame: Frame) -> bool:
    return any(turn.attachments for turn in frame.turns)


def _about_films(frame: Frame) -> bool:
    return _attaches(frame) or any(
        c.name == "analyze_scan" or "image" in c.arguments for c in _calls(frame)
    )
