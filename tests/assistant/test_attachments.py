"""Uploads become attachments, all of a message or none."""

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from consilium.assistant import attachments
from consilium.assistant.attachments import AttachmentStore
from consilium.assistant.domain import ConsiliumError

CHAT = "chat-1"


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"Doe Jane {number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.linear_gradient("L").rotate(90 * number).save(path)
    return paths


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def kept(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_films_are_numbered_on_and_hashed_and_the_uploads_are_not_kept(
    home: Path, films: list[Path]
) -> None:
    store = AttachmentStore(home)
    first = store.admit(CHAT, films[:2], 1)
    second = store.admit(CHAT, films[2:], 3)

    assert [film.id for film in first + second] == ["scan-1", "scan-2", "scan-3"]
    assert second[0].sha256 == hashlib.sha256(films[2].read_bytes()).hexdigest()
    for film in first + second:
        assert film.path.is_relative_to(home / "attachments" / CHAT / film.id)
        with Image.open(film.path) as opened:
            assert opened.size == (film.width, film.height) == (256, 256)
    assert not any("Doe" in str(path) for path in kept(home))
    assert films[0].exists()


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_films_are_private(home: Path, films: list[Path]) -> None:
    AttachmentStore(home).admit(CHAT, films[:1], 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept(home)} == {0o600}
    for folder in (home / "attachments" / CHAT, home / "attachments" / CHAT / "scan-1"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_one_bad_file_refuses_all_by_its_position_and_leaves_nothing(
    home: Path, films: list[Path], tmp_path: Path
) -> None:
    letter = tmp_path / "Doe Jane letter.png"
    letter.write_text("Dear colleague")
    store = AttachmentStore(home)
    store.admit(CHAT, films[:1], 1)
    before = kept(home)

    with pytest.raises(ConsiliumError, match=r"^File 2: ") as refusal:
        store.admit(CHAT, [films[1], letter, films[2]], 2)

    assert "Doe" not in str(refusal.value)
    assert kept(home) == before
    assert not (home / "attachments" / CHAT / "scan-2").exists()


def test_too_many_files_are_refused_before_any_is_read(home: Path, films: list[Path]) -> None:
    with pytest.raises(ConsiliumError, match="11 files are attached; one message takes up to 10"):
        AttachmentStore(home).admit(CHAT, films[:1] * 11, 1)
    assert not home.exists()


def test_a_file_that_is_too_large_is_refused(home: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as stream:
        stream.truncate(1_000_001)
    with pytest.raises(ConsiliumError, match="File 1: it is larger than 1 MB"):
        AttachmentStore(home, max_megabytes=1).admit(CHAT, [large], 1)
    assert not kept(home)


def test_a_file_that_is_gone_is_a_sentence(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConsiliumError, match="File 1 could not be read or stored"):
        AttachmentStore(home).admit(CHAT, [tmp_path / "Doe Jane gone.png"], 1)


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    home: Path, films: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, folder: Path) -> NoReturn:
        (folder / "film.png").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(attachments, "admit", full)
    with pytest.raises(ConsiliumError, match="The disk is full"):
        AttachmentStore(home).admit(CHAT, films, 1)
    assert not kept(home)


def test_what_a_cut_off_message_left_is_replaced(home: Path, films: list[Path]) -> None:
    left = home / "attachments" / CHAT / "scan-1"
    left.mkdir(parents=True)
    (left / "film.png").write_bytes(b"half")
    film = AttachmentStore(home).admit(CHAT, films[:1], 1)[0]
    with Image.open(film.path) as opened:
        assert opened.size == (256, 256)
