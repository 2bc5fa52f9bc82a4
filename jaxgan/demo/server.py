"""The page of a run, and the server that gives it out: to this machine alone by default, and nothing but the page."""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgan.demo import captions, common, latents, translation, upscaling
from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.run import Run

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST = 2**20
"""Bytes of what the page sends, but for uploads."""
ROUTES = ("config", "assets/", "static/", "svelte/", "theme.css", "favicon.ico", "manifest.json", "gradio_api/queue/",
          "gradio_api/upload", "gradio_api/file=/", "gradio_api/heartbeat/", "gradio_api/startup-events", "gradio_api/reset",
          "gradio_api/cancel", "gradio_api/info")  # fmt: skip
"""What the page asks for. Gradio answers to much more, such as to fetch any address of the internet for whoever asks."""
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'; form-action 'self'"
"""The browser is to ask no one else for anything: the page is the same without a network."""

STYLE = """
.gradio-container { width: 100% !important; max-width: 1180px !important; margin: 0 auto !important;
  overflow: clip !important; }
.head h1 { font-size: 1.5rem; margin: 0; }
.head p { margin: 0; color: var(--body-text-color-subdued); }
h2 { font-size: 1rem; margin: 0; }
.page { align-items: flex-start; }
.picture img { width: 100% !important; height: auto !important; max-height: 78vh; object-fit: contain; }
.pair { flex-wrap: nowrap; gap: 12px; }
.pair > * { min-width: 0 !important; gap: 4px; }
#message .html-container, .pair .html-container { padding: 0 !important; }
#message:not(:has(.message)) { display: none; }
.message { border-radius: 8px; padding: 10px 14px; margin: 0; overflow-wrap: anywhere; }
.message.bad { background: #fde8e8; color: #8a1c1c; }
.message.note { background: #fdf3d8; color: #6b4a00; }
.picture:not(:has(img)) .empty { min-height: 160px; height: 160px; }
.players { display: flex; flex-wrap: wrap; gap: 8px; }
.players pre { flex: 1 1 280px; white-space: pre-wrap; margin: 0; }
.seeds { align-items: flex-end; flex-wrap: nowrap; }
#new-seed { height: 42px; margin-bottom: 12px; }
footer { display: none !important; }
@media (min-height: 600px) { .pictures { position: sticky; top: 0; z-index: 100; } }
@media (max-width: 700px) {
  .pictures { order: -1; padding: 8px 0; gap: 8px; background: var(--body-background-fill); }
  .picture img { max-height: 42vh; }
}
"""


def build(run: "Run", settings: common.Settings) -> Any:
    """The page (gradio.Blocks) that suits what the system can do."""
    import gradio

    system = run.system
    if hasattr(system, "scale"):
        page = upscaling.page
    elif system.directions:
        page = translation.page
    else:
        page = captions.page if "text" in system.conditions else latents.page
    # Every ten minutes what is an hour old goes: uploads and pictures.
    with gradio.Blocks(title="jaxgan demo", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        gradio.HTML(common.title(run), elem_classes="head")
        page(run, settings, blocks)
    return blocks.queue(max_size=32, default_concurrency_limit=1)


class Guard:
    """Stands before the page's application (ASGI), and lets through what the page asks for and no more."""

    def __init__(self, app: Any, folder: Path, hosts: tuple[str, ...] | None):
        """Of uploads that lie in `folder`; for requests to one of these hosts, or, where None, to any."""
        self.app, self.folder, self.hosts = app, folder, hosts

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self.hosts is not None and _without_port(host) not in self.hosts:  # a name elsewhere that leads here
            return await _refuse(send, 400)
        origin = headers.get("origin")
        if scope["method"] == "POST" and origin is not None and origin.partition("://")[2] != host:
            return await _refuse(send, 403)  # another page, which has no business here
        path = scope["path"].lstrip("/")
        if path and not path.startswith(ROUTES):
            return await _refuse(send, 404)
        if scope["method"] == "POST" and not path.startswith("gradio_api/upload"):
            body, more = b"", True
            while more:
                part = await receive()
                body, more = body + part.get("body", b""), part.get("more_body", False)
                if len(body) > LARGEST:
                    return await _refuse(send, 413)
            if names_other_file(body, self.folder):
                return await _refuse(send, 403)
            receive = _again(body, receive)

        async def answer(part: dict) -> None:
            if part["type"] == "http.response.start":
                part["headers"] = [*part["headers"], (b"content-security-policy", POLICY.encode())]
            await send(part)

        await self.app(scope, receive, answer)


def names_other_file(body: bytes, folder: Path) -> bool:
    """Whether a request names a file that lies elsewhere than in the folder of the uploads, or is no JSON.

    Gradio would fetch one of the internet, and, mounted as it is here, read any of this machine.
    """
    try:
        waiting = [json.loads(body or b"null")]
    except (ValueError, RecursionError):
        return True
    inside = folder.resolve()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "path" in value and not _lies_in(inside, value["path"]):
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _lies_in(folder: Path, name: Any) -> bool:
    if name is None:
        return True
    if not isinstance(name, str) or "\0" in name:
        return False
    return Path(name).is_absolute() and Path(name).resolve().is_relative_to(folder)


def _without_port(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


async def _refuse(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This is not part of the page."})


def _again(body: bytes, receive: Any) -> Any:
    """`receive` with the body that was read from it."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_part() -> dict:
        return parts.pop() if parts else await receive()

    return next_part


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UserError: it cannot.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except socket.gaierror as error:
        raise UserError(f"--host {host}: there is no such address; 127.0.0.1 is this machine alone") from error
    except OSError as error:
        raise UserError(f"cannot listen on {host}, port {port} ({error.strerror}): give another --port") from error
    return listening


def serve(run: "Run", host: str, port: int, **settings: Any) -> None:
    """Gives out the page of a run until Ctrl-C; its files are in a temporary folder that goes with it.

    Args:
        run: what to show.
        host: the address to listen on.
        port: 0 for a free one.
        settings: of `common.Settings`, without the folder.

    Raises:
        UserError: it cannot listen there.
    """
    listening = bind(host, port)
    with contextlib.closing(listening), tempfile.TemporaryDirectory(prefix="jaxgan-demo-") as folder:
        # Read when gradio is imported.
        os.environ.update(
            GRADIO_ANALYTICS_ENABLED="False", GRADIO_RUN_HISTORY="False", GRADIO_TEMP_DIR=f"{folder}/gradio"
        )
        import gradio
        import uvicorn
        from fastapi import FastAPI

        made = common.Settings(folder=Path(folder, "pictures"), **settings)
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        plain = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
        page = build(run, made)
        page.has_launched = True  # without it Gradio takes any file of the disk for the page's own
        gradio.mount_gradio_app(
            app,
            page,
            path="/",
            max_file_size=made.max_upload,
            theme=plain,
            css=STYLE,
            footer_links=[],
            ssr_mode=False,
            mcp_server=False,
            show_error=False,
        )
        hosts = (*LOOPBACK, host) if host in LOOPBACK or host.startswith("127.") else None
        app.add_middleware(Guard, folder=Path(folder, "gradio"), hosts=hosts)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        # Of connections that are cut off at the end nobody needs to hear.
        logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder is removed then, too
        number = listening.getsockname()[1]
        if hosts is None:
            print(f"listening on {host}: whoever reaches this machine can use the page, there is no password")
        name = f"[{host}]" if ":" in host else host
        print(f"step {run.step} on http://{name}:{number} (Ctrl-C ends it)", flush=True)
        server.run(sockets=[listening])
