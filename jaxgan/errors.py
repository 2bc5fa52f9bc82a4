"""The one exception for bad input: a sentence that names what is wrong and the way out."""


class UserError(Exception):
    """Bad input: a file, a field, a value or a combination of them.

    Its message is one clear sentence (or a few) for the person who gave the input: it names the file, field or tensor and
    says the way out. The command line prints it to standard error and exits with code 2, without a traceback; from Python
    it is an ordinary exception.
    """


def missing_extra(package: str, extra: str, purpose: str) -> UserError:
    """The sentence for an optional dependency that is not installed.

    >>> print(missing_extra("sklearn", "data", "the digits data set"))
    the digits data set needs the package 'sklearn', which is not installed: pip install "jaxgan[data]"
    """
    return UserError(
        f"{purpose} needs the package '{package}', which is not installed: pip install \"jaxgan[{extra}]\""
    )
