"""From a file of molecules to a shipped generator: pieces, codes, decoder, adversaries, weights, card.

`consilium train molecules CONFIG --train FILE --run DIR`. The run can be stopped and started again;
the loops themselves are in `fit_decoder` and `fit_gan`. What the molecules are worth is
measured apart (`consilium eval molecules`), from the files as shipped.
"""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import torch
import yaml
from pydantic import ValidationError

from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import VOCABULARY_FILE, WEIGHTS, Card, TrainConfig
from consilium.tools.molecules.data import prepare, sha256
from consilium.tools.molecules.fit_decoder import fit_decoder, measure, split
from consilium.tools.molecules.fit_gan import fit_gan
from consilium.tools.molecules.generator import save_weights

_NAME, _VERSION = "Consilium molecule GAN", "0.3"
_LEAST = 100  # molecules
_DESCRIPTION = (
    "A GAN makes codes of molecules (what they hold and how they are put together); a "
    "recurrent decoder writes them as SMILES. What RDKit cannot read is written anew, so that each "
    "sample is a valid molecule."
)
_INTENDED_USE = (
    "Research on tool-using assistants: ideas for molecules in silico. No molecule was made or "
    "tested; nothing here says that one can be made, works or is safe."
)
_LIMITS = [
    "Learned from ZINC's clean leads as in MOSES (250 to 350 Da, no charges, no stereochemistry; C, "
    "N, O, S, F, Cl, Br only): it knows nothing of salts, peptides, metals or large molecules.",
    "Valid means that the valences are right; it does not mean that a molecule is stable or can be "
    "made.",
    "The figures compare distributions with MOSES; they say nothing about activity.",
]


def train(config_path: Path, train_file: Path, run: Path, weights: Path = WEIGHTS) -> Card:
    """Train as configured and write weights, vocabulary and card into `weights`.

    Parameters
    ----------
    train_file : molecules to learn from, see `data.read_smiles`.
    run : folder of the run; an interrupted run goes on from there.

    Raises
    ------
    ToolError
        If the configuration or the file cannot be used.
    """
    config = read_config(config_path)
    latent = config.network.latent
    training = prepare(train_file, run, config.pieces, latent, config.learn_from, config.seed)
    learned, held_out = split(len(training.pieces), config.seed)
    if min(len(learned), config.gan.codes) < _LEAST:
        raise ToolError(f"Too few molecules to learn from: at least {_LEAST} are needed.")
    decoder = fit_decoder(config.network, config.decoder, training, config.seed, run)
    codes = torch.from_numpy(training.codes[learned[: config.gan.codes]].astype(np.float32))
    origin = hashlib.sha256(training.coder.directions.tobytes()).hexdigest()
    generator = fit_gan(config.adversaries, config.gan, codes, origin, config.seed, run)
    weights_sha256 = save_weights(generator, decoder, training.coder, weights)
    training.vocabulary.save(weights / VOCABULARY_FILE)
    card = Card(
        name=_NAME,
        version=_VERSION,
        date=date.today().isoformat(),
        description=_DESCRIPTION,
        intended_use=_INTENDED_USE,
        limits=_LIMITS,
        data_source="MOSES (Polykovskiy et al. 2020, Front. Pharmacol. 11:565644), from ZINC",
        data_licence="MIT (molsets)",
        data_sha256=sha256(train_file),
        data_molecules=len(training.pieces),
        command=f"consilium train molecules configs/{config_path.name} --train FILE --run DIR",
        config=config,
        longest=training.pieces.shape[1],
        weights_sha256=weights_sha256,
        vocabulary_sha256=hashlib.sha256((weights / VOCABULARY_FILE).read_bytes()).hexdigest(),
        parameters=sum(p.numel() for part in (decoder, generator) for p in part.parameters()),
        rebuilt=measure(decoder, training, held_out)["rebuilt"],
        figures={},
    )
    card.save(weights)
    return card


def read_config(path: Path) -> TrainConfig:
    """Read one YAML.

    Raises
    ------
    ToolError
        If it cannot be read or a value is missing or wrong.
    """
    try:
        return TrainConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError:
        raise ToolError(f"The configuration {path.name} cannot be read.") from None
    except (ValidationError, yaml.YAMLError) as error:
        raise ToolError(f"The configuration {path.name} is not usable: {error}") from None
