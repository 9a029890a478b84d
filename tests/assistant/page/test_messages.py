"""How a stored turn looks as messages."""

from datetime import UTC, datetime

from consilium.assistant.domain import Call, Conversation, Turn, TurnStatus
from consilium.assistant.export import as_markdown
from consilium.assistant.page.messages import conversation_messages

_NOW = datetime(2026, 11, 29, tzinfo=UTC)
_ASKED = Turn(
    id="t",
    user="risk at 61?",
    decision="ask",
    incomplete=[Call(id="asked-1", name="predict_risk", arguments={"age": 61})],
    answer="The cardiovascular risk predictor still needs the sex: please add it.",
    status=TurnStatus.DONE,
    created_at=_NOW,
)


def test_a_call_that_waits_for_a_value_shows_what_was_understood() -> None:
    conversation = Conversation(
        id="c", title="risk", created_at=_NOW, updated_at=_NOW, turns=[_ASKED]
    )
    _, step, answer = conversation_messages(conversation)
    assert step.metadata["title"].endswith("not run, a value is missing")
    assert step.metadata["status"] == "done"
    assert "61" in step.content[0].value
    assert "still needs" in answer.content
    document = as_markdown(conversation)
    assert "not run: a value is missing" in document
    assert '"age": 61' in document


def test_a_turn_that_broke_off_shows_its_answer_and_its_error() -> None:
    broken = _ASKED.model_copy(update={"status": TurnStatus.FAILED, "error": "The server is gone."})
    conversation = Conversation(
        id="c", title="risk", created_at=_NOW, updated_at=_NOW, turns=[broken]
    )
    *_, answer, error = conversation_messages(conversation)
    assert "still needs" in answer.content
    assert "The server is gone." in error.content[0].value
    document = as_markdown(conversation)
    assert document.index("still needs") < document.index("Not completed: The server is gone.")
