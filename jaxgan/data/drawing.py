"""SVG to PNG, in several processes: resvg holds the interpreter's lock, so threads would not help.

The workers run this very file as a script, which imports nothing but resvg. `multiprocessing` would not do: a
fork after JAX has started its threads may hang, and a spawned worker imports the user's main script again.
"""

import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from threading import Thread

import resvg_py


def draw(svg: str, size: int) -> bytes:
    """One square SVG as the bytes of a PNG of size x size pixels, on white.

    Fonts of the machine are left out: they would make the pixels differ from machine to machine.
    """
    return resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True)


def draw_all(svgs: Iterable[str], size: int) -> Iterator[bytes]:
    """The PNGs of many SVGs, in order, drawn by one process per CPU core (at most 16)."""
    workers = [
        # -P: without this file's directory on the worker's path, where its neighbours would hide modules.
        subprocess.Popen([sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(min(16, os.cpu_count() or 1))
    ]
    asked = []  # one entry per picture given to a worker, so that the reader knows where the end is
    failure = []

    def feed() -> None:
        try:
            for index, svg in enumerate(svgs):
                worker = workers[index % len(workers)]
                worker.stdin.write(json.dumps([svg, size]).encode() + b"\n")
                worker.stdin.flush()
                asked.append(index)
        except Exception as error:
            failure.append(error)
        for worker in workers:
            try:
                worker.stdin.close()
            except OSError as error:
                failure.append(error)

    # Feeding and reading both go round the workers in the same order, so neither waits for the other for
    # ever: the picture that the reader waits for has been fed before any at which the feeder can be stuck.
    feeder = Thread(target=feed, daemon=True)
    feeder.start()
    try:
        index = 0
        while True:
            header = workers[index % len(workers)].stdout.read(4)
            if len(header) < 4:
                break
            yield workers[index % len(workers)].stdout.read(struct.unpack("<I", header)[0])
            index += 1
        for worker in workers:  # all are done; if one died instead, the feeder must not wait for the others
            worker.kill()
        feeder.join()
        if failure or index != len(asked):
            if failure and not isinstance(failure[0], OSError):
                raise failure[0]  # of the iterable
            raise RuntimeError("a process that draws SVGs has ended early; what it said is above")
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()


def _work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes the pipe
    for line in sys.stdin.buffer:
        png = draw(*json.loads(line))
        sys.stdout.buffer.write(struct.pack("<I", len(png)) + png)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _work()
