"""Openings of a chat: one request, several at once, one with values missing, or a remark."""

from collections.abc import Sequence
from dataclasses import replace

from consilium.assistant.llm.asking import question
from consilium.finetune.synthesis import cases, chatter, film, molecules, replies, risk, treatment
from consilium.finetune.synthesis.chemistry import DRUGS
from consilium.finetune.synthesis.clinic import letter, story
from consilium.finetune.synthesis.example import Turn
from consilium.finetune.synthesis.people import SEXES, Person
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.results import result_of
from consilium.finetune.synthesis.voices import Forms, Writer
from consilium.tools.registry import TOOLS


def person(writer: Writer) -> Person:
    """Anybody, children included."""
    rng = writer.rng
    age = rng.choice((rng.randint(1, 17), rng.randint(18, 95), rng.randint(40, 85)))
    return Person(age, rng.choice(SEXES))


def films(count: int, first: int = 1) -> list[str]:
    """Ids of `count` attachments."""
    return [f"scan-{number}" for number in range(first, first + count)]


def turn(writer: Writer, request: Request, attachments: Sequence[str] = ()) -> Turn:
    """`request` as a whole opening turn: the message in this writer's hand, results and the reply."""
    return behaviour(writer, letter(writer, request.text), request, attachments)


def behaviour(
    writer: Writer, message: str, request: Request, attachments: Sequence[str] = ()
) -> Turn:
    """A message as the writer sends it, with the right behaviour."""
    calls = list(request.calls)
    complete = [call for call in calls if not call.lacking]
    results = [result_of(writer, call) for call in complete]
    lacking = dict.fromkeys(name for call in calls for name in call.lacking)
    if complete:
        reply = replies.from_results(writer, complete, results)
    elif calls:
        reply = question((TOOLS[call.name], call.arguments) for call in calls)
    else:
        reply = replies.reference_wanted(writer)
    return Turn(
        user=message,
        attachments=list(attachments),
        calls=calls,
        results=results,
        asks=[*lacking, *request.asks],
        reply=reply,
    )


def answer(writer: Writer, remark: chatter.Remark, attachments: Sequence[str] = ()) -> Turn:
    """A remark and its answer in words."""
    dressed = (
        writer.finish if remark.kind in {"greeting", "thanks"} else lambda t: letter(writer, t)
    )
    return Turn(
        user=dressed(remark.text),
        attachments=list(attachments),
        reply=replies.in_words(writer, remark.kind),
    )


def _one_film(writer: Writer) -> Turn:
    how = writer.rng.random()
    if how < 0.68:
        (image,) = ids = films(1)
        if writer.chance(0.5):
            return turn(writer, film.read_with_story(writer, image, person(writer)), ids)
        return turn(writer, film.read(writer, image), ids)
    ids = films(writer.choice((2, 2, 3)))
    request = film.read_one_of(writer, ids)
    if writer.chance(0.25):
        request = Request(f"{story(writer, person(writer))}. {request.text}", request.calls)
    return turn(writer, request, ids)


def _risk(writer: Writer) -> Request:
    return risk.ask(writer, risk.sample_patient(writer))


def _treatment(writer: Writer) -> Request:
    return treatment.ask(writer, treatment.sample_course(writer))


def _design(writer: Writer) -> Request:
    return molecules.ask_design(writer, molecules.sample_design(writer))


def _profile(writer: Writer) -> Request:
    return molecules.ask_profile(writer, [molecules.sample_molecule(writer)])


def _cases(writer: Writer) -> Request:
    return cases.ask(writer, cases.describe(writer), cases.sample_k(writer))


def _first_film(writer: Writer) -> Request:
    return film.read(writer, "scan-1")


# Requests that need no attachment.
IN_WORDS = (_risk, _treatment, _design, _profile, _cases)


def _cases_like_film(writer: Writer) -> Turn:
    request = cases.ask(writer, cases.describe(writer), cases.sample_k(writer), "scan-1")
    return turn(writer, request, films(1))


def _unrelated_film(writer: Writer) -> list[str]:
    """Now and then a film lies in the chat that the question is not about."""
    return films(1) if writer.chance(0.06) else []


def single(writer: Writer) -> Turn:
    """A message that needs one call."""
    if writer.chance(0.16):
        return _one_film(writer) if writer.chance(0.8) else _cases_like_film(writer)
    request = writer.rng.choices(IN_WORDS, (26, 34, 14, 8, 9))[0](writer)
    return turn(writer, request, _unrelated_film(writer))


_JOIN = Forms(
    "{a}. {b}",
    "{a}. also, {b}",
    "{a}. and {b}",
    "two things: {a}. then {b}",
    "1) {a}\n2) {b}",
    "{a}. besides that, {b}",
    "(1) {a}\n(2) {b}",
    terse=["{a} + {b}", "{a}. and also {b}", "{a} // {b}", "- {a}\n- {b}", "2 things. {a}. {b}"],
    plain=["first: {a}. second: {b}", "{a}. one more: {b}", "I need two things. {a}. {b}"],
    formal=[
        "{a}. independently of that, {b}",
        "{a}. at the same time, {b}",
        "{a}. furthermore, {b}",
    ],
)


def _both(writer: Writer, a: Request, b: Request) -> Request:
    return _joined(writer, *((a, b) if writer.chance(0.5) else (b, a)))


def _joined(writer: Writer, first: Request, second: Request) -> Request:
    if "\n" in first.text or "\n" in second.text:
        text = f"{first.text}\n{second.text}"
    else:
        text = writer.say(_JOIN, a=first.text.rstrip("."), b=second.text).replace("?.", "?")
    return Request(text, (*first.calls, *second.calls))


def parallel(writer: Writer) -> Turn:
    """A message that needs two or three independent calls."""
    kind = writer.rng.choices(
        (
            "patients",
            "films",
            "molecules",
            "film and risk",
            "film and cases",
            "any two",
            "both molecule tools",
            "one lacks a value",
        ),
        (20, 9, 11, 20, 9, 18, 9, 6),
    )[0]
    if kind == "patients":
        size = 2 if writer.chance(0.85) else 3
        first = risk.sample_patient(writer)
        patients = [first, *(risk.sample_patient(writer) for _ in range(size - 1))]
        return turn(writer, risk.several(writer, patients))
    if kind == "films":
        ids = films(2 if writer.chance(0.85) else 3)
        request = film.read_all(writer, ids)
        if writer.chance(0.3):
            request = Request(f"{story(writer, person(writer))}. {request.text}", request.calls)
        return turn(writer, request, ids)
    if kind == "molecules":
        size = 2 if writer.chance(0.8) else 3
        wanted = list(dict.fromkeys(molecules.sample_molecule(writer) for _ in range(size)))
        return turn(writer, molecules.ask_profile(writer, wanted))
    if kind == "both molecule tools":
        design = molecules.sample_design(writer)
        seed = design.similar_to or molecules.sample_molecule(writer)
        profile = molecules.ask_profile(writer, [seed])
        if seed in DRUGS or writer.chance(0.5):
            return turn(writer, _both(writer, profile, molecules.ask_design(writer, design)))
        design = replace(design, similar_to=seed)
        same = writer.choice(("it", "it", "that one", "this molecule", "the same molecule"))
        return turn(
            writer, _joined(writer, profile, molecules.ask_design(writer, design, like=same))
        )
    if kind == "film and risk":
        ids = films(1)
        patient = risk.sample_patient(writer)
        if writer.chance(0.35):
            reading = film.read(writer, ids[0])
            return turn(writer, risk.ask_after_film(writer, patient, reading), ids)
        his = Person(patient.age, patient.sex).his
        request = _both(writer, film.read(writer, ids[0], his), risk.ask(writer, patient))
        return turn(writer, request, ids)
    if kind == "one lacks a value":
        patient, image = risk.sample_patient(writer), writer.chance(0.6)
        rest = _first_film(writer) if image else _profile(writer)
        lacking = risk.ask(writer, patient, risk_omissions(writer))
        return turn(writer, _both(writer, rest, lacking), films(1) if image else [])
    if kind == "film and cases":
        ids = films(1)
        search = cases.ask(writer, cases.describe(writer), cases.sample_k(writer))
        return turn(writer, _both(writer, film.read(writer, ids[0]), search), ids)
    return _any_two(writer)


def _any_two(writer: Writer) -> Turn:
    makers = writer.rng.sample((*IN_WORDS, _first_film), 2)
    requests = [make(writer) for make in makers]
    return turn(writer, _both(writer, *requests), films(1) if _first_film in makers else [])


def risk_omissions(writer: Writer) -> list[str]:
    """Which required values of a risk request stay unsaid, in the contract's order."""
    size = writer.rng.choices((1, 2, 3), (62, 28, 10))[0]
    wanted = set(writer.rng.sample(risk.REQUIRED, size))
    if size < 3 and writer.chance(0.15):  # easily left out, as the writer sees the patient
        wanted.add("sex")
    return [name for name in risk.REQUIRED if name in wanted]


def missing(writer: Writer) -> Turn:
    """A message that leaves out what a call needs."""
    kind = writer.rng.choices(
        ("risk", "bare risk", "film", "volumes", "molecule", "query", "reference"),
        (36, 10, 20, 13, 10, 8, 3),
    )[0]
    if kind == "risk":
        return turn(writer, risk.ask(writer, risk.sample_patient(writer), risk_omissions(writer)))
    if kind == "bare risk":
        return turn(writer, risk.ask_without_values(writer, risk.sample_patient(writer)))
    if kind == "film":
        return turn(writer, film.read_nothing(writer, person(writer)))
    if kind == "volumes":
        return turn(writer, treatment.ask_without_volumes(writer, treatment.sample_course(writer)))
    if kind == "molecule":
        return turn(writer, molecules.ask_profile_without_molecule(writer))
    if kind == "reference":
        return turn(writer, molecules.ask_design_without_reference(writer))
    return turn(writer, cases.ask_without_query(writer))


def remark(writer: Writer) -> Turn:
    """A message that no tool serves, sometimes with a film beside it."""
    if writer.chance(0.08):
        return answer(writer, chatter.ignored_file(writer), films(1))
    attached = films(1) if writer.chance(0.06) else []
    return answer(writer, chatter.remark(writer), attached)
