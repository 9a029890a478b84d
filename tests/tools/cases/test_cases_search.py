"""Finding cases: conditions, denials, what is alike, nothing near, a base that changes or is damaged."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case, Filter, Outcome
from consilium.tools.cases.lexical import Lexical
from consilium.tools.cases.negation import matched_text
from consilium.tools.cases.query import is_foreign, read_query
from consilium.tools.cases.search import CaseSearch
from consilium.tools.contract import ToolError

TEXTS = {
    "effusion": "Small pleural effusion on the left. The heart is enlarged.",
    "no-effusion": "No pleural effusion. The lungs are clear.",
    "pneumonia": "Pneumonia of the right lower lobe with fever. No pleural effusion.",
    "both": "Pneumonia of the left lower lobe with fever and a pleural effusion.",
    "heart": "Congestive heart failure with leg swelling.",
    "diabetic": "Congestive heart failure with leg swelling and diabetes.",
    "rare": "Zellballen pattern with frobnicated septa.",
}


def build(folder, embedder, cases):
    base = CaseBase(folder)
    base.create(embedder.info)
    base.add(cases, embedder.embed([matched_text(case.text) for case in cases]), deduplicate=False)
    return base


@pytest.fixture
def embedder(embedder):
    return type(embedder)(512)  # so wide that different words are hardly alike by chance


@pytest.fixture
def base(tmp_path, embedder):
    cases = [
        Case(
            id=name,
            text=text,
            age=30 + 10 * number,
            sex="female" if number % 2 else "male",
            outcome=Outcome(died_in_hospital=number > 3),
        )
        for number, (name, text) in enumerate(TEXTS.items())
    ]
    return build(tmp_path / "cases", embedder, cases)


@pytest.fixture
def search(base, embedder):
    return CaseSearch(base.snapshot(), embedder)


def ids(found):
    return [hit.case.id for hit in found.hits]


def test_what_is_denied_is_not_found(search):
    found = ids(search.search("pleural effusion", 3))
    assert found[:2] == ["effusion", "both"]
    assert "no-effusion" not in found[:2]


def test_a_denial_in_the_request_leaves_out_what_affirms_it(search):
    found = search.search("pneumonia and fever, no pleural effusion", 7)
    assert ids(found)[0] == "pneumonia"
    assert not {"both", "effusion"} & set(ids(found))
    assert found.left_out == 2
    assert ids(search.search("heart failure without diabetes", 7))[0] == "heart"
    assert "diabetic" not in ids(search.search("heart failure without diabetes", 7))


def test_nothing_but_a_denial(search):
    found = search.search("no pleural effusion", 7)
    assert set(ids(found)[:2]) == {"no-effusion", "pneumonia"}
    assert found.near


def test_a_denied_word_that_is_no_known_concept(search):
    assert "rare" not in ids(search.search("septa, not frobnicated", 7))


def test_denying_one_finding_leaves_its_place_alone(tmp_path, embedder):
    cases = [
        Case(id="thick", text="Pleural thickening and cough"),
        Case(id="wet", text="Pleural effusion and cough"),
    ]
    search = CaseSearch(build(tmp_path / "pleura", embedder, cases).snapshot(), embedder)
    assert ids(search.search("cough without pleural effusion", 2)) == ["thick"]


def test_the_routine_denials_of_a_note_leave_nothing_out(search):
    note = "Pneumonia with fever. " + "No pleural effusion is seen. " * 10
    found = search.search(note, 7)
    assert ids(found)[0] == "pneumonia"
    assert "both" in ids(found)
    assert found.left_out == 0


def test_other_words_for_the_same(search):
    hit = search.search("cardiomegaly", 1).hits[0]
    assert hit.case.id == "effusion"
    assert hit.alike == ("cardiomegaly",)


def test_why_and_why_not(search):
    hit = search.search("62-year-old woman with pneumonia and sepsis", 1).hits[0]
    assert "pneumonia" in hit.shared
    assert "sepsis not mentioned" in hit.differs
    assert any(word.startswith("also ") for word in hit.differs)


def test_conditions_are_metadata(search):
    found = search.search("women with heart failure", 7)
    assert found.query.conditions == Filter(sex="female")
    assert found.eligible == 3
    assert {hit.case.sex for hit in found.hits} == {"female"}
    died = search.search("heart failure, died in hospital", 7)
    assert ids(died) == ["heart", "diabetic", "rare"]
    none = search.search("women over 100 with heart failure")
    assert (none.hits, none.eligible, none.near) == ((), 0, False)


def test_near_ages_come_first(tmp_path, embedder):
    cases = [Case(id=f"a{age}", text="Septic shock", age=age) for age in (20, 50, 80)]
    search = CaseSearch(build(tmp_path / "ages", embedder, cases).snapshot(), embedder)
    assert ids(search.search("75-year-old man with septic shock", 3)) == ["a80", "a50", "a20"]


def test_nothing_is_near(search):
    assert search.search("pleural effusion").near
    assert not search.search("quarterly tax return").near


def test_more_than_there_is(search):
    assert len(search.search("heart", 100).hits) == len(TEXTS)


@pytest.mark.parametrize(
    "request_", ["", "   ", "\x00\x07", "...", "123", "women over 60", "find all patients"]
)
def test_a_request_without_content_is_refused(search, request_):
    with pytest.raises(ToolError, match="say"):
        search.search(request_)


def test_a_very_long_request_is_cut(search):
    found = search.search("pleural effusion and more words " * 5000, 2)
    assert found.query.notes
    assert ids(found)[0] in {"effusion", "both"}


def test_similarity_is_a_percentile_of_pairs(tmp_path, embedder, make_cases):
    base = build(tmp_path / "many", embedder, make_cases(60))
    search = CaseSearch(base.snapshot(), embedder)
    best = search.search("Patient 7 with disease 0 and fever number 7", 60).hits
    assert 90 < best[0].similarity <= 100
    assert best[0].similarity > best[-1].similarity
    assert all(0 <= hit.similarity <= 100 for hit in best)


def test_a_word_that_no_case_uses_weighs_like_the_others_in_the_similarity(
    tmp_path, embedder, make_cases
):
    base = build(tmp_path / "many", embedder, make_cases(60))
    search = CaseSearch(base.snapshot(), embedder)
    hits = search.search("disease 3 and fever number 3 frobnication", 20).hits
    by_score = search._open().percentile(hits[0].score, 8)
    assert by_score < hits[0].similarity <= 100
    percents = [hit.similarity for hit in hits]
    assert percents == sorted(percents, reverse=True)
    lexical = Lexical.of([["fever", "cough"], ["fever"], []])
    assert lexical.unused(["fever", "cough"]) == pytest.approx(0)
    assert lexical.unused(["cough", "zebra"]) > 0
    assert lexical.unused(["zebra"]) == lexical.unused([]) == 0


def test_too_few_cases_for_a_percentile(search):
    assert search.search("heart failure").hits[0].similarity is None


def test_what_is_derived_is_kept_and_made_anew_when_damaged(base, embedder):
    snapshot = base.snapshot()
    CaseSearch(snapshot, embedder).prepare()
    (folder,) = snapshot.folder.glob("search-*")
    embedder.embedded.clear()
    first = ids(CaseSearch(snapshot, embedder).search("heart failure"))
    flipped = bytearray((folder / "data.csc.index.npy").read_bytes())
    flipped[-1] ^= 1
    (folder / "data.csc.index.npy").write_bytes(flipped)
    embedder.embedded.clear()
    assert ids(CaseSearch(snapshot, embedder).search("heart failure")) == first
    np.save(folder / "ages.npy", np.zeros(3))
    assert ids(CaseSearch(snapshot, embedder).search("heart failure")) == first
    assert len(list(snapshot.folder.glob("search-*"))) == 1


def test_a_removed_case_is_gone(base, embedder):
    base.remove(["effusion"])
    found = CaseSearch(base.snapshot(), embedder).search("pleural effusion", 7)
    assert "effusion" not in ids(found)


def test_an_empty_base(tmp_path, embedder):
    base = CaseBase(tmp_path / "empty")
    base.create(embedder.info)
    found = CaseSearch(base.snapshot(), embedder).search("heart failure")
    assert (found.hits, found.near) == ((), False)


def test_threads_find_the_same(base, embedder):
    search = CaseSearch(base.snapshot(), embedder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ids(search.search("heart failure", 3)), range(32)))
    assert all(one == found[0] for one in found)


def test_coverage_counts_unknown_words():
    lexical = Lexical.of([["fever", "cough"], ["fever"], []])
    assert lexical.coverage(["fever", "zebra"]).max() < lexical.coverage(["fever"]).max()
    assert not lexical.coverage(["zebra"]).any()
    assert not lexical.coverage([]).any()
    assert not Lexical.of([]).coverage(["fever"]).any()


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("62-jährige Frau mit Sepsis und Leberzirrhose", True),
        ("femme de 62 ans avec une cirrhose et sans fièvre", True),
        ("mujer de 62 años con sepsis y fiebre", True),
        ("женщина 62 лет с циррозом", True),
        ("COPD exacerbation, hypercapnia, intubated", False),
        ("a 62-year-old woman with sepsis", False),
        ("man with MS and la grippe", False),
        ("", False),
    ],
)
def test_languages(text, foreign):
    assert is_foreign(text) is foreign


def test_who_is_described():
    query = read_query("a 62-year-old woman with sepsis")
    assert (query.age, query.sex, query.conditions.empty) == (62, "female", True)
    assert read_query("72M with CHF").age == 72
    assert read_query("sepsis for 3 days").age is None
    assert read_query("a boy with croup").age == 8
