"""Objectives and penalties: pure functions of logits, or of a discriminator and its inputs."""

from jaxgan.losses import adversarial, embedding, penalties, reconstruction

__all__ = ["adversarial", "embedding", "penalties", "reconstruction"]
