"""Consilium: an LLM chairs, specialist models are its tools, every number has a source."""

__version__ = "0.1.0"
