"""Vectors: a few numbers with names, such as an age, the strengths of muscles of a face, a style."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan.cache import expanded, is_file
from jaxgan.errors import UserError, nearest
from jaxgan.media.base import FONT, LINE, Medium

WIDTH, LABEL = 96, 72
"""Of the bars, and of the names before them, in pixels."""
MOST = 32
"""Bars; of more numbers a map is drawn."""


@dataclasses.dataclass(frozen=True)
class Vector(Medium):
    """Numbers [N], each with a name.

    >>> Vector(names=("smile", "frown")).still(np.array([0.5, -0.2])).size
    (168, 30)
    """

    one, many = "vector", "vectors"
    suffixes = (".csv", ".npy")

    names: tuple[str, ...] = ()
    """Of the numbers, in their order; () for 1, 2, 3."""
    limit: float = 1.0
    """Numbers go from -limit to limit; bars of larger ones are cut."""

    def check(self, shape, dtype):
        if len(shape) != 1 or (self.names and shape != (len(self.names),)):
            self.refuse(shape, dtype, f"[{len(self.names) or 'numbers'}]")

    def parse(self, words, shape):
        """Also by name, as smile=0.5,frown=1; those that are not named are 0."""
        if "=" not in words or is_file(expanded(words)):
            return super().parse(words, shape)
        values = np.zeros(shape, np.float32)
        for word in words.split(","):
            name, _, value = (part.strip() for part in word.partition("="))
            if name not in self.names:
                raise UserError(f'there is no "{name}"{nearest(name, self.names)} There are {", ".join(self.names)}')
            try:
                values[self.names.index(name)] = float(value)
            except ValueError:
                raise UserError(f'"{word}": give a number, such as {name}=0.5') from None
        return values

    def still(self, x):
        """A bar for each number, from the middle to the right or to the left, with its name."""
        values = np.asarray(x, np.float32).reshape(-1)
        if len(values) > MOST:
            return super().still(values)
        font, middle = ImageFont.load_default(FONT), LABEL + WIDTH // 2
        made = Image.new("L", (LABEL + WIDTH, LINE * len(values) + 2), "white")
        draw = ImageDraw.Draw(made)
        for index, value in enumerate(np.clip(values / self.limit, -1, 1)):
            top, end = 1 + index * LINE, middle + round(float(value) * (WIDTH // 2 - 1))
            draw.text((2, top), (self.names[index] if self.names else str(index + 1))[:12], fill=60, font=font)
            draw.rectangle((min(middle, end), top + 2, max(middle, end), top + LINE - 3), fill=110)
        draw.line((middle, 0, middle, made.height), fill=180)
        return made

    def encode(self, x, suffix):
        if suffix != ".csv":
            return super().encode(x, suffix)
        head = [",".join(f'"{name}"' if "," in name else name for name in self.names)] if self.names else []
        return ("\n".join([*head, ",".join(f"{value:g}" for value in np.ravel(x))]) + "\n").encode()

    def decode(self, path):
        if path.suffix.lower() != ".csv":
            return super().decode(path)
        *_, last = path.read_text(encoding="utf-8-sig").strip().splitlines() or [""]
        return np.array([float(part) for part in last.split(",")], np.float32)
