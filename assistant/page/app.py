"""The chat page, put together: parts, handlers, and which event of the one runs which of the other."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from consilium.assistant.page.handlers import Handlers
from consilium.assistant.page.layout import Parts, lay_out
from consilium.assistant.page.running import Responder
from consilium.assistant.settings import Settings
from consilium.assistant.store import Store

# The open conversation is part of the address: a reload, a bookmark and a second window each find their own.
_READ_ADDRESS = "() => new URLSearchParams(location.search).get('chat') ?? ''"
_WRITE_ADDRESS = """(id) => {
    const address = id ? `?chat=${encodeURIComponent(id)}` : location.pathname;
    history.replaceState(null, '', address);
}"""
_SAVE_FILE = """(file) => {
    if (!file) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([file.content], {type: file.type}));
    link.download = file.name;
    link.click();
    URL.revokeObjectURL(link.href);
}"""
# On a narrow window the list covers the conversation, so it is folded away where that is what matters.
_FOLD_LIST = """() => {
    if (innerWidth < 768) document.querySelector('#sidebar.open .toggle-button')?.click();
}"""

# Watching a turn holds a worker as long as the turn lasts, so many may watch at once.
_WATCHERS = 48


def build_page(chair: Responder, store: Store, settings: Settings) -> gr.Blocks:
    """The page over a chair and a store; `launch` serves it.

    Uploads pass through `home/cache`, readable by this user only and emptied here.
    """
    cache = _private_cache(settings.home)
    page: gr.Blocks
    with gr.Blocks(
        title="Consilium",
        analytics_enabled=False,
        fill_height=True,
        fill_width=True,
        delete_cache=(3600, 24 * 3600),
    ) as page:
        parts = lay_out(settings)
        _wire(page, parts, Handlers(parts, chair, store, cache))
    page.queue(default_concurrency_limit=16)
    return page


def _private_cache(home: Path) -> Path:
    cache = (home / "cache" / "page").resolve()
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(mode=0o700, parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(cache)  # the only way to tell Gradio; its default is shared
    return cache


def _wire(page: gr.Blocks, parts: Parts, handlers: Handlers) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    everything = [
        parts.current,
        parts.conversations,
        parts.header,
        parts.title,
        parts.rename_row,
        parts.new_title,
        parts.delete_row,
        parts.chat,
        parts.box,
    ]
    # One listener shows and watches, whatever made it necessary. What shows something else stops it first, so that
    # nothing late is shown over something newer; a turn that was watched goes on.
    watching = parts.ticket.change(
        handlers.show,
        parts.current,
        everything,
        concurrency_limit=_WATCHERS,
        trigger_mode="multiple",
        **quiet,
    )
    afresh = {"cancels": watching, **quiet}
    opened = [parts.current, parts.ticket]
    page.load(None, js=_READ_ADDRESS, outputs=parts.current, **quiet).then(
        handlers.ticket, None, parts.ticket, **quiet
    )
    parts.conversations.select(handlers.open, None, opened, **afresh)
    parts.new.click(handlers.open_new, None, opened, **afresh)
    parts.delete_confirm.click(handlers.delete, parts.current, opened, **afresh)
    begun = [*opened, parts.box]
    parts.box.submit(handlers.send, [parts.box, parts.current], begun, **afresh)
    parts.chat.example_select(handlers.send_example, parts.current, begun, **afresh)
    gr.on([page.load, parts.conversations.select, parts.new.click], None, js=_FOLD_LIST, **quiet)
    parts.box.stop(handlers.stop, parts.current, None, **quiet)
    parts.current.change(None, parts.current, None, js=_WRITE_ADDRESS, **quiet)

    dialogs = [parts.rename_row, parts.delete_row]
    for button, dialog in (
        (parts.rename, parts.rename_row),
        (parts.delete, parts.delete_row),
        (parts.rename_cancel, None),
        (parts.delete_cancel, None),
    ):
        button.click(_only(dialog, dialogs), None, dialogs, **quiet)
    gr.on(
        [parts.rename_save.click, parts.new_title.submit],
        handlers.rename,
        [parts.current, parts.new_title],
        everything,
        **quiet,
    )
    for button, handler in (
        (parts.export_json, handlers.export_json),
        (parts.export_markdown, handlers.export_markdown),
    ):
        button.click(handler, parts.current, parts.download, **quiet).success(
            None, parts.download, None, js=_SAVE_FILE, **quiet
        )


def _only(opened: gr.Row | None, rows: Sequence[gr.Row]) -> Callable[[], list[gr.Row]]:
    return lambda: [gr.Row(visible=row is opened) for row in rows]
