"""Eight fake devices for every test, set before JAX starts, and a cache of prepared data of the session's own.

Tests compile many small programs and run each a few times: without optimisation the compiler takes a third of the time.
"""

import os

FLAGS = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=1"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Where data sets are prepared, once for all tests: nothing reads or writes the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXGAN_CACHE", str(folder))
        yield folder
