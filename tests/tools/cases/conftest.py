"""A small case base, and an embedder of bags of words that needs no model."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case, Outcome
from consilium.tools.cases.generation import ModelInfo


class WordEmbedder:
    """Unit vectors of the words in a text; counts what it was asked for."""

    def __init__(self, dimension: int = 32):
        self.info = ModelInfo(name="words", sha256=f"{dimension:064d}", dimension=dimension)
        self.embedded: list[str] = []

    def reads_all(self, text):
        return len(text.split()) < 1000

    def embed(self, texts):
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.info.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
                vectors[row] += np.random.default_rng(seed).normal(size=self.info.dimension)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def make_cases():
    def make(count: int, start: int = 0) -> list[Case]:
        return [
            Case(
                id=f"c-{number:04d}",
                text=f"Patient {number} with disease {number % 7} and fever number {number}",
                age=20 + number % 70,
                sex="female" if number % 2 else "male",
                diagnoses=(f"disease {number % 7}",),
                outcome=Outcome(
                    text="Went home.",
                    died_in_hospital=number % 5 == 0,
                    died=number % 3 == 0,
                    followup_days=number,
                ),
                year=1990 + number % 20,
                source="first" if number < 50 else "second",
            )
            for number in range(start, start + count)
        ]

    return make


@pytest.fixture
def filled(tmp_path: Path, embedder, make_cases) -> CaseBase:
    base = CaseBase(tmp_path / "base")
    base.create(embedder.info)
    cases = make_cases(100)
    base.add(cases, embedder.embed([case.text for case in cases]))
    return base
