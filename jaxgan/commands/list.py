"""`jaxgan list`: the configs that ship with jaxgan."""

import dataclasses

from jaxgan import configs
from jaxgan.commands.parsing import parse


@dataclasses.dataclass(frozen=True)
class List:
    """The configs that ship with jaxgan."""


def run(argv: list[str]) -> int:
    """The configs that ship with jaxgan."""
    parse(List, "jaxgan list", argv)
    found = configs.shipped()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        print(f"{name:{width}}  {configs.summary(path)}")
    return 0
