"""The command line: a thin layer over the Python API. What a command does, one function call does.

    jaxgan train CONFIG         train a config, or go on with it; with --seeds 0,1,2 a run for each
    jaxgan sample WORKDIR       make pictures with a trained run
    jaxgan translate WORKDIR INPUT OUTPUT
                                turn pictures into others with a run that learnt to
    jaxgan upscale WORKDIR INPUT OUTPUT
                                make pictures of any size larger, in tiles
    jaxgan interpolate WORKDIR  walk from one sample to another: a strip or a film
    jaxgan mix WORKDIR          what is coarse of one sample, what is fine of another: StyleGAN's
    jaxgan project WORKDIR PICTURE
                                find the latent of a picture of your own
    jaxgan directions WORKDIR   find directions in the latent space that mean something
    jaxgan edit WORKDIR         change samples along a direction, or by arithmetic
    jaxgan evaluate WORKDIR     score a run; or --real DIR --fake DIR, pictures made by anything
    jaxgan import-weights FILE  make a workdir of weights that other code has trained
    jaxgan export WORKDIR       write the weights of a run for other code, or its generator as a program
    jaxgan demo WORKDIR         a page in the browser to play with a run
    jaxgan report WORKDIR       a run as one HTML file: curves, grids, metrics, versions
    jaxgan bench CONFIG         measure a config's training step
    jaxgan list                 the configs that ship with jaxgan
    jaxgan info WORKDIR         what a workdir holds

Exit codes: 0 done; 1 done in part, or training went wrong; 2 bad input, or a disk that is full; 130 Ctrl-C and 143 SIGTERM,
after saving.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import jaxgan
from jaxgan.cache import cache_dir
from jaxgan.commands.parsing import complain
from jaxgan.errors import UserError, is_out_of_memory

COMMANDS = ("train", "sample", "translate", "upscale", "interpolate", "mix", "project", "directions", "edit", "evaluate",
            "import-weights", "export", "demo", "report", "bench", "list", "info")  # fmt: skip
"""Each is the module of its name, with _ for -, in `jaxgan.commands`."""


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    _open_streams()
    try:
        return _command(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:  # `| head` has seen enough
        return 0
    finally:
        _leave_quietly()


def _leave_quietly() -> None:
    """Drop what a pipe did not take in the end: Python would print a traceback, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_streams() -> None:
    """Give standard input, output and error somewhere to go where they are closed (`2>&-`, a service without a terminal).

    Otherwise the next files that are opened, a checkpoint's say, get their numbers, and what libraries print into them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    with contextlib.suppress(AttributeError):  # a notebook's is none that can be set
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe or a job's log, too, progress shows as it happens


def _command(argv: list[str]) -> int:
    if not argv:
        return complain(f"give a command: {', '.join(COMMANDS)}; jaxgan --help explains them")
    if argv[0] in ("-h", "--help", "help"):
        print(__doc__.strip() + "\n\nEach command has its own --help.")
        return 0
    if argv[0] == "--version":
        print(f"jaxgan {jaxgan.__version__}")
        return 0
    if argv[0] not in COMMANDS:
        import difflib

        close = difflib.get_close_matches(argv[0], COMMANDS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return complain(f"there is no command {argv[0]}.{hint} The commands are {', '.join(COMMANDS)}.")
    _keep_compiled(argv)
    try:
        with _buckets(argv) as argv:
            return importlib.import_module(f"jaxgan.commands.{argv[0].replace('-', '_')}").run(argv[1:])
    except UserError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except OSError as error:
        from jaxgan.training.checkpoint import is_disk_full

        if is_disk_full(error):
            return complain("the disk is full: make room and run the same command to go on")
        if error.filename is None:
            raise
        return complain(f"cannot use {error.filename}: {error.strerror}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return complain(
            f"memory ran out ({next(iter(str(error).splitlines()), 'no more is to be had')}): ask for fewer, or smaller"
        )


@contextlib.contextmanager
def _buckets(argv: list[str]) -> Iterator[list[str]]:
    """The words with paths on the local disk for those in buckets, which are brought up to date at the end.

    What is read is fetched first. Not what is trained: of several processes one alone needs it, and does so itself.
    """
    if not any("://" in word for word in argv):
        yield argv
        return
    from jaxgan import bucket

    places, words = [], []
    for before, word in zip(["", *argv], argv, strict=False):
        flag, equals, value = word.partition("=") if word.startswith("--") else (before, "", word)
        # Of what is trained only the workdir: other paths of an experiment are written down in it.
        named = argv[0] != "train" or flag == "--workdir"
        if named and (place := bucket.local(value)) != Path(value):
            places.append(place)
            word = f"{flag}={place}" if equals else str(place)
        words.append(word)
    if argv[0] == "train":
        yield words
        return
    for place in places:
        bucket.fetch(place)
    yield words
    for place in places:
        bucket.send(place)


def _keep_compiled(argv: list[str]) -> None:
    """Let JAX find at the next start what was compiled at this one; it reads this when it is imported.

    A person's own choice comes first. Not where compiling is what is measured, and not for several processes, of which JAX
    lets one alone write: without a shared disk it would find its programs there, and the others compile.
    """
    if argv[0] == "bench" or any(word.startswith("--distributed") for word in argv):
        return
    with contextlib.suppress(UserError):  # no home
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_dir() / "compiled"))


if __name__ == "__main__":
    sys.exit(main())
