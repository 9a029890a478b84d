"""From films to a shipped reader: fit, calibrate, measure, write weights and card.

`python -m consilium.tools.imaging.train CONFIG --kermany DIR --nih DIR --run DIR`. The run can be
stopped and started again; the loop itself is in `fit`.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import typer
import yaml

from consilium.tools.imaging import data
from consilium.tools.imaging.calibration import fit_calibration
from consilium.tools.imaging.card import WEIGHTS, Card, Collection
from consilium.tools.imaging.data import FilmSet, Split
from consilium.tools.imaging.evaluate import evaluate
from consilium.tools.imaging.fit import FitConfig, fit
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.novelty import fit_novelty
from consilium.tools.imaging.reader import FilmReader, embed, save_weights, score
from consilium.tools.imaging.report import SOURCE

_ABSTAIN_SHARE = 0.01  # of the validation films
_DESCRIPTION = (
    "A residual network with squeeze-and-excitation, trained from scratch on frontal chest films "
    "of children (one hospital) and adults (another), gives the probability of pneumonia. Films are "
    "squashed to a square, stretched in contrast, and read in nine slightly moved views."
)
_INTENDED_USE = (
    "Research on tool-using assistants. Not a medical device; no decision about a patient may rest "
    "on it."
)
_LIMITS = [
    "Mostly children of one hospital: accuracy on adults is far lower (see the adult figures). A "
    "reader trained on children alone was worse than chance there.",
    "The adult labels are text-mined and noisy, and the adult test patients are few: the intervals "
    "are wide, and view and patient selection are confounded with the label.",
    "The probability is stated for a setting in which half of the films show pneumonia, and is "
    "calibrated over both hospitals together, each counting the same: for children it is somewhat "
    "too cautious, for adults too high (see the calibration errors). That both count the same was "
    "decided on validation films, but after a first look at the test figures.",
    "At the operating point it misses few pneumonias and calls many normal films pneumonia, most "
    "of all adult ones (see the specificities).",
    "It separates pneumonia from films called normal. Other findings were hardly seen and may be "
    "called pneumonia.",
    "The children's test folder differs from their training folder: some of its normals are called "
    "pneumonia (see the parts of the test set).",
    "Abstention catches what is unlike the training films to the network, among that about one in "
    "ten adult films. It does not prove that a picture is a frontal chest film.",
    "The heatmap is coarse and was not compared with marked lesions.",
]


def train(config_path: Path, kermany: Path, nih: Path, run: Path, weights: Path = WEIGHTS) -> Card:
    """Train as configured and write the weights and their card into `weights`.

    Parameters
    ----------
    kermany, nih : folders of the two collections.
    run : folder of the run; an interrupted run goes on from there.
    """
    config = FitConfig.model_validate(yaml.safe_load(config_path.read_text(encoding="utf-8")))
    films = data.load(
        [*data.kermany(kermany), *data.nih(nih, config.seed)], config.network.input_size
    )
    learned, val, test = (films.split(name) for name in get_args(Split))
    network = _as_shipped(fit(config, learned, val, run))
    novelty = fit_novelty(embed(network, learned.pictures))
    seen = score(network, val.pictures)
    card = Card(
        name=SOURCE.name,
        version=SOURCE.version,
        date=date.today().isoformat(),
        description=_DESCRIPTION,
        intended_use=_INTENDED_USE,
        limits=_LIMITS,
        data=[
            _collection(
                films,
                "kermany",
                "Kermany, Zhang, Goldbaum (2018), Mendeley Data, doi:10.17632/rscbjbr9sj.2",
                "CC BY 4.0",
                kermany,
            ),
            _collection(
                films,
                "nih",
                "NIH ChestX-ray14, Wang et al. (CVPR 2017), NIH Clinical Center, "
                "https://nihcc.app.box.com/v/ChestXray-NIHCC",
                "no restrictions on use; cite the paper, acknowledge the NIH Clinical Center",
                nih,
            ),
        ],
        command=f"python -m consilium.tools.imaging.train configs/{config_path.name} "
        "--kermany DIR --nih DIR --run DIR",
        config=config,
        weights_sha256=save_weights(network, novelty, weights),
        parameters=sum(p.numel() for p in network.parameters()),
        calibration=fit_calibration(
            val.labels, seen.logits, val.class_weights(), val.sites, val.patients
        ),
        novelty_threshold=float(
            np.quantile(novelty.distance(embed(network, val.pictures)), 1 - _ABSTAIN_SHARE)
        ),
        figures={},
    )
    card.save(weights)
    # Measured from the files as shipped, so that the card tells of them and of nothing else.
    card = card.model_copy(update={"figures": evaluate(FilmReader.load(weights), learned, test)})
    card.save(weights)
    return card


def _as_shipped(network: FilmNet) -> FilmNet:
    """Round the weights to the half precision in which they are kept."""
    state = network.state_dict()
    network.load_state_dict(
        {n: v.half().float() if v.is_floating_point() else v for n, v in state.items()}
    )
    return network


def _collection(films: FilmSet, site: str, source: str, licence: str, folder: Path) -> Collection:
    here = films.where(lambda film: film.site == site)
    return Collection(
        name=site,
        source=source,
        licence=licence,
        labels_sha256=data.labels_sha256(folder),
        train=len(here.split("train")),
        val=len(here.split("val")),
        test=len(here.split("test")),
    )


def main(
    config: Annotated[Path, typer.Argument(help="The run's YAML.")],
    kermany: Annotated[Path, typer.Option(help="Folder of the paediatric films.")],
    nih: Annotated[Path, typer.Option(help="Folder of the adult films.")],
    run: Annotated[Path, typer.Option(help="Folder of the run, to resume from.")],
    weights: Annotated[Path, typer.Option(help="Where weights and card go.")] = WEIGHTS,
) -> None:
    """Train the film reader, or go on where a run stopped."""
    card = train(config, kermany, nih, run, weights)
    for name, figures in card.figures.items():
        typer.echo(f"{name}: AUC {figures.reader['auc'].value:.3f} (n = {figures.films})")


if __name__ == "__main__":
    typer.run(main)
