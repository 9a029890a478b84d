"""The specialist as the chair calls it: an attached film in, a typed result with a picture out."""

import tempfile
import threading
import uuid
from pathlib import Path

from consilium.tools.contract import Artifact, ToolContext, ToolError, ToolResult
from consilium.tools.imaging import gate, report, xrv
from consilium.tools.imaging.contract import AnalyzeScan
from consilium.tools.imaging.film import Film, Pixels
from consilium.tools.imaging.heatmap import attention, draw
from consilium.tools.imaging.intake import admit
from consilium.tools.imaging.reader import FilmReader

_loading = threading.Lock()
_loaded: list[FilmReader] = []


def analyze_scan(args: AnalyzeScan, context: ToolContext) -> ToolResult:
    """Read one attached film for pneumonia.

    The probability comes with a 95 % interval (see `Calibration.interval` for what it holds) and
    a word. The reader abstains from pictures unlike the films it learned from. What the film's own
    tags say is used as data only.

    Raises
    ------
    ToolError
        If the attachment is unknown or cannot be opened, or the weights are missing or damaged.
    """
    film, refusal, doubts = gate.check(_open(context.attachment(args.image)))
    reader = load_reader()
    warnings = [*doubts, *report.cautions(film.facts, reader.card.adult_auc)]
    if refusal:
        return report.build_result(None, facts=film.facts, warnings=warnings, reason=refusal)
    warnings += reader.doubts(film.pixels)
    reading = reader.read(film.pixels)
    if reading.outside:
        return report.build_result(None, facts=film.facts, warnings=warnings, reason=report.OUTSIDE)
    result = report.build_result(
        reading.probability,
        reading.interval,
        reading.level,
        facts=film.facts,
        population=reading.population,
        warnings=warnings,
    )
    heatmap = _heatmap(reader, film.pixels, args, context)
    return _with_second_model(result.model_copy(update={"artifacts": [heatmap]}), film.pixels)


def _with_second_model(result: ToolResult, pixels: Pixels) -> ToolResult:
    """Add what the model of the setting `CONSILIUM_XRV` finds, or why it cannot be asked."""
    path = xrv.chosen()
    if path is None:
        return result
    try:
        more = xrv.findings(xrv.load(path), pixels)
    except ToolError as refusal:
        return result.model_copy(update={"warnings": [*result.warnings, str(refusal)]})
    return result.model_copy(
        update={
            "findings": [*result.findings, *more],
            "warnings": [*result.warnings, xrv.CAUTION],
            "sources": [*result.sources, xrv.SOURCE],
        }
    )


def load_reader() -> FilmReader:
    """Load the reader once, whichever thread comes first.

    Raises
    ------
    ToolError
        If the weights are missing or not those of their card.
    """
    with _loading:
        if not _loaded:
            _loaded.append(FilmReader.load())
        return _loaded[0]


def _open(path: Path) -> Film:
    """Open an admitted film, or admit a raw file on the way."""
    if Film.is_saved(path):
        return Film.read(path)
    with tempfile.TemporaryDirectory() as folder:
        return Film.read(admit(path, Path(folder)).path)


def _heatmap(
    reader: FilmReader, pixels: Pixels, args: AnalyzeScan, context: ToolContext
) -> Artifact:
    name = f"heatmap-{uuid.uuid4().hex[:12]}"
    path = context.artifact_dir / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(pixels, attention(reader.network, pixels), path)
    title = f"{args.image}: what spoke for pneumonia (Grad-CAM)"
    return Artifact(id=name, kind="image", title=title, path=path)
