"""Requests for the tumour simulation: volumes, past therapy and plans in prose, lists and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from consilium.finetune.synthesis import treatment_words as words
from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.numerals import ORDINALS
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Writer, bare, guard

PLANS = ("none", "chemotherapy", "radiotherapy", "chemoradiotherapy")


@dataclass(frozen=True)
class Course:
    """A tumour's past and what is asked about its future; () and None where nothing is said."""

    volumes: tuple[float, ...]
    chemotherapy_at: tuple[int, ...] = ()
    radiotherapy_at: tuple[int, ...] = ()
    plans: tuple[str, ...] = ()
    horizon: int | None = None

    def call(self) -> Call:
        """The call, fields in the contract's order, only what was stated."""
        arguments: dict[str, Any] = {}
        if self.volumes:
            arguments["volumes_cm3"] = list(self.volumes)
        if self.chemotherapy_at:
            arguments["chemotherapy_at"] = list(self.chemotherapy_at)
        if self.radiotherapy_at:
            arguments["radiotherapy_at"] = list(self.radiotherapy_at)
        if self.plans:
            arguments["plans"] = list(self.plans)
        if self.horizon is not None:
            arguments["horizon"] = self.horizon
        return Call(name="simulate_treatment", arguments=arguments)


def sample_course(writer: Writer) -> Course:
    """A tumour that grows, and shrinks after therapy, over two to seven visits."""
    rng = writer.rng
    visits = rng.choices((2, 3, 4, 5, 6, 7), (10, 28, 28, 18, 10, 6))[0]
    chemo = {v for v in range(1, visits + 1) if rng.random() < 0.3} if rng.random() < 0.5 else set()
    radio = {v for v in range(1, visits + 1) if rng.random() < 0.3} if rng.random() < 0.5 else set()
    volume = rng.lognormvariate(2.4, 0.9)
    digits = rng.choice((1, 1, 1, 1, 2, 0))
    volumes: list[float] = []
    for visit in range(1, visits + 1):
        volumes.append(round(max(volume, 0.3), digits) if digits else max(round(volume), 1))
        grown = rng.gauss(1.13, 0.08)
        volume *= grown * (0.86 if visit in chemo else 1) * (0.8 if visit in radio else 1)
    return Course(
        tuple(volumes),
        tuple(sorted(chemo)),
        tuple(sorted(radio)),
        sample_plans(writer) if writer.chance(0.5) else (),
        rng.randint(1, 6) if writer.chance(0.6) else None,
    )


def sample_plans(writer: Writer) -> tuple[str, ...]:
    """One to three of the four plans, in the order in which they will be said."""
    size = writer.rng.choices((1, 2, 3), (50, 38, 12))[0]
    return tuple(writer.rng.sample(PLANS, size))


def _when(writer: Writer, visits: Sequence[int], total: int) -> str:
    """Visit numbers in words a person would use: "visits 2 and 3", "V1+V4", "the second visit"."""
    if len(visits) == 1:
        visit = visits[0]
        if total > 2 and visit == total and writer.chance(0.15):
            return "the last visit"
        if total in (3, 5, 7) and 2 * visit == total + 1 and writer.chance(0.2):
            return writer.choice(("the middle visit", "the visit in the middle"))
        return writer.say(words.VISIT, v=guard(str(visit)), o=ORDINALS[visit - 1])
    if len(visits) == total and writer.chance(0.25):
        return writer.choice(("every visit", "each visit", "all visits"))
    consecutive = len(visits) > 2 and list(visits) == list(range(visits[0], visits[-1] + 1))
    if consecutive and writer.chance(0.4):
        return guard(f"visits {visits[0]}{writer.choice(('-', ' to ', '–'))}{visits[-1]}")
    numbers = [str(v) for v in visits]
    last = writer.choice((" and ", " and ", " & ", "+", ", "))
    listed = ", ".join(numbers[:-1]) + last + numbers[-1]
    ordinals = [ORDINALS[v - 1] for v in visits]
    return writer.say(
        words.VISITS,
        list=guard(listed),
        ordinals=", ".join(ordinals[:-1]) + f" and {ordinals[-1]}",
    )


def therapies(writer: Writer, course: Course) -> list[str]:
    """The past therapy as phrases; both at once may be said as chemoradiotherapy."""
    total = len(course.volumes)
    he = writer.choice(("he", "she", "patient"))
    chemo, radio = course.chemotherapy_at, course.radiotherapy_at
    both = tuple(v for v in chemo if v in radio)
    parts = []
    if both and writer.chance(0.7):
        parts.append(writer.say(words.BOTH, when=_when(writer, both, total), he=he))
        chemo = tuple(v for v in chemo if v not in both)
        radio = tuple(v for v in radio if v not in both)
    if chemo:
        parts.append(writer.say(words.CHEMO, when=_when(writer, chemo, total), he=he))
    if radio:
        parts.append(writer.say(words.RADIO, when=_when(writer, radio, total), he=he))
    if not parts and writer.chance(0.45):
        parts.append(writer.say(words.NO_THERAPY))
    writer.rng.shuffle(parts)
    return parts


def series(writer: Writer, volumes: Sequence[float]) -> str:
    """The volumes in a line, oldest first or expressly the other way round."""
    numbers = [writer.number(v) for v in volumes]
    unit = writer.choice(words.UNITS)
    each = writer.chance(0.25) or (writer.decimal_comma and writer.chance(0.5))
    shown = [n + guard(unit) for n in numbers] if each else numbers
    tail = "" if each or writer.chance(0.15) else guard(unit)
    separators = ("; ", " - ", " / ", " -> ", ", then ") if writer.decimal_comma else (
        ", ", ", ", ", ", " / ", " -> ", " → ", "; ", " then ", " ",
    )  # fmt: skip
    separator = writer.choice(separators)
    if writer.chance(0.1) and len(volumes) == 3:
        first, rest, last = shown
        return writer.say(words.BACKWARDS, last=last, rest=rest, first=first)
    if writer.chance(0.12):
        return writer.say(words.REVERSED, v=separator.join(reversed(shown)) + tail)
    if writer.chance(0.1):
        return writer.say(words.STEPS, a=shown[0], b=separator.join(shown[1:]) + tail)
    if separator == ", " and writer.chance(0.4):
        return writer.say(words.SERIES, v=", ".join(shown[:-1]) + " and " + shown[-1] + tail)
    return writer.say(words.SERIES, v=separator.join(shown) + tail)


def table(writer: Writer, course: Course) -> str:
    """Visits as a table or as lines, therapy in a column of its own."""
    chemo, radio = writer.choice(
        (("chemo", "RT"), ("CTx", "RTx"), ("chemotherapy", "radiotherapy"), ("chemo", "rads"))
    )
    joined = writer.choice((f"{chemo} + {radio}", "chemoRT", f"{chemo}/{radio}"))
    nothing = writer.choice(("-", "none", "", "no", "nil"))
    dated = writer.chance(0.5)
    month = writer.rng.randrange(12)
    rows = []
    for visit, volume in enumerate(course.volumes, start=1):
        c, r = visit in course.chemotherapy_at, visit in course.radiotherapy_at
        therapy = joined if c and r else chemo if c else radio if r else nothing
        date = f"{writer.rng.randint(1, 28):02d} {words.MONTHS[(month + visit) % 12]}"
        rows.append([str(visit), *([date] if dated else []), bare(writer.number(volume)), therapy])
    head = [
        "visit",
        *(["date"] if dated else []),
        writer.choice(("cm3", "volume cm3", "vol (cc)")),
        "tx",
    ]
    if writer.chance(0.5):
        lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
        lines.insert(1, "|" + "---|" * len(head))
        return guard("\n".join(lines))
    if writer.chance(0.4):
        mark = writer.choice(("visit ", "V", "#", "v"))
        return guard(
            "\n".join(
                f"{mark}{row[0]}: {row[-2]} cm3" + (f", {row[-1]}" if row[-1] != nothing else "")
                for row in rows
            )
        )
    sign = "\t" if writer.decimal_comma else writer.choice(("\t", ", ", " ; "))
    return guard("\n".join(sign.join(row) for row in [head, *rows]))


def plan_phrase(writer: Writer, plans: Sequence[str]) -> str:
    """The wanted plans in words."""
    if not plans:
        return writer.say(words.ALL_PLANS)
    if plans == ("none",) and writer.chance(0.7):
        return writer.say(words.NONE_ONLY)
    names = [writer.say(words.PLAN_NAMES[plan]) for plan in plans]
    if len(names) == 1:
        return writer.say(words.UNDER, plans=names[0])
    joint = writer.choice((" vs ", " and ", " versus ", ", ", " / "))
    joint = joint if len(names) == 2 or joint.strip() != "and" else ", "
    return writer.say(words.COMPARE, plans=joint.join(names))


def ahead(writer: Writer, horizon: int) -> str:
    """How far to look, in words."""
    if horizon == 1:
        return writer.say(words.ONE_AHEAD)
    return writer.say(words.AHEAD, n=writer.count(horizon))


def _wish(writer: Writer, course: Course) -> str:
    wish = writer.say(words.REQUESTS)
    extras = []
    if course.plans or writer.chance(0.08):
        extras.append(plan_phrase(writer, course.plans))
    if course.horizon is not None:
        extras.append(ahead(writer, course.horizon))
    writer.rng.shuffle(extras)
    joint = writer.choice((", ", " ", ", "))
    return joint.join([wish, *extras])


def _context(writer: Writer) -> str:
    note = writer.choice(words.NOTES).format(
        age=writer.rng.randint(28, 86),
        percent=writer.rng.randint(1, 95),
        weeks=writer.rng.randint(2, 12),
    )
    text = writer.say(words.CONTEXT, site=writer.choice(words.SITES), note=note)
    return text + " " if text else ""


def ask(writer: Writer, course: Course) -> Request:
    """A request for the simulation of `course`."""
    context, wish = _context(writer), _wish(writer, course)
    if writer.chance(max(writer.voice.pasted, 0.18)):
        body = table(writer, course)
        text = writer.choice((f"{body}\n{context}{wish}", f"{context}{wish}\n{body}"))
        return Request(text, (course.call(),))
    told = [series(writer, course.volumes), *therapies(writer, course)]
    if writer.chance(0.15):
        writer.rng.shuffle(told)
    history = writer.choice((", ", "; ", ". ")).join(told)
    if writer.chance(0.55):
        text = f"{context}{history}. {wish}"
    else:
        text = f"{wish}{writer.choice((': ', '. ', ' - '))}{context}{history}"
    return Request(text, (course.call(),))


def ask_without_volumes(writer: Writer, course: Course) -> Request:
    """A request with no volume, or with a single one, which is too few."""
    wish, context = _wish(writer, course), _context(writer)
    stated = replace(course, volumes=(), chemotherapy_at=(), radiotherapy_at=())
    if writer.chance(0.35):
        told = writer.say(
            words.ONE_VOLUME,
            v=writer.number(course.volumes[0]),
            unit=guard(writer.choice(words.UNITS)),
        )
    elif writer.chance(0.5):
        told = writer.say(words.NO_VOLUMES)
    else:
        told = ", ".join(therapies(writer, course))
        stated = replace(course, volumes=())
    text = f"{context}{told}. {wish}" if told else f"{context}{wish}"
    return Request(text, (stated.call(),))


def ask_without_any_volume(writer: Writer) -> Request:
    """A request that says nothing of the past and sets no limit to the future."""
    return Request(_context(writer) + writer.say(words.REQUESTS), (Course(()).call(),))


def change(writer: Writer, course: Course) -> tuple[str, Course]:
    """A follow-up that changes one thing, and the course after it."""
    rng, total = writer.rng, len(course.volumes)
    kinds = ["plan", "horizon", "horizon", "plan", "volume", "correct"]
    if not course.chemotherapy_at or not course.radiotherapy_at:
        kinds.append("therapy")
    kind = rng.choice(kinds)
    unit = guard(writer.choice(words.UNITS))
    if kind == "plan":
        plans = sample_plans(writer)
        while plans == course.plans:
            plans = sample_plans(writer)
        return writer.say(words.ONLY_PLAN, plans=plan_phrase(writer, plans)), replace(
            course, plans=plans
        )
    if kind == "horizon":
        horizon = rng.choice([h for h in range(1, 7) if h != course.horizon])
        return writer.say(words.FURTHER, ahead=ahead(writer, horizon)), replace(
            course, horizon=horizon
        )
    if kind == "volume":
        volume = round(course.volumes[-1] * rng.uniform(0.75, 1.3) + 0.1, 1)
        text = writer.say(words.NEW_VOLUME, v=writer.number(volume), unit=unit)
        return text, replace(course, volumes=(*course.volumes, volume))
    if kind == "correct":
        at = rng.randrange(total)
        volume = round(course.volumes[at] * rng.uniform(0.8, 1.25) + 0.3, 1)
        text = writer.say(
            words.CORRECT,
            o=ORDINALS[at],
            v=writer.number(volume),
            old=writer.number(course.volumes[at]),
        )
        return text, replace(
            course, volumes=(*course.volumes[:at], volume, *course.volumes[at + 1 :])
        )
    field, forms = (
        ("radiotherapy_at", words.RADIO)
        if course.chemotherapy_at
        else ("chemotherapy_at", words.CHEMO)
    )
    visit = rng.randint(1, total)
    therapy = writer.say(forms, when=_when(writer, (visit,), total), he="he")
    changed = (
        replace(course, radiotherapy_at=(visit,))
        if field == "radiotherapy_at"
        else replace(course, chemotherapy_at=(visit,))
    )
    return writer.say(words.ADD_THERAPY, therapy=therapy), changed
