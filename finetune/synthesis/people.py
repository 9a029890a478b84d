"""Patients as clinicians name them: age, sex, name, occupation."""

import re
from dataclasses import dataclass
from typing import Literal

from consilium.finetune.synthesis.voices import Forms, Writer, guard

Sex = Literal["female", "male"]
SEXES: tuple[Sex, ...] = ("female", "male")

SURNAMES = tuple(
    """Abara Achterberg Adler Aguilar Almeida Anand Andersen Aoki Baptiste Barlow Bekele Bergmann Bhatt Blythe
    Boateng Brandt Caldwell Castellano Chowdhury Cieslak Cohen Costa Daly Demir Dlamini Dubois Eriksen Esposito
    Farouk Fenwick Ferreira Fitzgerald Fontaine Gallagher Garcia Gupta Haddad Halvorsen Hartmann Hernandez Hoang
    Holm Hughes Ibrahim Ivanova Jansen Jovanovic Kaplan Kaur Keller Khan Kimura Kowalski Kuznetsov Lam Larsen
    Lindqvist Lopez MacLeod Mahmood Marchetti Mbeki Meyer Molina Morgan Moreau Nakamura Nguyen Novak Obi Okafor
    Olsen Onyango Osman Papadakis Park Patel Pereira Petrov Popescu Quinn Rahman Ramos Reid Rossi Saleh Santos
    Schmidt Sharma Silva Singh Sorensen Stewart Suzuki Szabo Tanaka Tesfaye Thapa Toth Ueda Vargas Vasquez
    Virtanen Walsh Wang Weiss Williams Wojcik Yamada Yilmaz Zhang Zimmer""".split()
)
JOBS = tuple(
    """accountant baker bricklayer bus-driver carpenter chef cleaner electrician farmer fisherman florist
    gardener hairdresser joiner lawyer librarian machinist mechanic miner musician nurse painter pharmacist
    pilot plumber postman secretary teacher translator welder waiter""".replace("-", " ").split()
)


@dataclass(frozen=True)
class Person:
    """Age in years and sex; either may stay unsaid (`None`)."""

    age: int | None
    sex: Sex | None

    @property
    def he(self) -> str:
        """Subject pronoun; "they" where the sex is not said."""
        return {"female": "she", "male": "he", None: "they"}[self.sex]

    @property
    def his(self) -> str:
        """Possessive pronoun."""
        return {"female": "her", "male": "his", None: "their"}[self.sex]

    @property
    def him(self) -> str:
        """Object pronoun."""
        return {"female": "her", "male": "him", None: "them"}[self.sex]


_ADULT_AGE = 16
_NOUNS = {
    "female": Forms(
        "woman", "woman", "lady", terse=["F", "female", "woman", "f"], formal=["lady", "woman"]
    ),
    "male": Forms("man", "man", "gentleman", terse=["M", "male", "man", "m"], formal=["gentleman"]),
}
_TITLES = {"female": ("Mrs", "Ms", "Miss", "Mrs.", "Ms."), "male": ("Mr", "Mr", "Mr.")}

_BOTH = Forms(
    "{age}-year-old {noun}",
    "{noun}, {age}",
    "{noun} aged {age}",
    "{noun} of {age}",
    "{age} year old {noun}",
    "{title} {name}, {age}",
    terse=[
        "{age}{letter}",
        "{age}{letter}",
        "{age} {letter}",
        "{age}yo {letter}",
        "{age}yo{letter}",
        "{age} yo {noun}",
        "{age}y {noun}",
        "{age} y/o {noun}",
        "{letter}{age}",
        "{letter}/{age}",
        "{noun} {age}y",
        "{age}/{letter}",
        "pt {age}{letter}",
    ],
    plain=[
        "a {noun} aged {age}",
        "{title} {name} ({age})",
        "a {age}-year-old {noun}",
        "my patient, a {noun} of {age}",
        "{noun} ({age} years)",
        "{noun}, {age} years old",
        "one {noun} {age} years",
    ],
    formal=[
        "a {noun} of {age}",
        "a {age}-year-old {noun}",
        "{title} {name}, aged {age}",
        "{title} {name}, a {job} of {age}",
        "a {noun}, {age} years of age",
        "a {noun} aged {age}",
        "{title} {name}, who is {age}",
        "a retired {job}, a {noun} of {age}",
        "this {age}-year-old {noun}",
    ],
)
_CHILD = Forms(
    "{age}-year-old {noun}",
    "{noun}, {age}",
    "{noun} aged {age}",
    "{age} year old {noun}",
    terse=[
        "{age}{letter}",
        "{age}yo {noun}",
        "{age}y {noun}",
        "{noun} {age}y",
        "peds, {age}{letter}",
    ],
    plain=[
        "a {noun} of {age} years",
        "a little {noun}, {age}",
        "{noun} ({age} years)",
        "a child, {noun}, {age}",
    ],
    formal=["a {noun} of {age}", "a {age}-year-old {noun}", "young {name}, a {noun} of {age}"],
)
_SEX_ONLY = Forms(
    "{title} {name}",
    "a {noun}",
    "{noun}",
    terse=["{noun} pt", "this {noun}"],
    plain=["a {noun} from my clinic", "my patient, a {noun}"],
    formal=["{title} {name}", "a {noun} under my care", "a {noun} known to this practice"],
)
_AGE_ONLY = Forms(
    "patient aged {age}",
    "patient, {age}",
    "{age}-year-old patient",
    "a patient of {age}",
    terse=["{age}yo pt", "{age} y/o", "pt {age}y", "age {age}"],
    formal=["a patient of {age} years", "this {age}-year-old patient"],
)
_NEITHER = Forms(
    "my patient",
    "a patient",
    "the patient",
    terse=["pt", "this pt", "pt in {ward}", "next pt"],
    plain=["somebody from my list", "one patient of us"],
    formal=["a patient of mine", "the patient in question", "this patient"],
)
_WARDS = ("bed 4", "room 9", "rm 31", "bay 2", "room 118", "bed 23", "rm 7", "clinic 3")


def introduce(writer: Writer, person: Person) -> str:
    """A noun phrase for `person` that says exactly what is known of age and sex."""
    values = {"ward": writer.choice(_WARDS), "name": guard(writer.choice(SURNAMES))}
    if person.sex is not None:
        values["noun"] = writer.say(_NOUNS[person.sex])
        values["title"] = writer.choice(_TITLES[person.sex])
        letter = person.sex[0].upper()
        values["letter"] = letter if writer.chance(0.8) else letter.lower()
        values["job"] = writer.choice(JOBS)
    if person.age is not None:
        values["age"] = writer.integer(person.age)
    if person.age is None:
        return writer.say(_NEITHER if person.sex is None else _SEX_ONLY, **values)
    if person.sex is None:
        forms = _AGE_ONLY
    elif person.age < _ADULT_AGE:
        values["noun"] = "girl" if person.sex == "female" else "boy"
        forms = _CHILD
    else:
        forms = _BOTH
    text = writer.say(forms, **values)
    # "54M" but never "fifty-fourM".
    touching = re.search(re.escape(values["age"]) + "[A-Za-z]", text)
    return text.replace(values["age"], guard(str(person.age))) if touching else text
