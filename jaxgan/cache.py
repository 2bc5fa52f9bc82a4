"""Where what is made once is kept for all runs: prepared data, classifiers, compiled programs."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """$JAXGAN_CACHE, else $XDG_CACHE_HOME/jaxgan, else ~/.cache/jaxgan."""
    if os.environ.get("JAXGAN_CACHE"):
        return Path(os.environ["JAXGAN_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "jaxgan"
