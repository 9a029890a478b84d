"""Contract of the cardiovascular risk predictor."""

from typing import Annotated, Literal

from pydantic import Field

from consilium.tools.contract import StatedInt, StatedNumber, ToolArgs


class PredictRisk(ToolArgs):
    """Arguments of `predict_risk`: age in years, cholesterol in `cholesterol_unit`, systolic_bp in mmHg,
    egfr in mL/min/1.73 m2, bmi in kg/m2."""

    age: Annotated[StatedInt, Field(description="age")]
    sex: Annotated[Literal["female", "male"], Field(description="sex")]
    total_cholesterol: Annotated[StatedNumber, Field(description="total cholesterol")]
    hdl_cholesterol: Annotated[StatedNumber, Field(description="HDL cholesterol")]
    systolic_bp: Annotated[StatedNumber, Field(description="systolic blood pressure")]
    cholesterol_unit: Literal["mg/dL", "mmol/L"] = "mg/dL"
    bp_treated: bool = False
    diabetes: bool = False
    smoker: bool = False
    statin: bool = False
    egfr: StatedNumber | None = None
    bmi: StatedNumber | None = None
