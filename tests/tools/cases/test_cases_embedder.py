"""Embedding with a tiny real model, and with the shipped default where it has been fetched."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from consilium.tools.cases import minilm
from consilium.tools.cases.embedder import Embedder, load_embedder
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.contract import ToolError
from consilium.tools.home import data_home

WORDS = "[PAD] [CLS] [SEP] [UNK] chest pain fever cough heart failure no in a man woman".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        unk_token="[UNK]",
    ).save_pretrained(folder)  # fmt: skip
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12}))
    return folder


@pytest.fixture(scope="module")
def tiny(folder) -> Embedder:
    return Embedder(folder)


def test_vectors_have_length_one(tiny):
    vectors = tiny.embed(["chest pain", "", "fever " * 50])
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert tiny.embed([]).shape == (0, 16)


def test_a_batch_gives_what_each_text_gives_alone(tiny):
    texts = [f"{'fever ' * (n % 9)}chest pain" for n in range(40)]
    alone = np.concatenate([tiny.embed([text]) for text in texts])
    assert np.allclose(tiny.embed(texts), alone, atol=1e-5)


def test_the_mean_leaves_out_padding_and_keeps_all_tokens(tiny, folder):
    tokens = [1, 4, 5, 2]
    model = BertModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        layer = model(input_ids=torch.tensor([tokens])).last_hidden_state[0]
    mean = torch.nn.functional.normalize(layer.mean(0), dim=0).numpy()
    vectors = tiny.embed(["chest pain", "a man in heart failure"])
    assert np.allclose(vectors[0], mean, atol=1e-5)


def test_the_folders_own_word_on_pooling_is_followed(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')
    assert not np.allclose(Embedder(tmp_path).embed(["fever"]), Embedder(folder).embed(["fever"]))


def test_what_is_beyond_the_length_is_not_read(tiny):
    long = "fever " * 10 + "cough " * 5
    assert tiny.reads_all("fever " * 10)
    assert not tiny.reads_all(long)
    assert np.allclose(tiny.embed([long]), tiny.embed(["fever " * 10]), atol=1e-5)


def test_many_threads_share_it(tiny):
    texts = ["fever", "chest pain in a man"]
    expected = tiny.embed(texts)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: tiny.embed(texts), range(60)):
            assert np.allclose(found, expected, atol=1e-5)


def test_another_model_than_the_bases_is_refused(tiny, folder):
    assert load_embedder(tiny.info).info == tiny.info
    with pytest.raises(ToolError, match="another model"):
        load_embedder(tiny.info.model_copy(update={"sha256": "0" * 64}))


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(ToolError, match="no embedding model"):
        Embedder(tmp_path)
    with pytest.raises(ToolError, match="no embedding model"):
        load_embedder(
            ModelInfo(name="gone", sha256="0", dimension=3, folder=str(tmp_path / "gone"))
        )


def test_damaged_weights_are_said(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(ToolError, match="no embedding model"):
        Embedder(tmp_path)


def test_weights_of_another_kind_of_model_are_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    save_file({"something.else": torch.zeros(3)}, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ToolError, match="no embedding model"):
        Embedder(tmp_path)


def test_the_default_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ToolError, match="consilium fetch"):
        load_embedder(None, tmp_path)


def test_the_default_that_is_damaged_says_what_to_do(tmp_path):
    minilm.minilm_folder(tmp_path).mkdir(parents=True)
    with pytest.raises(ToolError, match=r"damaged.*consilium fetch"):
        load_embedder(None, tmp_path)


@pytest.mark.skipif(
    not minilm.minilm_folder(data_home()).exists(),
    reason="all-MiniLM-L6-v2 is not in the data folder (consilium fetch)",
)
def test_the_default_knows_what_words_mean():
    embedder = load_embedder()
    assert embedder.info == minilm.INFO
    query, near, far = embedder.embed(
        ["myocardial infarction", "heart attack with chest pain", "fracture of the left wrist"]
    )
    assert query @ near > query @ far + 0.2
