"""What the tools return in a training conversation: worded by the specialists' own reports, from sampled numbers."""

from pydantic import ValidationError

from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.outcomes import cases, film, molecules, risk, treatment
from consilium.finetune.synthesis.voices import Writer
from consilium.tools.cases.contract import FindSimilarCases
from consilium.tools.contract import ToolResult, invalid_call
from consilium.tools.molecules.contract import DesignMolecules, ProfileMolecule
from consilium.tools.registry import TOOLS
from consilium.tools.risk.contract import PredictRisk
from consilium.tools.treatment.contract import SimulateTreatment


def result_of(writer: Writer, call: Call) -> ToolResult:
    """The result of `call`; of one beyond the contract's limits, the refusal."""
    spec = TOOLS[call.name]
    try:
        valid = spec.args.model_validate(call.arguments)
    except ValidationError as error:
        return invalid_call(spec, error)
    match valid:
        case PredictRisk() as args:
            return risk.estimate(writer, args)
        case SimulateTreatment() as args:
            return treatment.forecast(writer, args)
        case DesignMolecules() as args:
            return molecules.design(writer, args)
        case ProfileMolecule() as args:
            return molecules.profile(writer, args)
        case FindSimilarCases() as args:
            return cases.search(writer, args)
    return film.reading(writer)
