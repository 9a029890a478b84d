"""The chat page: what a conversation looks like in a browser."""

from consilium.assistant.page.app import build_page
from consilium.assistant.page.server import launch

__all__ = ["build_page", "launch"]
