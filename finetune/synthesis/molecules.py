"""Requests to design new molecules and to profile given ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from consilium.finetune.synthesis.chemistry import DRUGS, NAMES, sample_smiles
from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Forms, Writer, guard


@dataclass(frozen=True)
class Design:
    """What a design request states; None where it says nothing."""

    count: int | None = None
    similar_to: str | None = None
    min_qed: float | None = None
    max_logp: float | None = None
    max_weight: float | None = None

    def call(self) -> Call:
        """The call, fields in the contract's order, only what was stated."""
        arguments: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("count", "similar_to", "min_qed", "max_logp", "max_weight")
            if getattr(self, name) is not None
        }
        return Call(name="design_molecules", arguments=arguments)


def sample_design(writer: Writer) -> Design:
    """A design request with any combination of limits, often with a starting molecule."""
    rng = writer.rng
    return Design(
        count=sample_count(writer) if writer.chance(0.72) else None,
        similar_to=sample_smiles(rng) if writer.chance(0.55) else None,
        min_qed=_qed(writer) if writer.chance(0.35) else None,
        max_logp=_logp(writer) if writer.chance(0.42) else None,
        max_weight=_weight(writer) if writer.chance(0.42) else None,
    )


def sample_count(writer: Writer) -> int:
    """How many molecules: mostly few, round numbers more often."""
    rng = writer.rng
    return rng.choice(
        (rng.randint(1, 12), rng.choice((5, 10, 15, 20, 25, 30, 40, 50)), rng.randint(1, 50))
    )


def _qed(writer: Writer) -> float:
    return writer.rng.choice((0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9))


def _logp(writer: Writer) -> float:
    return writer.choice((0, 1, 1.5, 2, 2.2, 2.5, 2.8, 3, 3.2, 3.5, 4, 4.5, 5))


def _weight(writer: Writer) -> int:
    rng = writer.rng
    return rng.choice(
        (
            rng.randrange(180, 620, 10),
            rng.choice((250, 300, 350, 400, 450, 500)),
            rng.randint(190, 600),
        )
    )


_PLURAL = Forms(
    "[new |novel |]molecules",
    "[new |drug-like |]molecules",
    "[drug-like |novel |]compounds",
    "candidates",
    "structures",
    terse=["mols", "cmpds", "hits", "molecules", "new chem matter"],
    plain=["substances", "molecules", "small molecules", "ideas for molecules"],
    formal=["drug-like molecules", "novel structures", "small molecules"],
)
_ANALOGUES = Forms(
    "analogues of {s}", "analogs of {s}", "molecules similar to {s}", "{s}-like molecules"
)
_VERB = Forms(
    "come up with {x}",
    "I want {x}",
    "produce {x}",
    "design {x}",
    "generate {x}",
    "suggest {x}",
    "[please |]propose {x}",
    "create {x}",
    "give me {x}",
    terse=[
        "gimme {x}",
        "design me {x}",
        "whip up {x}",
        "{x} needed",
        "need {x}",
        "want {x}",
        "spit out {x}",
        "make {x}",
        "{x} pls",
        "gen {x}",
        "i need {x}",
    ],
    plain=[
        "make for me {x}",
        "please generate for me {x}",
        "I am looking for {x}",
        "can I get {x}",
        "can you design {x}",
        "I would like to have {x}",
        "could you generate {x}",
        "think up {x}",
        "please invent {x}",
        "for my thesis I need {x}",
        "show me {x}",
    ],
    formal=[
        "I should like {x}",
        "would you design {x}",
        "we require {x}",
        "please be so good as to suggest {x}",
        "could you propose {x}",
        "would you kindly generate {x}",
        "please let me have {x}",
        "might you suggest {x}",
        "we should like to see {x}",
        "kindly design {x}",
        "our chemist asks for {x}",
    ],
)
_SIMILAR = Forms(
    "similar to {s}",
    "like {s}",
    "resembling {s}",
    "close to {s}",
    "based on {s}",
    "around {s}",
    terse=["sim to {s}", "off of {s}", "seed {s}", "starting from {s}", "scaffold {s}"],
    plain=["which look like {s}", "starting molecule {s}", "derived from {s}", "reference: {s}"],
    formal=["resembling {s}", "structurally related to {s}", "taking {s} as the starting point"],
)
_QED = Forms(
    "QED at least {q}",
    "QED above {q}",
    "min QED {q}",
    "QED >= {q}",
    "drug-likeness (QED) of at least {q}",
    "QED not below {q}",
    terse=["qed > {q}", "qed >={q}", "min qed {q}", "qed {q}+", "QED≥{q}"],
    plain=["QED minimum {q}", "QED better than {q}", "with QED {q} or higher"],
    formal=["a QED of no less than {q}", "a QED of {q} or better"],
)
_LOGP = Forms(
    "logP below {p}",
    "logP under {p}",
    "max logP {p}",
    "logP at most {p}",
    "logP <= {p}",
    "clogP no higher than {p}",
    terse=["logp < {p}", "clogp max {p}", "logP ≤{p}", "cap logp {p}", "logp <={p}"],
    plain=["logP maximal {p}", "logP not more than {p}", "lipophilicity logP up to {p}"],
    formal=["a logP not exceeding {p}", "a logP of {p} or less", "a logP no greater than {p}"],
)
_WEIGHT = Forms(
    "[molecular weight|MW] below {w}{da}",
    "[MW|weight] under {w}{da}",
    "max MW {w}{da}",
    "at most {w} Da",
    "lighter than {w} Da",
    "not heavier than {w} Da",
    terse=["mw < {w}", "mw<={w}", "MW max {w}", "mol wt under {w}", "sub {w} Da", "mw cap {w}"],
    plain=["weight maximal {w} g/mol", "MW up to {w}", "molecular mass less than {w} Dalton"],
    formal=[
        "a molecular weight below {w} Da",
        "none heavier than {w} daltons",
        "weighing no more than {w} Da",
    ],
)
_PURPOSE = Forms(
    "",
    "",
    "",
    "",
    "for a kinase project",
    "for our screening library",
    "for CNS work",
    "for a seminar",
    "for an antibiotic idea",
    "for Friday's meeting",
    "(only SMILES please)",
    "for a grant",
)


def limits(writer: Writer, design: Design) -> list[str]:
    """The limits as phrases in random order."""
    found = []
    if design.min_qed is not None:
        qed = writer.number(design.min_qed)
        if writer.register == "terse" and not writer.decimal_comma and writer.chance(0.12):
            qed = guard(str(design.min_qed).removeprefix("0"))
        found.append(writer.say(_QED, q=qed))
    if design.max_logp is not None:
        found.append(writer.say(_LOGP, p=writer.number(design.max_logp)))
    if design.max_weight is not None:
        da = writer.choice((" Da", "", " g/mol", " daltons"))
        found.append(writer.say(_WEIGHT, w=writer.number(design.max_weight), da=da))
    writer.rng.shuffle(found)
    return found


def _reference(writer: Writer, smiles: str) -> str:
    """The reference molecule, named or pointed at now and then, always with its SMILES."""
    name = NAMES.get(smiles)
    if name and writer.chance(0.6):
        return writer.choice(
            (f"{guard(name)}, {guard(smiles)}", f"{guard(name)} ({guard(smiles)})")
        )
    if writer.chance(0.1):
        return writer.choice(("our lead ", "my hit ", "this molecule: ", "this one ")) + guard(
            smiles
        )
    return guard(smiles)


def ask_design(writer: Writer, design: Design, *, like: str = "") -> Request:
    """A request for new molecules; `like` stands for the reference molecule ("it") where it was named before."""
    how_many = writer.count(design.count) if design.count is not None else ""
    if how_many and writer.chance(0.1):
        how_many = writer.choice(("exactly ", "a set of ", "up to ", "another ")) + how_many
    some = how_many or writer.choice(("some", "a few", "", "several"))
    rules = limits(writer, design)
    smiles = like or (_reference(writer, design.similar_to) if design.similar_to else "")
    if writer.chance(writer.voice.pasted * 0.5):
        lines = list(rules)
        if smiles:
            lines.append(
                writer.choice(("seed: ", "reference ", "similar to: ", "template: ")) + smiles
            )
        if how_many:
            lines.append(writer.choice(("n = ", "count: ", "number of molecules: ")) + how_many)
        writer.rng.shuffle(lines)
        head = writer.choice(
            ("Design request", "new molecules please", "Generate molecules:", "molecule design")
        )
        return Request("\n".join([head, *lines]), (design.call(),))
    if smiles and writer.chance(0.5):
        what = f"{some} {writer.say(_ANALOGUES, s=smiles)}"
        if design.count == 1:
            what = f"{some} {writer.choice(('analogue', 'analog'))} of {smiles}"
    else:
        noun = writer.say(_PLURAL)
        what = f"{some} {noun.removesuffix('s') if design.count == 1 else noun}"
        if smiles:
            what += " " + writer.say(_SIMILAR, s=smiles)
    if rules:
        joint = writer.choice((", ", ", ", " with ", ": ", "; "))
        what += joint + writer.choice((", ", ", ", " and ")).join(rules)
    purpose = writer.say(_PURPOSE)
    text = writer.say(_VERB, x=what.strip())
    return Request(text + (f" {purpose}" if purpose and not rules else ""), (design.call(),))


_NO_REFERENCE = Forms(
    "[design|generate|make] {n} analogues of {thing}",
    "[I need|give me] {n} molecules similar to {thing}",
    "propose {n} derivatives of {thing}",
    terse=["{n} analogs of {thing} pls", "mols like {thing}, {n} of them"],
    formal=["would you kindly suggest {n} molecules resembling {thing}?"],
)
_NAMELESS = (
    "our lead compound",
    "the hit from last week",
    "the structure on the slide",
    "the compound we discussed",
    "my molecule",
    "the reference molecule",
    "the inhibitor from the paper",
)


def ask_design_without_reference(writer: Writer) -> Request:
    """A wish for analogues of something whose SMILES is not given."""
    thing = writer.choice(_NAMELESS)
    if writer.chance(0.35):
        thing = guard(writer.choice(DRUGS))
    n = writer.count(sample_count(writer)) if writer.chance(0.7) else "some"
    return Request(writer.say(_NO_REFERENCE, n=n, thing=thing), asks=("similar_to",))


def sample_molecule(writer: Writer) -> str:
    """A SMILES or a drug name."""
    return sample_smiles(writer.rng) if writer.chance(0.5) else writer.choice(DRUGS)


def profile_call(molecule: str) -> Call:
    """The call that profiles `molecule`."""
    return Call(name="profile_molecule", arguments={"molecule": molecule})


_PROFILE = Forms(
    "run the profile of {m}",
    "molecule profile: {m}",
    "compute the properties of {m}",
    "profile for {m} please",
    "profile {m}",
    "[please |]profile {m}",
    "ADMET [of|for] {m}",
    "properties of {m}",
    "[give me|show] the [molecular|ADMET|molecule] profile of {m}",
    "how drug-like is {m}?",
    "what are the properties of {m}?",
    terse=[
        "druglikeness {m}",
        "{m} admet?",
        "calc props {m}",
        "whats the profile on {m}",
        "qed/logp {m}?",
        "physchem / admet {m}",
        "{m} - run the mol profile",
        "profile {m} pls",
        "props for {m}",
        "admet {m}",
        "physchem on {m}",
        "{m} profile?",
        "run profile: {m}",
        "logp/tpsa/qed of {m}",
        "{m} - druglike?",
        "pull props on {m}",
    ],
    plain=[
        "a student asked how drug-like {m} is, please profile it",
        "I mean the computed profile of {m}, no opinion",
        "please analyse the molecule {m}",
        "make a profile of {m}",
        "how are the properties of {m}?",
        "give me lipophilicity, weight and QED of {m}",
        "please characterise {m}",
        "can you compute the ADMET profile for {m}",
        "tell me the calculated properties of {m}",
        "I would like the profile from {m}",
        "is {m} drug-like? compute please",
        "what logP and solubility does {m} have by calculation?",
        "for the exam: profile of {m}",
        "check this molecule: {m}",
    ],
    formal=[
        "a colleague drew {m} on the board and asked whether it is drug-like; might you profile it?",
        "please characterise {m} for the journal club",
        "I should like the molecular profile of {m}",
        "kindly characterise the following molecule: {m}",
        "for the teaching session, the computed profile of {m}, please",
        "kindly let me have the profile of {m}",
        "might I see the computed properties of {m}?",
        "would you characterise {m} for me?",
        "I should be interested in the ADMET profile of {m}",
        "could you provide the molecular properties of {m}?",
        "please report on the drug-likeness of {m}",
        "our pharmacist enquires after the computed profile of {m}",
    ],
)
_PROFILES = Forms(
    "profile both: {m}",
    "run profiles for {m}",
    "molecule profile of each: {m}",
    "profile {m}",
    "ADMET of {m}",
    "[please |]compare the profiles of {m}",
    "properties of {m}, each",
    "molecular profiles: {m}",
    terse=["props on {m}", "profile these: {m}", "admet x each: {m}"],
    plain=[
        "profile all please, {m}",
        "I want the properties of these: {m}",
        "please compute the profile for each: {m}",
        "I need the properties from {m}",
    ],
    formal=[
        "would you characterise each of these: {m}",
        "might I have the profiles of {m}?",
        "kindly characterise {m}",
    ],
)


def ask_profile(writer: Writer, molecules: Sequence[str]) -> Request:
    """A request for the profile of one molecule or of several."""
    calls = tuple(profile_call(molecule) for molecule in molecules)
    names = [guard(molecule) for molecule in molecules]
    if len(names) == 1:
        return Request(writer.say(_PROFILE, m=names[0]), calls)
    if any(len(m) > 14 for m in molecules) and writer.chance(0.3):
        return Request(writer.say(_PROFILES, m="\n" + "\n".join(names)).rstrip("?"), calls)
    joint = writer.choice((" and ", " and ", " + ", " & ", " and also "))
    return Request(writer.say(_PROFILES, m=", ".join(names[:-1]) + joint + names[-1]), calls)


_NO_MOLECULE = Forms(
    "[please |]profile {thing}",
    "[what is|give me] the ADMET profile of {thing}",
    "how drug-like is {thing}?",
    "properties of {thing} please",
    terse=["props on {thing}?", "admet for {thing}", "profile {thing} pls"],
    plain=["can you compute the properties of {thing}?"],
    formal=["might I have the molecular profile of {thing}?", "kindly characterise {thing}"],
)
_UNNAMED = (
    "that new blood thinner",
    "the compound from the slide",
    "our lead compound",
    "this molecule",
    "the drug the rep talked about",
    "a molecule I drew",
    "the study medication",
    "the new tablet she brought along",
    "compound B from the poster",
    "the substance in question",
    "my candidate",
)


def ask_profile_without_molecule(writer: Writer) -> Request:
    """A profile request that does not say which molecule."""
    text = writer.say(_NO_MOLECULE, thing=writer.choice(_UNNAMED))
    return Request(text, (Call(name="profile_molecule", arguments={}),))


_OTHER_PROFILE = Forms(
    "and that of {m}?",
    "now the same with {m}",
    "{m}, for comparison?",
    "and [of |for |]{m}?",
    "now {m}",
    "the same for {m}",
    "compare with {m}",
    "what about {m}?",
    terse=["next {m}", "ok {m} too", "same w/ {m}"],
    formal=["and that of {m}, if I may?", "might I see {m} as well?"],
)


def other_profile(writer: Writer, molecule: str) -> str:
    """A follow-up that asks the profile of another molecule."""
    return writer.say(_OTHER_PROFILE, m=guard(molecule))


_MORE = Forms(
    "only {n}",
    "rather {n}",
    "{n} of them please",
    "increase to {n}",
    "let me have {n}",
    "change the number to {n}",
    "better, but {n}",
    "make it {n}",
    "{n} instead",
    "give me {n}",
    "now {n} please",
    "same but {n}",
    "I want {n} of them",
)
_ADD_LIMIT = Forms(
    "too [big|greasy|heavy]. same thing but {limit}",
    "same thing, {limit}",
    "but {limit} please",
    "once more with {limit}",
    "repeat with {limit}",
    "keep the rest, {limit}",
    "same, but {limit}",
    "now with {limit}",
    "again with {limit}",
    "add {limit}",
    "also {limit}",
    terse=["+ {limit}", "and {limit}, redo", "same w/ {limit}"],
    formal=["kindly repeat it with {limit}", "might we also ask for {limit}?"],
)
_DROP = {
    "min_qed": Forms(
        "forget the QED limit",
        "drop the QED [rule|limit]",
        "QED does not matter",
        "without the QED limit",
    ),
    "max_logp": Forms(
        "forget the logP limit",
        "drop the logP cap",
        "logP does not matter",
        "without the logP limit",
    ),
    "max_weight": Forms(
        "forget the weight limit",
        "drop the MW cap",
        "weight does not matter",
        "without the weight limit",
    ),
}
_OTHER_SEED = Forms(
    "the same for {s}",
    "now around {s}",
    "same limits, but similar to {s}",
    "use {s} instead",
    "now with {s} as the reference",
)


def change_design(writer: Writer, design: Design) -> tuple[str, Design]:
    """A follow-up that changes one thing, and the design after it."""
    rng = writer.rng
    set_limits = [
        n for n in ("min_qed", "max_logp", "max_weight") if getattr(design, n) is not None
    ]
    kind = rng.choice(
        ["count", "count", "limit", "limit", *(["drop"] if set_limits else []), "seed"]
    )
    if kind == "count":
        count = rng.choice(
            [n for n in (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 50) if n != design.count]
        )
        return writer.say(_MORE, n=writer.count(count)), replace(design, count=count)
    if kind == "drop":
        name = rng.choice(set_limits)
        return writer.say(_DROP[name]), replace(design, **{name: None})
    if kind == "seed":
        smiles = sample_smiles(rng)
        return writer.say(_OTHER_SEED, s=guard(smiles)), replace(design, similar_to=smiles)
    name, sample = rng.choice((("min_qed", _qed), ("max_logp", _logp), ("max_weight", _weight)))
    changes: dict[str, Any] = {name: sample(writer)}
    (limit,) = limits(writer, Design(**changes))
    return writer.say(_ADD_LIMIT, limit=limit), replace(design, **changes)


_FROM_PROFILE = Forms(
    "design {n} similar ones",
    "and {n} molecules that resemble it",
    "{n} new ones like this please",
    "design {n} molecules similar to it",
    "now {n} analogues of it",
    "generate {n} like that one",
    "make {n} [analogues|analogs] of that molecule",
    terse=["{n} analogs of that pls", "ok gimme {n} like it"],
    formal=["would you then propose {n} molecules resembling it?"],
)


def design_from_profile(writer: Writer, smiles: str) -> Request:
    """A follow-up that asks for molecules similar to the SMILES profiled before."""
    design = Design(count=sample_count(writer), similar_to=smiles)
    n = writer.count(design.count or 1)
    return Request(writer.say(_FROM_PROFILE, n=n), (design.call(),))
