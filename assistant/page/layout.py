"""What stands where on the page. Nothing here does anything; `app` wires it to `handlers`."""

from dataclasses import dataclass

import gradio as gr

from consilium.assistant.notice import RESEARCH_USE
from consilium.assistant.page.examples import EXAMPLES
from consilium.assistant.settings import Settings

_BRAND = '<div class="brand"><h1>Consilium</h1><p>Clinical research assistant</p></div>'
_WELCOME = (
    "## What would you like to know?\n\n"
    "Ask in plain language and attach chest films as PNG, JPEG or DICOM. Specialist models do the "
    "reading; every number in an answer comes from their results or from your own words."
)


@dataclass(frozen=True)
class Parts:
    """The parts of the page that handlers read and change.

    `current` holds the id of the open conversation, empty for a new chat; it lives in the browser. A new `ticket`
    makes the page show it afresh. `download` carries an exported file to the browser.
    """

    current: gr.Textbox
    ticket: gr.Textbox
    download: gr.JSON
    new: gr.Button
    conversations: gr.Radio
    header: gr.Row
    title: gr.HTML
    rename: gr.Button
    export_json: gr.Button
    export_markdown: gr.Button
    delete: gr.Button
    rename_row: gr.Row
    new_title: gr.Textbox
    rename_save: gr.Button
    rename_cancel: gr.Button
    delete_row: gr.Row
    delete_confirm: gr.Button
    delete_cancel: gr.Button
    chat: gr.Chatbot
    box: gr.MultimodalTextbox


def lay_out(settings: Settings) -> Parts:
    """Place everything in the current `gr.Blocks`."""
    current = gr.Textbox(visible="hidden", elem_id="current")
    ticket = gr.Textbox(visible="hidden")
    download = gr.JSON(visible="hidden", elem_id="download")
    with gr.Sidebar(width=290, elem_id="sidebar"):
        gr.HTML(_BRAND, padding=False)
        new = gr.Button("New chat", variant="primary", elem_id="new")
        conversations = gr.Radio(
            [], label="Conversations", elem_id="conversations", container=False, interactive=True
        )
    with gr.Column(elem_id="main", scale=1):
        with gr.Row(visible=False, elem_id="header") as header:
            title = gr.HTML(elem_id="title", padding=False)
            rename = _small("Rename", "rename")
            export_json = _small("Export JSON", "export-json")
            export_markdown = _small("Export Markdown", "export-markdown")
            delete = _small("Delete", "delete")
        with gr.Row(visible=False, elem_classes="dialog") as rename_row:
            new_title = gr.Textbox(
                show_label=False, label="New title", container=False, max_length=200, scale=1
            )
            rename_save = _small("Save", "rename-save", "primary")
            rename_cancel = _small("Cancel", "rename-cancel")
        with gr.Row(visible=False, elem_classes="dialog") as delete_row:
            gr.HTML(
                "<p>Delete this conversation with its films and pictures? This cannot be undone.</p>",
                padding=False,
            )
            delete_confirm = _small("Delete for good", "delete-confirm", "stop")
            delete_cancel = _small("Cancel", "delete-cancel")
        chat = gr.Chatbot(
            show_label=False,
            elem_id="chat",
            height="100%",
            scale=1,
            container=False,
            layout="bubble",
            # Texts of users, models and films are shown letter by letter; our own markup is in gr.HTML parts.
            render_markdown=False,
            sanitize_html=True,
            allow_tags=False,
            latex_delimiters=[],
            buttons=["copy"],
            feedback_options=None,
            placeholder=_WELCOME,
            examples=[{"text": e.text, "display_text": e.title} for e in EXAMPLES],
        )
        box = gr.MultimodalTextbox(
            show_label=False,
            label="Message",
            elem_id="box",
            placeholder="Ask a question, or attach a chest film (PNG, JPEG, DICOM)",
            file_count="multiple",
            sources=["upload"],
            autofocus=True,
            max_lines=8,
            # A long text that is pasted stays a text: Gradio would make a file of it.
            max_plain_text_length=100 * settings.max_question_chars,
        )
        gr.HTML(f'<p id="research-use">{RESEARCH_USE}</p>', padding=False)
    return Parts(
        current=current,
        ticket=ticket,
        download=download,
        new=new,
        conversations=conversations,
        header=header,
        title=title,
        rename=rename,
        export_json=export_json,
        export_markdown=export_markdown,
        delete=delete,
        rename_row=rename_row,
        new_title=new_title,
        rename_save=rename_save,
        rename_cancel=rename_cancel,
        delete_row=delete_row,
        delete_confirm=delete_confirm,
        delete_cancel=delete_cancel,
        chat=chat,
        box=box,
    )


def _small(text: str, elem_id: str, variant: str = "secondary") -> gr.Button:
    return gr.Button(text, size="sm", elem_id=elem_id, variant=variant, scale=0, min_width=0)  # type: ignore[arg-type]
