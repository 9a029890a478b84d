"""A person at the chat page: what they can do and see, through a real Chromium."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
T = TypeVar("T")
_INPUT = "#box textarea"


def missing() -> str:
    """Why no browser can be driven here; empty where one can."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt-get install chromium chromium-driver)"
    return ""


@contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator[webdriver.Chrome]:
    """A Chromium of its own, with an empty profile whose `downloads` folder takes what is saved."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*_FLAGS, f"--window-size={width},{height}", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        downloads = Path(profile) / "downloads"
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        driver.downloads = downloads  # type: ignore[attr-defined]
        try:
            yield driver
        finally:
            driver.quit()


class ChatPage:
    """The page at `url` in `driver`."""

    def __init__(self, driver: webdriver.Chrome, url: str, patience: float = 60) -> None:
        self.driver = driver
        self.patience = patience
        driver.get(url)
        self.wait(lambda: self.find(_INPUT), "the message box")

    def wait(self, condition: Callable[[], T], what: str, seconds: float | None = None) -> T:
        """The first true value of `condition`; the page may redraw itself in between."""
        end = time.monotonic() + (seconds or self.patience)
        while True:
            try:
                if value := condition():
                    return value
            except (StaleElementReferenceException, WebDriverException):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}; the page says: {self.text}")
            time.sleep(0.1)

    def all(self, css: str) -> list[WebElement]:
        """Elements in sight."""
        return [e for e in self.driver.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()]

    def find(self, css: str) -> WebElement | None:
        """The first element in sight."""
        return next(iter(self.all(css)), None)

    def see(self, text: str, css: str = "body", seconds: float | None = None) -> None:
        """Wait until a text is in sight."""
        self.wait(lambda: any(text in e.text for e in self.all(css)), f"“{text}” in {css}", seconds)

    def click(self, css: str) -> None:
        """Click the first element in sight."""

        def clicked() -> bool:
            element = self.find(css)
            if element is None:
                return False
            element.click()
            return True

        self.wait(clicked, f"{css} to click")

    def click_text(self, text: str, css: str) -> None:
        """Click the element in sight that says `text`."""

        def clicked() -> bool:
            for element in self.all(css):
                if text in element.text:
                    element.click()
                    return True
            return False

        self.wait(clicked, f"“{text}” to click")

    def attach(self, files: Sequence[Path]) -> None:
        """Attach files to the message that is being written."""
        before = len(self.all("#box .thumbnail-item"))
        upload = self.driver.find_element(By.CSS_SELECTOR, "#box input[type=file]")
        upload.send_keys("\n".join(str(file) for file in files))
        self.wait(
            lambda: len(self.all("#box .thumbnail-item")) == before + len(files), "the uploads"
        )

    def write(self, text: str) -> None:
        """Write into the message box."""
        box = self.wait(lambda: self.find(_INPUT), "the message box")
        box.send_keys(text)

    def send(self, text: str, files: Sequence[Path] = ()) -> None:
        """Attach, write and press Enter."""
        if files:
            self.attach(files)
        self.write(text)
        self.wait(lambda: self.find("#box .submit-button"), "the send button")
        self.wait(lambda: self.find(_INPUT), "the message box").send_keys(Keys.ENTER)

    def written(self) -> str:
        """What the message box holds."""
        box = self.wait(lambda: self.find(_INPUT), "the message box")
        return box.get_property("value") or ""

    @property
    def idle(self) -> bool:
        """Whether no turn is running."""
        return self.find("#box .submit-button") is not None

    @property
    def text(self) -> str:
        """Everything in sight."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def conversations(self) -> list[str]:
        """Titles in the list."""
        return [label.text for label in self.all("#conversations label")]

    def reload(self) -> None:
        """Load the page again."""
        self.driver.refresh()
        self.wait(lambda: self.find(_INPUT), "the message box")

    def downloaded(self, suffix: str) -> str:
        """The text of the file that was just saved."""
        folder: Path = self.driver.downloads  # type: ignore[attr-defined]
        file = self.wait(lambda: next(iter(folder.glob(f"*.{suffix}")), None), f"a .{suffix} file")
        return file.read_text(encoding="utf-8")

    def screenshot(self, path: Path) -> None:
        """Save what is in sight as PNG."""
        self.driver.save_screenshot(str(path))
