"""Lung tumour growth under chemo- and radiotherapy: the field's PK-PD simulator, many patients at once.

Growth and kill: Geng, Paganetti, Grassberger, "Prediction of treatment response for combined chemo- and
radiation therapy for non-small cell lung cancer patients", Sci Rep 7:13542 (2017). Confounded treatment,
patient types and constants as in the benchmark that grew out of it: Lim et al., NeurIPS 2018 (RMSN), section 5
and appendix; Bica et al., ICLR 2020 (CRN), appendix H; Melnychuk et al., ICML 2022 (CT), appendix J.

Random numbers are drawn in the benchmark's order from NumPy's frozen `RandomState`, so a seed gives the
patients that the published results were computed on (up to rounding, and to how a library inverts the normal
distribution). The benchmark's test sets are in `protocol`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAYS = 60
DEATH_DIAMETER = 13.0  # cm
CELL_DENSITY = 5.8e8  # cells per cm3
CAPACITY_DIAMETER = 30.0  # cm, of the largest tumour that the growth law allows
NOISE_SD = 0.01  # of the daily relative growth
RADIO_DOSE = 2.0  # Gy per application
CHEMO_DOSE = 5.0  # mg/m3 per application
CHEMO_DECAY = 0.5  # per day: a half-life of one day
ALPHA_BETA_RATIO = 10.0  # Gy, of the linear-quadratic model
WINDOW = 15  # days whose mean diameter decides on treatment

# Relative frequency of the stages (Detterbeck and Gibson 2008), and ln(diameter / cm) in each: mean, standard
# deviation, and the diameters between which it is cut off (Winer-Muram et al. 2002).
_STAGES = {
    "I": (1432, 1.72, 4.70, 0.3, 5.0),
    "II": (128, 1.96, 1.63, 0.3, 13.0),
    "IIIA": (1306, 1.91, 9.40, 0.3, 13.0),
    "IIIB": (7248, 2.76, 6.87, 0.3, 13.0),
    "IV": (12840, 3.86, 8.82, 0.3, 13.0),
}
# Mean and standard deviation before cutting off at zero (Geng et al. 2017, table 1, as taken up by Lim et al.).
ALPHA = (0.0398, 0.168)  # per Gy
RHO = (7e-5, 7.23e-3)  # per day
BETA_C = (0.028, 0.0007)  # per (mg/m3) and day
ALPHA_RHO_CORRELATION = 0.87
ALPHA_SHIFT = 0.1 * ALPHA[0]  # of patients of type 1
BETA_C_SHIFT = 0.1 * BETA_C[0]  # of patients of type 3

_NOTHING = 1e-7  # cm3; this far below zero the benchmark still follows a tumour

_NORMAL = NormalDist()


def sphere_volume(diameter: float) -> float:
    """Volume in cm3 of a sphere of this diameter in cm."""
    return float(np.pi / 6 * diameter**3)


def sphere_diameter(volume: Array) -> Array:
    """Diameter in cm of spheres of these volumes in cm3; NaN below zero."""
    diameter: Array = np.where(volume < 0, np.nan, np.cbrt(volume / (np.pi / 6)))
    return diameter


DEATH_VOLUME = sphere_volume(DEATH_DIAMETER)  # 1150.35 cm3
CAPACITY = sphere_volume(CAPACITY_DIAMETER)


@dataclass(frozen=True)
class Patients:
    """Patients and their parameters; every array has one entry per patient.

    Parameters
    ----------
    kind : patient type, 1 (radiotherapy works better), 2, or 3 (chemotherapy works better).
    first_volume : tumour volume on the first day, cm3.
    alpha, beta : radiosensitivity, per Gy and per Gy2.
    rho : growth rate, per day. beta_c : chemosensitivity, per (mg/m3) and day.
    """

    kind: NDArray[np.int64]
    first_volume: Array
    alpha: Array
    beta: Array
    rho: Array
    beta_c: Array

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: NDArray[np.int64]) -> "Patients":
        """The patients of these rows."""
        return Patients(**{name: values[rows] for name, values in vars(self).items()})

    def growth(self, volume: Array, concentration: Array, radiated: Flags) -> Array:
        """Expected relative growth over the next day.

        rho ln(K / V) - beta_c C - (alpha d + beta d2), Geng et al. 2017, equations 1 to 5. The arguments
        have one row per patient and any further axes; `concentration` is of chemotherapy in mg/m3,
        `radiated` whether radiotherapy is given.
        """
        shape = (-1,) + (1,) * (np.ndim(volume) - 1)
        alpha, beta, rho, beta_c = (
            getattr(self, name).reshape(shape) for name in ("alpha", "beta", "rho", "beta_c")
        )
        dose = RADIO_DOSE * radiated
        with np.errstate(divide="ignore", invalid="ignore"):
            grown: Array = rho * np.log(CAPACITY / volume)
        killed: Array = beta_c * concentration + alpha * dose + beta * dose**2
        return grown - killed


# Probabilities of chemo- and radiotherapy on a day (counted from 0), from the diameters (days, patients) so far.
Policy = Callable[[int, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Courses:
    """What was seen of each patient; arrays are (patients, days), days count from 0.

    Parameters
    ----------
    kind : (patients,) patient type.
    volumes : tumour volume, cm3; DEATH_VOLUME on the day of death, 0 on recovery, 0 after either.
    chemo, radio : whether that therapy was given on that day, after the volume was measured.
    last : (patients,) the last day with a volume; the course has last + 1 visits.
    """

    kind: NDArray[np.int64]
    volumes: Array
    chemo: Flags
    radio: Flags
    last: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: NDArray[np.int64]) -> "Courses":
        """The courses of these rows."""
        return Courses(**{name: values[rows] for name, values in vars(self).items()})


def draw_patients(count: int, random: RandomState) -> Patients:
    """Draw patients from the population of the benchmark (Lim et al. 2018, appendix)."""
    names = sorted(_STAGES)
    seen = np.array([_STAGES[name][0] for name in names], dtype=float)
    stages = random.choice(names, count, p=seen / seen.sum())
    diameters = np.concatenate(
        [_diameters(name, int((stages == name).sum()), random) for name in names]
    )
    shared = ALPHA_RHO_CORRELATION * ALPHA[1] * RHO[1]
    covariance = np.array([[ALPHA[1] ** 2, shared], [shared, RHO[1] ** 2]])
    accepted = np.empty((0, 2))
    while len(accepted) < count:
        pairs = random.multivariate_normal([ALPHA[0], RHO[0]], covariance, size=count)
        accepted = np.concatenate([accepted, pairs[(pairs > 0).all(axis=1)]])
    kind = random.choice([1, 2, 3], count)
    alpha = accepted[:count, 0] + ALPHA_SHIFT * (kind == 1)
    cut = _cut_normal(random.uniform(size=count), -BETA_C[0] / BETA_C[1], np.inf)
    beta_c = BETA_C[0] + BETA_C[1] * cut + BETA_C_SHIFT * (kind == 3)
    order = list(range(count))
    random.shuffle(order)
    rows = np.array(order, dtype=np.int64)
    return Patients(
        kind=kind,
        first_volume=np.pi / 6 * diameters**3,
        alpha=alpha,
        beta=alpha / ALPHA_BETA_RATIO,
        rho=accepted[:count, 1],
        beta_c=beta_c,
    ).take(rows)


def treatment_probability(diameter: Array, gamma: float) -> Array:
    """Probability of each therapy given the recent mean diameter in cm: larger tumours are treated more.

    sigmoid(gamma / D_max (D - D_max / 2)), Bica et al. 2020, appendix H; gamma is the confounding.
    """
    return 1 / (1 + np.exp(-gamma / DEATH_DIAMETER * (diameter - DEATH_DIAMETER / 2)))


def confounded(gamma: float) -> Policy:
    """The benchmark's policy: treat by the mean diameter of the last 15 days, and nobody on the first day."""

    def policy(day: int, diameters: Array) -> tuple[Array, Array]:
        if day == 0:
            nobody = np.zeros(diameters.shape[1])
            return nobody, nobody
        recent = diameters[max(day - WINDOW, 0) : day].mean(axis=0)
        probability = treatment_probability(recent, gamma)
        return probability, probability

    return policy


def randomised(chemo: Array, radio: Array) -> Policy:
    """A policy that looks at nothing: each patient has a fixed probability of each therapy."""
    return lambda day, diameters: (chemo, radio)


def simulate(patients: Patients, policy: Policy, random: RandomState, days: int = DAYS) -> Courses:
    """Follow patients until death, recovery or the last day.

    A patient dies above DEATH_VOLUME and recovers with probability exp(-V * cell density) a day
    (Lim et al. 2018, appendix).
    """
    count = len(patients)
    # Drawn patient by patient, kept day by day: a day's values then lie side by side.
    noise = np.ascontiguousarray(NOISE_SD * random.randn(count, days).T)
    draws = [np.ascontiguousarray(random.rand(count, days).T) for _ in range(3)]
    recovery_draw, chemo_draw, radio_draw = draws
    volumes, diameters = np.zeros((2, days, count))
    chemo, radio = np.zeros((2, days, count), dtype=bool)
    concentration = np.zeros(count)
    last = np.full(count, days - 1)
    alive = np.ones(count, dtype=bool)
    for day in range(days):
        if day == 0:
            volumes[day] = patients.first_volume
        else:
            # Whoever is gone has a volume of zero, whose growth is not a number.
            growth = patients.growth(volumes[day - 1], concentration, radio[day - 1])
            change = np.where(alive, growth + noise[day], 0)
            volumes[day] = np.where(alive, volumes[day - 1] * (1 + change), 0)
        diameters[day] = sphere_diameter(volumes[day])
        chemo_probability, radio_probability = policy(day, diameters)
        chemo[day] = alive & (chemo_draw[day] < chemo_probability)
        radio[day] = alive & (radio_draw[day] < radio_probability)
        concentration = CHEMO_DECAY * concentration + CHEMO_DOSE * chemo[day]
        if day > 0:
            dies = alive & (volumes[day] > DEATH_VOLUME)
            vanish = recovery_draw[day] < _recovery_probability(volumes[day])
            recovers = alive & ~dies & vanish
            volumes[day, dies], volumes[day, recovers] = DEATH_VOLUME, 0
            last[dies | recovers] = day
            alive &= ~(dies | recovers)
    return Courses(patients.kind, volumes.T.copy(), chemo.T.copy(), radio.T.copy(), last)


def concentrations(chemo: Flags) -> Array:
    """Chemotherapy concentration in mg/m3 after each day's application; days are the last axis."""
    result = np.zeros(chemo.shape)
    now = np.zeros(chemo.shape[:-1])
    for day in range(chemo.shape[-1]):
        now = CHEMO_DECAY * now + CHEMO_DOSE * chemo[..., day]
        result[..., day] = now
    return result


def future(
    patients: Patients,
    volume: Array,
    concentration: Array,
    chemo: Flags,
    radio: Flags,
    noise: Array,
) -> Array:
    """True volumes under plans, without death or recovery.

    Parameters
    ----------
    volume : (patients, ...) on the last visit. concentration : that of the day before, mg/m3.
    chemo, radio, noise : (patients, ..., steps); step 0 is the treatment given on the last visit.

    Returns
    -------
    (patients, ..., steps) volumes, one day apart, the first a day after the last visit. As in the benchmark
    they are not cut off: a volume may pass DEATH_VOLUME, or fall below zero (and be NaN a day later).
    """
    result = np.empty(chemo.shape)
    for step in range(chemo.shape[-1]):
        concentration = CHEMO_DECAY * concentration + CHEMO_DOSE * chemo[..., step]
        change = patients.growth(volume, concentration, radio[..., step]) + noise[..., step]
        with np.errstate(invalid="ignore"):
            gone = (volume <= 0) & (volume > -_NOTHING)
            volume = np.where(gone, 0.0, volume * (1 + change))
        result[..., step] = volume
    return result


def _recovery_probability(volume: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.exp(-volume * CELL_DENSITY)


def _diameters(stage: str, count: int, random: RandomState) -> Array:
    _, mean, spread, low, high = _STAGES[stage]
    bounds = (np.log((low, high)) - mean) / spread
    cut = _cut_normal(random.uniform(size=count), *bounds)
    return np.exp(mean + spread * cut)


def _cut_normal(uniform: Array, low: float, high: float) -> Array:
    """Standard normal values between two bounds, by inversion."""
    start, end = _NORMAL.cdf(low), _NORMAL.cdf(high)
    return np.array([_NORMAL.inv_cdf(start + u * (end - start)) for u in uniform])
