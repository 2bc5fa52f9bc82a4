"""Every kind of generator as an ONNX model makes in onnxruntime what the run makes; what cannot be converted is refused.

Needs the extra [onnx].
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import workdir
from jaxgan.cli import main
from jaxgan.data import Arrays, Spec
from jaxgan.errors import UserError
from jaxgan.media import Text
from jaxgan.networks import (
    R3,
    Big,
    CharCNNRNN,
    Convolutional,
    GivenVectors,
    Patch,
    Perceptrons,
    Residual,
    Transform,
    UNet,
    WordGRU,
)
from jaxgan.run import Run
from jaxgan.systems.biggan import BigGAN
from jaxgan.systems.cgan import CGAN
from jaxgan.systems.cogan import CoGAN
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.fastgan import FastGAN
from jaxgan.systems.gan import GAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.r3gan import R3GAN
from jaxgan.systems.sngan import SNGAN
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.stylegan import StyleGAN
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.systems.text2image import TextToImage
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training.step import initial_state
from jaxgan.weights.onnx import examples, export_onnx, made_by_the_run
from tests.command import one_sentence

pytestmark = pytest.mark.onnx

PICTURE, CLASSES = (32, 32, 3), ("a", "b", "c", "d")
PATCH, TINY = Patch(width=2, field=16), Convolutional(latent_dim=5, width=4, kernel=4)
RESIDUAL = Residual(latent_dim=4, generator_width=4, discriminator_width=4)
READING = TextToImage(networks=TINY, projection=5, encoder_steps=1)
TRANSFORM = Transform(width=4, blocks=2)
RUNS = {
    "gan": (GAN(latent_dim=4, generator_hidden=8, discriminator_hidden=8), {"image": (8, 8, 1)}),
    "cgan": (
        CGAN(latent_dim=4, noise_hidden=8, label_hidden=8, joint_hidden=8, image_maxout=4, joint_maxout=4),
        {"image": (8, 8, 1), "label": ()},
    ),
    "perceptrons": (WGANGP(networks=Perceptrons(hidden=8)), {"image": (2,)}),
    "dcgan": (DCGAN(networks=TINY, ema=0.9), {"image": PICTURE}),
    "kernel of five": (DCGAN(networks=dataclasses.replace(TINY, kernel=5)), {"image": PICTURE}),
    "residual": (WGANGP(networks=RESIDUAL), {"image": PICTURE}),
    "sngan": (SNGAN(networks=RESIDUAL, conditional=True), {"image": PICTURE, "label": ()}),
    "r3gan": (
        R3GAN(R3(latent_dim=4, width=8, group_width=4, blocks=1), conditional=True),
        {"image": PICTURE, "label": ()},
    ),
    "biggan": (BigGAN(Big(latent_dim=4, width=2, shared=4, attention=16)), {"image": PICTURE, "label": ()}),
    "fastgan": (FastGAN(latent_dim=4, width=2, discriminator_width=2), {"image": PICTURE}),
    "stylegan2": (
        StyleGAN2(latent_dim=4, style_dim=4, mapping_layers=2, width=4, channel_base=64, group=2, conditional=True),
        {"image": PICTURE, "label": ()},
    ),
    "stylegan": (
        StyleGAN(latent_dim=4, style_dim=4, mapping_layers=2, width=4, channel_base=64, group=2),
        {"image": PICTURE},
    ),
    "cogan": (CoGAN(latent_dim=4, width=4), {"image": PICTURE, "label": ()}),
    "pix2pix": (Pix2Pix(generator=UNet(width=4), discriminator=PATCH), {"input": PICTURE, "image": PICTURE}),
    "batch norm": (
        Pix2Pix(generator=Transform(width=4, blocks=1, norm="batch", dropout=0.5), discriminator=PATCH),
        {"input": PICTURE, "image": PICTURE},
    ),
    "cyclegan": (CycleGAN(generator=TRANSFORM, discriminator=PATCH), {"input": PICTURE, "image": PICTURE}),
    "stargan": (
        StarGAN(width=4, blocks=1, discriminator_width=4, discriminator_layers=3),
        {"image": PICTURE, "label": (len(CLASSES),)},
    ),
    "words": (dataclasses.replace(READING, encoder=WordGRU(dim=6, width=8)), {"image": PICTURE, "text": (6,)}),
    "characters": (
        dataclasses.replace(READING, encoder=CharCNNRNN(dim=6, width=4)),
        {"image": PICTURE, "text": (60,)},
    ),
    "vectors": (dataclasses.replace(READING, encoder=GivenVectors()), {"image": PICTURE, "text": (6,)}),
}


def begun(system, shapes, folder) -> Run:
    """A run of this system with weights of some size, since those of the beginning make all pictures alike."""
    integers = {"label"} | (set() if isinstance(getattr(system, "encoder", None), GivenVectors) else {"text"})
    shapes = {n: jax.ShapeDtypeStruct(s, jnp.int32 if n in integers else jnp.float32) for n, s in shapes.items()}
    if "text" in shapes:
        shapes["wrong_text"] = shapes["text"]
    experiment = jaxgan.Experiment(system=system, data=Arrays(path="none.npz"))
    words = tuple("abcdefghij") if isinstance(getattr(system, "encoder", None), CharCNNRNN) else ("one", "two", "three")
    texts = {name: Text(vocabulary=words) for name in ("text", "wrong_text") if "text" in integers & set(shapes)}
    record = workdir.describe(experiment, Spec(shapes, CLASSES if "label" in shapes else (), texts))
    state, random = jax.jit(lambda: initial_state(record.system, 0, record.zeros(2)))(), np.random.default_rng(0)

    def enlarged(path, leaf):
        more = 0.2 * random.normal(size=leaf.shape)
        if jax.tree_util.keystr(path).endswith("['count']"):
            return leaf
        if "['var']" in jax.tree_util.keystr(path):
            more = np.abs(more) - 0.95 * isinstance(system, FastGAN)  # whose weights all have a norm of 1
        return (leaf + more).astype(leaf.dtype)

    networks = jax.tree_util.tree_map_with_path(enlarged, state.networks)
    return Run(folder, record, 1, lambda: state.replace(networks=networks), {})


@pytest.mark.parametrize("name", RUNS)
def test_in_onnxruntime_it_makes_what_the_run_makes(tmp_path, name):
    import onnxruntime

    run, file = begun(*RUNS[name], tmp_path / "run"), tmp_path / "g.onnx"
    given, made = export_onnx(run, file, direction="ba" if name == "cyclegan" else "ab")
    assert list(tmp_path.iterdir()) == [file]
    model = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    inputs = {i.name: (i.type, i.shape) for i in model.get_inputs()}
    assert list(inputs) == list(given)
    for count in (1, 5):
        arguments = {
            name: jax.ShapeDtypeStruct(("B", *shape[1:]), jnp.int32 if kind == "tensor(int32)" else jnp.float32)
            for name, (kind, shape) in inputs.items()
        }
        rows = examples(run, arguments, count)
        (found,) = model.run(["output"], rows)
        expected = made_by_the_run(run, rows, "ba" if name == "cyclegan" else "ab")
        np.testing.assert_allclose(found, expected, atol=1e-4)
        print(f"{name}: {count} rows, {np.abs(found - expected).max():.1e}, {file.stat().st_size} bytes")
    assert expected.std(0).max() > 0.01  # rows that differ: else the comparison would say little
    assert made == f"float32 [B, {', '.join(map(str, expected.shape[1:]))}]"


@dataclasses.dataclass(frozen=True)
class Seeded(DCGAN):
    """Adds noise that comes of the latents, which a converter may take for noise of any kind."""

    def decode(self, variables, z, inputs):
        pictures = super().decode(variables, z, inputs)
        key = jax.random.key((1000 * z[0, 0]).astype(jnp.int32))
        return pictures + jax.random.normal(key, pictures.shape[1:])


@dataclasses.dataclass(frozen=True)
class Doubled(DCGAN):
    """Rows that see each other: the first alone comes out otherwise."""

    def decode(self, variables, z, inputs):
        return super().decode(variables, z, inputs) * (1 + z.shape[0])


@pytest.mark.parametrize("system", [Seeded(networks=TINY), DCGAN(networks=TINY, precision="bfloat16")])
def test_what_cannot_be_converted_is_refused_in_a_sentence(tmp_path, system):
    file = tmp_path / "g.onnx"
    with pytest.raises(UserError, match=r"the generator of .*\. No file is written\. --format stablehlo") as refused:
        export_onnx(begun(system, {"image": PICTURE}, tmp_path / "run"), file)
    print(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_model_that_makes_something_else_is_not_written(tmp_path):
    with pytest.raises(UserError, match=r"is off by .* from what JAX makes"):
        export_onnx(begun(Doubled(networks=TINY), {"image": PICTURE}, tmp_path / "run"), tmp_path / "g.onnx")
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path, capfd):
    images = np.random.default_rng(0).integers(0, 256, (8, *PICTURE), dtype=np.uint8)
    np.savez(tmp_path / "pictures.npz", image=images)
    data = Arrays(path=str(tmp_path / "pictures.npz"), size=32)
    experiment = jaxgan.Experiment(system=DCGAN(networks=TINY), data=data, steps=1, batch_size=4, devices=1)
    jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    words = ["export", str(tmp_path / "run"), "--format", "onnx", "--out"]
    capfd.readouterr()
    assert main([*words, str(tmp_path / "g.onnx")]) == 0
    printed = capfd.readouterr()
    assert printed.out == f"step 1 in {tmp_path / 'g.onnx'}: z float32 [B, 5] -> float32 [B, 32, 32, 3]\n"
    assert not printed.err
    assert main([*words, str(tmp_path / "pictures.npz" / "g.onnx")]) == 2
    assert "cannot write" in one_sentence(capfd.readouterr().err)
