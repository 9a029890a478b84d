"""What is wrong with a turn, in words: for the list of worst cases."""

import json
from typing import Any

from consilium.finetune.evaluate.cases import Case, Expectation, PredictedTurn, Prediction
from consilium.finetune.evaluate.grade import argument_right, grade_case, names, pairs


def faults(expect: Expectation, predicted: PredictedTurn) -> list[str]:
    """Every fault of one turn: calls and arguments that are missing, wrong or too many, values not asked for."""
    found: list[str] = []
    paired = pairs(expect.calls, predicted.calls)
    for wanted, made in paired:
        if made is None:
            found.append(f"no call of {wanted.name}")
            continue
        for name in sorted({*wanted.arguments, *made.arguments}):
            if not argument_right(wanted, made, name):
                given = _text(made.arguments[name]) if name in made.arguments else "nothing"
                right = " or ".join(map(_text, wanted.arguments.get(name, [""])))
                found.append(f"{wanted.name}.{name}: {given} instead of {right}")
    found += [
        f"{made.name} was called too much"
        for made in predicted.calls
        if not any(made is other for _, other in paired)
    ]
    found += [
        f"did not ask for {asked}" for asked in expect.asks if not names(asked, predicted.reply)
    ]
    return found


def _text(value: Any) -> str:
    return "nothing" if value == "" else json.dumps(value, ensure_ascii=False)


def wrong_turns(case: Case, prediction: Prediction) -> list[dict[str, Any]]:
    """The wrong turns of a case with what was said, what was done and what is wrong with it."""
    wrong = []
    for index, (turn, grade) in enumerate(
        zip(case.turns, grade_case(case, prediction), strict=True)
    ):
        if grade.exact:
            continue
        played = index < len(prediction.turns)
        made = prediction.turns[index] if played else PredictedTurn()
        wrong.append(
            {
                "id": case.id,
                "category": case.category,
                "turn": index + 1,
                "user": turn.user,
                "calls": [call.model_dump() for call in made.calls],
                "reply": made.reply,
                "faults": faults(turn.expect, made) if played else ["was not played"],
            }
        )
    return wrong
