"""Music as a piano roll: floats [steps, pitches]; a note sounds while its number is above 0, and that is how loud it is."""

import dataclasses
import io
import struct

import numpy as np
from PIL import Image

from jaxgan.media.audio import wav
from jaxgan.media.base import Medium, enlarged

TICKS = 480
"""MIDI's in a quarter of a bar of four."""
RATE = 16_000
"""Samples a second of what a browser plays."""
BLACK = (1, 3, 6, 8, 10)
"""Keys of an octave from C."""
DECAY = 3.0
"""By which power of e a tone falls in a second, so that one that is repeated is heard twice."""


@dataclasses.dataclass(frozen=True)
class Note:
    """A note: its first step, how many steps it lasts, MIDI's number of its pitch (60 is middle C), velocity in (0, 1]."""

    start: int
    steps: int
    pitch: int
    velocity: float


@dataclasses.dataclass(frozen=True)
class Notes(Medium):
    """A piano roll [steps, pitches]; from -1, silent, to 1, loud, or from 0.

    >>> roll = np.zeros((8, 12)); roll[0:4, 0] = roll[4:8, 7] = 1
    >>> [(note.start, note.steps, note.pitch) for note in Notes(lowest=60).notes(roll)]
    [(0, 4, 60), (4, 4, 67)]
    """

    one, many = "piece", "pieces"
    suffixes = (".mid", ".npy")
    plays = ".wav"
    shown = 16

    lowest: int = 21
    """The pitch of the first column, as MIDI counts: 60 is middle C, 21 the lowest key of a piano."""
    steps: int = 4
    """In a quarter of a bar of four: 4 for sixteenths."""
    tempo: int = 120
    """Quarters a minute."""

    def check(self, shape, dtype):
        if len(shape) != 2 or not 0 < shape[1] <= 128 - self.lowest or np.dtype(dtype).kind != "f":
            self.refuse(shape, dtype, f"floats [steps, up to {128 - self.lowest} pitches]")

    def notes(self, x: np.ndarray) -> list[Note]:
        """What is played, by time, then by pitch. A note ends where its number falls to 0 or below, or where the piece does."""
        roll = np.asarray(x, np.float32)
        on = np.pad(roll > 0, ((1, 1), (0, 0)))
        starts, ends = np.argwhere((on[1:] & ~on[:-1]).T), np.argwhere((~on[1:] & on[:-1]).T)
        found = [
            Note(int(start), int(end - start), int(self.lowest + pitch), float(np.clip(roll[start, pitch], 0.01, 1)))
            for (pitch, start), (_, end) in zip(starts, ends, strict=True)
        ]
        return sorted(found, key=lambda note: (note.start, note.pitch))

    def still(self, x):
        """Time to the right, pitch up, black is loud; the rows of a piano's black keys are darker."""
        keys = np.where(np.isin((self.lowest + np.arange(x.shape[1])) % 12, BLACK), 225, 245)
        return enlarged(Image.fromarray(np.uint8(keys * (1 - np.clip(np.asarray(x, np.float32), 0, 1))).T[::-1]))

    def encode(self, x, suffix):
        if suffix == ".mid":
            return self._midi(x)
        return wav(self._tones(x), RATE) if suffix == ".wav" else super().encode(x, suffix)

    def _midi(self, x: np.ndarray) -> bytes:
        """A Standard MIDI file of one track (type 0)."""
        each, events = TICKS // self.steps, []
        for note in self.notes(x):
            events.append((note.start * each, 1, bytes([0x90, note.pitch, max(1, round(note.velocity * 127))])))
            events.append(((note.start + note.steps) * each, 0, bytes([0x80, note.pitch, 0])))
        track, now = b"\x00\xff\x51\x03" + round(60_000_000 / self.tempo).to_bytes(3, "big"), 0
        for tick, _, message in sorted(events):  # at one tick the ends first
            track, now = track + _variable(tick - now) + message, tick
        track += _variable(max(len(x) * each - now, 0)) + b"\xff\x2f\x00"
        return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track

    def _tones(self, x: np.ndarray) -> np.ndarray:
        """The sound float32 [T] of plain tones with two overtones that fade, loudest at 0.8."""
        each = RATE * 60 / self.tempo / self.steps
        sound = np.zeros(round(len(x) * each) + RATE // 4, np.float32)
        for note in self.notes(x):
            start, length = round(note.start * each), round(note.steps * each)
            at = np.arange(length) / RATE
            turn = 2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * at
            tone = np.sin(turn) + np.sin(2 * turn) / 3 + np.sin(3 * turn) / 8
            edges = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / 80)  # no clicks
            sound[start : start + length] += note.velocity * tone * np.exp(-DECAY * at) * edges
        return 0.8 * sound / max(float(np.abs(sound).max()), 1.0)

    def decode(self, path):
        if path.suffix.lower() not in (".mid", ".midi"):
            return super().decode(path)
        return self._roll(path.read_bytes())

    def _roll(self, content: bytes) -> np.ndarray:
        """The roll float32 [steps, 128 - lowest] of a Standard MIDI file, all its tracks together but the drums."""
        file = io.BytesIO(content)
        if file.read(4) != b"MThd" or len(content) < 22:
            raise ValueError("it is no Standard MIDI file")
        length, _, tracks, division = struct.unpack(">IHHH", file.read(10))
        file.read(length - 6)
        if division & 0x8000:
            raise ValueError("its time is in frames of a film, and not in quarters")
        sounding, last = [], 0
        for _ in range(tracks):
            kind, size = struct.unpack(">4sI", file.read(8).ljust(8, b"\0"))
            if kind == b"MTrk":
                found, end = _read_track(file.read(size))
                sounding, last = sounding + found, max(last, end)
        each = division / self.steps
        roll = np.zeros((max(1, round(last / each)), 128 - self.lowest), np.float32)
        for start, end, pitch, velocity in sounding:
            if pitch >= self.lowest:
                first = round(start / each)
                roll[first : max(first + 1, round(end / each)), pitch - self.lowest] = velocity / 127
        return roll


def _variable(number: int) -> bytes:
    """A number as MIDI writes it: seven bits in a byte, the eighth says that more follow."""
    made = [number & 0x7F]
    while number := number >> 7:
        made.append(number & 0x7F | 0x80)
    return bytes(reversed(made))


def _read_track(track: bytes) -> tuple[list[tuple[int, int, int, int]], int]:
    """The notes (first tick, last, pitch, velocity) of a track, and its last tick. Raises ValueError where it is cut off."""
    found, held, now, at, status = [], {}, 0, 0, 0

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            byte, at = track[at], at + 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    try:
        while at < len(track):
            now += number()
            if track[at] >= 0x80:
                status, at = track[at], at + 1
            if status in (0xF0, 0xF7, 0xFF):  # what is not played: names, tempo, messages of one maker
                at += status == 0xFF
                length = number()
                at += length
                continue
            first, second = track[at], track[at + 1] if status >> 4 not in (0xC, 0xD) else 0
            at += 1 if status >> 4 in (0xC, 0xD) else 2
            key = (status & 0xF, first)
            if status >> 4 in (0x8, 0x9) and status & 0xF != 9:  # the tenth channel is drums
                if key in held:
                    start, velocity = held.pop(key)
                    found.append((start, now, first, velocity))
                if status >> 4 == 0x9 and second:
                    held[key] = (now, second)
    except IndexError:
        raise ValueError("it is cut off") from None
    return found + [(start, now, pitch, velocity) for (_, pitch), (start, velocity) in held.items()], now
