"""What `help()` shows: every public name is explained, every argument named, every reference good, every example true.

An example is read by someone who has pasted the `help` of one object, so it runs with what that reader has: the public names of
the module that is explained, `jaxgan`, and JAX and numpy under their usual names. What else it needs, it imports itself. The
folder that it runs in holds runs/digits, the run that the example of `jaxgan.fit` trains.
"""

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan.data import Digits
from jaxgan.systems.gan import GAN

LEFT_OUT = ("jaxgan.demo",)
"""Needs an extra of its own."""


def find_modules(path=tuple(jaxgan.__path__), prefix="jaxgan."):
    """Every module's name and source, by their files: nothing is imported to collect the tests."""
    for found in pkgutil.iter_modules(path, prefix):
        if found.name not in LEFT_OUT:
            spec = found.module_finder.find_spec(found.name)
            yield found.name, Path(spec.origin).read_text("utf-8")
            if found.ispkg:
                yield from find_modules(spec.submodule_search_locations, f"{found.name}.")


MODULES = {"jaxgan": Path(jaxgan.__file__).read_text("utf-8"), **dict(find_modules())}
TREES = {name: ast.parse(source) for name, source in MODULES.items()}


def documented(kinds):
    """(where, node, docstring) of all that has a docstring, whether public or not."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
                yield f"{module}.{getattr(node, 'name', '')}".rstrip("."), node, docstring


def entries(docstring, section):
    """The names that the lines of a section begin with ("a, b: text"); None where there is no such section."""
    if (found := re.search(rf"^{section}:\n((?:[ ]+.*\n?)+)", docstring, re.MULTILINE)) is None:
        return None
    indent = re.match(" +", found[1])[0]
    lines = re.findall(rf"^{indent}(\w+(?:, \w+)*):", found[1], re.MULTILINE)
    return [name for line in lines for name in line.split(", ")]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Trained as the example of `jaxgan.fit` says, once for all examples, and on one device, which compiles faster."""
    folder = tmp_path_factory.mktemp("examples")
    system = GAN(latent_dim=32, generator_hidden=256, discriminator_hidden=120)
    experiment = jaxgan.Experiment(system=system, data=Digits(), steps=20, devices=1)
    jaxgan.fit(experiment, folder / "runs" / "digits", quiet=True)
    return folder


@pytest.mark.parametrize("name", [name for name, source in MODULES.items() if ">>> " in source])
def test_the_examples_of_a_module_are_true(name, request, tmp_path, monkeypatch):
    monkeypatch.chdir(request.getfixturevalue("digits") if '"runs/digits"' in MODULES[name] else tmp_path)
    module = importlib.import_module(name)
    own = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", name) == name and not inspect.ismodule(value)
    }
    names = {**own, "jax": jax, "jnp": jnp, "np": np, "jaxgan": jaxgan}
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, name, globs=names)
    # One that doctest does not find would never be wrong.
    assert sum(len(test.examples) for test in tests) == len(re.findall(r"^ *>>> ", MODULES[name], re.MULTILINE))
    said = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in tests:
        runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)


def public():
    """(name, object) of what `help` is asked about: `__all__`, or of a package without it what its modules define."""
    for package in ("jaxgan", "jaxgan.losses", "jaxgan.nn", "jaxgan.networks", "jaxgan.data", "jaxgan.weights"):
        module = importlib.import_module(package)
        yield package, module
        yield from ((f"{package}.{name}", getattr(module, name)) for name in module.__all__)
    for module_name in MODULES:
        if re.match(r"jaxgan\.(losses|metrics|latent|rows|pictures|text)(\.|$)", module_name):
            module = importlib.import_module(module_name)
            yield module_name, module
            yield from (
                (f"{module_name}.{name}", value)
                for name, value in vars(module).items()
                if not name.startswith("_") and getattr(value, "__module__", None) == module_name
            )


def test_every_public_name_is_explained_by_a_sentence():
    unexplained = []
    count = 0
    for name, value in public():
        if not (inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value))):
            continue  # an alias of types, which has no docstring of its own
        count += 1
        docstring = value.__doc__ or ""  # and not that of a base class, as inspect.getdoc gives it
        made_up = dataclasses.is_dataclass(value) and docstring.startswith(f"{value.__name__}(")
        if made_up or not docstring.strip().split("\n")[0].endswith("."):
            unexplained.append(f"{name}: {docstring.strip().split(chr(10))[0]!r}")
    assert not unexplained
    assert count > 150


def test_args_name_every_parameter_and_no_other():
    wrong = []
    count = 0
    for name, node, docstring in documented((ast.FunctionDef, ast.AsyncFunctionDef)):
        if (said := entries(docstring, "Args")) is None:
            continue
        count += 1
        a = node.args
        every = [
            *a.posonlyargs,
            *a.args,
            *([a.vararg] if a.vararg else []),
            *a.kwonlyargs,
            *([a.kwarg] if a.kwarg else []),
        ]
        parameters = [arg.arg for arg in every if arg.arg not in ("self", "cls")]
        elsewhere = "arguments that are not said here" in docstring
        if (
            set(said) - set(parameters)
            or (set(parameters) - set(said) and not elsewhere)
            or len(said) != len(set(said))
        ):
            wrong.append(f"{name}: has {parameters}, says {said}")
    assert not wrong
    assert count > 60


def test_attributes_name_every_field_and_no_other():
    wrong = []
    count = 0
    for name, node, docstring in documented(ast.ClassDef):
        fields = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and _is_field(part)]
        if (said := entries(docstring, "Attributes")) is None or not fields:
            continue
        count += 1
        if set(said) != set(fields):
            wrong.append(f"{name}: has {fields}, says {said}")
    assert not wrong
    assert count > 15


def _is_field(node):
    return not node.target.id.startswith("_") and not ast.unparse(node.annotation).startswith("ClassVar")


def test_what_docstrings_refer_to_is_there():
    """`jaxgan.rows.AXIS` and its like, in backticks."""
    dangling = []
    count = 0
    for name, _, docstring in documented((ast.Module, ast.ClassDef, ast.FunctionDef)):
        for reference in re.findall(r"`(jaxgan(?:\.\w+)+)", docstring):
            count += 1
            if not _exists(reference):
                dangling.append(f"{name}: {reference}")
    assert not dangling
    assert count > 30


def _exists(reference):
    try:
        pkgutil.resolve_name(reference)
    except (ImportError, AttributeError):
        return False
    return True


SHOWN = {
    "jaxgan": "Experiment fit restore Run Run.sample Run.decode System Phase Schedule every before after",
    "jaxgan.data": "Arrays Avatars Batches Captioned Digits Folder ImageData Pairs Points TFDS Unpaired parse_source",
    "jaxgan.latent": "arithmetic path slerp standardized",
    "jaxgan.losses.adversarial": "discriminator_loss generator_non_saturating_loss hinge_discriminator_loss",
    "jaxgan.losses.penalties": "clip_weights gradient_penalty r1",
    "jaxgan.media": "Audio Medium Notes Picture Points Text Vector Video Voxels grid to_uint8",
    "jaxgan.metrics.frechet": "frechet_distance",
    "jaxgan.metrics.inception_score": "inception_score",
    "jaxgan.metrics.kernel": "kernel_distance",
    "jaxgan.metrics.manifold": "density_coverage precision_recall",
    "jaxgan.metrics.modes": "modes_covered",
    "jaxgan.metrics.similarity": "psnr ssim",
    "jaxgan.networks": "Convolutional Patch Residual UNet",
    "jaxgan.nn": "BatchNorm Conv ConvTranspose InstanceNorm Maxout reflect spectral_norm",
    "jaxgan.rows": "interleave solo",
    "jaxgan.weights": "pack",
}
"""What people look up most."""


@pytest.mark.parametrize("module", SHOWN)
def test_what_people_look_up_has_an_example(module):
    without = [name for name in SHOWN[module].split() if ">>> " not in pkgutil.resolve_name(f"{module}:{name}").__doc__]
    assert not without


@pytest.mark.parametrize(
    "module", ["jaxgan", "jaxgan.data", "jaxgan.media", "jaxgan.rows", "jaxgan.training.two_players"]
)
def test_so_have_the_modules_that_explain_a_whole(module):
    assert ">>> " in importlib.import_module(module).__doc__
