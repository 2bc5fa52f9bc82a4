"""Eight fake devices for every test, set before JAX starts, and a cache of prepared data of the session's own."""

import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Where data sets are prepared, once for all tests: nothing reads or writes the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXGAN_CACHE", str(folder))
        yield folder
