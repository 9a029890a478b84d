"""A conversation as messages of the chat component. Pure: the same conversation gives the same messages."""

import gradio as gr

from consilium.assistant.domain import Call, Conversation, Turn, TurnStatus
from consilium.assistant.page import markup
from consilium.tools.registry import TOOLS

Messages = list[gr.ChatMessage]

_ENDINGS = {"abstained": ": declined", "error": ": failed", "unavailable": ": not available"}
_WAITS = ": not run, a value is missing"


def conversation_messages(conversation: Conversation) -> Messages:
    """Every turn in order."""
    return [message for turn in conversation.turns for message in turn_messages(turn, conversation)]


def turn_messages(turn: Turn, conversation: Conversation) -> Messages:
    """The user's message, a step and a result per call, the answer, and how the turn ended if not well.

    A call that waits for a value is a step, too: it shows what was understood so far.
    """
    messages = [_question(turn, conversation)]
    for call in turn.calls:
        messages.append(_step(call))
        if call.result is not None:
            messages.append(_said(markup.result(call.result)))
    messages += [_step(call, waits=True) for call in turn.incomplete]
    if turn.answer:
        messages.append(gr.ChatMessage(role="assistant", content=markup.literal(turn.answer)))
    if turn.status is TurnStatus.STOPPED:
        messages.append(_said(markup.notice("Stopped. What was done so far is kept.")))
    elif turn.status is TurnStatus.FAILED:
        messages.append(problem(turn.error or "This message could not be answered."))
    elif turn.status is TurnStatus.RUNNING and not turn.answer:
        messages.append(_said('<p class="working" role="status">Working on it</p>'))
    return messages


def problem(sentence: str) -> gr.ChatMessage:
    """A sentence about what went wrong."""
    return _said(markup.notice(sentence, "problem"))


def _question(turn: Turn, conversation: Conversation) -> gr.ChatMessage:
    films = [film for film in conversation.attachments if film.id in turn.attachments]
    thumbnails = [gr.HTML(markup.thumbnails(films), render=False)] if films else []
    return gr.ChatMessage(role="user", content=[markup.literal(turn.user), *thumbnails])


def _step(call: Call, *, waits: bool = False) -> gr.ChatMessage:
    title = TOOLS[call.name].title if call.name in TOOLS else call.name
    ending = _ENDINGS.get(call.result.status, "") if call.result else _WAITS * waits
    return gr.ChatMessage(
        role="assistant",
        content=[gr.HTML(markup.step(call, "Not run" if waits else "Running"), render=False)],
        metadata={
            "title": markup.literal(title[:1].upper() + title[1:] + ending),
            "status": "done" if call.result or waits else "pending",
            **({"duration": round(call.seconds, 1)} if call.result else {}),
        },
    )


def _said(html: str) -> gr.ChatMessage:
    return gr.ChatMessage(role="assistant", content=[gr.HTML(html, render=False)])
