"""Files of StyleGAN2 for tests, as other people's code writes them, and what they give."""

import importlib
import pickle
import sys
import types

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.weights.file import read_file
from jaxgan.weights.layers import read_network


def variables_of(format, path):
    """The system, and by network the variables, that a file gives."""
    contents = read_file(path)
    recognised = format.recognise(format.networks_in(contents), None)
    shape = (recognised.size, recognised.size, recognised.channels)
    shapes = shapes_of(recognised.system, shape)
    return recognised, {
        name: read_network(shapes[name], weights, format.layers(recognised.system, shape, name))
        for name, weights in recognised.files.items()
    }


def shapes_of(system, shape):
    batch = {"image": np.zeros((4, *shape), np.float32), "label": np.zeros(4, np.int32)}
    batch = {name: batch[name] for name in system.reads}
    return jax.eval_shape(rows.solo(lambda: system.init_variables(jax.random.key(0), batch)))


def made_here(system, variables, z, labels, shape, *psis):
    """Pictures of the latents, for each psi, their colours not cut off."""
    inputs = {"image": np.zeros((len(z), *shape), np.float32), "label": labels}

    @jax.jit
    @rows.solo
    def make(z, psi):
        return system.synthesize(variables, system.truncate(variables, z, psi, inputs), shape, None)

    return [make(z, psi) for psi in psis]


class Stand:
    """A module of NVIDIA's code, pickled as there; the source in it would say so if it were run."""

    def __init__(self, state, reconstruct, trace):
        self.state, self.reconstruct, self.trace = state, reconstruct, trace

    def __reduce__(self):
        source = f"open({str(self.trace)!r}, 'w')"
        return self.reconstruct, (
            {"type": "class", "version": 6, "module_src": source, "class_name": "N", "state": self.state},
        )


def nvidia_pickle(path, networks, arguments=None):
    """{name: {tensor's name: tensor}} as that code writes it, by a package that is gone when this returns."""
    import torch

    package, module = types.ModuleType("torch_utils"), types.ModuleType("torch_utils.persistence")
    exec("def _reconstruct_persistent_obj(meta): exec(meta['module_src'])", module.__dict__)
    module._reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    sys.modules |= {"torch_utils": package, "torch_utils.persistence": module}
    trace = path.with_name("was_run")

    def stand(tensors, given):
        state = {"training": False, "_parameters": {}, "_buffers": {}, "_modules": {}, "_init_kwargs": given}
        for name in dict.fromkeys(name.partition(".")[0] for name in tensors):
            if name in tensors:
                buffer = name in ("w_avg", "noise_const", "resample_filter")
                held = tensors[name] if buffer else torch.nn.Parameter(tensors[name])
                state["_buffers" if buffer else "_parameters"][name] = held
            else:
                inner = {key.partition(".")[2]: one for key, one in tensors.items() if key.startswith(f"{name}.")}
                state["_modules"][name] = stand(inner, {})
        return Stand(state, module._reconstruct_persistent_obj, trace)

    try:
        made = {name: stand(tensors, (arguments or {}).get(name, {})) for name, tensors in networks.items()}
        path.write_bytes(
            pickle.dumps({**made, "augment_pipe": None, "training_set_kwargs": {"path": "x", "n": np.int64(3)}})
        )
        pickle.loads(path.read_bytes())
        assert trace.exists()  # it is a trap
        trace.unlink()
    finally:
        del sys.modules["torch_utils"], sys.modules["torch_utils.persistence"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("torch_utils.persistence")
    return trace
