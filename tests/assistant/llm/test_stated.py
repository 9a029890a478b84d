"""Which numbers a text states: the ways clinicians write them."""

from decimal import Decimal

import pytest

from consilium.assistant.llm.stated import grounds, numbers, words, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("54M tc 209", {"54", "209"}),
        ("BP 136/84", {"136", "84"}),
        ("HDL 1,05 mmol/l", {"1.05"}),
        ("1,500 g", {"1.5", "1500"}),
        (".5 QED", {"0.5"}),
        ("60 %", {"60", "0.6"}),
        ("22,25,30", {"22", "25", "30"}),
        ("10:30", {"10", "30"}),
        ("sixty-one", {"61"}),
        ("one hundred and forty-two", {"142"}),
        ("one forty two", {"1", "42", "142"}),
        ("a systolic of one twenty", {"1", "20", "120"}),
        ("two thousand three hundred and five", {"2305"}),
        ("five point eight", {"5.8"}),
        ("a dozen, at the third visit", {"1", "12", "3"}),
        ("half a dozen", {"1", "6"}),
        ("die nächsten zwölf, dann fünf, dos y tre", {"12", "5", "2", "3"}),
        ("fünfzehn, dreißig oder dreissig Moleküle", {"15", "30"}),
        ("treinta y cinco años, vingt-cinq cas, otto molecole", {"35", "25", "8"}),
        ("due to it", set()),
        ("fünf Komma acht e sei virgola due cinque", {"5", "5.8", "8", "6", "6.2", "6.25", "2"}),
        ("una docena", {"12"}),
        ("hundertvierzig, cento e quarenta e dois", {"140", "142"}),
        ("６１岁女性", {"61"}),
        ("男，42岁", {"42"}),
        ("the next visit", {"1"}),
        ("the next 10 visits, the next few, the next ten", {"10"}),
        ("6.10", {"6.1"}),
        ("find one case", {"1"}),
        ("ten twelve fifteen", {"10", "12", "15", "101215"}),
        ("bp is five\npoint three", {"5", "5.3", "3"}),
        ("s\u0131x films, the f\u0131fth", set()),  # dotless i is another letter
        ("0.912", {"0.912"}),
        ("0.6 %", {"0.006"}),
        ("1e5 cells", {"100000"}),
        ("1,234.5 then 1.310,25", {"1234.5", "1310.25"}),
        ("12,345,678", {"12345678", "12", "345", "678"}),
        ("12.1,14.3,9", {"12.1", "14.3", "9"}),
        ("logP below -1, TC -210", {"-1", "1", "-210", "210"}),
        ("5-10 of them", {"5", "10"}),
        ("1.2.3e4", {"1", "2", "3", "4"}),
        ("a million", {"1", "1000000"}),
        ("age sixty\nfive point eight total", {"65.8", "60", "5.8"}),
        ("volumes 120,130", {"120.13", "120130", "120", "130"}),
        ("24,22,20", {"24", "22", "20"}),
        ("5,8", {"5.8"}),
        ("seven point thirty-five, one oh eight", {"7.35", "1", "0", "8", "108"}),
        ("cholesterol...210, 12..14, 24 ,22", {"210", "12", "14", "24", "22"}),
        ("TC 5.8\u00b9, 5\u00b78, 10\u2079", {"5.8", "1", "10", "9"}),
        ("12 500 molecules", {"12", "500", "12500"}),
        ("half of them, twice", {"0.5", "2"}),
        ("half-life, double-check", set()),
        ("nothing here", set()),
    ],
)
def test_numbers(text: str, expected: set[str]) -> None:
    assert numbers(text) == {Decimal(value) for value in expected}


def test_a_result_states_its_numbers_with_their_signs_and_an_article_is_none() -> None:
    assert grounds(["logP -0.31"]) == {Decimal("-0.31")}
    assert grounds(["3,054 patients, 12.345 cm3"]) == {Decimal(3054), Decimal("12.345"), Decimal(3)}
    assert grounds((), ["a woman, both lungs, TC -210, drei"]) == {Decimal(210), Decimal(-210)}


def test_a_run_of_scales_makes_no_monster() -> None:
    assert max(numbers("million " * 800)) < Decimal(10) ** 200


def test_one_alone_is_a_pronoun_in_an_answer() -> None:
    assert list(written("This one is fine.")) == []
    assert list(written("There are two.")) == [{Decimal(2)}]


def test_words_are_bare_of_punctuation_but_a_smiles_stays_whole() -> None:
    found = words('profile "ketoprofen", and (CC(=O)Nc1ccc(O)cc1).')
    assert {"ketoprofen", "CC(=O)Nc1ccc(O)cc1"} <= set(found)
