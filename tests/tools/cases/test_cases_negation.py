"""What a text affirms, denies, finds normal, and says of relatives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilium.tools.cases import concepts
from consilium.tools.cases.negation import NOTHING_ABNORMAL, matched_text, read


@pytest.mark.parametrize(
    ("text", "affirmed", "denied"),
    [
        ("No pneumothorax, large effusion or consolidation.", "", "large effusion"),
        ("No effusion, mild cardiomegaly.", "mild cardiomegaly", "effusion"),
        ("no cardiomegaly with bilateral small effusions", "small effusions", "cardiomegaly"),
        ("The heart is not enlarged.", "", "The heart is not enlarged"),
        ("Effusion has resolved.", "", "Effusion"),
        ("Pneumothorax is not seen.", "", "Pneumothorax"),
        ("Pneumonia cannot be excluded.", "Pneumonia", ""),
        ("No significant change of the large effusion.", "large effusion", ""),
        ("No increase in the small pneumothorax.", "small pneumothorax", ""),
        ("COPD, no diabetes, denies chest pain but has fever.", "fever", "chest pain"),
        ("Does not have diabetes and had a stroke.", "a stroke", "diabetes"),
        ("Chest pain is denied.", "", "Chest pain"),
        ("No acute, displaced fractures.", "", "displaced fractures"),
        ("Lungs clear of consolidation, effusion or mass.", "", "effusion"),
        ("Thrombosis ruled out, embolism confirmed.", "embolism confirmed", "Thrombosis"),
        ("CT ruled out embolism.", "", "embolism"),
        ("Embolism ruled out by CT.", "", "Embolism"),
        ("Pneumonia was not ruled out.", "Pneumonia", ""),
        ("Embolism has not been excluded.", "Embolism", ""),
        ("No longer has fever but cough persists.", "cough persists", "fever"),
        ("Possible pneumonia, unlikely embolism.", "Possible pneumonia", "embolism"),
        ("Pneumonia unlikely.", "", "Pneumonia"),
        ("Fever: no. Cough: yes.", "Cough", "Fever"),
        ("Fever: No\nMurmur: no change", "Murmur", "Fever"),
        ("Fever: negative, cough: negative, rash", "rash", "Fever"),
        ("Effusion not seen, cardiomegaly.", "cardiomegaly", "Effusion"),
    ],
)
def test_scope(text, affirmed, denied):
    statement = read(text)
    assert affirmed in " | ".join(statement.affirmed)
    assert denied in " | ".join(statement.denied)
    assert bool(affirmed) == bool(statement.affirmed) or not affirmed
    if affirmed:
        assert affirmed not in " | ".join(statement.denied)
    if denied:
        assert denied not in " | ".join(statement.affirmed)


def test_normal_clauses_share_their_verb():
    text = (
        "The heart, pulmonary vessels and mediastinum are within normal limits. Old rib fracture."
    )
    statement = read(text)
    assert statement.affirmed == ("Old rib fracture",)
    assert "mediastinum" in " ".join(statement.normal)


def test_relatives():
    assert read("Her mother had breast cancer.").affirmed == ()
    assert "colon cancer" in " ".join(read("Family history of colon cancer.").family)


def test_what_is_matched_never_holds_what_is_denied():
    assert "effusion" not in matched_text("No effusion. Fever.")
    assert matched_text("No effusion.") == f"{NOTHING_ABNORMAL}."
    assert matched_text("No effusion. The lungs are clear.") == "The lungs are clear."
    plain = "72-year-old man with lung cancer. Low albumin (2.1 g/dL)."
    assert matched_text(plain) == plain


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    statement = read(text)
    for stretch in (*statement.affirmed, *statement.denied, *statement.normal, *statement.family):
        assert stretch in text


def test_a_long_text_is_read_in_time():
    assert read("no fever, cough or pain and " * 4000).denied


def test_concepts_whatever_the_words():
    known = concepts.load()

    def affirmed(text):
        return known.mentions(read(text)).affirmed

    assert {"cardiomegaly"} <= affirmed("The cardiac silhouette is enlarged")
    assert {"pleural effusion"} <= affirmed("fluid in the left pleural space")
    assert {"kidney failure"} <= affirmed("creatinine is high at 4.2")
    assert {"calcified granuloma", "granuloma"} <= affirmed("two granulomas, calcified")
    mentions = known.mentions(read("No effusion. Enlarged heart."))
    assert mentions.denied == {"pleural effusion"}
    assert "cardiomegaly" in mentions.affirmed
    assert known.findings({"calcified granuloma", "granuloma", "lung"}) == ["calcified granuloma"]


def test_the_list_of_concepts_is_sound():
    known = concepts.load()
    assert len(known.names) == len(set(known.names)) > 150
    for name, wider in known.broader.items():
        assert name in known.names
        assert set(wider) <= set(known.names)


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("effusions", "effusion"),
        ("biopsies", "biopsy"),
        ("mass", "mass"),
        ("virus", "virus"),
        ("is", "is"),
    ],
)
def test_singular(plural, single):
    assert concepts.singular(plural) == single
