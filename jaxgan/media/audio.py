"""Sounds: floats [T] or [T, channels] in [-1, 1], at a rate that the data knows."""

import dataclasses
import io
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from jaxgan.media.base import Medium

WIDTH, HEIGHT = 192, 48
"""Pixels of the waveform, and of the spectrogram below it."""
WINDOW = 256
"""Samples of a column of the spectrogram."""
RANGE = 60.0
"""Decibels between white and black."""


@dataclasses.dataclass(frozen=True)
class Audio(Medium):
    """A sound [samples], or [samples, 1 or 2].

    >>> Audio(rate=8000).still(np.sin(np.arange(4000) / 4)).size
    (192, 98)
    """

    one, many = "sound", "sounds"
    suffixes = (".wav", ".npy")
    plays = ".wav"
    shown = 16

    rate: int = 16_000
    """Samples a second."""

    def check(self, shape, dtype):
        if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] not in (1, 2)) or np.dtype(dtype).kind != "f":
            self.refuse(shape, dtype, "floats [samples] or [samples, 1 or 2]")

    def numbers(self, examples):
        """How loud each of 32 bands is in each of 16 parts, in decibels from -100 on, as parts of 100 above it.

        As waves a sound and the same a moment later are far apart, and silence is the nearest to all.
        """
        return np.stack([loudness(np.asarray(x, np.float32).reshape(len(x), -1).mean(1)) for x in examples])

    def still(self, x):
        """The waveform, from -1 to 1, above the spectrogram: time to the right, frequency up, black is loud."""
        mono = np.asarray(x, np.float32).reshape(len(x), -1).mean(1)
        waves = np.full((HEIGHT, WIDTH), 255, np.uint8)
        for column, part in enumerate(np.array_split(mono, WIDTH) if len(mono) >= WIDTH else mono[:, None]):
            low, high = (np.clip([part.min(), part.max()], -1, 1) + 1) / 2 * (HEIGHT - 1)
            waves[HEIGHT - 1 - round(float(high)) : HEIGHT - round(float(low)), column] = 40
        gap = np.full((2, WIDTH), 255, np.uint8)
        return Image.fromarray(np.concatenate([waves, gap, spectrogram(mono)]))

    def encode(self, x, suffix):
        """16 bits; louder than 1 is cut."""
        return super().encode(x, suffix) if suffix != ".wav" else wav(x, self.rate)

    def decode(self, path):
        if path.suffix.lower() != ".wav":
            return super().decode(path)
        samples, rate = read_wav(path)
        if rate != self.rate:
            raise ValueError(f"it has {rate} samples a second, and the data {self.rate}")
        return samples


PARTS, BANDS = 16, 32
"""Of time and of frequency, for `Audio.numbers`."""


def loudness(mono: np.ndarray) -> np.ndarray:
    """The level of each band in each part of a sound [T]: float32 [PARTS * BANDS], 0 at -100 decibels and below, 1 at full
    scale.

    >>> loudness(np.zeros(4000)).max(), loudness(np.ones(4000)).shape
    (np.float32(0.0), (512,))
    """
    hops = np.linspace(0, max(len(mono) - WINDOW, 0), 4 * PARTS).astype(int)
    frames = np.stack([np.pad(mono[s : s + WINDOW], (0, max(0, WINDOW - len(mono)))) for s in hops])
    # A sine of amplitude 1 has a peak of a quarter of the window's length under a Hann window.
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW)))[:, : WINDOW // 2] / (WINDOW / 4))
    parts = power.reshape(PARTS, 4, BANDS, -1).mean((1, 3))
    return np.float32(np.clip(10 * np.log10(parts + 1e-10) / 100 + 1, 0, None)).ravel()


def spectrogram(mono: np.ndarray) -> np.ndarray:
    """Magnitudes of a sound [T] in decibels below its loudest, uint8 [HEIGHT, WIDTH], 0 the loudest."""
    starts = np.linspace(0, max(len(mono) - WINDOW, 0), WIDTH).astype(int)
    frames = np.stack([np.pad(mono[s : s + WINDOW], (0, max(0, WINDOW - len(mono)))) for s in starts])
    loudness = 20 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(WINDOW)))[:, : WINDOW // 2] + 1e-5)
    shades = np.uint8(np.clip((loudness.max() - loudness) / RANGE, 0, 1) * 255).T[::-1]
    return np.asarray(Image.fromarray(shades).resize((WIDTH, HEIGHT)))


def wav(x: np.ndarray, rate: int) -> bytes:
    """The content of a WAV file of 16 bits of a sound [T] or [T, channels] in [-1, 1]."""
    whole = np.round(np.clip(np.asarray(x, np.float32), -1, 1) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((whole.reshape(len(whole), -1).shape[1], 2, rate, 0, "NONE", ""))
        out.writeframes(whole.tobytes())
    return file.getvalue()


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """The sound float32 [T], or [T, channels] of several, in [-1, 1] of a WAV file (PCM), and its rate.

    Raises:
        ValueError: it is none.
    """
    try:
        with wave.open(str(path)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is no WAV file of plain samples ({error})") from None
    raw = np.frombuffer(content[: len(content) // width * width], np.uint8).reshape(-1, width)
    if width == 1:
        samples = (raw[:, 0].astype(np.float32) - 128) / 128
    else:  # little-endian, to the upper bytes of 32 bits
        filled = np.concatenate([np.zeros((len(raw), 4 - width), np.uint8), raw], 1)
        samples = np.ascontiguousarray(filled).view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    return (samples.reshape(-1, channels) if channels > 1 else samples), rate
