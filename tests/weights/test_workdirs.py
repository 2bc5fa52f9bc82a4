"""From a workdir to files and back, bit by bit; and what a workdir of imported weights can do."""

import dataclasses

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import jaxgan
from jaxgan import workdir
from jaxgan.data import Arrays, Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional, Patch, Residual, Transform, UNet
from jaxgan.run import Run
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.lsgan import LSGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training.step import initial_state
from jaxgan.weights import Imported, dcgan, export_weights, import_weights, translators
from jaxgan.weights.exporting import format_of
from jaxgan.weights.file import read_weights

TRANSLATORS, EXAMPLE = "pytorch-cyclegan-and-pix2pix", "pytorch-dcgan"
CLASSES = ("glasses", "hat", "red", "smile")
NAMES = {"G": "net_G_A", "F": "net_G_B", "D_Y": "net_D_A", "D_X": "net_D_B", "D": "net_D"}
"""What that code calls CycleGAN's networks: D_A judges what G_A makes."""

TINY = Convolutional(width=2, kernel=4, latent_dim=5)
SYSTEMS = {
    "unet": Pix2Pix(generator=UNet(width=2), discriminator=Patch(width=2, field=16)),
    "unconditional": Pix2Pix(
        generator=Transform(width=2, blocks=1, norm="batch", dropout=0.5),
        discriminator=Patch(width=2, field=1),
        adversarial="unconditional",
    ),
    "instance": CycleGAN(
        generator=Transform(width=2, blocks=2), discriminator=Patch(width=2, norm="instance", field=1)
    ),
    "unets": CycleGAN(
        generator=UNet(width=2, norm="instance", dropout=0), discriminator=Patch(width=3, norm="instance")
    ),
    "dcgan": DCGAN(networks=TINY),
    "stargan": StarGAN(width=2, blocks=1, discriminator_width=2, discriminator_layers=3),
    "grey": DCGAN(networks=Convolutional(width=3, kernel=4, latent_dim=5)),
}


def randomised(system, tmp_path, size=32, channels=3) -> Run:
    """A run of this system whose every leaf is random, as after training; the state is in no checkpoint."""
    shapes = {name: jax.ShapeDtypeStruct((size, size, channels), np.float32) for name in ("input", "image")}
    shapes["label"] = jax.ShapeDtypeStruct((len(CLASSES),), np.int32)
    experiment = jaxgan.Experiment(system=system, data=Imported("none", (), (), (), ()))
    record = workdir.describe(experiment, Spec(shapes, CLASSES, count=0))
    random = np.random.default_rng(0)
    state = jax.eval_shape(lambda: initial_state(record.system, 0, record.zeros(2)))

    def fill(path, leaf):  # the counts of standing statistics are 0 after training
        zero = jax.tree_util.keystr(path).endswith("['count']") or leaf.ndim == 0
        return np.zeros(leaf.shape, leaf.dtype) if zero else random.uniform(0.1, 1, leaf.shape).astype(leaf.dtype)

    state = jax.tree_util.tree_map_with_path(fill, state)
    return Run(tmp_path / "nowhere", record, 0, lambda: state, {})


def exported(run, folder):
    files = []
    for name in run.variables():
        file = folder / f"{NAMES[name] if isinstance(run.system, CycleGAN) or name == 'D' else 'net_G'}.safetensors"
        export_weights(run, file, name)
        files.append(file)
    return files


def assert_equal(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), jax.tree_util.keystr(path)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_round_trip_is_exact(tmp_path, name):
    channels = 1 if name == "grey" else 3
    run = randomised(SYSTEMS[name], tmp_path, channels=channels)
    files = exported(run, tmp_path)
    classes = CLASSES if name == "stargan" else ()
    again = import_weights(files[::-1], format_of(run.system), tmp_path / "run", size=32, classes=classes)
    assert set(again.variables()) == set(run.variables())
    assert_equal(again.variables(), run.variables())
    assert again.step == 0
    assert again.record.shapes == run.record.shapes
    assert again.record.classes == classes
    assert again.experiment.data.fresh == ()
    # What is not in the file is not the same: how the noise is drawn, the dropout of a U-Net.
    fields = {"generator", "networks"}
    for field in dataclasses.fields(run.system):
        if field.name not in fields:
            assert getattr(again.system, field.name) == getattr(run.system, field.name), field.name
    (tmp_path / "again").mkdir()
    for file, second in zip(files, exported(again, tmp_path / "again"), strict=True):
        assert file.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_a_moving_average_is_exported_and_trained_on(tmp_path):
    random = np.random.default_rng(0)
    np.savez(tmp_path / "pictures.npz", image=random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8))
    data = Arrays(path=str(tmp_path / "pictures.npz"), size=32)
    run = randomised(dataclasses.replace(SYSTEMS["dcgan"], ema=0.5), tmp_path)
    file = tmp_path / "netG.safetensors"
    run.weights = "raw"
    export_weights(run, file, "G")
    run.weights = "ema"
    raw = load_file(file)
    # Biases that training moved from 0, where the format has none.
    assert export_weights(run, file) == (EXAMPLE, ("main.9.bias",))
    assert export_weights(run, tmp_path / "netD.safetensors", "D") == (EXAMPLE, ("main.0.bias", "main.8.bias"))
    tensors = load_file(file)
    assert tensors["main.1.num_batches_tracked"].dtype == np.int64
    assert tensors["main.0.weight"].shape == raw["main.0.weight"].shape == (5, 8, 4, 4)
    assert (tensors["main.0.weight"] != raw["main.0.weight"]).any()
    again = import_weights([file], EXAMPLE, tmp_path / "again", data=data)
    assert_equal(again.variables()["G"], run.variables()["G"])
    assert (again.experiment.data.networks, again.experiment.data.fresh) == (("G",), ("D",))
    z = random.normal(size=(4, 5)).astype(np.float32)
    np.testing.assert_array_equal(again.decode(z), run.decode(z))
    assert again.sample(2).shape == (2, 32, 32, 3)
    trained = jaxgan.fit(dataclasses.replace(again.experiment, steps=1, devices=1), again.workdir, quiet=True)
    assert trained.step == 1
    before, after = again.variables()["G"]["params"], trained.state.networks["G"].params
    moved = [np.abs(a - b).max() for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)]
    assert 0 < max(moved) < 1e-3  # from the imported weights, not from fresh ones


def test_without_data_it_cannot_be_trained(tmp_path):
    file = tmp_path / "netG.safetensors"
    export_weights(randomised(SYSTEMS["dcgan"], tmp_path), file)
    run = import_weights([file], EXAMPLE, tmp_path / "run")
    assert jaxgan.restore(tmp_path / "run").experiment == run.experiment
    assert run.experiment.data.files == (str(file),)
    with pytest.raises(UserError, match=r"imported from .*netG\.safetensors, without data to train on.*data=\.\.\."):
        jaxgan.fit(run.experiment, run.workdir)


@pytest.mark.slow
def test_one_generator_is_enough(tmp_path):
    run = randomised(SYSTEMS["instance"], tmp_path)
    exported(run, tmp_path)
    single = tmp_path / "net_G.safetensors"
    single.write_bytes((tmp_path / "net_G_A.safetensors").read_bytes())
    for file, given, network in (
        ("net_G", None, "G"), ("net_G", "ba", "F"), ("net_G_A", None, "G"), ("net_G_B", None, "F"), ("net_G_B", "ab", "G")
    ):  # fmt: skip
        weights = read_weights(tmp_path / f"{file}.safetensors")
        assert list(translators.recognise([weights], given).files) == [network], (file, given)
    both = [weights, read_weights(single)]  # a name without a letter: by their order
    assert translators.recognise(both, None).files == {"G": both[0], "F": both[1]}
    assert translators.recognise(both, "ba").files == {"F": both[0], "G": both[1]}
    made = import_weights([tmp_path / "net_G_B.safetensors"], TRANSLATORS, tmp_path / "run", size=32)
    assert (made.experiment.data.networks, made.experiment.data.fresh) == (("F",), ("D_X", "D_Y", "G"))
    x = np.random.default_rng(0).uniform(-1, 1, (1, 20, 24, 3)).astype(np.float32)
    np.testing.assert_allclose(made.translate(x, "ba"), run.translate(x, "ba"), atol=1e-6)
    with pytest.raises(UserError, match="network G, which translates ab, was not imported"):
        made.translate(x, "ab")


@pytest.mark.parametrize(
    ("name", "trained", "implied"), [("unet", 64, 64), ("unconditional", 64, 256), ("grey", 64, 64)]
)
def test_the_size_is_what_the_architecture_implies(tmp_path, name, trained, implied):
    file = tmp_path / "net_G.safetensors"
    export_weights(randomised(SYSTEMS[name], tmp_path, size=trained), file)
    format = dcgan if name == "grey" else translators
    assert format.recognise([read_weights(file)], None).size == implied


REFUSED = [
    (DCGAN(networks=dataclasses.replace(TINY, kernel=5)), "G", r"system\.networks\.kernel is 5"),
    (DCGAN(networks=dataclasses.replace(TINY, discriminator_norm="layer")), "D", r"discriminator_norm is 'layer'"),
    (DCGAN(networks=dataclasses.replace(TINY, spectral_norm=True)), "D", r"spectral_norm is True"),
    (CycleGAN(generator=Transform(width=2, blocks=1, upsampling="resize")), "F", r'generator\.upsampling is "resize"'),
    (Pix2Pix(generator=UNet(width=2, skips=False)), "G", r"generator\.skips is off"),
    (Pix2Pix(generator=UNet(width=2, levels=4)), "G", r"generator\.levels is 4"),
    (Pix2Pix(generator=UNet(width=2), discriminator=Patch(norm="none")), "D", r'discriminator\.norm is "none"'),
    (
        WGANGP(networks=Residual(generator_width=4, discriminator_width=4)),
        "G",
        r"WGANGP's networks are in no other code",
    ),
    (DCGAN(networks=TINY), "F", r"there is no network F: .* has D, G|G, D"),
]


@pytest.mark.parametrize(("system", "network", "said"), REFUSED, ids=[said for *_, said in REFUSED])
def test_what_the_format_does_not_have_is_named(tmp_path, system, network, said):
    with pytest.raises(UserError, match=said):
        export_weights(randomised(system, tmp_path), tmp_path / "net.safetensors", network)
    assert not (tmp_path / "net.safetensors").exists()


def test_dcgan_networks_under_another_objective_are_exported(tmp_path):
    run = randomised(LSGAN(networks=dataclasses.replace(TINY, kernel=4)), tmp_path)
    export_weights(run, tmp_path / "netG.safetensors")
    made = import_weights([tmp_path / "netG.safetensors"], EXAMPLE, tmp_path / "run")
    assert_equal(made.variables()["G"], run.variables()["G"])
    with pytest.raises(UserError, match=r"must end in \.safetensors"):
        export_weights(run, tmp_path / "netG.pth")


def test_files_that_do_not_belong_together(tmp_path):
    def files(name, folder, **changes):
        (tmp_path / folder).mkdir()
        run = randomised(dataclasses.replace(SYSTEMS[name], **changes), tmp_path)
        return {file.stem: file for file in exported(run, tmp_path / folder)}

    pairs, cycle = files("unet", "pairs"), files("instance", "cycle")
    other = files("instance", "other", generator=Transform(width=2, blocks=3))
    noise = files("dcgan", "noise")
    wide = files("dcgan", "wide", networks=dataclasses.replace(TINY, width=4))
    odd = tmp_path / "net_G_odd.safetensors"
    tensors = load_file(pairs["net_G"])
    tensors["model.model.0.weight"] = tensors["model.model.0.weight"][:, :1]
    save_file(tensors, odd)

    def said(format, *names, **options):
        with pytest.raises(UserError) as caught:
            import_weights(names, format, tmp_path / "run", **options)
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    assert "is a discriminator: name the file of a generator" in said(TRANSLATORS, pairs["net_D"])
    generators = (cycle["net_G_A"], cycle["net_G_B"])
    assert "one generator, not two" in said(TRANSLATORS, *generators, pairs["net_D"])
    assert "a second discriminator" in said(TRANSLATORS, pairs["net_G"], pairs["net_D"], pairs["net_D"])
    assert "of two architectures" in said(TRANSLATORS, cycle["net_G_A"], other["net_G_B"])
    assert "are both A by their names" in said(TRANSLATORS, cycle["net_G_A"], cycle["net_G_A"])
    assert "a third of its kind" in said(TRANSLATORS, *[cycle["net_G_A"]] * 3, direction="ab")
    assert "of 1 channels into pictures of 3" in said(TRANSLATORS, odd)
    assert "pix2pix's have one direction" in said(TRANSLATORS, pairs["net_G"], direction="ba")
    assert "--direction ab is for CycleGAN" in said(EXAMPLE, noise["net_G"], direction="ab")
    assert "is a discriminator" in said(EXAMPLE, noise["net_D"])
    assert "must be of width 2" in said(EXAMPLE, noise["net_G"], wide["net_D"])
    assert "are both G" in said(EXAMPLE, noise["net_G"], wide["net_G"])
    assert "--size 48: these weights are for pictures of 32x32" in said(EXAMPLE, noise["net_G"], size=48)
    assert "--size 48: it must be a multiple of 32" in said(TRANSLATORS, pairs["net_G"], size=48)
    assert "--size 16 is too small" in said(TRANSLATORS, cycle["net_G_A"], size=16)


@pytest.mark.slow
def test_stargan_files(tmp_path):
    run = randomised(SYSTEMS["stargan"], tmp_path)
    g, d = exported(run, tmp_path)
    if "conv1.weight" in load_file(g):
        g, d = d, g
    tensors = load_file(g)
    assert tensors["main.9.main.1.num_batches_tracked"].dtype == np.int64
    np.testing.assert_array_equal(tensors["main.1.running_var"], [1, 1])  # that code's strict loading wants them
    made = import_weights([g], "stargan", tmp_path / "run", size=64)
    assert (made.experiment.data.fresh, made.record.classes) == (("D",), tuple(f"attribute{n}" for n in range(4)))
    x = np.random.default_rng(0).uniform(-1, 1, (2, 20, 24, 3)).astype(np.float32)
    labels = np.array([[0, 1, 1, 0], [1, 0, 0, 0]])
    np.testing.assert_allclose(made.translate(x, label=labels), run.translate(x, label=labels), atol=1e-6)
    more = {**load_file(d), "conv2.weight": np.ones((5, 8, 4, 4), np.float32)}
    save_file(more, tmp_path / "more.safetensors")
    for files, options, said in (
        ([d], {}, "is a discriminator: name the file of a generator"),
        ([g, g], {}, "are both G"),
        ([g], {"classes": ("a", "b")}, "--classes names 2, and the weights are for 4"),
        ([g], {"size": 100}, "--size 100: it must be a multiple of 64"),
        ([g, d], {"size": 64}, "--size 64: these weights are for pictures of 32x32"),
        ([g, tmp_path / "more.safetensors"], {}, "or are of several data sets at once"),
    ):
        with pytest.raises(UserError, match=said):
            import_weights(files, "stargan", tmp_path / "other", **options)
        assert not (tmp_path / "other").exists()
