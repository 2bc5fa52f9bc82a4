"""What the turns of two players have in common: latents that they share, in every plan of a step."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.losses import adversarial
from jaxgan.networks import Convolutional, Perceptrons
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.ragan import RaGAN
from jaxgan.training import parallel
from jaxgan.training.parallel import Layout
from jaxgan.training.step import initial_state, take_turns


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("moves", "accumulate"), [(1, 1), (3, 1), (1, 2)])
def test_shared_latents(shared, moves, accumulate):
    """Both players' turns see the same fakes in a step, in its first moves, if they are to; otherwise none is seen twice."""
    seen = {"discriminator": [], "generator": []}

    class Watched(RaGAN):
        def phases(self):
            first, second = super().phases()
            return dataclasses.replace(first, moves=moves, accumulate=accumulate), dataclasses.replace(
                second, accumulate=accumulate
            )

        def discriminator_loss(self, c):
            turn = self.discriminator_turn(c)
            jax.debug.callback(lambda x: seen["discriminator"].append(np.asarray(x)), turn.fake, ordered=False)
            return adversarial.relativistic_average_loss(turn.real_logits, turn.fake_logits), turn.outcome()

        def generator_loss(self, c):
            fake, _ = self._fakes(c, jax.random.split(c.key)[0])
            jax.debug.callback(lambda x: seen["generator"].append(np.asarray(x)), fake, ordered=False)
            return super().generator_loss(c)

    system = Watched(networks=Perceptrons(hidden=8, layers=1), shared_latents=shared)
    batch = {"image": np.random.default_rng(0).normal(size=(moves * accumulate, 4, 2)).astype(np.float32)}
    state = jax.jit(lambda: initial_state(system, 0, {"image": batch["image"][0]}))()
    plan = system.plan(0)
    jax.jit(rows.solo(lambda: take_turns(system, plan, plan, False, state, {}, batch, jnp.int32(0))[0].step))()
    jax.effects_barrier()
    assert len(seen["discriminator"]) == moves * accumulate
    assert len(seen["generator"]) == accumulate

    def known(x):
        return any(np.allclose(x, other, atol=1e-6) for other in seen["discriminator"])

    assert [known(x) for x in seen["generator"]] == [shared] * accumulate


@pytest.mark.slow
def test_a_pass_that_both_turns_share_is_made_once():
    """On one device, where nothing is reduced: XLA finds that the two are one."""
    counts = {}
    for shared in (False, True):
        system = DCGAN(Convolutional(width=4, kernel=4, latent_dim=4), shared_latents=shared)
        batch = {"image": np.zeros((1, 4, 32, 32, 3), np.float32)}
        layout = Layout.create("jit", 4, 1)
        state = jax.eval_shape(
            lambda system=system, first=batch["image"][0]: initial_state(system, 0, {"image": first})
        )
        plan = system.plan(0)
        function = parallel.compiled_turns(system, plan, plan, layout)
        text = function.lower(state, {}, batch, jnp.int32(0)).compile().as_text()
        counts[shared] = len(re.findall(r" convolution\(| dot\(", text))
    assert counts[True] <= counts[False] - 3  # the generator's layers
