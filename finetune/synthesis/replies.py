"""The assistant's words: short, from the results only, no number that is not theirs or the user's."""

from collections.abc import Sequence

from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.numerals import ORDINALS
from consilium.finetune.synthesis.voices import Writer
from consilium.tools.contract import ToolResult
from consilium.tools.imaging.report import percent

_ASKING = (
    "I need the SMILES of the reference molecule to design similar molecules.",
    "To design similar molecules, I still need the SMILES of the reference molecule.",
    "Please give me the SMILES of the reference molecule; I need that to design similar molecules.",
    "I am missing the SMILES of the reference molecule. Please add that and I will go on.",
    "Could you tell me the SMILES of the reference molecule?",
)


def reference_wanted(writer: Writer) -> str:
    """The question for the molecule that designs should resemble; the contract does not require one."""
    return writer.choice(_ASKING)


_CAN = (
    "I can have a chest film read, estimate cardiovascular risk, simulate tumour treatment, design and profile "
    "molecules, and search for similar cases"
)
_WORDS = {
    "greeting": (
        "Hello! Attach a chest film and ask about it, or ask what I can do.",
        "Good to see you. Tell me what you want to know, and attach a film if it is about one.",
        "Hello, I am ready. Attach a chest film or ask your question.",
        "Hello! I answer from specialist tools, for example the chest film reader. What do you need?",
    ),
    "thanks": (
        "You are welcome.",
        "You are welcome. Come back any time.",
        "Glad to help. Until next time.",
        "My pleasure. Goodbye.",
        "All right. I am here when you need me.",
    ),
    "abilities": (
        f"{_CAN}. It is for research use, not a medical device.",
        "I pass your question to specialist tools and answer from their results only: chest films, cardiovascular "
        "risk, tumour treatment, molecules and similar cases.",
        f"{_CAN}. Every number I give comes from such a tool or from you.",
        "I am a research assistant: I call specialist models for films, risk, treatment, molecules and similar "
        "cases, and report what they return, with their uncertainty.",
    ),
    "knowledge": (
        "I answer only from my tools' results, and none of them covers general medical knowledge. Please consult a "
        "textbook or guideline.",
        "That is general knowledge, which I have no source for. I can have a chest film read if you attach one.",
        "I have no tool for that question and would rather not answer from memory. A guideline is the better source.",
        "I cannot answer that reliably: none of my tools explains medicine in general.",
    ),
    "advice": (
        "I cannot advise on doses or treatment. Please ask a pharmacist or the responsible physician.",
        "None of my tools gives treatment advice, so I leave that to you and your colleagues.",
        "I do not recommend drugs or doses. Please follow your local guideline.",
        "That is a treatment decision, which I cannot make or advise on. I only report results of my tools.",
    ),
    "writing": (
        "I do not write or translate texts. I call specialist tools and report their results.",
        "Writing is not something I can do here. I can have a chest film read if you attach one.",
        "I have no tool for texts or translations, sorry. I only report what my specialist tools return.",
        "I cannot draft that for you; I am limited to the results of my tools.",
    ),
    "elsewhere": (
        "I have no access to that. I can only use my own tools, such as the chest film reader.",
        "I cannot do that from here: I am not connected to hospital systems or other devices.",
        "That is outside my tools. I can have a chest film read if you attach one.",
        "I have no tool for that, sorry. Please use the system that is meant for it.",
    ),
    "unsafe": (
        "I cannot do that. I only report what my tools return, and I do not make anything up.",
        "No, I cannot help with that. I answer from the results of my tools only.",
        "That is not something I do. I am a research assistant that reports results of specialist tools.",
    ),
    "ignored file": (
        "All right, I leave the attachment alone.",
        "Understood, I will not read the attached film.",
        "No problem. I have not analysed the file.",
        "Fine, I ignore it. Tell me when you need something.",
    ),
}


def in_words(writer: Writer, kind: str) -> str:
    """The answer to a message that no tool serves."""
    return writer.choice(_WORDS[kind])


_MEANINGS = {
    "likely": ("so pneumonia is likely", "which reads as likely"),
    "unlikely": ("so pneumonia is unlikely", "which reads as unlikely"),
    "indeterminate": (
        "which is indeterminate",
        "so it stays indeterminate",
    ),
}


def film_reading(writer: Writer, result: ToolResult, image: str, *, several: bool) -> str:
    """What the film reader returned, in a sentence or two."""
    where = f"the {ORDINALS[int(image.removeprefix('scan-')) - 1]} film" if several else "the film"
    if result.status == "error":
        return f"{where[0].upper()}{where[1:]} could not be read: {result.reason}"
    if result.status == "abstained" and several:
        return f"{where[0].upper()}{where[1:]} gets no probability: {result.reason}."
    if result.status == "abstained":
        return writer.choice(
            (
                f"The film reader gives no probability for {where}: {result.reason}.",
                f"No reading of {where}: {result.reason}. The film reader abstains.",
                f"The film reader abstains on {where}, because {result.reason}.",
            )
        )
    finding = result.findings[0]
    value = finding.value
    assert isinstance(value, float)
    span = ""
    if finding.interval:
        low, high = map(percent, finding.interval)
        span = writer.choice(
            (
                f" (95 % interval {low} to {high})",
                f" (95 % interval {low} to {high})",
                f", {low} to {high}",
            )
        )
    if several:
        return f"{where[0].upper()}{where[1:]}: pneumonia {finding.level}, {percent(value)}{span}."
    meaning = writer.choice(_MEANINGS[finding.level])
    return writer.choice(
        (
            f"The film reader puts the probability of pneumonia on {where} at {percent(value)}{span}, {meaning}.",
            f"The film reader gives pneumonia on {where} {percent(value)}{span}: {finding.level}.",
            f"Pneumonia is {finding.level} on {where}: probability {percent(value)}{span}.",
            f"On {where} the probability of pneumonia is {percent(value)}{span}, {meaning}.",
        )
    )


_LONGEST = 60  # words with a caution; a small model keeps short answers straight

_CAVEATS = (
    "A radiologist must read the film.",
    "Research use only; a radiologist must read the film.",
    "This does not replace a radiologist's reading.",
)
_SHORT_WARNINGS = (
    ("age is not known", "The age is not known, and on adult films the reader is less accurate."),
    ("adult film", "The reader learned mostly from children and is less accurate on adults."),
    ("lateral", "It is marked as a lateral view, for which the reader was not made."),
    ("colours", "It looks like a photograph or screenshot, which is read less reliably."),
    ("pure black", "Large parts are pure black or white, so detail is lost."),
    ("smaller than", "The picture is small, so fine detail is missing."),
)


def _caution(writer: Writer, results: Sequence[ToolResult]) -> str:
    warnings = " ".join(w for result in results for w in result.warnings)
    matching = [text for cue, text in _SHORT_WARNINGS if cue in warnings]
    # The rarest warning says most about this film: it stands last in the list of cues.
    return matching[-1] if matching and writer.chance(0.75) else writer.choice(_CAVEATS)


def from_results(writer: Writer, calls: Sequence[Call], results: Sequence[ToolResult]) -> str:
    """The answer after calls: the films' readings, the other results in their own words, one caution."""
    films = [(c, r) for c, r in zip(calls, results, strict=True) if c.name == "analyze_scan"]
    others = [r for c, r in zip(calls, results, strict=True) if c.name != "analyze_scan"]
    sentences = [
        film_reading(writer, r, c.arguments["image"], several=len(films) > 1) for c, r in films
    ]
    sentences += [result.summary for result in others]
    caution = ""
    if any(r.status == "ok" for _, r in films):
        caution = _caution(writer, [r for _, r in films])
    elif len(others) == 1 and writer.chance(0.5):
        caution = writer.choice(["", *others[0].warnings, *others[0].assumptions])
    if caution and len(" ".join([*sentences, caution]).split()) <= _LONGEST:
        sentences.append(caution)
    return " ".join(sentences)
