"""How a case base comes to hold cases: built from SUPPORT2, grown by a hospital's own, embedded anew."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from consilium.tools.cases.case import Case
from consilium.tools.cases.embedder import Embedder, load_embedder
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.index import Vectors
from consilium.tools.cases.interface import CaseStore, Sorted, sort_out
from consilium.tools.cases.minilm import ensure_minilm
from consilium.tools.cases.negation import matched_text
from consilium.tools.cases.shards import embed_resumably, forget
from consilium.tools.cases.snapshot import check_dimension
from consilium.tools.cases.support2 import fetch_support2
from consilium.tools.contract import ToolError


def build(store: CaseStore, home: Path) -> Sorted:
    """Bring the embedding model and the SUPPORT2 patients and add those that are not there yet.

    Takes minutes the first time; interrupted, it goes on where it was.

    Raises
    ------
    ToolError
        If something cannot be brought, or the base that is there is damaged.
    """
    embedder = embedder_for(store, home)
    patients = fetch_support2(home / "cases")
    # patients who read alike are still different patients, each with an outcome of their own
    return grow(store, embedder, patients, replace=True, deduplicate=False)


def embedder_for(store: CaseStore, home: Path, folder: Path | None = None) -> Embedder:
    """The model a base was made with, or the one in `folder`; the embedded default is brought if need be.

    Raises
    ------
    ToolError
        If the model cannot be had, or the base is damaged.
    """
    return _embedder(store.snapshot().model if store.exists else None, home, folder)


def grow(
    store: CaseStore,
    embedder: Embedder,
    cases: Sequence[Case],
    replace: bool = False,
    deduplicate: bool = True,
) -> Sorted:
    """Embed cases and add them to a base, which is made if need be.

    See `CaseStore.add` for the arguments; where there are `conflicts`, nothing is added. What an
    interrupted call embedded is not embedded again.

    Raises
    ------
    ToolError
        If the model is not the base's, the base is damaged, or another process is adding.
    """
    with _alone(store):
        before = store.snapshot() if store.exists else None
        if before is not None:
            _check_model(before.model, embedder.info)
        found = sort_out(before, cases, replace, deduplicate)
        if found.conflicts:
            return found
        chosen = [cases[position] for position in found.wanted]
        vectors = _embed(store, embedder, chosen)
        if before is None:  # only now: who searches meanwhile is told that there is no base yet
            store.create(embedder.info)
        store.add(chosen, vectors, replace, deduplicate)
        forget(_shards(store))
    return found


def rebuild(store: CaseStore, home: Path, folder: Path | None = None) -> int:
    """Embed every case anew, with the same model or the one in `folder`; how many there are.

    Ids and rows stay. It repairs a base whose index is damaged.

    Raises
    ------
    ToolError
        If there is no base, or its texts cannot be read either.
    """
    with _alone(store):
        model, rows, cases = store.stored()
        embedder = _embedder(model, home, folder)
        store.replace_vectors(rows, _embed(store, embedder, cases), embedder.info)
        forget(_shards(store))
    return len(cases)


def _check_model(there: ModelInfo, offered: ModelInfo) -> None:
    check_dimension(there, offered.dimension)
    if there.sha256 != offered.sha256:
        raise ToolError(
            f"The case base was made with another model ({there.name}) than this one: use that model, or"
            " run `consilium cases rebuild --model FOLDER` first."
        )


def _embedder(model: ModelInfo | None, home: Path, folder: Path | None) -> Embedder:
    if folder:
        return Embedder(folder)
    if model is None or not model.folder:
        ensure_minilm(home)
    return load_embedder(model, home)


def _embed(store: CaseStore, embedder: Embedder, cases: Sequence[Case]) -> Vectors:
    """Vectors of what each text affirms, without the words of what it denies."""
    texts = [matched_text(case.text) for case in cases]
    return embed_resumably(embedder, texts, _shards(store))


def _shards(store: CaseStore) -> Path:
    return store.workspace / "shards"


@contextmanager
def _alone(store: CaseStore) -> Iterator[None]:
    """Embedding takes long: who comes second is told at once instead of waiting silently."""
    store.workspace.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(store.workspace / "growth.lock", timeout=1):
            yield
    except Timeout as error:
        raise ToolError("Another command is adding cases: wait until it is done.") from error
