"""Objectives and penalties: pure functions of logits, or of a discriminator and its inputs."""

from jaxgan.losses import adversarial, penalties, reconstruction

__all__ = ["adversarial", "penalties", "reconstruction"]
