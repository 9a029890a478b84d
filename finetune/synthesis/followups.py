"""Chats of several turns: one value changed, another film, the missing value supplied, another tool, thanks."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from consilium.finetune.synthesis import (
    cases,
    chatter,
    film,
    molecules,
    replies,
    risk,
    scenes,
    treatment,
)
from consilium.finetune.synthesis.chemistry import DRUGS
from consilium.finetune.synthesis.example import Turn
from consilium.finetune.synthesis.people import Person
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Forms, Writer, guard


def _next(writer: Writer, text: str, request: Request, attachments: Sequence[str] = ()) -> Turn:
    """A later turn: shorter than a first message, without greetings."""
    return scenes.behaviour(writer, writer.finish(text), request, attachments)


def _steps(writer: Writer) -> range:
    return range(writer.rng.choices((1, 2), (72, 28))[0])


def _risk(writer: Writer) -> list[Turn]:
    patient = risk.sample_patient(writer)
    turns = [scenes.turn(writer, risk.ask(writer, patient))]
    for _ in _steps(writer):
        if writer.chance(0.22):
            patient = risk.sample_patient(writer, risk.OPPOSITE[patient.sex], mmol=patient.mmol)
            text = risk.another(writer, patient)
        else:
            text, patient = risk.change(writer, patient)
        turns.append(_next(writer, text, Request(text, (patient.call(),))))
    return turns


def _risk_supplied(writer: Writer) -> list[Turn]:
    patient = risk.sample_patient(writer)
    omitted = scenes.risk_omissions(writer)
    turns = [scenes.turn(writer, risk.ask(writer, patient, omitted))]
    while omitted:
        given = omitted[:1] if len(omitted) > 1 and writer.chance(0.25) else list(omitted)
        omitted = [name for name in omitted if name not in given]
        text = risk.supply(writer, patient, given)
        turns.append(_next(writer, text, Request(text, (patient.call(omitted),))))
    return turns


def _treatment(writer: Writer) -> list[Turn]:
    course = treatment.sample_course(writer)
    turns = [scenes.turn(writer, treatment.ask(writer, course))]
    for _ in _steps(writer):
        text, course = treatment.change(writer, course)
        turns.append(_next(writer, text, Request(text, (course.call(),))))
    return turns


def _treatment_supplied(writer: Writer) -> list[Turn]:
    """No volume at first; then the volumes alone."""
    course = replace(
        treatment.sample_course(writer),
        chemotherapy_at=(),
        radiotherapy_at=(),
        plans=(),
        horizon=None,
    )
    asked = treatment.ask_without_any_volume(writer)
    text = treatment.series(writer, course.volumes)
    return [scenes.turn(writer, asked), _next(writer, text, Request(text, (course.call(),)))]


def _design(writer: Writer) -> list[Turn]:
    design = molecules.sample_design(writer)
    turns = [scenes.turn(writer, molecules.ask_design(writer, design))]
    for _ in _steps(writer):
        text, design = molecules.change_design(writer, design)
        turns.append(_next(writer, text, Request(text, (design.call(),))))
    return turns


def _profile(writer: Writer) -> list[Turn]:
    molecule = molecules.sample_molecule(writer)
    turns = [scenes.turn(writer, molecules.ask_profile(writer, [molecule]))]
    if molecule not in DRUGS and writer.chance(0.5):
        request = molecules.design_from_profile(writer, molecule)
        turns.append(_next(writer, request.text, request))
        return turns
    for _ in _steps(writer):
        other = molecules.sample_molecule(writer)
        text = molecules.other_profile(writer, other)
        turns.append(_next(writer, text, Request(text, (molecules.profile_call(other),))))
    return turns


_IT_IS = Forms("it is {m}", "{m}", "sorry, {m}", "I meant {m}", "{m} of course")


def _profile_supplied(writer: Writer) -> list[Turn]:
    molecule = molecules.sample_molecule(writer)
    text = writer.say(_IT_IS, m=guard(molecule))
    call = molecules.profile_call(molecule)
    return [
        scenes.turn(writer, molecules.ask_profile_without_molecule(writer)),
        _next(writer, text, Request(text, (call,))),
    ]


def _cases(writer: Writer) -> list[Turn]:
    query, k = cases.describe(writer), cases.sample_k(writer)
    ids = scenes.films(1) if writer.chance(0.3) else []
    turns = [scenes.turn(writer, cases.ask(writer, query, k), ids)]
    image: str | None = None
    for _ in _steps(writer):
        if ids and not image and writer.chance(0.6):
            image = ids[0]
            text = cases.add_film(writer)
        elif writer.chance(0.65):
            k = writer.rng.choice([n for n in range(2, 21) if n != k])
            text = cases.more(writer, k)
        else:
            query = cases.describe(writer)
            text = cases.other(writer, query)
        turns.append(_next(writer, text, Request(text, (cases.call(query, k, image),))))
    return turns


def _cases_supplied(writer: Writer) -> list[Turn]:
    query = cases.describe(writer)
    return [
        scenes.turn(writer, cases.ask_without_query(writer, counted=False)),
        _next(writer, query, Request(query, (cases.call(query),))),
    ]


def _film(writer: Writer) -> list[Turn]:
    how = writer.rng.random()
    if how < 0.3:  # the other of two
        ids = scenes.films(2)
        request = film.read_one_of(writer, ids)
        first = request.calls[0].arguments["image"]
        rest = 1 - ids.index(first)
        text = film.other(writer, rest)
        return [
            scenes.turn(writer, request, ids),
            _next(writer, text, Request(text, (film.call(ids[rest]),))),
        ]
    if how < 0.6:  # another film is attached
        request = film.read_with_story(writer, "scan-1", scenes.person(writer))
        turns = [scenes.turn(writer, request, ["scan-1"])]
        for number in range(2, 2 + len(_steps(writer))):
            image = f"scan-{number}"
            text = film.another(writer)
            turns.append(_next(writer, text, Request(text, (film.call(image),)), [image]))
        return turns
    if how < 0.8:  # the missing film arrives
        text = film.supplied(writer)
        return [
            scenes.turn(writer, film.read_nothing(writer, scenes.person(writer))),
            _next(writer, text, Request(text, (film.call("scan-1"),)), ["scan-1"]),
        ]
    turns = [scenes.turn(writer, film.read(writer, "scan-1"), ["scan-1"])]
    query, k = cases.describe(writer), cases.sample_k(writer)
    request = cases.ask(writer, query, k, "scan-1" if writer.chance(0.6) else None)
    turns.append(_next(writer, request.text, request))
    return turns


def _other_tool(writer: Writer) -> list[Turn]:
    """A greeting or one request first, then a request to another tool."""
    opening = (
        scenes.answer(writer, chatter.remark(writer))
        if writer.chance(0.4)
        else scenes.single(writer)
    )
    request = writer.choice(scenes.IN_WORDS)(writer)
    return [opening, _next(writer, request.text, request)]


_CHATS: tuple[tuple[Callable[[Writer], list[Turn]], float], ...] = (
    (_risk, 25),
    (_risk_supplied, 14),
    (_treatment, 19),
    (_treatment_supplied, 3),
    (_design, 12),
    (_profile, 8),
    (_profile_supplied, 2),
    (_cases, 9),
    (_cases_supplied, 2),
    (_film, 14),
    (_other_tool, 8),
)


def followup(writer: Writer) -> list[Turn]:
    """A chat of two turns or more."""
    makers, weights = zip(*_CHATS, strict=True)
    make: Callable[[Writer], list[Turn]] = writer.rng.choices(makers, weights)[0]
    turns = make(writer)
    if len(turns) == 1 or writer.chance(0.12):
        turns.append(scenes.answer(writer, chatter.thanks(writer)))
    return turns


_ABOUT_RESULT = Forms(
    "how [sure|certain] is that?",
    "what was the probability again?",
    "and the interval?",
    "so is it pneumonia or not?",
    "say that again in short",
    "can I rely on this?",
    "repeat the result please",
    terse=["so pna?", "how sure", "prob again?", "tldr", "conf interval?"],
    plain=["please repeat the number", "how exact is the number?", "so is it normal?"],
    formal=["might you restate the finding?", "how much weight may I put on that?"],
)


def about_result(writer: Writer) -> list[Turn]:
    """A film is read, then the user asks about that result: answered from it, without a call."""
    person = Person(None, None)
    request = (
        film.read_with_story(writer, "scan-1", scenes.person(writer))
        if writer.chance(0.5)
        else film.read(writer, "scan-1", person.his)
    )
    first = scenes.turn(writer, request, ["scan-1"])
    reply = replies.from_results(writer, first.calls, first.results)
    return [first, Turn(user=writer.finish(writer.say(_ABOUT_RESULT)), reply=reply)]
