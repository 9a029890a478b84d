"""Requests to read attached films: one, the right one of several, all of them, or none attached."""

from collections.abc import Sequence

from consilium.finetune.synthesis.clinic import story
from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.numerals import ORDINALS
from consilium.finetune.synthesis.people import Person
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Forms, Writer, guard


def call(image: str) -> Call:
    """The call that reads attachment `image`."""
    return Call(name="analyze_scan", arguments={"image": image})


FILM = Forms(
    "chest film",
    "film",
    "chest x-ray",
    "x-ray",
    "radiograph",
    "chest radiograph",
    terse=["cxr", "CXR", "xray", "portable", "film", "PA/lat", "chest xray", "AP film"],
    plain=[
        "picture",
        "X-ray image",
        "thorax film",
        "image",
        "roentgen picture",
        "chest image",
        "scan",
    ],
    formal=["chest film", "chest radiograph", "plain film", "PA chest film"],
)
_READ = Forms(
    "[can|could] you [read|look at|analyse|check] {film}?",
    "[please |]analyse {film}",
    "[please |]read {film}",
    "what does {film} [tell us|reveal|say]?",
    "any [pneumonia|consolidation|infiltrate|opacity] on {film}?",
    "run [the analysis on |]{film}",
    "is there [pneumonia|an infiltrate|anything abnormal] [on|in] {film}?",
    terse=[
        "wet read {film}",
        "read {film} pls",
        "{film} - pna?",
        "whats {film} look like",
        "run {film} thru the model",
        "prelim on {film}?",
        "eyes on {film} pls",
        "{film}: infiltrate y/n",
        "rads is backed up, read {film}",
        "{film}?? pna vs chf",
        "what do u make of {film}",
        "process {film}",
    ],
    plain=[
        "what do you see on {film}?",
        "please make the evaluation of {film}",
        "please tell me if {film} is normal",
        "can you interpret {film} for me",
        "I need your analysis of {film}",
        "is {film} suspicious for pneumonia?",
        "have a look at {film} please",
        "do you find something on {film}",
        "please say how probable pneumonia is in {film}",
    ],
    formal=[
        "I should be grateful for a reading of {film}",
        "would you kindly look at {film}?",
        "might I trouble you for an opinion on {film}?",
        "kindly analyse {film}",
        "could you let me have your impression of {film}?",
        "please would you report {film}",
        "does {film} suggest pneumonia?",
        "may I ask whether {film} is normal?",
        "your assessment of {film} would be appreciated",
        "I would value a second look at {film}",
    ],
)
_THE_ONE = Forms(
    "the attached {f}",
    "this {f}",
    "the {f}",
    "{his} {f}",
    "the {f} I [attached|uploaded]",
    "the {f} attached",
    terse=["attached {f}", "the {f}", "this {f}", "{id}", "{f}", "todays {f}"],
    plain=["this {f} here", "the uploaded {f}", "the file", "{id}", "my {f} (see attachment)"],
    formal=["the enclosed {f}", "the attached {f}", "the accompanying {f}", "{his} {f}, attached"],
)


def read(writer: Writer, image: str, his: str = "the") -> Request:
    """A request to read the only attachment."""
    which = writer.say(_THE_ONE, f=writer.say(FILM), his=his, id=guard(image))
    return Request(writer.say(_READ, film=which), (call(image),))


def read_with_story(writer: Writer, image: str, person: Person) -> Request:
    """The same with the patient's story before or after."""
    request = read(writer, image, his=person.his)
    told = story(writer, person)
    text = (
        f"{told}. {request.text}" if writer.chance(0.7) else f"{request.text.rstrip('.?')} - {told}"
    )
    return Request(text, request.calls)


_OF_SEVERAL = {
    "first": Forms(
        "the first {f}",
        "the first [one|image]",
        "only the first {f}",
        "{id}",
        "[number|no.] 1",
        "the first of the {n} {f}s",
        "{id} only",
    ),
    "second": Forms(
        "the second {f}",
        "the second [one|image]",
        "only the second {f}",
        "{id}",
        "[number|no.] 2",
        "just {id}",
        "the 2nd {f}",
    ),
    "third": Forms(
        "the third {f}", "the third [one|image]", "only {id}", "[number|no.] 3", "the 3rd {f}"
    ),
    "last": Forms(
        "the last {f}", "the last one only", "only the last of the {n}", "the last image"
    ),
    "middle": Forms("the middle one", "only the middle {f}"),
}
_DATED = Forms(
    "[Two films attached.|Two files uploaded.|2 films:|Attached are two {f}s.] {order}. {read}",
    "{order}. {read}",
    "{read} ({order})",
)
_ORDERS = {
    "new last": (
        "the first is [from last year|old|from {year}|already reported|from the previous admission], the second is "
        "[from today|new|this morning's|current]",
        "first [old|{year}], second [today|new]",
        "the first is for comparison only, the second was taken [today|an hour ago|just now]",
        "[scan-1|{id1}] is from {year} and [scan-2|{id2}] from today",
    ),
    "new first": (
        "the first is [today's|new|from this morning], the second is [an old one|from {year}|from last year]",
        "first [today|new], second [old|{year}]",
        "{id1} is the new one and {id2} the old one from {year}",
    ),
}
_NEW = Forms(
    "[only |just |]the [new|newer|recent|latest|current] [one|{f}]",
    "today's [{f}|one] only",
    "the one [of|from] today",
    "only today's {f}",
    "the most recent [{f}|one]",
)
_OLD = Forms(
    "[only |just |]the old [one|{f}]",
    "the older [one|{f}]",
    "the previous {f} only",
    "the earlier one",
)


def read_one_of(writer: Writer, images: Sequence[str]) -> Request:
    """A request to read one of two or three attachments, named by order, id or date."""
    f = writer.say(FILM)
    if len(images) == 2 and writer.chance(0.5):
        order = writer.choice(tuple(_ORDERS))
        newest = 1 if order == "new last" else 0
        wanted, forms = (newest, _NEW) if writer.chance(0.8) else (1 - newest, _OLD)
        told = writer.say(
            writer.choice(_ORDERS[order]),
            year=guard(str(writer.rng.randint(2012, 2024))),
            id1=guard(images[0]),
            id2=guard(images[1]),
        )
        text = writer.say(
            _DATED, order=told, f=f, read=writer.say(_READ, film=writer.say(forms, f=f))
        )
        return Request(text, (call(images[wanted]),))
    at = writer.rng.randrange(len(images))
    name = ORDINALS[at]
    if at == len(images) - 1 and writer.chance(0.3):
        name = "last"
    elif len(images) == 3 and at == 1 and writer.chance(0.4):
        name = "middle"
    n = ("", "", "two", "three")[len(images)]
    which = writer.say(_OF_SEVERAL[name], f=f, id=guard(images[at]), n=n)
    return Request(writer.say(_READ, film=which), (call(images[at]),))


_ALL = Forms(
    "both {f}s",
    "both",
    "both of them",
    "the two {f}s",
    "each of the two",
    "{ids}",
    "the old and the new {f}",
)
_ALL_THREE = Forms("all three {f}s", "all three", "all of them", "every {f}", "{ids}")


def read_all(writer: Writer, images: Sequence[str]) -> Request:
    """A request to read all attachments."""
    forms = _ALL if len(images) == 2 else _ALL_THREE
    ids = guard(", ".join(images[:-1]) + " and " + images[-1])
    which = writer.say(forms, f=writer.say(FILM), ids=ids)
    verb = writer.say(
        Forms(
            "[compare|read|analyse|check] {film}[| please]",
            "what do {film} show?",
            "[please |]run {film}",
            "look at {film} please",
            "I need a reading of {film}",
            terse=["read {film}", "run {film} pls", "wet read {film}"],
            formal=["kindly analyse {film}", "might I have a reading of {film}?"],
        ),
        film=which,
    )
    return Request(verb, tuple(call(image) for image in images))


_NOT_THERE = Forms(
    "the {f} is ready. {read}",
    "{read}",
    "{read}",
    "I [took|have] {his} {f}. {read}",
    "I did upload it just now. {read}",
    terse=["{f} just came across. {read}", "{f} done. {read}"],
    plain=["I have sent you the {f}. {read}", "the {f} should be there. {read}"],
    formal=[
        "the radiographer has finished the {f}. {read}",
        "I believe I enclosed the {f}. {read}",
    ],
)


def read_nothing(writer: Writer, person: Person) -> Request:
    """A request to read a film that nobody attached."""
    f = writer.say(FILM)
    which = writer.say(
        Forms(
            "the {f}",
            "{his} {f}",
            "this {f}",
            "the {f} of [bed {b}|the patient in room {b}]",
            "today's {f}",
        ),
        f=f,
        his=person.his,
        b=guard(str(writer.rng.randint(2, 40))),
    )
    text = writer.say(_NOT_THERE, f=f, his=person.his, read=writer.say(_READ, film=which))
    if writer.chance(0.45):
        text = f"{story(writer, person)}. {text}"
    return Request(text, (Call(name="analyze_scan", arguments={}),))


_OTHER = Forms(
    "now the {which}[| please]",
    "and the {which}?",
    "the {which} too please",
    "what about the {which}?",
    "same for the {which}",
    terse=["ok {which} now", "& the {which}"],
    formal=["and the {which}, if you would", "might you look at the {which} likewise?"],
)
_NEXT = Forms(
    "here is [another|the next|one more] {f}, same please",
    "and this {f}?",
    "[now|next] this one",
    "follow-up {f} attached, please read it too",
    "here is [the lateral|the old one|the repeat] as well",
    "attached the next {f}",
    terse=["this one?", "next {f}", "repeat {f} up, run it"],
    formal=["I now enclose a further {f}; kindly read that also", "might I add this {f}?"],
)
_SUPPLIED = Forms(
    "here it is",
    "sorry, now it is attached",
    "[oops|sorry], here [is the {f}|it is]",
    "attached now",
    "this is the {f}",
    "[ok |]uploaded",
    terse=["my bad, here", "attached", "there u go", "now?"],
    formal=["my apologies, it is now enclosed", "I attach it herewith"],
)


def other(writer: Writer, position: int) -> str:
    """A follow-up that wants another of the attached films."""
    which = writer.choice(
        (f"{ORDINALS[position]} one", f"{ORDINALS[position]} film", "other one", "other film")
    )
    return writer.say(_OTHER, which=which)


def another(writer: Writer) -> str:
    """A follow-up that comes with a new film."""
    return writer.say(_NEXT, f=writer.say(FILM))


def supplied(writer: Writer) -> str:
    """The message that brings the film that was asked for."""
    return writer.say(_SUPPLIED, f=writer.say(FILM))
