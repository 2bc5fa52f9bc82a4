"""The networks of a snapshot of NVIDIA's training code, and of those that began as it: a pickle of {"G", "D", "G_ema", ...}.

Each is a PyTorch module as a whole, whose classes are not here: read off what the modules hold, by `jaxgan.weights.pickles`,
without running anything.
"""

from collections.abc import Iterator
from typing import Any

from jaxgan.errors import UserError
from jaxgan.weights.file import Contents, Weights
from jaxgan.weights.pickles import Inert, items_of

RECONSTRUCT = "torch_utils.persistence._reconstruct_persistent_obj"
"""What a module is made by that carries its source."""
DEPTH = 8
"""Modules in modules; a style of StyleGAN2's is 4 deep, a kernel of R3GAN's 6."""
TENSORS = 10_000
"""More than any network of these has."""


def modules_in(contents: Contents) -> list[Weights]:
    """G_ema, or else G, and D, with what each was made with as `settings`; none where the file is no such snapshot.

    Raises:
        UserError: a module has more tensors than any of these networks.
    """
    items = items_of(contents.tree) or {}
    modules = {name: _state(items.get(name)) for name in ("G_ema", "G", "D")}
    return [
        contents.weights(_tensors(contents, modules[name]), name, _arguments(modules[name]))
        for name in ("G_ema" if modules["G_ema"] else "G", "D")
        if modules[name]
    ]


def _state(module: Any) -> dict[str, Any]:
    """The attributes of a module; {} of what is none."""
    if not isinstance(module, Inert):
        return {}
    state = module.state
    if module.name == RECONSTRUCT and len(module.args) == 1:
        state = (items_of(module.args[0]) or {}).get("state")
    return items_of(state) or {}


def _arguments(state: dict[str, Any]) -> dict[str, Any]:
    """What the module was made with."""
    return items_of(state.get("_init_kwargs")) or {}


def _tensors(contents: Contents, state: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, tensor in _walk(state, "", DEPTH):
        found[name] = tensor
        if len(found) > TENSORS:
            raise UserError(f"{contents.path}: its modules have more than {TENSORS} tensors, and no network here has")
    return found


def _walk(state: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for kind in ("_parameters", "_buffers"):
        yield from (
            (f"{prefix}{name}", one) for name, one in (items_of(state.get(kind)) or {}).items() if one is not None
        )
    for name, module in (items_of(state.get("_modules")) or {}).items():
        if depth:
            yield from _walk(_state(module), f"{prefix}{name}.", depth - 1)
