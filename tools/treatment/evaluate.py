"""The benchmark's figures for one confounding and one seed, next to the published ones."""

from typing import get_args

import numpy as np
from pydantic import BaseModel, ConfigDict

from consilium.tools.treatment.metrics import (
    Estimate,
    OneStepErrors,
    Ranking,
    one_step_errors,
    ranking,
    sequence_errors,
)
from consilium.tools.treatment.network import Belief, Histories, TreatmentNet
from consilium.tools.treatment.predict import (
    filter_belief,
    least_squares_belief,
    network_belief,
    oracle_belief,
    population_known_belief,
    predict_one_step,
    predict_sequences,
    seen,
)
from consilium.tools.treatment.protocol import (
    STEPS,
    TEST,
    Benchmark,
    OneStepTest,
    SequenceMode,
    SequenceTest,
)
from consilium.tools.treatment.published import Published, Setting, published
from consilium.tools.treatment.simulator import DAYS

MODEL, LAST_VALUE, LEAST_SQUARES = "model", "last value", "least squares"
POPULATION_KNOWN, ORACLE, WITHOUT_GRU = "population known", "oracle", "without the GRU"


class Comparison(BaseModel):
    """One figure next to the best published one.

    Parameters
    ----------
    ahead : steps ahead.
    value, oracle : this model's error and the oracle's, %.
    best, best_mean, best_sd : the published model that was best, with its mean and standard deviation, %.
    sds_below : how many published standard deviations this model's error is below that mean.
    gap_closed : share of the distance from the best published error to the oracle's, 1 at the oracle.
    """

    model_config = ConfigDict(frozen=True)

    setting: Setting
    ahead: int
    value: float
    oracle: float
    best: str
    best_mean: float
    best_sd: float
    sds_below: float
    gap_closed: float


class Report(BaseModel):
    """What one model reaches on one draw of the benchmark's test sets.

    Parameters
    ----------
    trained_on : what the model was fitted to.
    one_step : errors one step ahead, by predictor.
    sequences : normalised errors for 2, 3, ... 6 steps ahead, by kind of plans and predictor.
    ranking : of the model, by kind of plans.
    comparisons : with the best published figures; empty for a confounding that nobody published.
    """

    model_config = ConfigDict(frozen=True)

    gamma: float
    seed: int
    patients: int
    trained_on: str
    one_step: dict[str, OneStepErrors]
    sequences: dict[SequenceMode, dict[str, list[Estimate]]]
    ranking: dict[SequenceMode, Ranking]
    comparisons: list[Comparison]


def evaluate(
    network: TreatmentNet, trained_on: str, gamma: float, seed: int, drawn: Benchmark
) -> Report:
    """Measure a network on the test sets drawn for one confounding and one seed."""
    one_step = drawn.one_step
    histories = seen(one_step.courses, DAYS - 1)
    beliefs = _beliefs(network, histories, one_step) | {
        WITHOUT_GRU: filter_belief(network, histories),
        POPULATION_KNOWN: population_known_belief(histories),
    }
    errors = {
        name: one_step_errors(one_step, predict_one_step(network, belief, one_step))
        for name, belief in beliefs.items()
    }
    last = one_step.courses.volumes[:, : DAYS - 1, None]
    errors[LAST_VALUE] = one_step_errors(one_step, np.broadcast_to(last, one_step.outcomes.shape))
    ahead: dict[SequenceMode, dict[str, list[Estimate]]] = {}
    ranks: dict[SequenceMode, Ranking] = {}
    for mode, test in drawn.sequences.items():
        predicted = {
            name: predict_sequences(network, belief, test)
            for name, belief in _beliefs(network, seen(test.courses, DAYS - 1), test).items()
        }
        last = test.courses.volumes[:, : DAYS - 1, None, None]
        predicted[LAST_VALUE] = np.broadcast_to(last, test.outcomes.shape)
        ahead[mode] = {name: sequence_errors(test, values) for name, values in predicted.items()}
        ranks[mode] = ranking(test, predicted[MODEL])
    comparisons = [_compared(gamma, "one_step", 1, {n: e.original for n, e in errors.items()})]
    for mode in get_args(SequenceMode):
        for step in range(STEPS) if mode in ahead else ():
            figures = {name: values[step] for name, values in ahead[mode].items()}
            comparisons.append(_compared(gamma, mode, step + 2, figures))
    return Report(
        gamma=gamma,
        seed=seed,
        patients=len(one_step.patients),
        trained_on=trained_on,
        one_step=errors,
        sequences=ahead,
        ranking=ranks,
        comparisons=[comparison for comparison in comparisons if comparison is not None],
    )


def compare(
    best: Published, setting: Setting, ahead: int, value: float, oracle: float
) -> Comparison:
    """Put an error beside the best published one."""
    return Comparison(
        setting=setting,
        ahead=ahead,
        value=value,
        oracle=oracle,
        best=best.model,
        best_mean=best.mean,
        best_sd=best.sd,
        sds_below=(best.mean - value) / best.sd,
        gap_closed=(best.mean - value) / (best.mean - oracle),
    )


def as_text(report: Report) -> str:
    """The report for a terminal."""
    lines = [
        f"gamma {report.gamma:g}, seed {report.seed}, {report.patients} test patients; "
        f"model trained on {report.trained_on}",
        "",
        "One step ahead, normalised RMSE in % (95 % interval over patients)",
        f"{'':18}{'original':>22}{'pooled':>22}{'counterfactual':>22}",
    ]
    lines += [
        f"{name:18}{_cell(e.original):>22}{_cell(e.pooled):>22}{_cell(e.counterfactual):>22}"
        for name, e in report.one_step.items()
    ]
    for mode, predictors in report.sequences.items():
        lines += ["", f"Steps ahead, {mode.replace('_', ' ')}, normalised RMSE in %"]
        lines.append(f"{'':18}" + "".join(f"{step + 2:>22}" for step in range(STEPS)))
        lines += [
            f"{name:18}" + "".join(f"{_cell(estimate):>22}" for estimate in estimates)
            for name, estimates in predictors.items()
        ]
        rank = report.ranking[mode]
        lines.append(
            f"Best of ten plans put first: {100 * rank.best_first.value:.1f} % of "
            f"{rank.questions:,} questions; regret {rank.regret.value:.3f} cm3 "
            f"(a plan by chance: {rank.regret_by_chance.value:.3f} cm3)"
        )
    if not report.comparisons:
        return "\n".join([*lines, "", "Nobody published figures for this confounding."])
    models = sorted(figure.model for figure in published("one_step", 1, report.gamma))
    lines += ["", "Against what was published (mean +- standard deviation over five runs)"]
    lines.append(f"{'':30}{'ours':>8}" + "".join(f"{model:>18}" for model in models))
    for row in report.comparisons:
        name = f"{row.setting.replace('_', ' ')}, {row.ahead} ahead"
        others = {one.model: one for one in published(row.setting, row.ahead, report.gamma)}
        cells = (f"{others[model].mean:.3f} +- {others[model].sd:.3f}" for model in models)
        lines.append(f"{name:30}{row.value:>8.3f}" + "".join(f"{cell:>18}" for cell in cells))
    if report.patients < TEST:
        lines.append(
            f"The published figures are from {TEST:,} test patients. With {report.patients} the error depends on "
            "who was drawn: few patients with large tumours make most of it."
        )
    closed = [100 * row.gap_closed for row in report.comparisons]
    lines.append(
        "Closed of the distance from the best published error to the oracle's: "
        f"{min(closed):.0f} to {max(closed):.0f} %."
    )
    return "\n".join(lines)


def _beliefs(
    network: TreatmentNet, histories: Histories, test: OneStepTest | SequenceTest
) -> dict[str, Belief]:
    return {
        MODEL: network_belief(network, histories),
        LEAST_SQUARES: least_squares_belief(network, histories),
        ORACLE: oracle_belief(network, test.patients, DAYS - 1),
    }


def _compared(
    gamma: float, setting: Setting, ahead: int, figures: dict[str, Estimate]
) -> Comparison | None:
    others = published(setting, ahead, gamma)
    if not others:
        return None
    return compare(others[0], setting, ahead, figures[MODEL].value, figures[ORACLE].value)


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f}-{estimate.high:.3f})"
