"""One process watches over another that trains a run together with more: `jaxgan train --distributed`.

When a process of a run is gone, JAX aborts the others: no code of ours runs in them then. So each is started by one that does
nothing but wait, passes signals on, and says what happened.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback

SUPERVISED = "JAXGAN_SUPERVISED"
"""The environment variable by which a process knows the number of the one that watches over it, and a pipe to it."""
GONE = (
    "this process was stopped because another one of the run is gone (what that one printed says why): start the same command "
    "on all again, and the run goes on from its last checkpoint"
)
APART = (
    "the processes of --distributed did not meet: see that HOST:PORT is the first machine's and can be reached, and that as "
    "many were started as COUNT says"
)
COMMAND = ("-m", "jaxgan.training.supervision")
LOST = ("Gloo", "NCCL", "Connection closed", "Connection reset", "UNAVAILABLE", "heartbeat")
"""What JAX's errors name where the connection to another process broke."""
LAST_WORDS = 2.0
"""Seconds that process 0 stays after an error: the others, who may be about to say the same, are aborted when it goes."""


def is_supervised() -> bool:
    """Whether `supervise` has started this process."""
    return SUPERVISED in os.environ


def supervise(argv: list[str]) -> int:
    """Run `jaxgan ARGV` in a process of its own, and return its exit code; 1, and a sentence, where it ends without one."""
    reading, writing = os.pipe()
    # In a session of its own: a Ctrl-C of the terminal reaches it once, from here.
    process = subprocess.Popen(
        [sys.executable, *COMMAND, *argv],
        env={**os.environ, SUPERVISED: f"{os.getpid()},{writing}"},
        start_new_session=True,
        pass_fds=(writing,),
    )
    os.close(writing)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: process.send_signal(number))
    code = process.wait()
    met = os.read(reading, 1)
    os.close(reading)
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    if name != "SIGABRT":
        sentence, code = f"this process was ended by {name}: the same command goes on", 1
    elif met:
        sentence, code = GONE, 1
    else:
        sentence, code = APART, 2
    print(f"jaxgan: {sentence}", file=sys.stderr, flush=True)
    return code


def have_met() -> None:
    """Tell the process that watches over this one that the others are there."""
    if is_supervised():
        os.write(int(os.environ[SUPERVISED].split(",")[1]), b".")


def main(argv: list[str]) -> None:
    """What `supervise` starts. Ends the process at once with the exit code of `jaxgan ARGV`.

    At once, since JAX would wait for the others at the end of the program, and they, in the middle of a step, for this one. A
    run that ended well has parted from them already.
    """
    _follow_supervisor()
    from jaxgan import cli

    try:
        code = cli.main(argv)
    except SystemExit as error:  # interrupted before the first step
        code = error.code if isinstance(error.code, int) else 1
    except Exception as error:
        if type(error).__name__ == "JaxRuntimeError" and any(word in str(error) for word in LOST):
            code = cli.complain(f"{str(error).splitlines()[0]}; {GONE}", 1)
        else:
            traceback.print_exc()
            code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    _last_words(code)
    os._exit(code)


def _last_words(code: int) -> None:
    import jax

    if code and jax.distributed.is_initialized() and jax.process_index() == 0:
        time.sleep(LAST_WORDS)


def _follow_supervisor() -> None:
    """End this process when the one that watches over it is gone, killed for instance."""
    supervisor = int(os.environ[SUPERVISED].split(",")[0])

    def watch():
        while os.getppid() == supervisor:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
