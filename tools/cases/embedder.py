"""Texts to unit vectors with a sentence model in a folder.

What sentence-transformers computes for such a model (a pooled last layer of length 1), without that library,
which takes longer to import than a query takes to embed.
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from consilium.tools.cases import minilm
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.index import Vectors
from consilium.tools.contract import ToolError
from consilium.tools.home import data_home
from consilium.tools.wheel import file_sha256

_WEIGHTS = "model.safetensors"
_BATCH_TOKENS = 4096
_DEFAULT_LENGTH = 256  # tokens; what lies beyond is not read
_CHARACTERS_PER_TOKEN = 50  # far more than words have: what is cut there would not be read anyway


class Embedder:
    """A sentence model, safe to share between threads.

    Parameters
    ----------
    folder : of a transformers model with safetensors weights. A sentence-transformers folder's own word
        on pooling (mean or first token) and length is followed; else the mean of 256 tokens is taken.
    info : which model it is, as case bases remember it.

    Raises
    ------
    ToolError
        If there is no such model in the folder.
    """

    def __init__(self, folder: Path, info: ModelInfo | None = None) -> None:
        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = _load(folder)
            self._length = int(
                _read_json(folder / "sentence_bert_config.json").get(
                    "max_seq_length", _DEFAULT_LENGTH
                )
            )
            pooling = _read_json(folder / "1_Pooling" / "config.json")
            self._first_token = bool(pooling.get("pooling_mode_cls_token", False))
            self.info = info or ModelInfo(
                name=folder.name,
                sha256=file_sha256(folder / _WEIGHTS),
                dimension=self._model.config.hidden_size,
                folder=str(folder.resolve()),
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ToolError(
                f"The folder {folder.name} holds no embedding model that transformers can load from"
                " safetensors: name another one."
            ) from error
        self._tokenizing = threading.Lock()  # the fast tokenizers refuse to be shared

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [n, dimension] of length 1."""
        found = np.empty((len(texts), self.info.dimension), np.float32)
        tokens = self._tokens(texts)
        for batch in _batches(tokens):
            found[batch] = self._embed([tokens[position] for position in batch])
        return found

    def reads_all(self, text: str) -> bool:
        """Whether the whole text fits; what lies beyond the model's length is not embedded."""
        return len(self._tokens([text], room=1)[0]) <= self._length

    def _tokens(self, texts: Sequence[str], room: int = 0) -> list[list[int]]:
        length = self._length + room
        if not texts:
            return []
        cut = [text[: length * _CHARACTERS_PER_TOKEN] for text in texts]
        with self._tokenizing:
            encoded = self._tokenizer(cut, truncation=True, max_length=length)
        tokens: list[list[int]] = encoded["input_ids"]
        return tokens

    def _embed(self, tokens: list[list[int]]) -> Vectors:
        width = max(map(len, tokens))
        ids = torch.full((len(tokens), width), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(tokens), width))
        for position, row in enumerate(tokens):
            ids[position, : len(row)] = torch.tensor(row)
            mask[position, : len(row)] = 1
        with torch.inference_mode():
            layer = self._model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
            mean = (layer * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            pooled = layer[:, 0] if self._first_token else mean
            vectors: Vectors = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return vectors


def load_embedder(model: ModelInfo | None = None, home: Path | None = None) -> Embedder:
    """The model that a case base was made with; the embedded default where none is named.

    Raises
    ------
    ToolError
        If the model is not here, or is another one than the base was made with.
    """
    if model is None or not model.folder:
        folder = minilm.minilm_folder(home or data_home())
        if not folder.exists():
            raise ToolError(
                "The embedding model of the case search is not here: run `consilium fetch` with a"
                " network, or copy the folder models from another machine's data folder."
            )
        minilm.verify(folder)
        embedder = Embedder(folder, minilm.INFO)
    else:
        embedder = Embedder(Path(model.folder))
    if model and embedder.info.sha256 != model.sha256:
        raise ToolError(
            f"The case base was made with another model than the {model.name} that is here now: bring"
            " back the model it was made with, or run `consilium cases rebuild`."
        )
    return embedder


def _load(folder: Path) -> Any:
    model, found = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if any("pooler" not in name for name in found["missing_keys"]):  # a pooler is not used
        raise ValueError("weights are missing, and chance would stand in for them")
    return model.eval()


def _batches(tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """Positions in batches of texts of like length, the longest first: little is padding."""
    by_length = sorted(range(len(tokens)), key=lambda position: -len(tokens[position]))
    batches: list[list[int]] = []
    for position in by_length:
        room = _BATCH_TOKENS // max(1, len(tokens[batches[-1][0]])) if batches else 0
        if batches and len(batches[-1]) < room:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
