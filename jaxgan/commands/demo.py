"""`jaxgan demo`: a page in the browser to play with a run."""

import dataclasses
import importlib.util

from jaxgan.commands.of_run import OfRun
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError, missing_extra


@dataclasses.dataclass(frozen=True)
class Demo(OfRun):
    """A page in the browser to play with a run: sliders and seeds, your own pictures, or a text box, as the run can."""

    host: str = "127.0.0.1"
    """The address to listen on. The default is this machine alone; with 0.0.0.0 whoever reaches it can use the page."""
    port: int = 7860
    """The port to listen on; 0 for any that is free."""
    max_upload: float = 20.0
    """MiB that an uploaded file may have."""
    max_pixels: int = 25_000_000
    """Pixels that an uploaded picture may have."""


def run(argv: list[str]) -> int:
    """Serve the page of a run until Ctrl-C."""
    arguments = parse(Demo, "jaxgan demo", argv)
    if not 0 <= arguments.port < 2**16:
        raise UserError(f"--port {arguments.port}: it must be a whole number from 0 to {2**16 - 1}")
    if not 0 < arguments.max_upload < float("inf"):
        raise UserError(f"--max-upload {arguments.max_upload}: it must be a number of MiB above 0, such as 20")
    if arguments.max_pixels < 1:
        raise UserError(f"--max-pixels {arguments.max_pixels}: it must be at least 1")
    if importlib.util.find_spec("gradio") is None:
        raise missing_extra("gradio", "demo", "jaxgan demo")
    trained = arguments.open()
    from jaxgan.demo.server import serve

    limits = {"max_upload": int(arguments.max_upload * 2**20), "max_pixels": arguments.max_pixels}
    serve(trained, arguments.host, arguments.port, **limits)
    return 0
