"""Decoding with the real embedded model: what is quicker must not say anything else."""

import json
import threading

import pytest
import torch

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import local as local_module
from consilium.assistant.llm import template
from consilium.assistant.llm.grammar import Stated, calls_grammar, words_grammar
from consilium.assistant.llm.local import LocalModel, Usage
from consilium.assistant.llm.template import as_stated

pytestmark = pytest.mark.model


def chat(model: LocalModel, text: str, opening: str = "") -> list[int]:
    rendered = template.render(
        model.tokenizer, [template.user_message(text, ["scan-1"])], add_generation_prompt=True
    )
    return model.tokens(rendered + opening)


def complete(model: LocalModel, ids: list[int], **options: object) -> str:
    grammar = words_grammar(set())
    return "".join(model.complete(ids, grammar, max_new_tokens=40, usage=Usage(), **options))  # type: ignore[arg-type]


def test_prompt_lookup_does_not_change_the_text(
    embedded: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = chat(embedded, "Please repeat: the lungs are clear, the heart is normal.", "answer\n")
    quick = complete(embedded, ids)
    monkeypatch.setattr(local_module, "_PROPOSED", 0)
    assert complete(embedded, ids) == quick


def test_a_guess_that_the_grammar_overrules_does_not_change_a_call(
    embedded: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was computed for a guess may not stand for the forced text that takes its place."""
    said = (
        "61 year old woman, BP 148/92, cholesterol 231, HDL 47, not diabetic, no statin. CV risk?"
    )
    ids = chat(embedded, said, "call\n")
    grammar = calls_grammar(embedded.specs, Stated.of([said], ["scan-1"]))

    def call() -> str:
        return "".join(embedded.complete(ids, grammar, max_new_tokens=200, usage=Usage()))

    quick = call()
    monkeypatch.setattr(LocalModel, "_propose", lambda _, ids: [ids[-1], *ids[-9:]])
    overruled = call()
    monkeypatch.setattr(LocalModel, "_propose", lambda *_: [])
    assert call() == quick == overruled


def test_the_cache_does_not_change_the_text(embedded: LocalModel) -> None:
    first = chat(embedded, "Say hello.", "answer\n")
    cold = complete(embedded, first)
    complete(embedded, chat(embedded, "Something else entirely.", "answer\n"))
    assert complete(embedded, first) == cold
    usage = Usage()
    list(embedded.complete(first, words_grammar(set()), max_new_tokens=2, usage=usage))
    embedded.decide(first, ["call", "ask"], usage)
    assert usage.cached_tokens == len(embedded.prefix) + len(first) - 1


def test_decoding_equals_plain_greedy_decoding(embedded: LocalModel) -> None:
    """Against a loop without cache, lookup or forced text, under the same grammar."""
    ids = [*embedded.prefix, *chat(embedded, "Say hello.", "answer\n")]
    text = complete(embedded, ids[len(embedded.prefix) :])
    plain = list(ids)
    with torch.inference_mode():
        for _ in range(8):
            logits = embedded.model(torch.tensor([plain])).logits[0, -1]
            plain.append(int(logits.argmax()))
    expected = embedded.tokenizer.decode(plain[len(ids) :], skip_special_tokens=True)
    if not any(character.isdigit() for character in str(expected)):
        assert text.startswith(str(expected))


def test_untuned_it_still_cannot_write_an_invalid_call(embedded: LocalModel) -> None:
    said = "54M, TC 209 HDL 45 BP 127/78, no meds, cv risk? and the film?"
    grammar = calls_grammar(embedded.specs[:2], Stated.of([said], ["scan-1"]))
    text = "".join(
        embedded.complete(
            chat(embedded, said, "call\n"), grammar, max_new_tokens=1500, usage=Usage()
        )
    )
    specs = {spec.name: spec for spec in embedded.specs}
    for call in json.loads(text):
        spec = specs[call["name"]]
        stated = as_stated(spec, call["arguments"])
        if not spec.lacking(stated):
            spec.args.model_validate(stated)


def test_the_decision_is_explicit(embedded: LocalModel) -> None:
    chances = embedded.decide(chat(embedded, "Hello"), ["call", "answer"], Usage())
    assert sum(chances.values()) == pytest.approx(1)


def test_stop_ends_decoding(embedded: LocalModel) -> None:
    stop = threading.Event()
    stop.set()
    assert complete(embedded, chat(embedded, "Hello", "answer\n"), stop=stop) == ""


def test_a_prompt_beyond_the_context_is_refused(embedded: LocalModel) -> None:
    with pytest.raises(ConsiliumError, match="too long"):
        complete(embedded, [5] * 9000)


def test_four_bit_weights_load_and_decode(embedded: LocalModel) -> None:
    folder = embedded.model.config._name_or_path
    small = LocalModel.load(folder, embedded.specs[:1], quantization="nf4", device="cpu")
    assert complete(small, chat(small, "Hello", "answer\n"))
