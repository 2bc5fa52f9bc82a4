"""Eight fake devices for every test, set before JAX starts, and a cache of prepared data of the session's own.

Tests compile many small programs and run each a few times: without optimisation the compiler takes a third of the time.
"""

import os
from pathlib import Path

FLAGS = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=1"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"

# On a GPU XLA rounds the factors of float32 products (TF32) and picks the kernels that it finds fastest at the time: what is
# compared to the last bits must not depend on that.
if Path("/dev/nvidiactl").exists():
    os.environ["XLA_FLAGS"] += " --xla_gpu_deterministic_ops=true"
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")

import jax
import pytest

from jaxgan.training import loop


def pytest_runtest_setup(item):
    asked = {*item.fixturenames, *(mark.name for mark in item.iter_markers())}
    # A CPU poses as eight, and a test that finds fewer there must fail; a GPU is what it is.
    if (
        asked & {"eight_devices_equal_one", "eight_devices"}
        and jax.default_backend() != "cpu"
        and jax.device_count() < 8
    ):
        pytest.skip(f"needs eight devices, and {jax.device_count()} of kind {jax.default_backend()} is here")


@pytest.fixture(scope="session", autouse=True)
def no_hidden_transfers():
    """In whatever a test trains, rows go to the devices and nothing else; nothing comes back, so that no step waits for the one
    before."""
    advance = loop._Trainer.advance

    def guarded(trainer):
        with jax.transfer_guard("disallow"):
            advance(trainer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Trainer, "advance", guarded)
        yield


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Where data sets are prepared, once for all tests: nothing reads or writes the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXGAN_CACHE", str(folder))
        yield folder
