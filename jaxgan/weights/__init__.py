"""Other people's weights: read from their files into a workdir, and written into files that their code reads.

    run = jaxgan.weights.import_weights(["latest_net_G.pth"], "pytorch-cyclegan-and-pix2pix", "runs/facades")
    jaxgan.weights.export_weights(run, "facades.safetensors")
    jaxgan.weights.pack(run, "run.safetensors")     # jaxgan's own: all networks and the experiment in one file; unpack reads it

`file` reads files as numbers, never as programs, those of PyTorch by `torch_files` and `pickles`; `layers` brings tensors and
leaves together; `formats` are whose code wrote the files, each a module that knows names and architectures (`translators`,
`dcgan`, `stargan`, `stylegan2_nvidia`, `stylegan2_pytorch`).
"""

import importlib
from typing import TYPE_CHECKING

_WHERE = {"Imported": "data", "import_weights": "importing", "export_weights": "exporting"}
_WHERE |= {"pack": "packed", "unpack": "packed", "shipped": "packed"}
__all__ = list(_WHERE)

if TYPE_CHECKING:
    from jaxgan.weights.data import Imported
    from jaxgan.weights.exporting import export_weights
    from jaxgan.weights.importing import import_weights
    from jaxgan.weights.packed import pack, shipped, unpack


def __getattr__(name: str):
    # When it is first used: reading files of weights, as metrics do, needs no more than `file`.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"jaxgan.weights.{_WHERE[name]}"), name)
