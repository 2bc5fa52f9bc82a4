"""Finding and loading configs: plain Python files with a function `get_config() -> Experiment`."""

import ast
import difflib
import importlib.machinery
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from jaxgan.cache import expanded
from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.experiment import Experiment


def shipped() -> dict[str, Path]:
    """The configs that come with jaxgan, by name: in the wheel beside this file, in a clone one folder up."""
    here = Path(__file__).parent
    for folder in (here / "shipped_configs", here.parent / "configs"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}
    return {}


def find(config: str) -> Path:
    """The file of a config, given as a path or as the name of one that ships with jaxgan.

    Raises:
        UserError: there is none; the sentence names the nearest.
    """
    path = expanded(config)
    if path.is_file():
        return path
    names = shipped()
    if config in names:
        return names[config]
    close = difflib.get_close_matches(path.stem, names, n=1)
    what = f"{config} is a folder, not a config" if path.is_dir() else f"there is no config {config}"
    if close:
        raise UserError(f"{what}. Did you mean {close[0]}? (jaxgan list shows all.)")
    raise UserError(f"{what}. Give the path of a Python file, or one of {', '.join(names)}.")


class _Uncached(importlib.machinery.SourceFileLoader):
    """Keeps no bytecode beside a config: whoever runs one finds the folder as it was."""

    def set_data(self, path, data, *, _mode=0o666):
        pass


def load(config: str) -> "Experiment":
    """The experiment of a config.

    Raises:
        UserError: the file does not exist, is not Python, fails, or has no `get_config` that returns an Experiment.
    """
    from jaxgan.experiment import Experiment

    path = find(config)
    if path.suffix != ".py":
        raise UserError(f"{path} is not a Python file: a config is one, with a function get_config()")
    name = f"jaxgan_config_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    module = importlib.util.module_from_spec(specification)
    # By its name a dataclass that the config defines finds its module again.
    sys.modules[module.__name__] = module
    try:
        specification.loader.exec_module(module)
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}, is not Python: {error.msg}") from None
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path}, line {_line(error, path)}, fails: {type(error).__name__}: {error}") from error
    get_config = getattr(module, "get_config", None)
    if not callable(get_config):
        raise UserError(f"{path} has no function get_config(): a config defines one that returns an Experiment")
    try:
        experiment = get_config()
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception as error:
        raise UserError(
            f"{path}, line {_line(error, path)}: get_config() fails: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(experiment, Experiment):
        raise UserError(f"{path}: get_config() returns {type(experiment).__name__}: it must return a jaxgan.Experiment")
    return experiment


def summary(path: Path) -> str:
    """The first line of a config's docstring, read without running it."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def _line(error: Exception, path: Path) -> int | str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else "?"
