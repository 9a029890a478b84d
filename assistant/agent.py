"""LangChain's agent loop with the specialists as its tools: made anew for each turn, bound to that turn's films."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelCallLimitMiddleware,
    ModelRequest,
    ModelResponse,
    wrap_model_call,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool

from consilium import prompts
from consilium.assistant.domain import Call, Turn
from consilium.assistant.llm import template
from consilium.assistant.llm.chat import human_message
from consilium.assistant.llm.grammar import Stated
from consilium.assistant.runner import run_call
from consilium.tools.contract import ToolContext, ToolResult, ToolSpec

_MAX_ROUNDS = 5  # model calls in one turn; a server's model may loop
_NO_SUCH_TOOL = "The language model asked for a tool that there is not."


def make_agent(
    model: BaseChatModel,
    specs: Iterable[ToolSpec],
    context: ToolContext,
    stated: Stated,
    stop: threading.Event,
) -> Any:
    """A compiled agent for one turn. Its tools never raise: an error is a result, so no call is left dangling."""
    specs = list(specs)
    limit = ModelCallLimitMiddleware(run_limit=_MAX_ROUNDS, exit_behavior="end")
    middleware: list[Any] = [limit, _whole_calls]  # each has its own type of state
    return create_agent(
        model,
        [_tool(spec, context, stated, stop) for spec in specs],
        system_prompt=prompts.load("server.md"),  # the local model has its own, in its prefix
        middleware=middleware,
    )


@wrap_model_call
def _whole_calls(
    request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]
) -> ModelResponse:
    """Leave out the call that a server's limit cut: LangChain closes its JSON, with half a value."""
    response = handler(request)
    for message in response.result:
        at_limit = message.response_metadata.get("finish_reason") == "length"
        if not isinstance(message, AIMessage) or not at_limit:
            continue
        if message.tool_calls or message.invalid_tool_calls:
            kept = message.tool_calls if message.invalid_tool_calls else message.tool_calls[:-1]
            message.tool_calls, message.invalid_tool_calls = kept, []
            message.response_metadata["calls_cut"] = True
    return response


def _tool(spec: ToolSpec, context: ToolContext, stated: Stated, stop: threading.Event) -> BaseTool:
    def run(**arguments: Any) -> tuple[str, ToolResult]:
        result = run_call(spec, arguments, context, stated=stated, stop=stop)
        return template.render_result(result), result

    return StructuredTool.from_function(
        run,
        name=spec.name,
        description=spec.description,
        args_schema=spec.schema(),  # as JSON schema: `run_call` validates, and its refusal is a result
        response_format="content_and_artifact",
    )


def history(turns: Iterable[Turn]) -> list[BaseMessage]:
    """Earlier turns as the messages they were; of a turn that failed, what there is of it."""
    messages: list[BaseMessage] = []
    for turn in turns:
        messages.append(human_message(turn.user, turn.attachments))
        calls = [call for call in turn.calls if call.result]
        asked = {
            "incomplete": [{"name": c.name, "arguments": c.arguments} for c in turn.incomplete]
        }
        said = turn.answer or turn.error
        if calls:
            made = [_tool_call(call) for call in calls]
            messages.append(AIMessage("", tool_calls=made, response_metadata=asked))
            messages += [*(_tool_message(call) for call in calls), AIMessage(said)]
        else:
            messages.append(AIMessage(said, response_metadata=asked))
    return messages


def _tool_call(call: Call) -> Any:
    return {"name": call.name, "args": call.arguments, "id": call.id, "type": "tool_call"}


def _tool_message(call: Call) -> ToolMessage:
    assert call.result is not None
    return ToolMessage(
        template.render_result(call.result),
        tool_call_id=call.id,
        name=call.name,
        artifact=call.result,
    )


def result_of(message: ToolMessage) -> ToolResult:
    """The typed result behind a tool message; one of the agent's own, which is for the model, becomes an error."""
    if isinstance(message.artifact, ToolResult):
        return message.artifact
    text = message.content if isinstance(message.content, str) else json.dumps(message.content)
    return ToolResult(summary=_NO_SUCH_TOOL, status="error", reason=text)
