"""The list of specialists, in the order the language model reads them.

A contract without `load` is known (calls to it are decoded and graded) but not runnable: the chair says so
instead of pretending. A specialist gets its `load` when it is real.
"""

from collections.abc import Mapping
from types import MappingProxyType

from consilium.tools.cases.contract import FindSimilarCases
from consilium.tools.contract import Run, ToolSpec
from consilium.tools.imaging.contract import AnalyzeScan
from consilium.tools.molecules.contract import DesignMolecules, ProfileMolecule
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.treatment.contract import SimulateTreatment


def _load_imaging() -> Run:
    from consilium.tools.imaging.tool import analyze_scan, load_reader  # torch is slow to import

    load_reader()
    return analyze_scan


_SPECS = (
    ToolSpec(
        "analyze_scan",
        "reads an attached chest film",
        "chest film reader",
        AnalyzeScan,
        _load_imaging,
    ),
    ToolSpec(
        "predict_risk",
        "10-year cardiovascular risk of one patient",
        "cardiovascular risk predictor",
        PredictRisk,
    ),
    ToolSpec(
        "simulate_treatment",
        "tumour volume ahead under each treatment plan",
        "treatment simulator",
        SimulateTreatment,
    ),
    ToolSpec(
        "design_molecules",
        "generates new drug-like molecules within limits",
        "molecule generator",
        DesignMolecules,
    ),
    ToolSpec(
        "profile_molecule",
        "computed properties and ADMET of one molecule",
        "molecule profiler",
        ProfileMolecule,
    ),
    ToolSpec(
        "find_similar_cases",
        "searches earlier patients like the one described",
        "similar-case search",
        FindSimilarCases,
    ),
)

TOOLS: Mapping[str, ToolSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
