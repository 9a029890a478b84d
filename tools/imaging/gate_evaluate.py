"""How many strangers the gate turns away and how many chest films it refuses.

`python -m consilium.tools.imaging.gate_evaluate --kermany DIR --nih DIR --packages DIR [--report R.json]`
Only test patients, and only pictures of sources that the gate did not learn from.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from consilium.tools.imaging import data, gate_drawn, gate_phantoms, gate_rules, gate_sources
from consilium.tools.imaging.data import LabelledFilm, Split
from consilium.tools.imaging.gate_card import GateFigures, Share
from consilium.tools.imaging.gate_drawn import Grey, words
from consilium.tools.imaging.gate_model import WEIGHTS, Gate
from consilium.tools.imaging.gate_sources import Outside
from consilium.tools.interval import wilson

DRAWN_EACH = 25
_CHANGED = 200  # films of each site that are shown in changed states, about
_SEED = 2026


def _cropped(film: Grey, random: Generator, share: float) -> Grey:
    """Cut off a share of the height and of the width, split at random between the two sides."""
    height, width = film.shape
    y, x = (int(side * share * random.random()) for side in (height, width))
    return film[y : y + int(height * (1 - share)), x : x + int(width * (1 - share))]


def _written(film: Grey, random: Generator) -> Grey:
    picture = Image.fromarray(film)
    pen = ImageDraw.Draw(picture)
    size = max(9, len(film) // int(random.integers(14, 24)))
    for place in random.permutation([(0.02, 0.02), (0.6, 0.02), (0.02, 0.8), (0.6, 0.85)])[:3]:
        text = "\n".join(words(random, 2) for _ in range(int(random.integers(1, 4))))
        pen.text((place[0] * film.shape[1], place[1] * film.shape[0]), text, 255, font_size=size)
    return np.asarray(picture)


def _portable(film: Grey, random: Generator) -> Grey:
    """Soft, grainy, tilted, with a dark frame."""
    picture = Image.fromarray(film).filter(ImageFilter.GaussianBlur(len(film) / 200))
    tilted = picture.rotate(float(random.uniform(-8, 8)), Image.Resampling.BILINEAR, fillcolor=0)
    grain = np.asarray(tilted, np.float32) + random.normal(0, 10, film.shape)
    return np.pad(grain.clip(0, 255).astype(np.uint8), len(film) // 16)


def _shrunk(film: Grey, side: int, shown: int = 0) -> Grey:
    """As a thumbnail of so many pixels a side, which may be shown larger again."""
    picture = Image.fromarray(film).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(
        picture.resize((shown, shown), Image.Resampling.BICUBIC) if shown else picture
    )


CHANGES: dict[str, Callable[[Grey, Generator], Grey]] = {
    "as it is": lambda film, _: film,
    "turned by 90": lambda film, _: np.rot90(film, 3),
    "turned by 180": lambda film, _: np.rot90(film, 2),
    "turned by 270": lambda film, _: np.rot90(film, 1),
    "negative": lambda film, _: np.asarray(255 - film, np.uint8),
    "cropped by 10 %": lambda film, random: _cropped(film, random, 0.1),
    "cropped by 20 %": lambda film, random: _cropped(film, random, 0.2),
    "low contrast": lambda film, _: np.asarray(film // 5 + 90, np.uint8),
    "burned-in text": _written,
    "portable": _portable,
    "64 px": lambda film, _: _shrunk(film, 64),
    "40 px": lambda film, _: _shrunk(film, 40),
    "28 px, shown at 512": lambda film, _: _shrunk(film, 28, 512),
    "28 px": lambda film, _: _shrunk(film, 28),
}
_QUARTERS = {"turned by 90": 3, "turned by 180": 2, "turned by 270": 1}


def read(film: LabelledFilm) -> Grey:
    """Read a film as it is published."""
    with Image.open(film.path) as picture:
        return np.asarray(picture.convert("L"))


def films_of(kermany: Path, nih: Path, seed: int, split: Split) -> list[LabelledFilm]:
    """List the films of one split of both hospitals."""
    return [film for film in (*data.kermany(kermany), *data.nih(nih, seed)) if film.split == split]


def outsiders(packages: Path) -> list[Outside]:
    """List the out-of-scope pictures that the gate did not learn from; the drawn ones are seeded."""
    random = np.random.default_rng(_SEED)
    found = list(gate_sources.read(gate_sources.HELD_OUT, packages))
    for kind, drawings in (("drawn", gate_drawn.HELD_OUT), ("phantom", gate_phantoms.HELD_OUT)):
        for name, draw in drawings.items():
            found += [Outside(kind, name, draw(random)) for _ in range(DRAWN_EACH)]
    return found


def evaluate(gate: Gate, films: list[LabelledFilm], strangers: list[Outside]) -> GateFigures:
    """Measure the gate, rules included, on test films in every state and on strangers."""
    refused, righted = {}, {}
    for site in data.SITES:
        some = [film for film in films if film.site == site]
        for name, change in CHANGES.items():
            random = np.random.default_rng(_SEED)
            few = some if name == "as it is" else some[:: max(1, len(some) // _CHANGED)]
            pictures = [change(read(film), random) for film in few]
            out, turns, negative = _look(gate, pictures)
            refused[f"{site}, {name}"] = _share(out)
            right = (turns == _QUARTERS.get(name, 0)) & (negative == (name == "negative"))
            righted[f"{site}, {name}"] = _share(right)
    out, _, _ = _look(gate, [stranger.pixels for stranger in strangers])
    rejected = {}
    groups = [f"{stranger.kind}: {stranger.source}" for stranger in strangers]
    for group in dict.fromkeys(groups):
        rejected[group] = _share(out[[name == group for name in groups]])
    kinds = [stranger.kind for stranger in strangers]
    for kind in dict.fromkeys(kinds):
        rejected[f"all of {kind}"] = _share(out[[name == kind for name in kinds]])
    made = np.array([stranger.kind in ("drawn", "phantom") for stranger in strangers])
    for name, rows in (("all real", ~made), ("all drawn", made), ("all", made | ~made)):
        rejected[name] = _share(out[rows])
    return GateFigures(rejected=rejected, refused=refused, righted=righted)


def refused_as_they_are(gate: Gate, films: list[LabelledFilm]) -> dict[str, Share]:
    """Share of unchanged films that the gate refuses, by site."""
    sites = {site: [read(film) for film in films if film.site == site] for site in data.SITES}
    return {site: _share(_look(gate, some)[0]) for site, some in sites.items() if some}


def _look(
    gate: Gate, pictures: list[Grey]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
    """Whether each picture is refused, and how it is turned."""
    opinion = gate.look(pictures)
    by_rule = np.array([bool(gate_rules.refusal(picture, {})) for picture in pictures])
    out = by_rule | gate.refuses(opinion)
    return out, opinion.turns, opinion.negative


def _share(hits: NDArray[np.bool_]) -> Share:
    """A share with its Wilson 95 % interval."""
    n, count = len(hits), int(hits.sum())
    low, high = wilson(count, n)
    return Share(
        n=n, count=count, share=round(count / n, 4), low=round(low, 4), high=round(high, 4)
    )


def main(
    kermany: Annotated[Path, typer.Option(help="Folder of the paediatric films.")],
    nih: Annotated[Path, typer.Option(help="Folder of the adult films.")],
    packages: Annotated[Path, typer.Option(help="Folder of the packages with pictures.")],
    weights: Annotated[Path, typer.Option(help="Folder of the weights and their card.")] = WEIGHTS,
    report: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
) -> None:
    """Measure the gate again and say whether its card tells the truth."""
    gate = Gate.load(weights)
    films = films_of(kermany, nih, gate.card.config.split_seed, "test")
    figures = evaluate(gate, films, outsiders(packages))
    if report:
        report.write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for title in ("rejected", "refused", "righted"):
        typer.echo(f"{title}:")
        for name, part in getattr(figures, title).items():
            interval = f"{100 * part.low:.1f} to {100 * part.high:.1f}"
            typer.echo(f"  {name}: {100 * part.share:.1f} % ({interval}) of {part.n}")
    if figures != gate.card.figures:
        typer.echo("These figures differ from the card's.", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
