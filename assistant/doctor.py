"""`consilium doctor`: what is installed, which model, device and weights; what is missing and how to get it."""

import platform
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from consilium import __version__
from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import Settings
from consilium.tools.contract import Run, ToolError
from consilium.tools.registry import TOOLS

_PACKAGES = (
    "torch transformers peft accelerate bitsandbytes langchain langchain-openai gradio faiss-cpu xgrammar"
    " pydicom rdkit"
).split()


class Check(NamedTuple):
    """One thing looked at; `says` is what was found, or what to do."""

    name: str
    ok: bool
    says: str


def examine(settings: Settings) -> list[Check]:
    """Look at everything a turn needs, without loading the language model."""
    return list(_checks(settings))


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check("consilium", True, f"{__version__}, Python {platform.python_version()}")
    for name in _PACKAGES:
        yield _package(name)
    yield _device(settings)
    yield _tried("data folder", lambda: _home(settings.home))
    if settings.backend == "openai":
        yield Check("language model", True, f"{settings.model} at {settings.base_url} (not asked)")
    else:
        yield _tried("language model", lambda: _model(settings))
        yield _tried("adapter", lambda: _adapter(settings))
    yield _tried("database", lambda: _database(settings))
    for spec in TOOLS.values():
        if spec.load is not None:
            yield _tried(spec.name, partial(_specialist, spec.load))
        else:
            yield Check(spec.name, True, "contract only; not installed in this version")


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (ConsiliumError, ToolError, OSError, ImportError) as error:
        return Check(name, False, str(error))


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed: run `make run`, or `pip install -e .`")


def _device(settings: Settings) -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:  # missing, or one of its libraries is
        said = str(error).partition("\n")[0]
        return Check("device", False, f"torch cannot be loaded ({said}): run `make run`")

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check("device", True, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB")
    wanted = settings.device == "cuda"
    says = f"CPU, {torch.get_num_threads()} threads"
    return Check("device", not wanted, says + ("; CUDA is set but absent" if wanted else ""))


def _home(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".writable"
    probe.touch()
    probe.unlink()
    return f"{home}, {shutil.disk_usage(home).free / 2**30:.1f} GiB free"


def _model(settings: Settings) -> str:
    from consilium.assistant.llm.weights import ensure_embedded, verify

    if settings.model:
        return _other_model(settings)
    folder = ensure_embedded(settings.home, offline=True)
    verify(folder)
    return f"embedded, {folder}, every file as written"


def _other_model(settings: Settings) -> str:
    from transformers.utils.hub import cached_file

    cached_file(settings.model, "config.json", local_files_only=not settings.allow_download)
    return settings.model


def _adapter(settings: Settings) -> str:
    from consilium.assistant.llm.adapter import chosen_adapter, read_card
    from consilium.assistant.llm.template import prompt_sha256

    adapter = chosen_adapter(settings)
    if adapter is None:
        return "none"
    card = read_card(adapter)
    if card.prompt_sha256 != prompt_sha256(TOOLS.values()):
        raise ConsiliumError(
            f"{adapter.name} was trained with another prompt or other tools: train it anew "
            "(`consilium finetune`), or set adapter to none."
        )
    return f"{adapter.name}, {card.date}, weights and prompt as on the card"


def _specialist(load: Callable[[], Run]) -> str:
    load()
    return "loads, weights as on the card"


def _database(settings: Settings) -> str:
    from consilium.assistant.store import Store

    store = Store(settings.database_url, settings.home)
    count = len(store.list_conversations())
    store.close()
    return f"{count} conversations"
