"""Checkpoints: the whole TrainState, the position in the data, the resolved experiment, and a digest of the state.

Written by Orbax: asynchronously, atomically (a folder appears under its name when it is complete). What Orbax does not do is
notice bytes that changed on disk, or that cannot be found again: each save is read back and compared with the digest of the
state before older ones are dropped, and so is each restore; a checkpoint that fails counts as damaged.
"""

import contextlib
import errno
import functools
import hashlib
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxgan.errors import UserError
from jaxgan.training.state import TrainState


def digest(tree: Any) -> str:
    """SHA-256 over the path, type, shape and bytes of every leaf; hexadecimal."""
    total = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(jax.device_get(leaf))
        total.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def digests(trees: dict[str, Any]) -> dict[str, str]:
    """`{name: digest}`; of the frozen networks, which are too large, and too much the same, for every checkpoint."""
    return {name: digest(tree) for name, tree in trees.items()}


def check_frozen(frozen: dict[str, Any], meta: dict[str, Any], directory: Path) -> None:
    """Compare the frozen networks with those that a checkpoint was trained with, by their digests.

    Raises:
        UserError: one is another.
    """
    mine, theirs = digests(frozen), meta["frozen"]
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            raise UserError(
                f"the pretrained network {name} is not the one that {directory} was trained with (its digest differs): "
                "give the weights of then, or another --workdir to begin again"
            )


def _sealed(meta: dict[str, Any]) -> dict[str, Any]:
    """`meta` with a digest of its other entries: the position in the data matters as much as the state."""
    rest = {name: value for name, value in meta.items() if name != "seal"}
    return {**rest, "seal": hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()}


def host_copy(state: TrainState) -> TrainState:
    """The state in the host's own memory. On CPU `device_get` may only be a view of buffers that the next step donates."""
    # Waited for first, as in `fresh_state`.
    return jax.tree.map(lambda x: np.array(x, copy=True), jax.block_until_ready(state))


def _shape_alone(leaf: np.ndarray) -> np.ndarray:
    """Zeros of the shape and type of a leaf, which take no memory."""
    return np.broadcast_to(np.zeros((), np.asarray(leaf).dtype), np.shape(leaf))


def _without_empty(state: TrainState) -> TrainState:
    """Arrays without elements (a pool of size 0) with one: Orbax refuses to save them."""
    return jax.tree.map(lambda x: x if np.size(x) else np.zeros(1, x.dtype), state)


PLAIN = re.compile(r"[\w ./+,=@~%-]*")
"""Paths that Orbax is given as they are. It reads others as patterns ([1], *) or addresses (gs:), and loses what it wrote."""


class _PlainPath:
    """A folder under a name that Orbax cannot misread: its own, or, where that is not plain, a link's in a temporary folder."""

    def __init__(self, folder: Path):
        self.folder, self._temporary = folder, None
        if PLAIN.fullmatch(str(folder)):
            self.name = folder
            return
        try:
            self._temporary = Path(tempfile.mkdtemp(prefix="jaxgan-"))
            self.name = self._temporary / "checkpoints"
            if PLAIN.fullmatch(str(self.name)):
                self.point()
                return
            why = f"{self._temporary} has such characters, too"
        except OSError as error:
            why = f"no temporary folder can be had: {error.strerror or error}"
        if self._temporary is not None:
            self.close()
        raise UserError(
            f"checkpoints cannot be kept in {folder}, for the characters in its path, nor reached by way of another ({why}): "
            "give a --workdir of letters, digits and - . _, or a TMPDIR of these"
        )

    def point(self) -> None:
        """Make the link, also where a tidy system has removed it during a long run."""
        if self._temporary is not None and not self.name.is_symlink():
            self._temporary.mkdir(exist_ok=True)
            self.name.symlink_to(self.folder, target_is_directory=True)

    def close(self) -> None:
        """Remove the link."""
        if self._temporary is not None:
            self.name.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._temporary.rmdir()


class _Manager(ocp.CheckpointManager):
    """Orbax's, but it does not ask JAX for signals: the service that older ones ask is off (`processes.initialize`)."""

    def reached_preemption(self, step: int) -> bool:
        return False


def check_path(folder: Path) -> None:
    """Raises: UserError: there is no way to keep checkpoints in a folder of this path."""
    _PlainPath(Path(folder).absolute()).close()


class Checkpoints:
    """The checkpoints of one workdir, newest last."""

    def __init__(self, directory: Path, keep: int = 3, *, read_only: bool = False):
        """Open `directory`; unless `read_only`, create it and remove what a killed run left half-written."""
        self.directory = Path(directory).absolute()
        # What Orbax has to say goes to the person who debugs Orbax; errors reach the caller as exceptions.
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        _hush_late_errors()
        if not read_only:
            self.directory.mkdir(exist_ok=True)
            self._remove_unfinished("*")
        self._keep = keep
        self._path = _PlainPath(self.directory)
        me = jax.process_index()
        options = ocp.CheckpointManagerOptions(
            max_to_keep=None,  # they are dropped here, once a newer one has been read back
            create=False,
            read_only=read_only,
            enable_async_checkpointing=not read_only,
            # Of several processes one alone reads and writes: Orbax must not wait for the others.
            multiprocessing_options=ocp.options.MultiprocessingOptions(primary_host=me, active_processes={me}),
        )
        try:
            self._manager = _Manager(self._path.name, item_names=("state", "meta"), options=options)
        except BaseException:
            self._path.close()
            raise
        self._pending: TrainState | None = None  # what is being saved, without its values
        self._failed: int | None = None

    def steps(self) -> list[int]:
        """Steps of the complete checkpoints, and of those damaged since, ascending."""
        # By the folders, which get their names when they are complete: Orbax passes over one that lost its marker file
        # without a word, and trips over it when that step is saved again.
        if not self.directory.is_dir():
            return []
        return sorted(int(path.name) for path in self.directory.iterdir() if path.name.isdigit())

    def save(self, state: TrainState, meta: dict[str, Any]) -> str:
        """Begin to save a state (on the host, see `host_copy`); waits for the save before, see `wait`. Returns its digest.

        Raises:
            UserError: this or the previous save failed, for want of space for instance; earlier checkpoints stay good.
        """
        step, name = int(state.step), digest(state)
        self.wait()
        with self._errors(step):
            self._pending = jax.tree.map(_shape_alone, state).replace(step=state.step)
            self._path.point()
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(_without_empty(state)),
                    meta=ocp.args.JsonSave(_sealed({**meta, "digest": name})),
                ),
                force=True,
            )
        return name

    def wait(self) -> None:
        """Until the last save is complete, on disk, and has been read back; then the oldest beyond those to keep are dropped.

        Reading back takes the memory of a second state on the host.

        Raises:
            UserError: it failed, or is not what was saved.
        """
        if self._pending is None:
            return
        step = int(self._pending.step)
        with self._errors(step):
            self._manager.wait_until_finished()
            self._manager.check_for_errors()
            self._read_back(step)
        self._pending = None
        # What has just been read is kept, whatever number it has: one that begins again saves beside what is left of another.
        others = [other for other in self.steps() if other != step]
        for old in others[: max(len(others) + 1 - self._keep, 0)]:
            try:
                self._manager.delete(old)
            except Exception as error:  # the new one is good; a file that is open elsewhere, say
                warn(
                    f"warning: the checkpoint of step {old} in {self.directory} could not be dropped: {_first_line(error)}"
                )

    def _read_back(self, step: int) -> None:
        for wait in (0.5, 2.0, None):
            try:
                self._read(step, self._pending)
                return
            except Exception as error:  # as in `restore`
                if wait is None:
                    raise OSError(f"what was written cannot be read back: {_first_line(error)}") from error
            time.sleep(wait)  # a drive that fails for a moment

    def restore(self, target: TrainState, step: int | None = None) -> tuple[TrainState, dict[str, Any], list[str]]:
        """The newest good checkpoint, or that of `step`.

        Args:
            target: a state of the same structure; its values are not used.
            step: the one to read; the newest that is not damaged by default.

        Returns:
            The state on the host, what was saved as `meta`, and a sentence about each damaged checkpoint passed over.

        Raises:
            UserError: there is no good checkpoint.
        """
        have = self.steps()
        if not have:
            raise UserError(f"{self.directory.parent} holds no checkpoint yet: train it first (jaxgan train)")
        if step is not None and step not in have:
            raise UserError(f"{self.directory.parent} has no checkpoint of step {step}: it has {_listed(have)}")
        warnings = []
        for candidate in [step] if step is not None else reversed(have):
            try:
                state, meta = self._read(candidate, target)
                return state, meta, warnings
            except Exception as error:  # Orbax and TensorStore raise many kinds for a damaged file
                warnings.append(
                    f"the checkpoint of step {candidate} in {self.directory} is damaged ({_first_line(error)})"
                )
        raise UserError(
            "; ".join(warnings)
            + (
                f": give --step with another of {_listed(have)}"
                if step is not None
                else ". No good one is left: jaxgan train --overwrite begins again"
            )
        )

    def _read(self, step: int, target: TrainState) -> tuple[TrainState, dict[str, Any]]:
        self._path.point()
        restored = self._manager.restore(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardRestore(_without_empty(jax.tree.map(np.asarray, target))),
                meta=ocp.args.JsonRestore(),
            ),
        )
        # Back to nothing what `_without_empty` changed; a structure that differs fails here.
        state = jax.tree.map(lambda leaf, wanted: leaf if np.size(wanted) else wanted, restored["state"], target)
        meta = restored["meta"]
        wrong = [
            jax.tree_util.keystr(path)
            for (path, leaf), wanted in zip(
                jax.tree_util.tree_leaves_with_path(state), jax.tree.leaves(target), strict=True
            )
            if leaf.shape != np.shape(wanted) or leaf.dtype != np.asarray(wanted).dtype
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} has another shape than the system's")
        if digest(state) != meta["digest"] or _sealed(meta) != meta:
            raise ValueError("its content does not match its digest")
        return state, meta

    def set_aside_after(self, step: int) -> None:
        """Move checkpoints later than `step` (damaged ones) out of the way, so that training can write them again."""
        later = [s for s in self.steps() if s > step]
        for number in later:
            place = self.directory.parent / "damaged" / str(number)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(exist_ok=True)
            shutil.move(self.directory / str(number), place)
        if later:
            self._manager.reload()

    def newest_meta(self) -> dict[str, Any] | None:
        """What the newest checkpoint that can be read was saved with as `meta`; None where there is none."""
        self._path.point()
        for step in reversed(self.steps()):
            with contextlib.suppress(Exception):  # damaged, in one of the many ways that `restore` meets
                return self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore()))["meta"]
        return None

    def close(self) -> None:
        """Wait for the last save, and let go of the folder."""
        try:
            self.wait()
        finally:
            with contextlib.suppress(Exception):  # what a failed save had to say has been said
                self._manager.close()
            self._path.close()
            if self._failed is not None:
                self._remove_unfinished(str(self._failed))

    def _remove_unfinished(self, step: str) -> None:
        # TensorStore's threads may still be writing other files of a save that failed, into the folder that is being
        # removed: look again until it is gone. Should it outlast a second, the next run removes it.
        for _ in range(20):
            folders = list(self.directory.glob(f"{step}.orbax-checkpoint-tmp*"))
            if not folders:
                return
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.05)

    @contextlib.contextmanager
    def _errors(self, step: int):
        try:
            yield
        except Exception as error:
            self._pending, self._failed = None, step
            self._remove_unfinished(str(step))
            good = [s for s in self.steps() if s != step]
            full = is_disk_full(error)
            raise UserError(
                f"could not save the checkpoint of step {step} in {self.directory}: "
                + ("the disk is full" if full else _first_line(error))
                + (f". The checkpoint of step {good[-1]} is good" if good else ". There is no earlier checkpoint")
                + f": {'make room' if full else 'put that right'} and run the same command to go on"
            ) from error


@functools.cache
def _hush_late_errors() -> None:
    """Keep off the person's screen what the other files of a failed save or of a damaged checkpoint have to say.

    When one file cannot be written or read, Orbax closes its event loop and raises. TensorStore's threads, still at the
    other files, then find the loop closed, or fail too with nobody waiting for them, and each prints a traceback beside
    the sentence that says what happened; some only when they are garbage-collected, in the middle of anything.
    """
    before = sys.unraisablehook

    def hook(unraisable):
        if unraisable.object is None and str(unraisable.exc_value) == "Event loop is closed":
            return
        before(unraisable)

    sys.unraisablehook = hook

    def wanted(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not ("never retrieved" in record.getMessage() and f"{os.sep}checkpoints{os.sep}" in str(error))

    logging.getLogger("asyncio").addFilter(wanted)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is for want of space."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(error) or "Disk quota exceeded" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__


def _listed(steps: list[int]) -> str:
    return ", ".join(map(str, steps))


def warn(sentence: str) -> None:
    """Tell the person, beside the ordinary output; one who has gone away stops nothing."""
    with contextlib.suppress(OSError):
        print(f"jaxgan: {sentence}", file=sys.stderr, flush=True)
