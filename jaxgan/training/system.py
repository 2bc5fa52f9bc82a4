"""A system: an ordered tuple of phases over a dict of networks. What a new GAN implements."""

import abc
import dataclasses
from typing import Annotated, Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

from jaxgan import fields
from jaxgan.data.spec import Spec
from jaxgan.errors import UserError
from jaxgan.training.phase import Phase


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How the learning rate of every optimiser falls, as a factor of its full value; counted in steps.

    The factor rises linearly over `warmup` steps, stays 1 for `hold` steps, and falls to 0 over `decay` steps: along a
    line (CycleGAN, WGAN-GP) or half a cosine. Its lengths are fields of their own, so that a longer run does not change
    what a shorter one did. A critic with 5 moves a step falls within a step, too; only where the moves of a phase are a
    function of the step (pretraining, WGAN) are its moves counted instead.

    >>> factor = Schedule(warmup=2, hold=2, decay=4).factor()
    >>> [float(factor(step)) for step in range(9)]
    [0.0, 0.5, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """

    warmup: int = 0
    """Steps over which the rate rises from 0 to its full value."""
    hold: int = 0
    """Steps at the full rate before the decay begins."""
    decay: int = 0
    """Steps over which the rate falls to 0; 0 means that it never does."""
    shape: Literal["linear", "cosine"] = "linear"
    """Along what the rate falls."""

    def __post_init__(self):
        fields.check(self)
        if self.hold and not self.decay:
            raise UserError(f"Schedule.hold is {self.hold} without a decay to come after it: give Schedule.decay too")

    def factor(self) -> optax.Schedule | None:
        """The factor as a function of the steps done; None where it is always 1."""
        parts, boundaries = [], []
        if self.warmup:
            parts.append(optax.linear_schedule(0.0, 1.0, self.warmup))
            boundaries.append(self.warmup)
        if self.decay:
            if self.hold:
                parts.append(optax.constant_schedule(1.0))
                boundaries.append(self.warmup + self.hold)
            falling = {
                "linear": lambda: optax.linear_schedule(1.0, 0.0, self.decay),
                "cosine": lambda: optax.cosine_decay_schedule(1.0, self.decay),
            }
            parts.append(falling[self.shape]())
        elif parts:
            parts.append(optax.constant_schedule(1.0))
        return optax.join_schedules(parts, boundaries) if parts else None


@dataclasses.dataclass(frozen=True)
class System(abc.ABC):
    """A GAN: its hyper-parameters, its networks, its losses and the order in which its players move.

    A subclass is a frozen dataclass: its fields are the hyper-parameters. It is hashable and compared by value, and it is
    a static argument of the compiled step. Three methods make a system train: `init_variables`, `phases` and `optimizer`; and
    `latents` and `decode`, or `sample` alone, let it make pictures.

    The step walks the phases: it differentiates each loss by the networks that the phase names, updates those, and at the
    end of the step their moving averages. Nothing needs to be detached or frozen by hand.

    >>> from jaxgan.systems.wgan_gp import WGANGP
    >>> system = WGANGP(critic_moves=3)
    >>> [(phase.name, phase.trains, phase.moves) for phase in system.phases()]
    [('critic', ('D',), 3), ('generator', ('G',), 1)]
    >>> system == WGANGP(critic_moves=3), system == WGANGP()
    (True, False)
    """

    reads: ClassVar[tuple[str, ...]] = ("image",)
    """The entries of the data's examples that the system reads; only these travel to the devices."""

    makes: ClassVar[str] = "image"
    """The entry of the data that what the system makes is like: of its shape, its range and its medium (`jaxgan.media`)."""

    directions: ClassVar[dict[str, str]] = {}
    """For a system that turns pictures into pictures (`translate`): the ways it goes, and the network that does it; "ab" from
    the data's "input" to its "image", "ba" back. {} for one that makes them from noise."""

    spaces: ClassVar[tuple[str, ...]] = ("z",)
    """Its latent spaces, that in which one walks and edits first: "z" is that of `latents`, "w" that of `intermediate`."""

    copied: ClassVar[tuple[str, ...]] = ()
    """Collections that a network's moving average holds as they are: what is an average already, or a constant."""

    # On the command line it is the experiment's --precision, which is written here.
    precision: Annotated[Literal["float32", "bfloat16"], tyro.conf.Suppress] = dataclasses.field(
        default="float32", kw_only=True
    )
    """What convolutions and matrix products compute in. Parameters, statistics and losses stay float32. What a GPU or TPU
    makes of float32 (TF32, passes of bfloat16) is for `jax_default_matmul_precision` to say."""
    schedule: Schedule = dataclasses.field(default=Schedule(), kw_only=True)
    """How the learning rates fall over the run; constant by default."""
    gradient_clip: float = dataclasses.field(default=0.0, kw_only=True)
    """Largest global norm of a network's gradient; larger ones are scaled down. 0 is off."""
    rematerialize: int = dataclasses.field(default=1, kw_only=True)
    """Pieces that a loss is cut into, of which the backward pass computes one at a time anew: about that many times less memory
    for activations, and a third more time. 1 keeps all."""
    accumulate: int = dataclasses.field(default=1, kw_only=True)
    """Minibatches per update, whose gradients are averaged: the global batch is so many times the data's. A phase may ask for
    more of its own."""

    def __post_init__(self):
        fields.check(self)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What somebody must say before there is a sample: all that the system reads but what it makes, or what it says.

        A command asks for these by name, and a program that is exported takes them: none is ever made up. An entry that only
        losses look at is none of them: a system that has such names its conditions itself.
        """
        return tuple(name for name in self.reads if name != self.makes)

    @property
    def dtype(self) -> jnp.dtype:
        """`precision` as a dtype, for modules."""
        return jnp.dtype(self.precision)

    @abc.abstractmethod
    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, dict[str, Any]]:
        """`{network: {"params": ..., other collections}}` for a batch of zeros in the shapes of the data."""

    @abc.abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The players' turns, in order."""

    @abc.abstractmethod
    def optimizer(self, network: str, slot: str) -> optax.GradientTransformation:
        """The optimiser of a network in a slot. `schedule` and `gradient_clip` are applied around it."""

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        """`count` draws [count, ...] of the noise that the generator turns into pictures, row by row (`jaxgan.rows`).

        With `decode` it is the system's latent space, which can be sampled, walked and edited. A part that is no number, such
        as a one-hot category, is kept as it is by a `truncate` of one's own. A system without one, that turns pictures into
        pictures, overrides `sample` instead.
        """
        raise NotImplementedError(f"{type(self).__name__} has no latent space")

    def decode(self, variables: dict[str, dict[str, Any]], z: jax.Array, inputs: dict[str, jax.Array]) -> jax.Array:
        """The pictures [B, H, W, C] in [-1, 1] of the latents `z` [B, ...]. Pure: `variables` and `inputs` as in `sample`."""
        raise NotImplementedError(f"{type(self).__name__} has no latent space")

    def intermediate(
        self, variables: dict[str, dict[str, Any]], z: jax.Array, inputs: dict[str, jax.Array]
    ) -> jax.Array:
        """What a mapping network makes of latents, for each layer, [B, layers, D], which `decode` takes as well: the space "w".

        Of a system that has it among its `spaces`. The arguments are those of `decode`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no intermediate latents")

    def invert(self, variables: dict[str, dict[str, Any]], pictures: jax.Array) -> jax.Array:
        """The latents [B, ...] of pictures [B, H, W, C] in [-1, 1], by a network that learnt them; `decode` draws these again.

        Raises:
            UserError: the system, or this run of it, has no such network.
        """
        raise UserError(f"{type(self).__name__} has no network that finds the latents of a picture")

    def standing(
        self, variables: dict[str, dict[str, Any]], z: jax.Array, inputs: dict[str, jax.Array]
    ) -> dict[str, dict[str, Any]]:
        """The collections that G has after a pass of these latents in the mode "standing" of its norms (`BatchNorm`).

        Of a generator with such norms, whose statistics can then be found anew (`Run.standing`). The arguments are those of
        `decode`.
        """
        raise UserError(f"{type(self).__name__} has no standing statistics: leave standing out")

    def truncate(
        self, variables: dict[str, dict[str, Any]], z: jax.Array, psi: float | jax.Array, inputs: dict[str, jax.Array]
    ) -> jax.Array:
        """Latents drawn in towards their mean: mean + psi (z - mean). Less variety for more typical pictures as psi falls.

        The mean of a prior that is symmetric about 0, as here. StyleGAN (Karras et al. 2018, appendix B) does so in W, and
        gives what `decode` takes as well. `inputs` as in `sample`.
        """
        del variables, inputs
        return psi * z

    def sample(self, variables: dict[str, dict[str, Any]], inputs: dict[str, jax.Array], key: jax.Array) -> jax.Array:
        """What the system makes: pictures [B, H, W, C] in [-1, 1]; by default of fresh latents.

        Args:
            variables: as in `Context`; moving averages where the system keeps them.
            inputs: a batch as the data gives it, restricted to `reads`: the labels, texts or pictures that the samples are
                conditioned on. A generator from noise alone takes only the number and the shape of its pictures from it.
            key: draw per row, by `jaxgan.rows`.
        """
        return self.decode(variables, self.latents(key, len(next(iter(inputs.values())))), inputs)

    def translate(
        self,
        variables: dict[str, dict[str, Any]],
        pictures: jax.Array,
        key: jax.Array,
        *,
        direction: str = "ab",
        inputs: dict[str, jax.Array] | None = None,
        statistics: Literal["batch", "running"] = "batch",
    ) -> jax.Array:
        """Pictures [B, H, W, C] in [-1, 1] turned into others; what comes of one depends on no other.

        Of the same size, or larger or smaller by a factor (upscaling): [B, r H, r W, C'].

        Args:
            variables: as in `sample`.
            pictures: of any height and width that `multiple` divides.
            key: draw per row.
            direction: one of `directions`.
            inputs: what else each picture is made of: the `conditions` but "input", [B, ...] as the data has them.
            statistics: "batch" as in training, each picture with its own and with dropout; "running" for running statistics
                and no dropout. The same thing to a system that has neither.
        """
        raise NotImplementedError(f"{type(self).__name__} does not turn pictures into pictures")

    @property
    def multiple(self) -> int:
        """What the height and width of the pictures that `translate` takes must be multiples of."""
        return 1

    def interpolated(self, variables: dict[str, dict[str, Any]], amount: float) -> dict[str, dict[str, Any]]:
        """Variables whose G lies between two that the run has: 0 is the one, 1 the other, which `translate` uses.

        Raises:
            UserError: the system, or this run of it, has no two.
        """
        del variables, amount
        raise UserError(f"{type(self).__name__} has no two generators to interpolate between")

    @property
    def reach(self) -> int | None:
        """How many pixels around it, to each side, decide what `translate` makes of a pixel; None for many, or nobody knows.

        It says by how much tiles of a large picture overlap (`jaxgan upscale`).
        """
        return None

    def preview(
        self, variables: dict[str, dict[str, Any]], inputs: dict[str, jax.Array], key: jax.Array
    ) -> jax.Array | dict[str, jax.Array]:
        """What the sheets show while it trains; `sample` here.

        What the system makes, [B, ...]: as square as it goes. Or K of them in a row, [B, K, ...], two rows side by side: B = 4
        of K = 3 are two lines of 6. Or columns {title: [B, ...]}, such as input, output and target, whose sizes may differ, two
        rows side by side, too. A column that is called as an entry of the data is of its medium ("text", say), any other of
        that of what is made.
        """
        return self.sample(variables, inputs, key)

    @property
    def has_latents(self) -> bool:
        """Whether the system has a latent space: `latents` and `decode`."""
        return type(self).latents is not System.latents and type(self).decode is not System.decode

    def resolve(self, spec: Spec) -> "System":
        """The system with what it left open taken from the data: checked once, before anything is initialised.

        Args:
            spec: shapes and media of the entries that the system reads, and the names of the classes.

        Raises:
            UserError: the system cannot be trained on this data.
        """
        del spec
        return self

    def check_batch(self, batch: dict[str, np.ndarray]) -> None:
        """Look at the minibatches [minibatches, rows, ...] of a step, on the host: what a compiled step could not refuse.

        Args:
            batch: the entries that the system reads.

        Raises:
            UserError: a value makes no sense to the system.
        """
        del batch

    def init_aux(self, variables: dict[str, dict[str, Any]], batch: dict[str, jax.Array]) -> dict[str, Any]:
        """What else lasts from step to step; `{}` by default. The arguments are those of `init_variables` and its result."""
        del variables, batch
        return {}

    def pretrained(self, spec: Spec) -> dict[str, dict[str, Any]]:
        """`{network: {"params": ..., other collections}}` with which networks begin instead: of another run, for instance.

        Called once, when a run begins. From then on they are in its state and its checkpoints as any other network is, and
        where they came from is not looked at again. `spec` is that of `resolve`.

        Raises:
            UserError: they cannot be had, or do not suit the data.
        """
        del spec
        return {}

    def frozen(self) -> dict[str, dict[str, Any]]:
        """Pretrained networks that losses use and nothing trains: not in the state, not in checkpoints (their digest is).

        Called once a run, and must return the same each time.
        """
        return {}

    def ema_decay(self, network: str, step: int | jax.Array) -> float | jax.Array | None:
        """Decay of the moving average of `network` at `step`: `ema <- decay ema + (1 - decay) current`. None: no average."""
        del network, step
        return None

    def ema_half_life(self, network: str, seen: int | jax.Array) -> float | jax.Array | None:
        """Instead of `ema_decay`, for an average that counts in examples: of how many it forgets half, after `seen` of them.

        The decay of a step of n examples, over all devices, is then 0.5^(n / half-life).
        """
        del network, seen
        return None

    def plan(self, step: int) -> tuple[tuple[str, int], ...]:
        """`((phase, moves), ...)` of the step number `step`: what the compiled step is specialised to."""
        moves = ((phase.name, phase.moves_at(step)) for phase in self.phases())
        return tuple((name, count) for name, count in moves if count)

    def minibatches(self, plan: tuple[tuple[str, int], ...]) -> int:
        """How many minibatches a step with this plan reads: move r of every phase reads minibatch r."""
        accumulated = self.accumulated()
        return max((count * accumulated[name] for name, count in plan), default=0)

    def accumulated(self) -> dict[str, int]:
        """By phase: the minibatches of each of its updates."""
        return {phase.name: phase.accumulate * self.accumulate for phase in self.phases()}


def statistics_of(variables: dict[str, Any]) -> list[str]:
    """The collections of a network that a pass in training changes: all but the parameters. For `apply(mutable=...)`."""
    return [name for name in variables if name != "params"]


def check_labels(labels: np.ndarray, classes: int, flag: str = "--system.classes") -> None:
    """For `check_batch` of a conditional system: a label beyond its classes would train as none of them, silently.

    Raises:
        UserError: a label is not in 0, ..., classes - 1.
    """
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        wrong = labels.max() if labels.max() >= classes else labels.min()
        raise UserError(
            f"the data has the label {wrong}, but the system has {classes} classes, 0 to {classes - 1}: give {flag}, or mend "
            "the labels"
        )


def one_class_each(system: System, spec: Spec) -> int:
    """For `resolve` of a conditional system: how many classes there are, by its field `classes` or, where it is None, the data.

    Raises:
        UserError: the data's labels are no classes, or other ones than the system has.
    """
    name, classes = type(system).__name__, system.classes
    if spec.shapes["label"].shape != ():
        raise UserError(
            f"{name} takes one class for each picture; the data's labels are {list(spec.shapes['label'].shape)} numbers each: "
            "choose another label of the data"
        )
    if classes is None and not spec.classes:
        raise UserError(
            f"{name} needs labels, and the data names no classes: choose a label of the data, or give --system.classes"
        )
    if spec.classes and classes not in (None, len(spec.classes)):
        raise UserError(
            f"system.classes is {classes}, but the data has {len(spec.classes)} classes: leave it out to take theirs"
        )
    return len(spec.classes) or classes


def transformation(system: System, network: str, slot: str) -> optax.GradientTransformation:
    """The system's optimiser with its gradient clipping before and its learning-rate schedule after.

    A schedule as a factor of the update is the same as one of the learning rate, for every optimiser whose update is
    proportional to its learning rate, and leaves the optimisers of the systems as they stand in the papers.
    """
    parts = [system.optimizer(network, slot)]
    if system.gradient_clip:
        parts.insert(0, optax.clip_by_global_norm(system.gradient_clip))
    if (factor := system.schedule.factor()) is not None:
        moves = _moves_in_a_step(system, network, slot)
        parts.append(optax.scale_by_schedule(lambda count: factor(count / moves) if moves > 1 else factor(count)))
    return parts[0] if len(parts) == 1 else optax.chain(*parts)


def _moves_in_a_step(system: System, network: str, slot: str) -> int:
    """How many updates a step makes of a network in a slot; 1 where that depends on the step."""
    moves = [phase.moves for phase in system.phases() if network in phase.trains and phase.slot == slot]
    return sum(moves) if all(isinstance(count, int) for count in moves) else 1
