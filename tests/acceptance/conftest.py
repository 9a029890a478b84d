"""Fixtures of the browser tests: a Chromium with an empty profile, skipped with a reason where there is none."""

from collections.abc import Callable, Iterator

import pytest
from browser import ChatPage, chromium, missing
from selenium import webdriver


@pytest.fixture(scope="session")
def driver() -> Iterator[webdriver.Chrome]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with chromium() as driver:
        yield driver


@pytest.fixture
def open_page(driver: webdriver.Chrome) -> Callable[[str], ChatPage]:
    """Opens the chat page at a URL."""
    return lambda url: ChatPage(driver, url)
