"""`jaxgan import-weights` and `jaxgan export` as a person calls them."""

import pickle

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

import jaxgan
from jaxgan.cli import main
from jaxgan.networks import Convolutional
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.weights import dcgan, export_weights, torch_files
from jaxgan.weights.file import read_file, read_weights
from tests.command import content, one_sentence, run
from tests.weights.test_workdirs import randomised

TRANSLATORS, EXAMPLE = "pytorch-cyclegan-and-pix2pix", "pytorch-dcgan"


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """The file of a small DCGAN generator."""
    folder = tmp_path_factory.mktemp("files")
    system = DCGAN(networks=Convolutional(width=2, kernel=4, latent_dim=5))
    export_weights(randomised(system, folder), folder / "netG.safetensors")
    return folder / "netG.safetensors"


@pytest.fixture
def refused(tmp_path, capsys):
    """`refused(files, format, ...)`: the one sentence; nothing is made."""

    def call(*words, format=EXAMPLE, out=None):
        out = out or tmp_path / "run"
        before = content(tmp_path)
        assert main(["import-weights", *map(str, words), "--format", format, "--out", str(out)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert content(tmp_path) == before
        assert not (tmp_path / "run").exists()
        return one_sentence(captured.err)

    return call


@pytest.mark.slow
def test_import_sample_info_export(generator, tmp_path):
    made = run("import-weights", generator, "--format", EXAMPLE, "--out", tmp_path / "run").stdout
    assert f"G from {generator}" in made
    assert "D in none of the files: fresh weights" in made
    assert "DCGAN for pictures of 32x32x3" in made
    run("sample", tmp_path / "run", "--num", "4")
    assert Image.open(tmp_path / "run" / "sample.png").size[0] > 64
    shown = run("info", tmp_path / "run").stdout
    assert "step         0 of" in shown
    assert str(generator) in shown
    written = run("export", tmp_path / "run", "--format", "safetensors", "--out", tmp_path / "again.safetensors").stdout
    assert EXAMPLE in written
    assert "main.9.bias: that code has no bias there" in written
    assert (tmp_path / "again.safetensors").read_bytes() == generator.read_bytes()
    assert "without data to train on" in one_sentence(run("evaluate", tmp_path / "run", code=2).stderr)


def test_the_wrong_format_is_said(generator, refused):
    assert f"no network of {TRANSLATORS} is in it" in refused(generator, format=TRANSLATORS)
    with pytest.raises(SystemExit) as caught:
        main(["import-weights", str(generator), "--format", "pytorch-cyclegan", "--out", "x"])
    assert caught.value.code == 2


def test_wrong_tensors_are_named(generator, refused, tmp_path):
    tensors = load_file(generator)
    path = tmp_path / "net.safetensors"

    def said(changes, *without):
        save_file({n: t for n, t in {**tensors, **changes}.items() if n not in without}, path)
        return refused(path)

    assert "lacks the tensor main.6.weight; " in said({}, "main.6.weight")
    missing = [
        f"main.{number}.{rest}" for number in (4, 7) for rest in ("bias", "running_mean", "running_var", "weight")
    ]
    assert "and 5 more; " in said({}, *missing)
    assert "has no place for the tensor main.2.weight; " in said({"main.2.weight": np.ones(3, np.float32)})
    shape = tensors["main.3.weight"].shape
    assert f"main.3.weight has the shape {[*shape[:2], 4, 2]}, not {[*shape]}" in said(
        {"main.3.weight": tensors["main.3.weight"][..., :2]}
    )
    assert "main.0.weight, which a convolution should have, has the shape [5]" in said(
        {"main.0.weight": np.ones(5, np.float32)}
    )
    assert "NaN or infinity in the tensor main.7.bias" in said({"main.7.bias": tensors["main.7.bias"] * np.nan})
    assert "main.0.weight, which a convolution should have, is missing" in said({}, "main.0.weight")


def test_files_that_are_none(generator, refused, tmp_path):
    assert "No such file" in refused(tmp_path / "netG.pth")
    path = tmp_path / "notes.txt"
    path.write_text("no weights")
    assert "files that end in" in refused(path)
    damaged = tmp_path / "cut.safetensors"
    damaged.write_bytes(generator.read_bytes()[:-100])
    assert "is damaged" in refused(damaged)
    (tmp_path / "netG.pth").write_bytes(b"PK")
    assert "is damaged" in refused(tmp_path / "netG.pth")


def test_a_generator_in_a_dict_in_a_file_of_another_name(generator, tmp_path):
    """As the package gan-face-generate has it."""
    tensors = load_file(generator)
    path = tmp_path / "weights.tar"
    path.write_bytes(torch_files.write({"epoch": 3, "netG_state_dict": tensors}))
    found = dcgan.recognise(dcgan.networks_in(read_file(path)), None)
    assert found.system == dcgan.recognise([read_weights(generator)], None).system
    assert found.files["G"].place == "netG_state_dict"
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found.files["G"].tensors[name], tensor)


def test_a_folder_that_holds_something_is_left_alone(generator, refused, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "is not an empty folder" in refused(generator, out=tmp_path / "full")
    assert "is not an empty folder" in refused(generator, out=tmp_path / "full" / "letter.txt")
    (tmp_path / "empty").mkdir()
    assert main(["import-weights", str(generator), "--format", EXAMPLE, "--out", str(tmp_path / "empty")]) == 0
    capsys.readouterr()
    assert "is not an empty folder" in refused(generator, out=tmp_path / "empty")


def test_export_says_what_it_cannot(tmp_path, capsys, generator):
    folder = tmp_path / "run"
    assert main(["import-weights", str(generator), "--format", EXAMPLE, "--out", str(folder)]) == 0
    capsys.readouterr()
    for words, said in (
        (["--out", "net.pth"], "must end in .safetensors"),
        (["--out", "net.pt", "--format", "stylegan2-pytorch"], "is for StyleGAN2"),
        (["--out", str(tmp_path / "net.safetensors"), "--network", "F"], "there is no network F"),
        (["--out", str(tmp_path / "net.safetensors"), "--step", "7"], "step"),
    ):
        assert main(["export", str(folder), *words]) == 2
        assert said in one_sentence(capsys.readouterr().err)
    assert not (tmp_path / "net.safetensors").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parity
def test_code_in_a_file_is_not_run(refused, tmp_path):
    import torch

    trace = tmp_path / "was_run"
    torch.save({"main.0.weight": torch.ones(1), "trap": Trap(str(trace))}, tmp_path / "netG.pth")
    assert "would run code" in refused(tmp_path / "netG.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Trap(str(trace))))
    assert "would run code" in refused(tmp_path / "bare.pth")
    assert not trace.exists()


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["resnet", "unet"])
def test_from_pytorch_to_translated_pictures(tmp_path, kind):
    """A `.pth` of PyTorch code, and its pictures of a folder, which are PyTorch's own to a grey level."""
    import torch

    from tests.weights import pytorch_networks as pytorch

    network = pytorch.randomise(pytorch.resnet(2) if kind == "resnet" else pytorch.unet(5, kind="batch"))
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 64, 3), np.uint8)
    for index, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{index}.png")
    words = (tmp_path / "latest_net_G.pth", "--format", TRANSLATORS, "--out", tmp_path / "run")
    told = run("import-weights", *words, "--size", "64").stdout
    fresh = {"resnet": "D_X, D_Y, F in none of the files", "unet": "D in none of the files"}[kind]
    assert fresh in told
    assert ("not --direction ba" in told) == (kind == "resnet")
    system = jaxgan.restore(tmp_path / "run").system
    assert isinstance(system, CycleGAN if kind == "resnet" else Pix2Pix)
    statistics = ["--running-statistics"] if kind == "unet" else []
    run("translate", tmp_path / "run", tmp_path / "photos", tmp_path / "made", *statistics)
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
    with torch.no_grad():
        expected = (network(x).permute(0, 2, 3, 1).numpy() + 1) * 127.5
    assert expected.std() > 10
    for index in range(2):
        made = np.asarray(Image.open(tmp_path / "made" / f"{index}.png"), np.float32)
        assert np.abs(made - expected[index]).max() < 1
