"""The one exception for bad input: a sentence that names what is wrong and the way out."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input: a file, a field, a value or a combination of them.

    Its message is one clear sentence (or a few) for the person who gave the input: it names the file, field or tensor and
    says the way out. The command line prints it to standard error and exits with code 2, without a traceback; from Python
    it is an ordinary exception.
    """


class OutOfMemory(UserError):
    """The host's memory, or a device's, is too small for what was asked; the message says what to lower."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's own, or JAX's, which has no class for it."""
    return isinstance(error, MemoryError) or (
        type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError")
        and any(words in str(error) for words in ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory"))
    )


def missing_extra(package: str, extra: str, purpose: str) -> UserError:
    """The sentence for an optional dependency that is not installed.

    >>> print(missing_extra("sklearn", "data", "the digits data set"))
    the digits data set needs the package 'sklearn', which is not installed: pip install "jaxgan[data]"
    """
    return UserError(
        f"{purpose} needs the package '{package}', which is not installed: pip install \"jaxgan[{extra}]\""
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """How a sentence about an unknown name ends: ', did you mean "glasses"?', or '.' if nothing is near."""
    close = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.5)
    return f', did you mean "{close[0]}"?' if close else "."
