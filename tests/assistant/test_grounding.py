"""No number reaches the user that is in no result and not in the user's words."""

from decimal import Decimal
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.assistant.grounding import Lines, check, grounds, reports
from consilium.assistant.llm.stated import written

_RESULT = "Pneumonia has a probability of 87 % (95 % interval 81 % to 92 %)."


def test_grounded_sentences_stay_and_the_others_go_whole() -> None:
    allowed = grounds([_RESULT, "54M with cough"])
    text = "At 54, pneumonia is likely: 87 %. The risk of death is 12 %. Repeat the film."
    assert check(text, allowed) == (
        "At 54, pneumonia is likely: 87 %. Repeat the film.",
        ["The risk of death is 12 %."],
    )


def test_a_percentage_may_be_said_as_a_fraction() -> None:
    assert check("Probability 0.87.", grounds([_RESULT])).removed == []


def test_numbers_in_words_are_numbers() -> None:
    assert check("There are seven nodules.", grounds([_RESULT])).text == ""


@pytest.mark.parametrize(
    "answer", ["The risk is 1 %.", "There are a dozen.", "logP is 0.31.", "It is half a billion."]
)
def test_an_article_or_a_lost_sign_grounds_nothing(answer: str) -> None:
    allowed = grounds(["logP -0.31"], ["a woman with both lungs full, 2 films, an old one"])
    assert check(answer, allowed).text == ""


def test_parts_and_scales_are_not_the_number() -> None:
    allowed = {Decimal(1), Decimal("0.93"), Decimal("0.912")}
    for text in ("one forty two mg.", "0.93 %.", "It is 912.", "A million."):
        assert check(text, allowed | {Decimal(42)}).text == "", text


def test_the_id_of_a_film_is_not_a_number() -> None:
    assert check("On scan-1 nothing is seen.", set()).removed == []


def test_a_decimal_point_does_not_end_a_sentence() -> None:
    assert check("Ratio 1.5 is high. Fine.", {Decimal("1.5")}).text == "Ratio 1.5 is high. Fine."


@pytest.mark.parametrize(
    "said", ["Half of them died.", "The risk doubled.", "It is twice as large."]
)
def test_a_multiple_in_a_word_is_a_number(said: str) -> None:
    assert check(said, grounds([_RESULT])).text == ""
    assert check(said, grounds(["50 % of 2"])).text == said


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no pneumonia (prob. 0.99).",
        "The risk is approx. 13 %.",
        "Approx. 13 % die.",
        "Some markers, e.g. 13, are high.",
        "It is low (vs. 13 %).",
    ],
)
def test_an_abbreviation_does_not_end_a_sentence(sentence: str) -> None:
    assert check(f"Fine. {sentence} Repeat.", set()) == ("Fine. Repeat.", [sentence])


def test_a_word_that_ends_like_an_abbreviation_ends_a_sentence() -> None:
    assert check("It is an orca. There are 13.", set()).text == "It is an orca."


@given(
    st.lists(
        st.one_of(st.integers(0, 999).map(str), st.text(ascii_letters, min_size=1)), max_size=12
    )
)
def test_whatever_is_kept_is_grounded(parts: list[str]) -> None:
    allowed = {Decimal(7), Decimal(42)}
    kept = check(". ".join(parts), allowed).text
    assert all(any(value in allowed for value in readings) for readings in written(kept))


def test_an_answer_reports_a_result_if_it_says_one_of_its_numbers() -> None:
    assert reports("Probability 87 %.", _RESULT)
    assert not reports("The film was read.", _RESULT)
    assert reports("The film was read.", "The film reader was stopped.")
    assert not reports("It is not a reference.", "QED 0.75 and 1 structural alert.")


def test_a_small_model_keeps_to_the_lines_of_the_results() -> None:
    lines = [
        "5 cases, led by support2-5025; 2 of 5 died (40 %)",
        "support2-3683: similarity 80 %",
        "warning: Earlier cases are context, not a prognosis.",
    ]
    text = "2 of 5 died (40 %). The 5 cases are led by support2-3683. Cases are context. It makes perfect sense."
    allowed = grounds(lines)
    assert check(text, allowed).removed == []
    assert check(text, allowed, Lines.of(lines, ["find cases"])) == (
        "2 of 5 died (40 %). Cases are context.",
        ["The 5 cases are led by support2-3683.", "It makes perfect sense."],
    )


@pytest.mark.parametrize(
    "broken_off", ["The risk is 3.4 % (2.7 to 5.", "The risk is 3.4", "The risk is 3.4 %,"]
)
def test_a_small_model_may_not_break_off(broken_off: str) -> None:
    lines = ["The risk is 3.4 % (2.7 to 5.0 %)."]
    allowed = grounds(lines)
    assert check(f"{broken_off}\n{lines[0]}", allowed, Lines.of(lines, [])) == (
        lines[0],
        [broken_off],
    )


@pytest.mark.parametrize("garbled", ["The risk is 3.oos %.", "The risk is 3us of the 4th line."])
def test_a_small_model_may_not_run_a_number_into_letters(garbled: str) -> None:
    lines = ["The risk is 3 % (2 to 4 %), said of the 4th line."]
    text = f"{garbled}\n{lines[0]}"
    assert check(text, grounds(lines), Lines.of(lines, [])) == (lines[0], [garbled])
