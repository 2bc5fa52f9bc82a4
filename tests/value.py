"""The base of toy systems whose products are known: there is next to nothing to learn."""

import jax.numpy as jnp
import optax

from jaxgan import Outcome, Phase, System, rows


class Value(System):
    """One number, which is learnt; latents [2]."""

    def init_variables(self, key, batch):
        return {"G": {"params": {"value": jnp.ones(())}}}

    def phases(self):
        return (Phase("fit", ("G",), lambda c: (c.variables["G"]["params"]["value"] ** 2, Outcome())),)

    def optimizer(self, network, slot):
        return optax.sgd(0.0)

    def latents(self, key, count):
        return rows.normal(key, count, (2,))
