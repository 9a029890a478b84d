"""Conversations as cases for `consilium eval tools`: writers that nobody trained on, in any number."""

from consilium.finetune.evaluate.cases import Case, CaseTurn, Expectation, ExpectedCall
from consilium.finetune.synthesis.example import Call, Conversation, Turn


def as_case(conversation: Conversation) -> Case:
    """A conversation of any category but "result", with exactly the gold values as acceptable ones.

    Raises
    ------
    ValueError
        If an attachment comes after the first message; a case has them all at once.
    """
    first = conversation.turns[0].attachments
    if conversation.attachments != first:
        raise ValueError(f"{conversation.id} gets an attachment after its first message")
    return Case.model_validate(
        {
            "id": conversation.id,
            "category": conversation.category,
            "attachments": first,
            "turns": [_turn(turn) for turn in conversation.turns],
        }
    )


def _turn(turn: Turn) -> CaseTurn:
    calls = [_call(call) for call in turn.complete]
    # Where something can be run, what else is missing need not be asked for in the same breath.
    return CaseTurn(
        user=turn.user, expect=Expectation(calls=calls, asks=[] if calls else turn.asks)
    )


def _call(call: Call) -> ExpectedCall:
    return ExpectedCall(name=call.name, arguments={k: [v] for k, v in call.arguments.items()})
