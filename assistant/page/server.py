"""Serving the page: one process, this machine only unless told otherwise, nothing sent elsewhere."""

import errno
import os
import socket
from pathlib import Path

import gradio as gr

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import Settings

# Everything the page needs comes from this server; a text that smuggles in an address elsewhere loads nothing.
_HEAD = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\' data: blob: '
    "'unsafe-inline' 'unsafe-eval'; form-action 'self'; object-src 'none'\">"
    '<meta name="referrer" content="no-referrer">'
)


def launch(page: gr.Blocks, settings: Settings) -> str:
    """Serve the page in the background and return its address; `page.block_thread()` keeps it up.

    Raises
    ------
    ConsiliumError
        If host and port of the settings cannot be used.
    """
    require_free(settings.host, settings.port)
    _bypass_proxy(settings.host)
    _, url, _ = page.launch(
        server_name=settings.host,
        server_port=settings.port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        run_history=False,
        share=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        footer_links=[],
        allowed_paths=[],
        max_file_size=f"{settings.max_upload_mb}mb",
        max_threads=80,
        theme=_theme(),
        css_paths=Path(__file__).parent / "style.css",
        head=_HEAD,
        # Skips a self-test that gives a busy machine three seconds and then refuses to start.
        _frontend=False,
    )
    return url


def require_free(host: str, port: int) -> None:
    """Check that a page can be served there.

    Raises
    ------
    ConsiliumError
        If not; says why and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "is in use: stop the program that uses it, or"
            else:
                reason = f"cannot be used ({error.strerror}):"
            raise ConsiliumError(
                f"Port {port} on {host} {reason} choose another with --port or CONSILIUM_PORT."
            ) from error


def _bypass_proxy(host: str) -> None:
    """Let Gradio's start-up call reach this very process where a proxy is set for everything else."""
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy", "")
    hosts = {*filter(None, known.split(",")), "127.0.0.1", "localhost", host}
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(sorted(hosts))


def _theme() -> gr.themes.Base:
    return gr.themes.Soft(
        primary_hue="teal",
        secondary_hue="teal",
        neutral_hue="slate",
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Consolas", "monospace"],
    )
