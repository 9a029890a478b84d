"""An OpenAI-compatible server as the language model: a scripted one, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from consilium import prompts
from consilium.assistant.chair import Chair
from consilium.assistant.domain import Turn, TurnStatus
from consilium.assistant.llm import template
from consilium.assistant.llm.backend import load_backend
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store
from consilium.tools.registry import TOOLS


class _Server(ThreadingHTTPServer):
    replies: list[Any]
    asked: list[dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        reply = self.server.replies.pop(0)
        if isinstance(reply, int):
            self.send_error(reply)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for index, delta in enumerate(reply):
            finish = delta.pop("finish", "stop") if index == len(reply) - 1 else None
            chunk = {
                "id": "1",
                "object": "chat.completion.chunk",
                "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    http = _Server(("127.0.0.1", 0), _Handler)
    http.replies, http.asked = [], []
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http
    http.shutdown()


def ask(server: _Server, home: Path, text: str) -> Turn:
    settings = Settings(
        home=home, backend="openai", model="m", base_url=f"http://127.0.0.1:{server.server_port}/v1"
    )
    store = Store(settings.database_url, home)
    chair = Chair(settings, store, lambda: load_backend(settings))
    conversation = store.create_conversation().id
    list(chair.respond(conversation, text))
    return store.get(conversation).turns[0]


def _call(index: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"index": index, "id": f"c{index}", "type": "function", "function": function}


def test_calls_results_and_answer(server: _Server, tmp_path: Path) -> None:
    server.replies += [
        [{"role": "assistant", "tool_calls": [_call(0, "profile_molecule", {"molecule": "CCO"})]}],
        [{"content": "The profiler is not "}, {"content": "installed. QED 0.7."}],
    ]
    turn = ask(server, tmp_path, "profile CCO")
    assert turn.status is TurnStatus.DONE
    assert [call.name for call in turn.calls] == ["profile_molecule"]
    assert turn.answer.startswith("The profiler is not installed.")
    assert turn.removed == ["QED 0.7."]
    first, second = server.asked
    assert {tool["function"]["name"] for tool in first["tools"]} >= {"analyze_scan", "predict_risk"}
    assert second["messages"][-1]["role"] == "tool"


def test_a_server_reads_no_protocol_of_the_embedded_model(server: _Server, tmp_path: Path) -> None:
    server.replies += [[{"content": "Hello."}]]
    turn = ask(server, tmp_path, "hello")
    system = server.asked[0]["messages"][0]
    assert system["role"] == "system"
    assert system["content"] == prompts.load("server.md")
    for word in ("null", "Start each reply", "call -", "analyze_scan("):
        assert word not in system["content"]
    assert turn.model is not None
    assert turn.model.prompt_sha256 != template.prompt_sha256(TOOLS.values())


def test_a_call_with_wrong_types_is_a_result_not_a_crash(server: _Server, tmp_path: Path) -> None:
    server.replies += [
        [{"role": "assistant", "tool_calls": [_call(0, "profile_molecule", {"molecule": 3})]}],
        [{"content": "That did not work."}],
    ]
    turn = ask(server, tmp_path, "profile it")
    assert turn.calls[0].result is not None
    assert turn.calls[0].result.status == "error"
    assert turn.answer == f"That did not work. {turn.calls[0].result.summary}"


def test_an_answer_cut_at_the_token_limit_ends_with_a_whole_sentence(
    server: _Server, tmp_path: Path
) -> None:
    said = [{"content": "You said 142. Of that,"}, {"content": " 1", "finish": "length"}]
    server.replies += [said]
    turn = ask(server, tmp_path, "142 and 1")
    assert turn.answer == "You said 142. The answer ends here, at the longest it may be."


@pytest.mark.parametrize("whole", [0, 1])
def test_calls_cut_at_the_token_limit_are_told(server: _Server, tmp_path: Path, whole: int) -> None:
    cut = _call(whole, "profile_molecule", {"molecule": "CCO"})
    cut["function"]["arguments"] = '{"molecule": "CC'
    calls = [_call(index, "profile_molecule", {"molecule": "CCO"}) for index in range(whole)]
    server.replies += [
        [{"role": "assistant", "tool_calls": [*calls, cut], "finish": "length"}],
        [{"content": "The profiler is not installed."}],
    ]
    turn = ask(server, tmp_path, "profile CCO and CCO")
    assert [call.arguments for call in turn.calls] == [{"molecule": "CCO"}] * whole
    said = "The list of calls was cut off at its longest: one of them may be missing."
    assert turn.answer.endswith(said)
    assert ("The profiler" in turn.answer) == bool(whole)


def test_a_server_that_fails_ends_the_turn_with_a_sentence(server: _Server, tmp_path: Path) -> None:
    server.replies += [500, 500]
    turn = ask(server, tmp_path, "hello")
    assert turn.status is TurnStatus.FAILED
    assert "status 500" in turn.error


def test_a_server_that_is_not_there_is_named(server: _Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    assert "does not answer; is it running?" in ask(server, tmp_path, "hello").error
