"""Vectors kept while a long embedding runs, so that it goes on where it was interrupted."""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from consilium.tools.cases.embedder import Embedder
from consilium.tools.cases.index import Vectors

_SHARD = 512  # texts; at most so many are embedded a second time after an interruption


def embed_resumably(embedder: Embedder, texts: Sequence[str], folder: Path) -> Vectors:
    """Vectors [n, dimension] of the texts; those that `folder` has from an earlier try are not made again.

    `folder` holds vectors under hashes, no text. Remove it with `forget` once they are stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digests = [_digest(embedder, text) for text in texts]
    done = _read(folder, embedder.info.dimension)
    # of like length next to each other, so that a shard's batches hold little padding
    missing = {
        digest: text for digest, text in zip(digests, texts, strict=True) if digest not in done
    }
    todo = sorted(missing.items(), key=lambda entry: len(entry[1]))
    with tqdm(total=len(todo), desc="embedding", unit="case", disable=len(todo) < _SHARD) as bar:
        for start in range(0, len(todo), _SHARD):
            part = todo[start : start + _SHARD]
            vectors = embedder.embed([text for _, text in part])
            keys = [digest for digest, _ in part]
            _write(folder / f"{keys[0].hex()[:16]}.npz", keys, vectors)
            done.update(zip(keys, vectors, strict=True))
            bar.update(len(part))
    found = np.empty((len(texts), embedder.info.dimension), np.float32)
    for position, digest in enumerate(digests):
        found[position] = done[digest]
    return found


def forget(folder: Path) -> None:
    """Remove what `embed_resumably` kept."""
    shutil.rmtree(folder, ignore_errors=True)


def _digest(embedder: Embedder, text: str) -> bytes:
    return hashlib.sha256(f"{embedder.info.sha256}\n{text}".encode()).digest()


def _write(path: Path, digests: Sequence[bytes], vectors: Vectors) -> None:
    keys = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, keys=keys, vectors=vectors)
    partial.replace(path)


def _read(folder: Path, dimension: int) -> dict[bytes, Vectors]:
    found: dict[bytes, Vectors] = {}
    for path in folder.glob("*.npz"):
        try:
            with np.load(path, allow_pickle=False) as shard:
                keys, vectors = shard["keys"], shard["vectors"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            path.unlink()  # cut short with the power, say: these are embedded again
            continue
        if vectors.shape == (len(keys), dimension):
            found.update((key.tobytes(), vector) for key, vector in zip(keys, vectors, strict=True))
    return found
