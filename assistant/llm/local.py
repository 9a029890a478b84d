"""A causal language model of transformers, decoded greedily under a grammar, on CPU or GPU.

Three things make it quick enough for a laptop: the key/value cache of the constant prefix is computed once and
kept (and with it whatever the next prompt shares with the last one); where the grammar leaves one way on, the
forced text is appended without decoding it; and spans that repeat earlier text are proposed and verified in one
pass (prompt lookup), which changes the speed and never the text.

The prefix is computed with the adapter off where the adapter was trained on top of such a prefix (its card says so, see
`finetune.train`); after that the adapter is merged where the weights are not quantised.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import xgrammar as xgr
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DynamicCache,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm import template
from consilium.assistant.llm.adapter import read_card
from consilium.assistant.llm.cache import cut_back, rewindable_cache
from consilium.tools.contract import ToolSpec

Device = Literal["auto", "cpu", "cuda"]
Quantization = Literal["none", "nf4"]

_LOOKUP = 3  # tokens that must repeat before the text after them is proposed
_GRAMMAR_CACHE = (
    256 * 2**20
)  # bytes; nearly every turn has a grammar of its own, made of cached parts
_PROPOSED = 12  # tokens proposed at once


@dataclass
class Usage:
    """What a reply cost: seconds in prefill and decode, tokens in (and how many of them the cache held) and out."""

    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    new_tokens: int = 0
    passes: int = 0


@dataclass
class LocalModel:
    """A loaded model with its tokenizer, its constant prefix and the cache of the last prompt.

    One completion runs at a time (`complete` holds a lock); the calls of other threads wait.
    """

    name: str
    adapter: str
    adapter_sha256: str
    model: Any
    tokenizer: PreTrainedTokenizerBase
    specs: Sequence[ToolSpec]
    prefix: list[int]
    compiler: xgr.GrammarCompiler
    context_length: int
    _cache: DynamicCache = field(repr=False)
    _cached: list[int] = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def load(
        cls,
        source: str | Path,
        specs: Sequence[ToolSpec],
        *,
        adapter: Path | None = None,
        device: Device = "auto",
        quantization: Quantization = "none",
        local_files_only: bool = True,
    ) -> "LocalModel":
        """Load a model folder or hub id, its adapter, and compute the prefix of the given tools.

        Weights are float32 on CPU, bfloat16 on CUDA; "nf4" stores them in 4 bits (bitsandbytes) on either.

        Raises
        ------
        ConsiliumError
            If the model or the adapter cannot be loaded or is of a kind that cannot be decoded here, or CUDA is
            asked for and absent.
        """
        card = read_card(adapter) if adapter else None
        disable_progress_bar()  # type: ignore[no-untyped-call]
        target = _device(device)
        dtype = torch.bfloat16 if target == "cuda" else torch.float32
        config = (
            BitsAndBytesConfig(  # type: ignore[no-untyped-call]
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
            )
            if quantization == "nf4"
            else None
        )
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local_files_only)
            model = AutoModelForCausalLM.from_pretrained(
                source,
                dtype=dtype,
                quantization_config=config,
                device_map={"": target},
                local_files_only=local_files_only,
                use_safetensors=True,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ConsiliumError(
                f"The language model {source} cannot be loaded ({type(error).__name__}). "
                "Run `consilium doctor` to see what is missing."
            ) from error
        model.eval()  # type: ignore[no-untyped-call]
        text = template.render(tokenizer, [template.system_message(specs)])
        prefix: list[int] = tokenizer(text, add_special_tokens=False).input_ids
        behind = card is None or card.cached_prefix
        if adapter is not None and not behind:
            model = _with_adapter(model, adapter, merge=quantization == "none")
        cache = rewindable_cache(model.config)
        with torch.inference_mode():
            model(torch.tensor([prefix], device=model.device), past_key_values=cache)
        if adapter is not None and behind:
            model = _with_adapter(model, adapter, merge=quantization == "none")
        compiler = xgr.GrammarCompiler(
            xgr.TokenizerInfo.from_huggingface(
                tokenizer,
                vocab_size=model.config.vocab_size,
                stop_token_ids=[int(tokenizer.eos_token_id)],
            ),
            cache_limit_bytes=_GRAMMAR_CACHE,
        )
        return cls(
            name=Path(source).name if Path(source).exists() else str(source),
            adapter=adapter.name if adapter else "",
            adapter_sha256=card.weights_sha256 if card else "",
            model=model,
            tokenizer=tokenizer,
            specs=specs,
            prefix=prefix,
            compiler=compiler,
            context_length=int(model.config.max_position_embeddings),
            _cache=cache,
            _cached=list(prefix),
        )

    def tokens(self, text: str) -> list[int]:
        """Token ids of a text, special tokens taken as written."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def decide(self, chat: Sequence[int], options: Sequence[str], usage: Usage) -> dict[str, float]:
        """Probability of each word as the first of the reply, normalised over the options (which add up to 1)."""
        prompt = [*self.prefix, *chat]
        started = time.perf_counter()
        with self._lock, torch.inference_mode():
            usage.cached_tokens = self._shared_with_cache(prompt)
            self._crop(usage.cached_tokens)
            logits = self._forward(prompt, rows=1)[0]
        usage.prompt_tokens = len(prompt)
        usage.prefill_seconds += time.perf_counter() - started
        firsts = [self.tokens(option)[0] for option in options]
        chances = logits[firsts].softmax(dim=0).tolist()
        return dict(zip(options, chances, strict=True))

    def complete(
        self,
        chat: Sequence[int],
        grammar: xgr.Grammar,
        *,
        max_new_tokens: int,
        usage: Usage,
        stop: threading.Event | None = None,
    ) -> Iterator[str]:
        """Decode greedily after prefix + `chat`, yielding text as it comes; the end-of-turn mark is left out.

        Parameters
        ----------
        chat : token ids that follow the prefix.
        grammar : what may be said; see `assistant.llm.grammar`.
        max_new_tokens : the text is cut there.
        usage : what the completion cost is added to it.
        stop : when set, decoding ends at the next pass.

        Raises
        ------
        ConsiliumError
            If the prompt does not fit the model's context.
        """
        prompt = [*self.prefix, *chat]
        if len(prompt) + max_new_tokens > self.context_length:
            raise ConsiliumError(
                "This message is too long for the language model; please shorten it."
            )
        matcher = xgr.GrammarMatcher(self.compiler.compile_grammar(grammar))
        with self._lock, torch.inference_mode():
            yield from self._decode(prompt, matcher, max_new_tokens, usage, stop)

    def _decode(
        self,
        prompt: list[int],
        matcher: xgr.GrammarMatcher,
        max_new_tokens: int,
        usage: Usage,
        stop: threading.Event | None,
    ) -> Iterator[str]:
        self._crop(self._shared_with_cache(prompt))
        first = True
        ids = list(prompt)
        shown = ""
        bitmask = xgr.allocate_token_bitmask(1, self.model.config.vocab_size)
        while len(ids) - len(prompt) < max_new_tokens and not (stop and stop.is_set()):
            room = (
                max_new_tokens - (len(ids) - len(prompt)) - 1
            )  # besides the token every pass gives
            guess = self._propose(ids)[:room] if len(ids) > len(prompt) else []
            started = time.perf_counter()
            logits = self._forward([*ids, *guess], rows=len(guess) + 1)
            ended = self._accept(ids, guess, logits, matcher, bitmask)
            self._crop(self._shared_with_cache(ids))  # a guess may differ from what was forced
            seconds = time.perf_counter() - started
            if first:  # this pass computed what was left of the prompt
                usage.prefill_seconds += seconds
            else:
                usage.decode_seconds += seconds
            first = False
            usage.passes += 1
            usage.new_tokens = len(ids) - len(prompt)
            text = str(self.tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True))
            if not text.endswith("\ufffd"):  # half a character waits for its other half
                yield text[len(shown) :]
                shown = text
            if ended:
                return

    def _shared_with_cache(self, prompt: list[int]) -> int:
        """How many leading tokens of the prompt the cache holds; at least one is left to compute."""
        shared = 0
        for ours, theirs in zip(self._cached, prompt[:-1], strict=False):
            if ours != theirs:
                break
            shared += 1
        return shared

    def _crop(self, length: int) -> None:
        cut_back(self._cache, length)
        self._cached = self._cached[:length]

    def _forward(self, ids: list[int], rows: int) -> torch.Tensor:
        """Logits of the last `rows` positions, shape (rows, vocabulary), on the CPU."""
        new = torch.tensor([ids[len(self._cached) :]], device=self.model.device)
        out = self.model(new, past_key_values=self._cache, logits_to_keep=rows)
        self._cached = list(ids)
        return out.logits[0].float().cpu()  # type: ignore[no-any-return]

    def _propose(self, ids: list[int]) -> list[int]:
        """Prompt lookup (Saxena 2023): what followed the last earlier occurrence of the latest tokens."""
        tail = ids[-_LOOKUP:]
        for start in range(len(ids) - _LOOKUP - 1, len(self.prefix) - 1, -1):
            if ids[start : start + _LOOKUP] == tail:
                return ids[start + _LOOKUP : start + _LOOKUP + _PROPOSED]
        return []

    def _forced(self, matcher: xgr.GrammarMatcher) -> list[int]:
        """Take the text that the grammar forces next; its last word is left to the model.

        That word may go on: after `"arguments":{` the model has learned to say the one token `{"`, not `{` and `"`.
        """
        text = matcher.find_jump_forward_string()
        pieces = (
            self.tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text) if text else []
        )
        settled = text[: pieces[-1][1][0]] if pieces else ""
        if settled:
            matcher.accept_string(settled)
        return self.tokens(settled)

    def _accept(
        self,
        ids: list[int],
        guess: list[int],
        logits: torch.Tensor,
        matcher: xgr.GrammarMatcher,
        bitmask: torch.Tensor,
    ) -> bool:
        """Append the best allowed token per row while the guess keeps being right; True at the end of the turn."""
        for row in range(len(guess) + 1):
            matcher.fill_next_token_bitmask(bitmask)
            xgr.apply_token_bitmask_inplace(logits[row : row + 1], bitmask)
            best = int(logits[row].argmax())
            if best == self.tokenizer.eos_token_id:
                return True
            matcher.accept_token(best)
            ids.append(best)
            if forced := self._forced(matcher):
                ids += forced
                break
            if row < len(guess) and best != guess[row]:
                break
        return matcher.is_terminated()


def _device(device: Device) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ConsiliumError("No CUDA device was found; set device to cpu or auto.")
    return device


def _with_adapter(model: Any, adapter: Path, *, merge: bool) -> Any:
    from peft import PeftModel  # slow to import, and not needed without an adapter

    try:
        tuned = PeftModel.from_pretrained(model, adapter)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ConsiliumError(
            f"The adapter {adapter.name} is made for another base model; set adapter to none."
        ) from error
    return (tuned.merge_and_unload() if merge else tuned).eval()
