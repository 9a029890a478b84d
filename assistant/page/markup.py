"""The HTML of what a tool did. Every text that comes from a user, a model, a film or a tool is escaped here."""

import base64
import csv
import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from pathlib import Path

from consilium.assistant.domain import Attachment, Call
from consilium.assistant.findings import interval_text, value_text
from consilium.tools.contract import Artifact, Finding, Source, ToolResult

_HEADINGS = {
    "ok": "",
    "abstained": "The tool declined to answer",
    "error": "The tool could not run",
    "unavailable": "This tool is not available yet",
}
_TAG_OR_ENTITY = re.compile(r"<(?=[a-zA-Z/!?])|&(?=[a-zA-Z#])")
_SHOWN_ROWS = 100
_SHOWN_FACTS = ("view", "age", "sex")


def literal(text: str) -> str:
    """Text for a text message. Gradio makes HTML of it, even with Markdown off, so what would begin a tag or an
    entity is escaped, and nothing else: a copied "p < 0.05" stays as it was written.
    """
    return _TAG_OR_ENTITY.sub(lambda found: escape(found[0]), text)


def thumbnails(attachments: Iterable[Attachment]) -> str:
    """The admitted films of a message, small."""
    figures = "".join(
        _figure(film.preview, film.id, "image/png", _caption(film)) for film in attachments
    )
    return f'<div class="films">{figures}</div>'


def step(call: Call, pending: str = "Running") -> str:
    """What a call was given and how it ended; `pending` where it has no result."""
    arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False)
    ending = pending if call.result is None else call.result.summary
    return (
        f'<div class="step"><p>{escape(ending)}</p>'
        f"<h4>Arguments of {escape(call.name)}</h4><pre>{escape(arguments)}</pre></div>"
    )


def result(result: ToolResult) -> str:
    """Pictures, findings as a table, and what has to be known to judge them."""
    pictures = "".join(
        _figure(a.path, a.title, a.media_type, a.title)
        for a in result.artifacts
        if a.kind == "image"
    )
    files = "".join(_file(a) for a in result.artifacts if a.kind == "table")
    parts = [
        f'<div class="pictures">{pictures}</div>' if pictures else "",
        '<div class="facts">',
        _declined(result),
        _table(result.findings),
        files,
        _list("Warnings", result.warnings),
        _list("Assumed", result.assumptions),
        _list("Sources", [_source(source) for source in result.sources]),
        "</div>",
    ]
    return f'<div class="result">{"".join(parts)}</div>'


def notice(text: str, kind: str = "note") -> str:
    """A sentence of the house itself, set apart from answers; `kind` is "note" or "problem"."""
    return f'<p class="notice {escape(kind)}" role="status">{escape(text)}</p>'


def _file(artifact: Artifact) -> str:
    """A table to open by a click, where it is one of text, and the file itself to take away."""
    address = _data_address(artifact.path, artifact.media_type)
    if address is None:
        return _missing(artifact.title)
    rows = _rows(artifact.path) if artifact.media_type == "text/csv" else ""
    return (
        f'<details class="file"><summary>{escape(artifact.title)}</summary>{rows}'
        f'<a download="{escape(artifact.path.name)}" href="{address}">Save the file</a></details>'
    )


def _rows(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(islice(csv.reader(file), _SHOWN_ROWS + 1))
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    more = f"<p>The first {_SHOWN_ROWS} rows.</p>" if len(rows) > _SHOWN_ROWS else ""
    body = "".join(f"<tr>{row}</tr>" for row in cells[:_SHOWN_ROWS])
    return f'<div class="table"><table>{body}</table></div>{more}'


def _figure(path: Path, alt: str, media_type: str, caption: str) -> str:
    """A picture inside the page itself: no folder of the house has to be opened to the browser for it."""
    address = _data_address(path, media_type)
    if address is None:
        return _missing(alt)
    # The checkbox makes the picture large and small again, without a script.
    return (
        '<figure><label><input type="checkbox" aria-label="Enlarge the picture">'
        f'<img alt="{escape(alt)}" src="{address}"></label>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _data_address(path: Path, media_type: str) -> str | None:
    try:
        data = base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError:
        return None
    return f"data:{escape(media_type)};base64,{data}"


def _missing(title: str) -> str:
    return f'<p class="notice problem">“{escape(title)}” is missing on disk.</p>'


def _caption(film: Attachment) -> str:
    facts = ", ".join(f"{name} {film.facts[name]}" for name in _SHOWN_FACTS if name in film.facts)
    return f"{film.id} ({facts})" if facts else film.id


def _declined(result: ToolResult) -> str:
    heading = _HEADINGS[result.status]
    if not heading:
        return ""
    return f'<p class="declined"><b>{heading}.</b> {escape(result.reason or result.summary)}</p>'


def _table(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(finding.label)}</th>'
        f'<td class="{"words" if isinstance(finding.value, str) else "value"}">'
        f"{escape(value_text(finding))}</td>"
        f"<td>{escape(finding.unit)}</td>"
        f'<td class="interval">{escape(interval_text(finding))}</td>'
        f"<td>{_level(finding)}</td></tr>"
        for finding in findings
    )
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Finding", "Value", "Unit", "Interval", "Reads as")
    )
    return f'<div class="table"><table><tr>{head}</tr>{rows}</table></div>'


def _level(finding: Finding) -> str:
    if finding.level == "info":
        return ""
    return f'<span class="level {finding.level}">{finding.level}</span>'


def _list(name: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    lines = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<div class="about {name.lower()}"><h4>{name}</h4><ul>{lines}</ul></div>'


def _source(source: Source) -> str:
    return ", ".join(
        part for part in (f"{source.name} {source.version}".strip(), source.data) if part
    )
