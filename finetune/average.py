"""`python -m consilium.finetune.average FIRST SECOND --out FOLDER`: the mean of two adapters.

Where the second was trained on from the first, the mean of their weights is often better than either (model soups,
Wortsman et al. 2022, arXiv 2203.05482), and costs nothing when used.
"""

import argparse
import json
import shutil
from hashlib import sha256
from pathlib import Path

from safetensors.torch import load_file, save_file

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.adapter import read_card

_WEIGHTS = "adapter_model.safetensors"


def average(first: Path, second: Path, out: Path) -> None:
    """Write the mean of two adapters' weights to `out`; its card is the second's, with the hashes of both.

    The matrices A and B are averaged each for itself, which is near the mean of their products only for adapters of
    one origin.

    Raises
    ------
    ConsiliumError
        If the adapters have another base, other sizes, or do not come from one another.
    """
    cards = [read_card(folder) for folder in (first, second)]
    card = json.loads((second / "card.json").read_text(encoding="utf-8"))
    if card["continued_from"] != cards[0].weights_sha256:
        raise ConsiliumError(f"The adapter {second} was not trained on from {first}.")
    one, other = (load_file(folder / _WEIGHTS) for folder in (first, second))
    sizes = [{name: weight.shape for name, weight in each.items()} for each in (one, other)]
    if cards[0].base != cards[1].base or sizes[0] != sizes[1]:
        raise ConsiliumError(f"The adapters {first} and {second} do not have the same weights.")
    out.mkdir(parents=True, exist_ok=True)
    mean = {
        name: ((weight.float() + other[name].float()) / 2).to(weight.dtype)
        for name, weight in one.items()
    }
    save_file(mean, out / _WEIGHTS, metadata={"format": "pt"})
    shutil.copyfile(second / "adapter_config.json", out / "adapter_config.json")
    card |= {
        "mean_of": [each.weights_sha256 for each in cards],
        "weights_sha256": sha256((out / _WEIGHTS).read_bytes()).hexdigest(),
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Average the adapters that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    average(options.first, options.second, options.out)


if __name__ == "__main__":
    main()
