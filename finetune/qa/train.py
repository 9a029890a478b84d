"""Fine-tunes one adapter on questions, after a cross-validation of the recipe on the same training questions.

Interrupted runs continue when the same command is given again: finished folds are kept, an unfinished part goes on
from its last epoch.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import Dataset

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.checkpoints import last_checkpoint, resumable
from consilium.finetune.qa.batches import Questions
from consilium.finetune.qa.calibration import Calibration, fit
from consilium.finetune.qa.card import WEIGHTS, QaCard, write_json
from consilium.finetune.qa.config import QaConfig
from consilium.finetune.qa.contamination import check, texts_of_items
from consilium.finetune.qa.datasets import load
from consilium.finetune.qa.items import Item
from consilium.finetune.qa.metrics import measure
from consilium.finetune.qa.model import Loaded, load_model, name_of
from consilium.finetune.qa.trainer import QaTrainer, make_trainer
from consilium.finetune.quick import make_quick
from consilium.finetune.settings import digest


def train(config: QaConfig, base: str | Path, out: Path) -> Path:
    """Train an adapter; returns its folder, `out`/adapter.

    Raises
    ------
    ConsiliumError
        If a row of the data is broken, `out` holds another run; on a full disk or Ctrl-C, with how to go on.
    """
    items = load(config.dataset, config.data, "train")
    data = digest(map(repr, items))
    config.claim(out, base_model=name_of(base), data_sha256=data)
    started = time.monotonic()
    held_out: list[Item] = []
    logits: list[list[float]] = []
    for number, (learn, held) in enumerate(_folds(config, items)):
        folder = out / f"fold-{number}"
        held_out += held
        logits += _held_out_logits(config, base, learn, held, folder)
    loaded, trainer, cut = _run(config, base, items, None, out)
    adapter = out / "adapter"
    if trainer.is_world_process_zero():
        with resumable(trainer):
            calibration = (
                fit(torch.tensor(logits), [i.answer for i in held_out]) if logits else None
            )
            _save(loaded, adapter)
            card = QaCard(
                what=f"LoRA adapter that answers {config.dataset}; research only, no medical advice",
                base=loaded.name,
                weights_sha256=sha256((adapter / WEIGHTS).read_bytes()).hexdigest(),
                max_tokens=config.max_tokens,
                scale=calibration.scale if calibration else 1.0,
                offsets=list(calibration.offsets) if calibration else [],
                data={
                    "dataset": config.dataset,
                    "questions": len(items),
                    "sha256": data,
                    "context_cut": cut,
                },
                config=config.model_dump(mode="json", exclude={"data", "base"}),
                cross_validation=_validated(held_out, logits, calibration),
                test_contamination=_contamination(config, items),
                minutes_of_this_call=round((time.monotonic() - started) / 60, 1),
                date=time.strftime("%Y-%m-%d"),
            )
            write_json(adapter / "card.json", card.model_dump())
    trainer.accelerator.wait_for_everyone()
    return adapter


def _folds(config: QaConfig, items: Sequence[Item]) -> list[tuple[list[Item], list[Item]]]:
    if not config.folds_run:
        return []
    parts = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed)
    return [
        ([items[int(i)] for i in learn], [items[int(i)] for i in held])
        for learn, held in parts.split(items, [item.answer for item in items])
    ][: config.folds_run]


def _held_out_logits(
    config: QaConfig,
    base: str | Path,
    learn: Sequence[Item],
    held: Sequence[Item],
    folder: Path,
) -> list[list[float]]:
    """Option logits of a fold's held-out questions; kept in the folder once they are there."""
    done = folder / "held-out.json"
    if not done.exists():
        loaded, trainer, _ = _run(config, base, learn, held, folder)
        questions = Questions(loaded.tokenizer, held, config.max_tokens)
        with resumable(trainer):
            found = trainer.predict(questions).predictions
            if trainer.is_world_process_zero():
                write_json(done, torch.as_tensor(found).tolist())
        trainer.accelerator.wait_for_everyone()
    logits: list[list[float]] = json.loads(done.read_text(encoding="utf-8"))
    return logits


def _run(
    config: QaConfig,
    base: str | Path,
    learn: Sequence[Item],
    held: Sequence[Item] | None,
    folder: Path,
) -> tuple[Loaded, QaTrainer, int]:
    """A trained model, its trainer, and how many contexts were cut."""
    loaded = load_model(
        base,
        precision=config.precision,
        quantization=config.quantization,
        local_files_only=not config.allow_download,
    )
    asked = list(learn)
    if config.explanations:
        asked += [replace(item, context=item.explanation) for item in learn if item.explanation]
    questions = Questions(loaded.tokenizer, asked, config.max_tokens)
    aside: Dataset[Any] | None = (
        Questions(loaded.tokenizer, held, config.max_tokens) if held else None
    )
    torch.manual_seed(config.seed)
    tuned = _with_lora(loaded.model, config)
    folder.mkdir(parents=True, exist_ok=True)
    trainer = make_trainer(tuned, config, questions, aside, folder)
    with resumable(trainer):
        trainer.train(resume_from_checkpoint=last_checkpoint(folder / "checkpoints"))
    return Loaded(loaded.name, tuned, loaded.tokenizer), trainer, questions.cut


def _with_lora(model: Any, config: QaConfig) -> Any:
    if config.quantization == "nf4":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=config.checkpointing
        )
    elif config.checkpointing:
        model.enable_input_require_grads()
    layers = int(model.config.get_text_config().num_hidden_layers)
    kept = config.trainable_layers
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    names = {name.rsplit(".", 1)[-1] for name in linear if ".layers." in name}
    pictures = r".*(vision|multi_modal).*"  # MedGemma has an encoder for them
    tuned = get_peft_model(
        model,
        LoraConfig(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=sorted(names),
            exclude_modules=pictures if any(re.match(pictures, n) for n in linear) else None,
            layers_to_transform=list(range(layers - kept, layers)) if kept else None,
            task_type="CAUSAL_LM",
        ),
    )
    if config.quick:
        make_quick(tuned)
    return tuned


def _save(loaded: Loaded, adapter: Path) -> None:
    loaded.model.peft_config["default"].base_model_name_or_path = loaded.name  # no path of ours
    loaded.model.save_pretrained(adapter, save_embedding_layers=False)
    (adapter / "README.md").unlink(missing_ok=True)  # peft's template; the card says more


def _validated(
    held_out: Sequence[Item], logits: Sequence[Sequence[float]], calibration: Calibration | None
) -> dict[str, Any]:
    if calibration is None:
        return {}
    rows = torch.tensor(logits)
    after = calibration.probabilities(rows).argmax(dim=1).tolist()
    return {
        "as_it_answers": measure(held_out, rows.argmax(dim=1).tolist()),
        "calibrated": {**measure(held_out, after), "fitted": "on these same questions"},
    }


def _contamination(config: QaConfig, items: Sequence[Item]) -> dict[str, Any] | str:
    """Whether test questions stand in what was learned, where there is a test part beside the data."""
    try:
        test = load(config.dataset, config.data, "test")
    except ConsiliumError:
        return "no test part beside the data"
    if {item.id for item in test} == {item.id for item in items}:
        return "no test part beside the data"
    found = check(test, texts_of_items(items))
    return {key: value for key, value in found.items() if key != "ids"}
