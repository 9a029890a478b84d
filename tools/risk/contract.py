"""Contract of the cardiovascular risk predictor."""

from typing import Literal

from consilium.tools.contract import StatedInt, StatedNumber, ToolArgs


class PredictRisk(ToolArgs):
    """Arguments of `predict_risk`: age in years, cholesterol in `cholesterol_unit`, systolic_bp in mmHg,
    egfr in mL/min/1.73 m2, bmi in kg/m2."""

    age: StatedInt
    sex: Literal["female", "male"]
    total_cholesterol: StatedNumber
    hdl_cholesterol: StatedNumber
    systolic_bp: StatedNumber
    cholesterol_unit: Literal["mg/dL", "mmol/L"] = "mg/dL"
    bp_treated: bool = False
    diabetes: bool = False
    smoker: bool = False
    statin: bool = False
    egfr: StatedNumber | None = None
    bmi: StatedNumber | None = None
