"""Files that a browser shows or plays, in a page or in TensorBoard: by their suffix, so that neither knows a medium."""

import base64
import html
import io
import wave
from typing import Any

from PIL import Image

KINDS = {".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".wav": "audio/wav", ".mp4": "video/mp4",
         ".txt": "text/plain"}  # fmt: skip
"""What can be shown, with its media type."""


def element(content: bytes, suffix: str, name: str = "") -> str:
    """The content of a file as HTML that loads nothing and in which nothing runs; `name` is for those who cannot see it."""
    if suffix == ".txt":
        return f"<pre>{html.escape(content.decode(errors='replace'))}</pre>"
    source, said = f"data:{KINDS[suffix]};base64,{base64.b64encode(content).decode()}", html.escape(name, quote=True)
    kind = KINDS[suffix].partition("/")[0]
    if kind == "image":
        return f'<img alt="{said}" src="{source}">'
    options = "controls" if kind == "audio" else "controls loop muted"
    return f'<{kind} {options} aria-label="{said}" src="{source}"></{kind}>'


def summary(tag: str, content: bytes, suffix: str) -> Any:
    """The same for TensorBoard, a `Summary`: audio, text, or a picture, which may move."""
    from tensorboardX import summary as summaries
    from tensorboardX.proto.summary_pb2 import Summary

    if suffix == ".txt":
        # As code: what a run writes is not Markdown.
        return summaries.text(tag, "".join(f"    {line}\n" for line in content.decode(errors="replace").splitlines()))
    if suffix == ".wav":
        sound = Summary.Audio(encoded_audio_string=content, content_type="audio/wav")
        with wave.open(io.BytesIO(content)) as file:
            sound.sample_rate, sound.num_channels = file.getframerate(), file.getnchannels()
            sound.length_frames = file.getnframes()
        return Summary(value=[Summary.Value(tag=tag, audio=sound)])
    with Image.open(io.BytesIO(content)) as image:
        shown = Summary.Image(height=image.height, width=image.width, colorspace=3, encoded_image_string=content)
    return Summary(value=[Summary.Value(tag=tag, image=shown)])
