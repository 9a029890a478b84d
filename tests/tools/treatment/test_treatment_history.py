"""What a clinician may type about a tumour's past, and what is refused in which words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consilium.tools.contract import ToolError
from consilium.tools.treatment.contract import SimulateTreatment
from consilium.tools.treatment.history import History, check_volumes, read_history


def history(volumes, **more):
    return read_history(SimulateTreatment(volumes_cm3=volumes, **more))


def test_as_typed():
    read = history([12.1, 14.0, 15.2], chemotherapy_at=[2])
    assert read.volumes.tolist() == [12.1, 14.0, 15.2]
    assert read.treatments.tolist() == [[0, 0], [1, 0], [0, 0]]
    assert (read.visits, read.whole_numbers) == (3, False)


def test_a_plan_starts_now_and_keeps_what_was_given_now():
    read = history([12.1, 14.0], chemotherapy_at=[1], radiotherapy_at=[2])
    assert read.under("none", 3).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert read.under("chemotherapy", 3).tolist() == [[1, 1], [1, 0], [1, 0]]
    assert read.under("radiotherapy", 1).tolist() == [[0, 1]]
    assert history([12.1, 14.0]).under("chemoradiotherapy", 2).tolist() == [[1, 1], [1, 1]]


REFUSED = [
    ([12.1, 0.0, 14.0], {}, "visit 2 is 0 cm3.*above 0"),
    ([-3.0, 14.0], {}, "visit 1 is -3 cm3.*above 0"),
    ([0.004, 0.005], {}, "too small to be measured"),
    ([12.1, 1500.0], {}, "visit 2 is 1500 cm3.*1150 cm3.*13 cm"),
    ([12.1, 1150.4], {}, "1150 cm3"),
    ([12100.0, 14000.0], {}, "1000 mm3 are 1 cm3"),
    ([12.1, 14.0], {"chemotherapy_at": [3]}, "Chemotherapy.*visit 3.*2 visits"),
    ([12.1, 14.0], {"radiotherapy_at": [1, 7]}, "Radiotherapy.*visit 7.*2 visits"),
    ([12.1, 14.0], {"radiotherapy_at": [1, 2, 1]}, "twice at visit 1"),
]


@pytest.mark.parametrize(("volumes", "more", "sentence"), REFUSED)
def test_what_cannot_be_right_is_refused(volumes, more, sentence):
    with pytest.raises(ToolError, match=sentence) as refusal:
        history(volumes, **more)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("volumes", "sentence"), [([12.0], "two"), ([3.0, np.nan], "not a number")]
)
def test_volumes_that_come_past_the_contract(volumes, sentence):
    """One visit, NaN, horizons and plans are the contract's to refuse; a file has no contract."""
    with pytest.raises(ToolError, match=sentence):
        check_volumes(volumes)
    with pytest.raises(ValidationError):
        SimulateTreatment(volumes_cm3=volumes)


@pytest.mark.parametrize(
    "more", [{"horizon": 0}, {"horizon": 50}, {"plans": ["surgery"]}, {"chemotherapy_at": [0]}]
)
def test_the_contract_refuses(more):
    with pytest.raises(ValidationError):
        SimulateTreatment(volumes_cm3=[12.1, 14.0], **more)


@pytest.mark.parametrize(
    ("volumes", "whole"),
    [([32, 35], True), ([32, 35.5], False), ([200, 210], False), ([2, 2], False)],
)
def test_whole_numbers_may_be_diameters(volumes, whole):
    assert history([float(v) for v in volumes]).whole_numbers == whole


@given(st.lists(st.floats(), max_size=6), st.lists(st.integers(1, 8), max_size=4))
def test_any_numbers_are_a_history_or_one_sentence(volumes, visits):
    try:
        read = read_history(
            SimulateTreatment.model_construct(
                volumes_cm3=volumes, chemotherapy_at=visits, radiotherapy_at=[]
            )
        )
    except ToolError as refusal:
        assert str(refusal).count("\n") == 0
    else:
        assert isinstance(read, History)
        assert (read.volumes >= 0.01).all() and (read.volumes < 1150.35).all()
        assert read.treatments[:, 0].sum() == len(visits)
