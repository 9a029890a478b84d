"""The words of the model cards: what the weights are, what they are for, and what they cannot do."""

from typing import NamedTuple

from consilium.tools.imaging.data import Site
from consilium.tools.imaging.report import SOURCE

INTENDED_USE = (
    "Research on tool-using assistants. Not a medical device; no decision about a patient may rest "
    "on it."
)

SOURCES: dict[Site, tuple[str, str]] = {
    "kermany": (
        "Kermany, Zhang, Goldbaum (2018), Mendeley Data, doi:10.17632/rscbjbr9sj.2",
        "CC BY 4.0",
    ),
    "nih": (
        "NIH ChestX-ray14, Wang et al. (CVPR 2017), NIH Clinical Center, "
        "https://nihcc.app.box.com/v/ChestXray-NIHCC",
        "no restrictions on use; cite the paper, acknowledge the NIH Clinical Center",
    ),
    "pneumoniamnist": (
        "PneumoniaMNIST 28 px, MedMNIST v2 (Yang et al., Scientific Data 2023), derived from Kermany 2018",
        "CC BY 4.0",
    ),
}


class About(NamedTuple):
    """What one set of weights is and is not."""

    name: str
    description: str
    limits: tuple[str, ...]


ABOUT = {
    "film": About(
        SOURCE.name,
        "EfficientNet-Lite0, from ImageNet, trained on frontal chest films of children (one hospital) "
        "and adults (another) together, for pneumonia. Films are squashed to a square, stretched in "
        "contrast, and read in five slightly changed views.",
        (
            "Mostly children of one hospital: accuracy on adults is lower (see the adult figures). A "
            "model that was trained on children alone scores below chance there (AUC .43 to .47).",
            "The adult labels are text-mined and noisy, and the adult test patients are few: the "
            "intervals are wide. View and patient selection are confounded with the label (see the "
            "confounds).",
            "The probability is stated for a setting in which half of the films show pneumonia, and "
            "is calibrated for the hospital whose films the picture looks like. It holds for no "
            "other hospital.",
            "It separates pneumonia from films called normal. Other findings were hardly seen and "
            "may be called pneumonia.",
            "The children's test folder differs from their training folder: some of its normals are "
            "called pneumonia (see the parts of the test set).",
            "The heatmap tells where the network looked, not where a lesion is: on boxed pneumonias of unseen "
            "patients less of it lies in the boxes than of a fixed spot in the middle (see its figures).",
        ),
    ),
    "thumbnail": About(
        "Consilium PneumoniaMNIST reader",
        "EfficientNet-Lite0 from ImageNet, on films enlarged to 96 pixels, together with a small residual "
        "network from scratch, for the 28 pixel benchmark PneumoniaMNIST, from the same code as the film "
        "reader. It is a benchmark, and not what reads films in the chat.",
        ("28 pixels show no film that anybody should read.",),
    ),
}

# Every other model that was measured on the test films.
FINALISTS: dict[str, tuple[str, ...]] = {
    "film": (
        "0.1, 144 px, 1.3 M parameters, from scratch: Kermany test AUC .977, sensitivity .982, "
        "specificity .761; NIH test AUC .894.",
        "Not shipped, 192 px, half of the training films as they come: Kermany test AUC .968, sensitivity .980, "
        "specificity .833, calibration error .089; NIH test AUC .909 (docs/decisions/0027).",
    ),
    "thumbnail": (
        "0.2, a residual network of 0.7 M parameters from scratch: PneumoniaMNIST test AUC .984, "
        "accuracy at its operating point .910.",
    ),
}
