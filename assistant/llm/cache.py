"""A key/value cache that can be cut back to any length, which decoding with kept prompts and guesses needs."""

from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

from consilium.assistant.domain import ConsiliumError


def rewindable_cache(config: Any) -> DynamicCache:
    """An empty cache for a model of that configuration.

    A layer with a sliding window keeps every token here, as what slid out would be missing after the cut; which of
    them a token sees is decided by the model's mask either way.

    Raises
    ------
    ConsiliumError
        If the model has layers (recurrent ones, say) that keep no tokens to cut back to.
    """
    cache = DynamicCache(config=config)
    layers: list[Any] = list(cache.layers)
    cache.layers = [
        DynamicLayer()  # type: ignore[no-untyped-call]
        if type(layer) is DynamicSlidingWindowLayer
        else layer
        for layer in layers
    ]
    if any(type(layer) not in (DynamicLayer, DummyLayer) for layer in cache.layers):
        raise ConsiliumError(
            "This language model has layers other than attention to the text before, which cannot be decoded here: "
            "choose another model, or serve this one and set backend to openai."
        )
    return cache


def cut_back(cache: DynamicCache, length: int) -> None:
    """Keep the first `length` tokens."""
    for layer in cache.layers:
        if isinstance(layer, DynamicLayer):
            # each by its own length: a pass that failed may have grown some
            layer.crop(length - layer.get_seq_length())
