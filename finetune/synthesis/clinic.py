"""What surrounds a request in a clinic: symptoms, vital signs, asides, greetings, sign-offs."""

from consilium.finetune.synthesis.people import SURNAMES, Person, introduce
from consilium.finetune.synthesis.voices import Forms, Writer, guard

_SYMPTOMS = tuple(
    """cough|dry cough|productive cough|fever|fever and chills|shortness of breath|dyspnoea on exertion|
    night sweats|weight loss|haemoptysis|pleuritic chest pain|wheeze|rigors|hypoxia|tachypnoea|orthopnoea|
    poor feeding|noisy breathing|fatigue|sore throat|chest tightness|new confusion|leg swelling|vomiting|
    crackles at the right base|reduced breath sounds on the left|green sputum|hoarseness|runny nose|grunting|
    retractions|stridor|persistent cough after a cold|low-grade fever|back pain|palpitations|rash""".replace(
        "\n", ""
    ).split("|")
)
SYMPTOMS = tuple(s.strip() for s in _SYMPTOMS)

_STORY = Forms(
    "{who} with {s1} and {s2}",
    "{who}, {s1} for {n} days",
    "{who}: {s1}, {s2}, {s3}",
    "{who} with {s1}, no {s2}",
    "{who}, {s1}",
    terse=[
        "{who} {n}d {s1}, {s2}",
        "{who} c/o {s1} x{n}d",
        "{who} {s1} + {s2}, sat {sat} RA",
        "{who}, {s1}, T {temp} HR {hr} wbc {wbc}",
        "{who} p/w {s1}, crp {crp}",
        "{who} s/p fall, {s1}",
        "{who} {s1} {s2}, already on abx",
    ],
    plain=[
        "I have {who} here, since {n} days {s1}",
        "{who} came with {s1} and {s2}, CRP {crp}",
        "{who} complains about {s1}. Temperature {temp}",
        "{who} is coughing since {n} days, now {s1}",
    ],
    formal=[
        "{who} has been unwell for {n} days with {s1} and {s2}",
        "{who} presents with {s1}; temperature {temp}, saturation {sat} %",
        "{who} was referred with {s1}",
        "{who} reports {s1} but no {s2}",
        "{who} was admitted overnight with {s1} and {s2}",
    ],
)


def story(writer: Writer, person: Person) -> str:
    """Why the patient came: a clause with symptoms, sometimes vital signs."""
    rng = writer.rng
    s1, s2, s3 = rng.sample(SYMPTOMS, 3)
    return writer.say(
        _STORY,
        who=introduce(writer, person),
        s1=s1,
        s2=s2,
        s3=s3,
        n=guard(str(rng.randint(2, 14))),
        sat=guard(str(rng.randint(84, 99))),
        temp=writer.number(round(rng.uniform(36.4, 40.2), 1)),
        hr=guard(str(rng.randint(62, 138))),
        wbc=guard(str(rng.randint(4, 24))),
        crp=guard(str(rng.randint(3, 280))),
    )


_OPENERS = Forms(
    "hello,",
    "hi,",
    "hi there,",
    "good morning,",
    "good afternoon,",
    "good evening,",
    "quick question:",
    terse=[
        "hey",
        "quick one -",
        "yo",
        "ok",
        "sorry busy night,",
        "hi its ICU,",
        "post call so be gentle,",
        "2 min before rounds,",
        "fyi attending asked,",
        "new admit.",
        "slammed here,",
        "ED here.",
    ],
    plain=[
        "hello again,",
        "hi, me again.",
        "hello dear assistant,",
        "good day,",
        "one question please.",
        "I hope you can help me.",
        "next one:",
        "so, for tomorrow's round:",
        "I am a fifth-year student.",
        "hi! first time I use this.",
        "ok so my tutor asked this:",
        "Dear colleague,",
    ],
    formal=[
        "dear colleague,",
        "good morning.",
        "I wonder if you could help.",
        "thank you for your assistance yesterday.",
        "I hope this finds you well.",
        "a brief request, if I may.",
        "further to our discussion,",
        "I write from the outpatient department.",
        "before this afternoon's clinic:",
        "my registrar has asked me to enquire.",
        "dear all,",
        "with apologies for the short notice:",
    ],
)
_CLOSERS = Forms(
    "thanks",
    "thank you",
    "thanks in advance",
    "many thanks",
    "cheers",
    terse=[
        "thx",
        "ty",
        "tia",
        "asap pls",
        "no rush",
        "need it b4 rounds",
        "thx, pager's going",
        "family is asking",
        "appreciate it",
        "got 5 min",
    ],
    plain=[
        "thank you very much",
        "thanks a lot!",
        "it is for the ward round",
        "the boss wants to know",
        "thank you and good shift",
        "Best regards, Dr. {name}",
        "that would help me a lot",
        "greetings from the ward",
    ],
    formal=[
        "with kind regards",
        "many thanks for your help",
        "I am much obliged",
        "kind regards, Dr {name}",
        "yours, {name}",
        "there is no great urgency",
        "I shall discuss it with the family this evening",
        "with best wishes",
        "thanking you in anticipation",
    ],
)
_ASIDES = Forms(
    "the printer on the ward is broken again.",
    "sorry for the typos, typing with one hand.",
    "it is for the teaching session.",
    "the family is waiting outside.",
    "we discussed this at handover.",
    terse=[
        "bed {n} btw.",
        "night float signed this out.",
        "pager {n}.",
        "dont need a novel.",
        "rm {n}.",
        "coffee first lol.",
        "consultant is breathing down my neck.",
        "labs from 0{h}:40.",
    ],
    plain=[
        "my shift ends at {h} o'clock.",
        "patient is in room {n}.",
        "we are only two doctors today.",
        "excuse my English.",
        "I have an exam on it next week.",
        "appointment is at {h}:30.",
    ],
    formal=[
        "the appointment is at {h}:15.",
        "the general practitioner's letter of the {d} of March is in the notes.",
        "I shall be in theatre until {h}.",
        "the patient is in bay {h}.",
        "the notes are with my secretary.",
        "clinic is running rather late today.",
    ],
)


def aside(writer: Writer) -> str:
    """A sentence that has nothing to do with the request, with numbers that belong nowhere."""
    rng = writer.rng
    return writer.say(
        _ASIDES,
        n=guard(str(rng.randint(3, 420))),
        h=guard(str(rng.randint(2, 9))),
        d=guard(f"{rng.randint(4, 20)}th"),
    )


def letter(writer: Writer, text: str) -> str:
    """`text` within the greetings, asides and sign-offs that this writer is given to."""
    parts = []
    if writer.chance(writer.voice.openers):
        parts.append(writer.say(_OPENERS))
    if writer.chance(0.1):
        parts.append(aside(writer))
    parts.append(text)
    if writer.chance(0.08):
        parts[-1] = _ended(parts[-1])
        parts.append(aside(writer))
    if writer.chance(writer.voice.closers):
        parts[-1] = _ended(parts[-1])
        parts.append(writer.say(_CLOSERS, name=guard(writer.choice(SURNAMES))))
    elif writer.register != "terse":
        parts[-1] = _ended(parts[-1])
    joint = "\n" if "\n" in text else " "
    return writer.finish(joint.join(parts))


def _ended(text: str) -> str:
    """`text` with a full stop, unless it ends a sentence or a table already."""
    return text if text.rstrip("\ue001")[-1:] in ".?!|:\n" or "\n" in text[-40:] else text + "."
