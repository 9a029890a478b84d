"""Contract of the tumour treatment simulator."""

from typing import Annotated, Literal

from pydantic import Field

from consilium.tools.contract import StatedInt, StatedNumber, ToolArgs

Plan = Literal["none", "chemotherapy", "radiotherapy", "chemoradiotherapy"]
Visit = Annotated[int, Field(ge=1, json_schema_extra={"place_in": "volumes_cm3"})]


class SimulateTreatment(ToolArgs):
    """Arguments of `simulate_treatment`: volumes in cm3, oldest first; visits are counted from 1;
    `horizon` is visits ahead, 1 to 6."""

    volumes_cm3: Annotated[
        list[StatedNumber],
        Field(min_length=2, description="tumour volumes of at least two visits"),
    ]
    chemotherapy_at: list[Visit] = []
    radiotherapy_at: list[Visit] = []
    # Models are told not to leave the list empty; where one does, all plans are meant.
    plans: Annotated[list[Plan], Field(json_schema_extra={"minItems": 1})] = [
        "none",
        "chemotherapy",
        "radiotherapy",
        "chemoradiotherapy",
    ]
    horizon: Annotated[StatedInt, Field(ge=1, le=6)] = 5
