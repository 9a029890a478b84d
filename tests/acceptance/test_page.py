"""The chat page in a real browser, over a chair that follows a script."""

import json
import socket
import stat
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from browser import ChatPage
from PIL import Image
from scripted_chair import ANSWER, GREETING, ScriptedChair

from consilium.assistant.domain import ConsiliumError, TurnStatus
from consilium.assistant.page import build_page, handlers, launch
from consilium.assistant.page.examples import Example
from consilium.assistant.page.running import UNEXPECTED
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store

pytestmark = pytest.mark.browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """A running page over a store, which can be closed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    def start(self) -> None:
        self.settings = Settings(home=self.home, host="127.0.0.1", port=free_port())
        self.store = Store(self.settings.database_url, self.home)
        self.store.recover()
        chair = ScriptedChair(self.store, self.home)
        self.blocks = build_page(chair, self.store, self.settings)
        self.url = launch(self.blocks, self.settings)

    def close(self) -> None:
        self.blocks.close(verbose=False)
        self.store.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("home"))
    yield house
    house.close()


@pytest.fixture
def page(house: House, open_page: Callable[[str], ChatPage]) -> ChatPage:
    return open_page(house.url)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    gradient = Image.linear_gradient("L").resize((320, 400))
    path = tmp_path / "DOE JANE.png"
    gradient.save(path)
    return path


def loaded_pictures(page: ChatPage, css: str) -> int:
    return sum(
        page.driver.execute_script("return arguments[0].naturalWidth", img) > 0
        for img in page.all(css)
    )


def test_a_film_is_read_with_step_picture_table_and_answer(
    page: ChatPage, house: House, film: Path
) -> None:
    page.send("Is there pneumonia?", [film])

    page.see(ANSWER, "#chat")
    page.wait(lambda: page.idle, "the end of the turn")
    assert page.written() == ""
    assert loaded_pictures(page, "#chat .films img") == 1
    assert loaded_pictures(page, "#chat .pictures img") == 1
    cells = [cell.text for cell in page.all("#chat .result td, #chat .result th[scope=row]")]
    assert cells[:5] == ["pneumonia", "0.87", "probability", "0.81 to 0.92", "likely"]
    for text in ("frontal view", "less certain for adults", "Kermany chest X-rays"):
        page.see(text, "#chat .result")
    page.see("Chest film reader", "#chat .thought-group")
    assert not page.all("#chat .step")
    page.click("#chat .thought-group .title")
    page.see('"image": "scan-1"', "#chat .step pre")
    assert "Is there pneumonia?" in page.conversations
    assert "DOE" not in page.text
    assert "Research use only. Not a medical device" in page.text


def test_the_upload_leaves_no_copy_behind(page: ChatPage, house: House, film: Path) -> None:
    page.send("Is there pneumonia?", [film])
    page.see(ANSWER, "#chat")
    page.wait(lambda: page.idle, "the end of the turn")
    cache = house.home / "cache" / "page"
    assert not list(cache.rglob("*.png"))
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_several_films_at_once_are_each_read(page: ChatPage, film: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.radial_gradient("L").save(other)
    page.send("Compare them", [film, other])
    page.see(ANSWER, "#chat")
    assert len(page.all("#chat .films img")) == 2
    assert len(page.all("#chat .thought-group")) == 2


def test_an_example_brings_its_own_film(page: ChatPage) -> None:
    page.click_text("sample chest film", "#chat button")
    page.see(ANSWER, "#chat")
    assert loaded_pictures(page, "#chat .films img") == 1


def test_messages_sent_in_a_row_stay_in_one_conversation(page: ChatPage, house: House) -> None:
    page.click_text("what Consilium can do", "#chat button")
    for number in range(2):
        page.wait(lambda: page.idle and GREETING in page.text, "the answer")
        page.send(f"question {number}")
        page.see(f"question {number}", "#chat")
    page.wait(lambda: page.find("#chat").text.count(GREETING) == 3, "three answers")
    assert len(house.store.get(page.driver.current_url.split("chat=")[1]).turns) == 3


def test_stop_stops_and_keeps_the_turn(page: ChatPage, house: House) -> None:
    page.send("a slow one")
    page.see("still still", "#chat")
    page.click("#box .stop-button")
    page.see("Stopped", "#chat")
    page.wait(lambda: page.idle, "the send button")
    turn = house.store.get(page.driver.current_url.split("chat=")[1]).turns[-1]
    assert turn.status is TurnStatus.STOPPED
    assert turn.answer.startswith("still")


def test_an_example_can_be_stopped(page: ChatPage, monkeypatch) -> None:
    monkeypatch.setattr(handlers, "EXAMPLES", [Example("", "a slow example")] * 3)
    page.click_text("what Consilium can do", "#chat button")
    page.see("still still", "#chat")
    page.click("#box .stop-button")
    page.see("Stopped", "#chat")
    page.wait(lambda: page.idle, "the send button")


def test_a_reload_finds_the_running_turn_again(page: ChatPage) -> None:
    page.send("a slow one, reloaded")
    page.see("still still", "#chat")
    page.reload()
    page.see("still still", "#chat")
    assert not page.idle
    page.click("#box .stop-button")
    page.see("Stopped", "#chat")


def test_another_conversation_is_not_disturbed_by_a_running_one(page: ChatPage) -> None:
    page.send("slow in the first")
    page.see("still still", "#chat")
    page.click("#new")
    page.see("What would you like to know?")
    page.send("hello in the second")
    page.see(GREETING, "#chat")
    page.wait(lambda: page.idle, "the end of the second turn")
    time.sleep(1)
    assert "still" not in page.find("#chat").text
    page.click_text("slow in the first", "#conversations label")
    page.see("still still", "#chat")
    page.click("#box .stop-button")
    page.see("Stopped", "#chat")


def test_a_second_message_waits_for_the_first(page: ChatPage) -> None:
    page.send("slow and then another")
    page.see("still still", "#chat")
    page.write("impatient\n")
    page.see("Consilium is still answering the message before")
    assert "impatient" in page.written()
    page.click("#box .stop-button")
    page.see("Stopped", "#chat")


def test_a_conversation_survives_reload_and_restart(
    house: House, open_page: Callable[[str], ChatPage], film: Path
) -> None:
    page = open_page(house.url)
    page.send("Remember this film", [film])
    page.see(ANSWER, "#chat")
    page.reload()
    page.see(ANSWER, "#chat")

    house.close()
    house.start()

    page = open_page(house.url)
    page.click_text("Remember this film", "#conversations label")
    page.see(ANSWER, "#chat")
    assert loaded_pictures(page, "#chat .pictures img") == 1
    page.send("hello again")
    page.see(GREETING, "#chat")


def test_rename_export_and_delete(page: ChatPage, house: House) -> None:
    page.send("hello, to be renamed")
    page.see(GREETING, "#chat")
    page.wait(lambda: page.idle, "the end of the turn")

    page.click("#rename")
    title = page.wait(lambda: page.find(".dialog textarea, .dialog input"), "the title box")
    title.clear()
    title.send_keys("Ward round")
    page.click("#rename-save")
    page.see("Ward round", "#title")
    page.see("Ward round", "#conversations")

    page.click("#export-json")
    exported = json.loads(page.downloaded("json"))
    assert exported["turns"][0]["answer"] == GREETING
    page.click("#export-markdown")
    assert "Ward round" in page.downloaded("md")

    page.click("#delete")
    page.see("cannot be undone", ".dialog")
    page.click("#delete-cancel")
    page.wait(lambda: not page.all(".dialog"), "the closed question")
    assert "Ward round" in page.conversations
    page.click("#delete")
    page.click("#delete-confirm")
    page.see("What would you like to know?")
    assert "Ward round" not in page.conversations
    assert "Ward round" not in [info.title for info in house.store.list_conversations()]
    assert "chat=" not in page.driver.current_url


def test_no_text_becomes_markup(page: ChatPage, film: Path) -> None:
    attack = (
        "<script>window.hacked=1</script><img src=x onerror=window.hacked=1> ${window.hacked=1} "
        "{{constructor.constructor('window.hacked=1')()}} [x](javascript:window.hacked=1) "
        "![p](http://127.0.0.1:9/leak.png) **bold**"
    )
    page.send(attack, [film])
    page.wait(lambda: page.find("#chat .result table"), "the result")
    page.wait(lambda: page.idle, "the end of the turn")
    assert page.find("#chat").text.count("<script>window.hacked=1</script>") == 3
    page.reload()
    page.wait(lambda: page.find("#chat .result table"), "the result again")
    page.click("#rename")
    assert page.driver.execute_script("return window.hacked") is None
    assert not page.driver.find_elements(
        "css selector", "#chat img[src='x'], #chat a, #chat script"
    )
    assert "${window.hacked=1}" in page.find("#chat").text


def test_a_refused_message_goes_back_into_the_box(page: ChatPage, house: House, film: Path) -> None:
    before = len(house.store.list_conversations())
    page.send("please refuse this", [film])
    page.see("This message is refused: say something else.", "#chat")
    page.wait(lambda: page.written() == "please refuse this", "the message in the box")
    assert len(page.all("#box .thumbnail-item")) == 1
    assert len(house.store.list_conversations()) == before
    page.find("#box textarea").clear()
    page.send("now accepted")
    page.see(ANSWER, "#chat")


def test_a_file_that_is_no_film_is_refused_by_position(
    page: ChatPage, film: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter of Jane Doe.png"
    letter.write_text("not a picture")
    page.send("Read both", [film, letter])
    page.see("File 2:", "#chat")
    page.wait(lambda: page.written() == "Read both", "the message in the box")
    assert "Jane Doe" not in page.find("#chat").text


def test_an_inner_failure_is_a_plain_sentence(page: ChatPage) -> None:
    page.send("break please")
    page.see(UNEXPECTED, "#chat")
    assert "a secret" not in page.text
    page.wait(lambda: page.idle, "the send button")


def test_an_address_of_a_deleted_conversation_says_so(
    house: House, open_page: Callable[[str], ChatPage]
) -> None:
    page = open_page(f"{house.url}?chat=gone")
    page.see("There is no such conversation", "#chat")


def test_a_message_to_a_conversation_deleted_elsewhere_is_not_lost(
    page: ChatPage, house: House
) -> None:
    page.send("hello, soon deleted")
    page.see(GREETING, "#chat")
    page.wait(lambda: page.idle, "the end of the turn")
    house.store.delete(page.driver.current_url.split("chat=")[1])
    page.send("a long question")
    page.see("deleted in another window")
    page.wait(lambda: "chat=" not in page.driver.current_url, "the way out of the conversation")
    assert page.written() == "a long question"
    page.send("")
    page.see(GREETING, "#chat")
    assert "a long question" in page.conversations


def test_a_narrow_window_needs_no_sideways_scrolling(
    page: ChatPage, house: House, film: Path
) -> None:
    page.driver.set_window_size(500, 800)
    try:
        page.reload()
        page.send("On a telephone", [film])
        page.see(ANSWER, "#chat")
        width, inner = page.driver.execute_script(
            "return [document.documentElement.scrollWidth, innerWidth]"
        )
        assert width <= inner
        assert page.find("#box textarea").is_displayed()
        page.see("Research use only")
    finally:
        page.driver.set_window_size(1280, 900)


def test_nothing_is_loaded_from_elsewhere(page: ChatPage) -> None:
    foreign = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        ".filter(name => !name.startsWith(location.origin) && !/^(data|blob):/.test(name))"
    )
    assert foreign == []


def test_neither_files_of_the_house_nor_an_api_are_open(page: ChatPage, house: House) -> None:
    for path in ("/etc/passwd", house.home / "consilium.sqlite"):
        with pytest.raises(HTTPError, match=r"40[34]"):
            urllib.request.urlopen(f"{house.url}gradio_api/file={path}")
    with urllib.request.urlopen(f"{house.url}gradio_api/info") as answer:
        assert json.load(answer)["named_endpoints"] == {}


def test_a_port_in_use_is_a_sentence(house: House) -> None:
    with pytest.raises(ConsiliumError, match=rf"Port {house.settings.port} .*--port"):
        launch(house.blocks, house.settings)
