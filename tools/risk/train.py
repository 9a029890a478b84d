"""From a cohort to a shipped model: fit, keep a reference sample, measure, write weights and card.

The run can be stopped and started again; the loop itself is in `fit`. The same recipe is fitted once more to the
early survey cycles alone and measured on the later ones: the check that no later person had a part in any choice.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import yaml

from consilium.tools.contract import ToolError
from consilium.tools.risk.card import WEIGHTS, Card, Data
from consilium.tools.risk.data import Cohort, read_cohort
from consilium.tools.risk.evaluate import evaluate
from consilium.tools.risk.features import FEATURES, INDEX
from consilium.tools.risk.fit import fit
from consilium.tools.risk.model import RiskModel, save_weights
from consilium.tools.risk.network import YEARS
from consilium.tools.risk.prevent import LIMITS as PREVENT_LIMITS
from consilium.tools.risk.recipe import FitConfig
from consilium.tools.risk.reference import sample
from consilium.tools.risk.report import LEARNED

CONFIGS = Path(__file__).parent / "configs"
_DESCRIPTION = (
    "An ensemble of small monotone networks over a proportional subdistribution hazard (piecewise "
    "constant by year, after Fine and Gray): each member is fitted to its own bootstrap sample of "
    "the people, with everyone's time under observation and other deaths as competing, and pulled "
    "gently towards the published AHA PREVENT equation, of which it keeps the ranking where some "
    "hundred deaths cannot say better. Age, total "
    "cholesterol, systolic pressure, its treatment, diabetes and smoking can only raise the risk, "
    "HDL cholesterol, eGFR and statins only lower it. What is not known of a person is filled in "
    "from 64 similar people of a reference sample and averaged."
)
_INTENDED_USE = (
    "Research on tool-using assistants and on risk models. Not a medical device; no decision about "
    "a patient may rest on it."
)
_LIMITS = [
    "It predicts death from cardiovascular disease (underlying cause heart disease or stroke), not "
    "cardiovascular events: its percentages must not be read on the scale of PREVENT or PCE, and "
    "no guideline category belongs to them.",
    "Learned from US adults aged 30 to 85 examined 1999 to 2018, without known cardiovascular "
    "disease and with an eGFR of 60 or more; it declines outside these ages and below eGFR 60.",
    "Survey weights were not used: risks are those of the people examined, among whom some groups "
    "were sampled more often than they live in the population.",
    "The source counts any lipid-lowering prescription as statin. Who is treated differs from who "
    "is not, so the effects of statin and pressure treatment are associations, forced to the sign "
    "that trials found.",
    "The interval holds the spread over bootstrap samples and over the values not stated. It does "
    "not hold what differs between this survey and another population.",
    "Public-use follow-up times of some deaths are perturbed by NCHS.",
    "Cohorts of other decades and endpoints (WCGS, Framingham) are an outside look at ranking "
    "only. The Framingham teaching set was altered for anonymity.",
    "It was pulled towards PREVENT, so that the two agree is no independent confirmation.",
    "Size, penalties and pull were chosen on the cycles 1999-2006 by the loss over unseen people; "
    "the figures of later cycles and of other cohorts were on view when the pull was added.",
]


def train(
    config_path: Path,
    cohort_path: Path,
    outside: Sequence[Path],
    run: Path,
    weights: Path = WEIGHTS,
) -> Card:
    """Train as configured and write the weights and their card into `weights`.

    Parameters
    ----------
    cohort_path : NHANES with mortality, the people to learn from.
    outside : further cohort files, to look at only.
    run : folder of the run; an interrupted run goes on from there.

    Raises
    ------
    ToolError
        If the configuration or a file cannot be used.
    """
    try:
        config = FitConfig.model_validate(yaml.safe_load(config_path.read_text(encoding="utf-8")))
    except (ValueError, yaml.YAMLError) as error:
        raise ToolError(
            f"The configuration cannot be used: {str(error).splitlines()[0]}."
        ) from None
    everyone = read_cohort(cohort_path)
    people = everyone.where(everyone.complete)
    if (people.persons < 0).any() or not people.entry.all():
        raise ToolError("Training needs NHANES: a cohort with the columns seqn and cycle.")
    early = people.where(people.entry <= config.temporal_until)
    late = everyone.where(everyone.entry > config.temporal_until)
    command = f"consilium train risk {config_path.name} --cohort FILE --outside FILE ... --run DIR"
    description = _describe(cohort_path, people)

    trial = run / "temporal"
    _ship(config, early, description, command, trial, trial)
    card = _ship(config, people, description, command, run, weights)
    # Measured from the files as shipped, so that the card tells of them and of nothing else.
    model = RiskModel.load(weights)
    evaluations = {
        f"learned until {config.temporal_until}, measured on later cycles": evaluate(
            late, RiskModel.load(trial)
        ),
        "NHANES, each person by members that never saw them": evaluate(everyone, model),
    }
    evaluations |= {path.name: evaluate(read_cohort(path), model) for path in outside}
    card = card.model_copy(update={"evaluations": evaluations})
    card.save(weights)
    return card


def _ship(
    config: FitConfig, people: Cohort, data: Data, command: str, run: Path, weights: Path
) -> Card:
    """Fit, and write weights and card; nothing is measured yet."""
    network = fit(config, people, run)
    kidneys = next(limit for limit in PREVENT_LIMITS if limit.name == "egfr")
    donors = people.rows[kidneys.admits(people.rows[:, INDEX["egfr"]])]
    reference = sample(donors, config.reference, config.seed)
    card = Card(
        name=LEARNED.name,
        version=LEARNED.version,
        date=date.today().isoformat(),
        description=_DESCRIPTION,
        outcome="death from cardiovascular disease within 10 years",
        intended_use=_INTENDED_USE,
        limits=_LIMITS,
        data=data,
        command=command,
        config=config,
        weights_sha256=save_weights(network, reference, people.persons, weights),
        parameters=sum(p.numel() for p in network.parameters()),
        evaluations={},
    )
    card.save(weights)
    return card


def _describe(path: Path, people: Cohort) -> Data:
    low, high = people.rows.min(axis=0), people.rows.max(axis=0)
    return Data(
        source="NHANES 1999-2018 with the NCHS 2019 public-use linked mortality files (National "
        "Center for Health Statistics); four fifths of the adults aged 30 and over",
        licence="public domain (US Government work); for statistical purposes only",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        people=len(people),
        events=int(people.time_at_risk(YEARS)[1].sum()),
        ranges={
            name: (round(float(a), 2), round(float(b), 2))
            for name, a, b in zip(FEATURES, low, high, strict=True)
        },
    )
