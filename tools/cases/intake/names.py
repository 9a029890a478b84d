"""People's names in free text, by their cues: a title, a label, a common first name.

No list of names is complete. A name without any cue ("Ashworth was seen again") is only found where the file
says whom the text is about (see `Record.identifiers`), so texts must be checked by a person all the same.
"""

import re

_CAPITAL = "A-ZÀ-ÖØ-Þ\u0100-\u017f"  # the last range holds small letters, too
_SMALL = "a-zß-öø-ÿ\u0100-\u017f'’"
# "Smith", "McDonald", "O'Brien"; no name is longer, and time grows with the text's length only
_STEM = rf"[{_CAPITAL}][{_SMALL}][{_CAPITAL}{_SMALL}]{{0,30}}"
_WORD = rf"{_STEM}(?:-{_STEM}){{0,3}}"
_LOUD = r"[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ'’-]{2,}(?![A-Za-z])"  # "SMITH"
_INITIAL = r"[A-Z]\."
_PART = rf"(?:(?:van|von|de|der|la|el|al)[ ])*(?:{_WORD}|{_INITIAL})"
_NAME = rf"{_PART}(?:[ ]{_PART}){{0,2}}"
_TITLED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Nurse|Herr|Frau|Sir|Madam)\.?[ ]+"
    rf"((?:{_INITIAL}[ ]?)*{_LOUD}(?:[ ]{_LOUD})?|{_NAME})"
    rf"|\b(?:MRS|MISS|DR|PROF)\.?[ ]+((?:{_INITIAL}[ ]?)*{_LOUD}(?:[ ]{_LOUD})?)"
)
_SIGNED = re.compile(
    rf"({_NAME}),?[ ]+(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|Ph\.?D\.?|P\.?A\.?-?C?|N\.?P\.?)(?![A-Za-z])"
)
_LABELLED = re.compile(
    r"\b(?i:patient(?:'s)?(?: name)?|name|surname|first name|last name|physician|surgeon|attending|referred by"
    r"|signed by|dictated by|seen by|next of kin)[ ]*:[ ]*"
    r"([A-Z][\w'’.-]*(?:,?[ ]+[A-Z][\w'’.-]*){0,3})"
)
# The most frequent first names of US births, 1930 to 2010 (Social Security Administration), without those that
# are ordinary words in a report (Will, Mark, Rose, Grace, Faith, Hope, Dawn, Joy, May, June, Virginia, ...).
_FIRST_NAMES = (
    "James John Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew"
    " Anthony Donald Steven Paul Andrew Joshua Kenneth Kevin Brian George Timothy Ronald Edward Jason"
    " Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel"
    " Gregory Alexander Patrick Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Zachary Douglas"
    " Peter Kyle Noah Ethan Jeremy Walter Christian Keith Roger Terry Austin Sean Gerald Carl Dylan"
    " Harold Jordan Jesse Bryan Lawrence Arthur Gabriel Bruce Logan Billy Joe Alan Juan Elijah Willie"
    " Albert Wayne Randy Mason Vincent Liam Roy Bobby Caleb Bradley Russell Lucas Mary Patricia Jennifer"
    " Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Betty Ashley Emily Kimberly"
    " Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Dorothy"
    " Amy Kathleen Angela Shirley Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Debra Rachel"
    " Carolyn Janet Maria Olivia Heather Helen Catherine Diane Julie Victoria Joyce Lauren Kelly Christina"
    " Ruth Joan Evelyn Judith Andrea Hannah Megan Cheryl Jacqueline Martha Madison Teresa Gloria Sara"
    " Janice Ann Kathryn Abigail Sophia Frances Jean Alice Judy Isabella Julia Denise Beverly"
    " Theresa Natalie Diana Brittany Doris Kayla Alexis Lori Marie"
).split()
_FIRST_AND_LAST = re.compile(rf"\b((?:{'|'.join(_FIRST_NAMES)})(?:[ ]{_INITIAL})?[ ]{_WORD})")
# Words that follow a cue without being a person, and eponyms in which a first name is part of a sign.
_KEPT = frozenset(
    "the this that these his her their was is are were has had and or with without will also patient male"
    " female man woman boy girl unknown none not no on in at of for to from admitted seen name mother father"
    " he she they it denies reports states presents never neither nor cannot saw".split()
)
_EPONYMS = frozenset({"Austin Flint", "Graham Steell", "Marie Tooth", "Marie Strümpell", "Joe Louis",
                      "Christian Science", "Mary Jane"})  # fmt: skip


def find_names(text: str) -> list[tuple[int, int]]:
    """Start and end of what looks like a person's name, by its cues."""
    found = [
        match.span(match.lastindex or 0)
        for pattern in (_TITLED, _SIGNED, _LABELLED, _FIRST_AND_LAST)
        for match in pattern.finditer(text)
    ]
    trimmed = (_trimmed(text, *span) for span in found)
    return [(start, end) for start, end in trimmed if start < end]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span up to the first word that is no name."""
    if text[start:end] in _EPONYMS:
        return start, start
    stop = start
    for word in re.finditer(r"\S+", text[start:end]):
        if word[0].strip(".,'’").lower() in _KEPT:
            break
        stop = start + word.end()
    return start, stop
