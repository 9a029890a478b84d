"""Risk categories, each with the guideline that draws the lines.

A category belongs to one equation and one outcome: the same percentage means something else by another one.
"""

from typing import Literal, NamedTuple

from consilium.tools.contract import Level

Category = Literal["low", "borderline", "intermediate", "high"]

LEVELS: dict[Category, Level] = {
    "low": "low",
    "borderline": "borderline",
    "intermediate": "indeterminate",
    "high": "high",
}


class Scale(NamedTuple):
    """Lower ends of borderline, intermediate and high, as fractions, and who set them."""

    borderline: float
    intermediate: float
    high: float
    source: str

    def category(self, fraction: float) -> Category:
        """The category of a risk, compared as it is printed: in tenths of a percent, as guidelines state it."""
        printed = round(fraction, 3)
        if printed >= self.high:
            return "high"
        if printed >= self.intermediate:
            return "intermediate"
        return "borderline" if printed >= self.borderline else "low"


PREVENT_ASCVD = Scale(0.03, 0.05, 0.10, "2026 ACC/AHA dyslipidemia guideline (PREVENT-ASCVD)")
PCE_ASCVD = Scale(0.05, 0.075, 0.20, "2019 ACC/AHA primary prevention guideline (PCE)")

# Above this PREVENT risk of total CVD the 2025 AHA/ACC high blood pressure guideline treats stage 1 hypertension.
PREVENT_CVD_TREATMENT = 0.075
PREVENT_CVD_SOURCE = "2025 AHA/ACC high blood pressure guideline (PREVENT-CVD)"
