"""Text to image on 32x32 avatars: faces as captions describe them, for two CPU cores.

    jaxgan train text2image_avatars
    jaxgan sample runs/text2image_avatars --text "a bald person with sunglasses and a yellow shirt"

Captions are read as words by a GRU, which learns for 400 steps; then GAN-INT-CLS begins, with what made DCGAN train on avatars.
Combinations of hair colour, glasses and colour of clothes are held out (`AvatarCaptions(part="test")`). It has not been trained
to the end yet: the numbers here are where to begin.
"""

from jaxgan import Experiment
from jaxgan.data import AvatarCaptions, Captioned
from jaxgan.networks import Convolutional, WordGRU
from jaxgan.systems.text2image import TextToImage
from jaxgan.text import Words


def get_config() -> Experiment:
    return Experiment(
        system=TextToImage(
            encoder=WordGRU(),
            encoder_steps=400,
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
            r1=5.0,
            beta1=0.0,
            learning_rate=5e-4,
            ema=0.995,
        ),
        data=Captioned(pictures=AvatarCaptions(size=32), text=Words()),
        batch_size=32,
        steps=2000,
    )
