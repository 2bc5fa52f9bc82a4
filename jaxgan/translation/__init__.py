"""Pictures turned into others by a trained run: arrays, files, and sheets of all that could become of them."""

from jaxgan.translation.translator import Translator, asked

__all__ = ["Translator", "asked"]
