"""What reading films costs: `python benchmarks/imaging.py [--rounds N] [--threads N]`.

Milliseconds per film of each step, at batches of 1 and 32, films per second in training, memory; beside
a plain torch loop of the same networks and torchxrayvision's DenseNet-121, in the same run. The networks
are those of the shipped recipe with random weights: their values do not change the time.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from consilium.assistant.sample import SAMPLE_FILM
from consilium.tools.contract import ToolError
from consilium.tools.imaging.data import FilmSet, LabelledFilm
from consilium.tools.imaging.ensemble import Ensemble
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.fit import FitConfig, fit
from consilium.tools.imaging.gate_model import Gate
from consilium.tools.imaging.heatmap import attend
from consilium.tools.imaging.intake import Door
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.preprocess import prepare, to_input
from consilium.tools.imaging.reader import FilmReader, score
from consilium.tools.imaging.recipe import read_recipe
from consilium.tools.imaging.xrv_network import XrvDenseNet

_RECIPE = Path(__file__).parent.parent / "tools/imaging/configs/film.yaml"
_TRAINED, _BATCH, _SIDE = 256, 32, 224  # films of the training measured; batch; DenseNet's input


def milliseconds(work: Callable[[], object], films: int, rounds: int) -> tuple[float, float, float]:
    """Median, least and most milliseconds per film; the first round does not count."""
    taken = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000 / films)
    return statistics.median(taken[1:]), min(taken[1:]), max(taken[1:])


def trained(config: FitConfig, films: FilmSet) -> float:
    """Films per second of our training, augmentation, average and validation of 8 films included."""
    few = FilmSet(films.films[:8], films.pictures[:8], films.labels[:8])
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fit(config, films, few, Path(folder))
        return len(films) / (time.perf_counter() - started)


def trained_plainly(config: FitConfig, films: FilmSet) -> float:
    """Films per second of forward, backward and step alone."""
    network = FilmNet(config.network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate)
    started = time.perf_counter()
    for start in range(0, len(films), config.batch_size):
        rows = slice(start, start + config.batch_size)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.autocast):
            predicted = network(to_input(films.pictures[rows])).float()
        target = torch.as_tensor(films.labels[rows]).float()
        loss = functional.binary_cross_entropy_with_logits(predicted, target)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return len(films) / (time.perf_counter() - started)


def noise(side: int) -> FilmSet:
    """Films of noise, every other one called pneumonia."""
    pictures = np.random.default_rng(1).integers(0, 256, (_TRAINED, side, side)).astype(np.uint8)
    films = tuple(
        LabelledFilm(Path(str(i)), bool(i % 2), f"patient {i}", "kermany", "train")
        for i in range(_TRAINED)
    )
    return FilmSet(films, pictures, (np.arange(_TRAINED) % 2).astype(np.float64))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rounds = options.rounds

    def show(name: str, work: Callable[[], object], films: int = 1) -> None:
        middle, least, most = milliseconds(work, films, rounds)
        print(f"{name:<46} {middle:8.1f} ms per film  ({least:.1f} to {most:.1f})", flush=True)

    print(f"{rounds} rounds, {options.threads} thread(s)")
    recipe = read_recipe(_RECIPE)
    network = Ensemble.of(recipe.networks).eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with tempfile.TemporaryDirectory() as folder, Door() as door:
        show("open the sample DICOM (child running)", lambda: door.admit(SAMPLE_FILM, Path(folder)))
        pixels = Film.read(door.admit(SAMPLE_FILM, Path(folder)).path).pixels
    size = network.input_size
    show("prepare for the networks", lambda: prepare(pixels, size))
    picture = prepare(pixels, size)
    gate = Gate.load()
    dense = XrvDenseNet().eval()
    dense.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode():
        for batch in (1, _BATCH):
            pictures = np.stack([picture] * batch)
            plain = to_input(pictures)
            large = torch.rand(batch, 1, _SIDE, _SIDE).to(memory_format=torch.channels_last)
            steps: dict[str, Callable[[], object]] = {
                "gate": partial(gate.look, [pixels] * batch),
                "reader with its views": partial(score, network, pictures),
                "plain loop, one view": partial(network, plain),
                "DenseNet-121 at 224 px": partial(dense, large),
            }
            for name, step in steps.items():
                show(f"{name}, batch {batch}", step, batch)
    show("Grad-CAM", lambda: attend(network, picture))
    try:
        show("load the reader", FilmReader.load)
    except ToolError as refusal:
        print(refusal)
    show("load the gate", Gate.load)
    for member in recipe.members:
        config = member.model_copy(update={"epochs": 1, "imagenet": False, "repeat_nih": 1})
        films = noise(config.network.input_size)
        ours, plainly = trained(config, films), trained_plainly(config, films)
        print(
            f"training {config.network.architecture}: {ours:.1f} films/s; plain loop {plainly:.1f} "
            f"films/s; ratio {ours / plainly:.2f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
