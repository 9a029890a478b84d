"""Numbers in words, as a clinician dictates them."""

from num2words import num2words

ORDINALS = "first second third fourth fifth sixth seventh eighth".split()


def in_words(value: float, language: str = "en") -> str:
    """`value` in words of `language` (an ISO 639-1 code): "one hundred and forty-two", "fünf komma acht"."""
    return str(num2words(value, lang=language)).lower()
