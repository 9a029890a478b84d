"""The list of specialists, in the order the language model reads them.

A contract without `load` is known (calls to it are decoded and graded) but not runnable: the chair says so
instead of pretending. A specialist gets its `load` when it is real; what is slow to import waits until then.
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
    from consilium.tools.imaging.gate import load_gate
    from consilium.tools.imaging.tool import analyze_scan, load_reader

    load_gate()
    load_reader()
    return analyze_scan


def _load_risk() -> Run:
    from consilium.tools.risk.model import load_model
    from consilium.tools.risk.tool import predict_risk

    load_model()
    return predict_risk


def _load_treatment() -> Run:
    from consilium.tools.treatment.tool import load_forecaster, simulate_treatment

    load_forecaster()
    return simulate_treatment


def _load_generator() -> Run:
    from consilium.tools.molecules.tool import design_molecules, load_generator, load_profiler

    load_profiler()
    load_generator()
    return design_molecules


def _load_profiler() -> Run:
    from consilium.tools.molecules.tool import load_profiler, profile_molecule

    load_profiler()
    return profile_molecule


def _load_cases() -> Run:
    from consilium.tools.cases.tool import find_similar_cases, load_finder

    load_finder()
    return find_similar_cases


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
        _load_risk,
    ),
    ToolSpec(
        "simulate_treatment",
        "tumour volume ahead under each treatment plan",
        "treatment simulator",
        SimulateTreatment,
        _load_treatment,
    ),
    ToolSpec(
        "design_molecules",
        "generates new drug-like molecules within limits",
        "molecule generator",
        DesignMolecules,
        _load_generator,
    ),
    ToolSpec(
        "profile_molecule",
        "computed properties and ADMET of one molecule",
        "molecule profiler",
        ProfileMolecule,
        _load_profiler,
    ),
    ToolSpec(
        "find_similar_cases",
        "searches earlier patients like the one described",
        "similar-case search",
        FindSimilarCases,
        _load_cases,
    ),
)

TOOLS: Mapping[str, ToolSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
