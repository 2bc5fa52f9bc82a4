"""CGAN: shapes, that the label is obeyed by construction, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import Experiment, fit
from jaxgan.data import Records, Spec
from jaxgan.errors import UserError
from jaxgan.systems.cgan import CGAN
from jaxgan.training.step import initial_state

SMALL = CGAN(
    classes=3, latent_dim=4, noise_hidden=8, label_hidden=8, joint_hidden=16, image_maxout=8, label_maxout=8, joint_maxout=8
)  # fmt: skip
BATCH = {
    "image": np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 1)).astype(np.float32),
    "label": np.arange(16, dtype=np.int32) % 3,
}


def test_the_papers_sizes():
    batch = {"image": np.zeros((2, 28, 28, 1), np.float32), "label": np.zeros(2, np.int32)}
    state = jax.eval_shape(lambda: initial_state(CGAN(classes=10), 0, batch))
    g, d = state.networks["G"].params, state.networks["D"].params
    sizes = [g[f"Dense_{i}"]["kernel"].shape for i in range(4)]
    assert sizes == [(100, 200), (10, 1000), (1200, 1200), (1200, 784)]
    assert [d[f"Maxout_{i}"]["Dense_0"]["kernel"].shape for i in range(3)] == [(784, 1200), (10, 250), (290, 960)]


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(SMALL, BATCH)


def test_the_label_changes_the_sample_and_nothing_else_does(sampled):
    variables = {"G": initial_state(SMALL, 0, BATCH).networks["G"].current}
    inputs = {"image": np.zeros((3, 8, 8, 1), np.float32), "label": np.zeros(3, np.int32)}
    zeros = sampled(SMALL, variables, inputs)
    mixed = sampled(SMALL, variables, {**inputs, "label": np.array([0, 1, 0], np.int32)})
    np.testing.assert_array_equal(zeros[[0, 2]], mixed[[0, 2]])
    assert not np.allclose(zeros[1], mixed[1])


def test_the_number_of_classes_comes_from_the_data():
    shape = {"image": jax.ShapeDtypeStruct((8, 8, 1), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
    assert CGAN().resolve(Spec(shape, ("a", "b"))).classes == 2
    with pytest.raises(UserError, match="names no classes"):
        CGAN().resolve(Spec(shape))
    with pytest.raises(UserError, match=r"system\.classes is 3, but the data has 2"):
        dataclasses.replace(SMALL).resolve(Spec(shape, ("a", "b")))
    with pytest.raises(UserError, match=r"one class for each picture; the data's labels are \[40\] numbers"):
        CGAN().resolve(Spec({**shape, "label": jax.ShapeDtypeStruct((40,), jnp.int32)}, ("a",) * 40))


def test_a_label_beyond_the_classes_is_refused(tmp_path):
    """Of data that names no classes, so that only a minibatch can show it."""

    @dataclasses.dataclass(frozen=True)
    class Unnamed:
        def load(self):
            return Records([{"image": BATCH["image"][i], "label": BATCH["label"][i]} for i in range(16)])

        def transform(self, example, random):
            return example

    experiment = Experiment(
        system=dataclasses.replace(SMALL, classes=2), data=Unnamed(), batch_size=16, steps=1, devices=1
    )
    with pytest.raises(UserError, match=r"the label 2, but the system has 2 classes.*--system\.classes"):
        fit(experiment, tmp_path / "run", quiet=True)
    SMALL.check_batch(BATCH)
