"""Text to image on 32x32 avatars: faces as captions describe them, for two CPU cores.

    jaxgan train text2image_avatars
    jaxgan sample runs/text2image_avatars --text "a bald person with sunglasses and a yellow shirt"

Captions are read as words by a GRU, which learns for 1,500 steps beside an encoder of pictures; then GAN-INT-CLS begins, with
what made DCGAN train on avatars: no norm in the discriminator, R1, beta1 0, and the quickstart's rate. From step 5,250 on a
network learns to find the noise of a picture, for `jaxgan edit --picture`. Combinations of hair colour, glasses and colour of
clothes are held out (`AvatarCaptions(part="test")`).
"""

from jaxgan import Experiment
from jaxgan.data import AvatarCaptions, Captioned
from jaxgan.media import Words
from jaxgan.networks import Convolutional, WordGRU
from jaxgan.systems.text2image import TextToImage


def get_config() -> Experiment:
    return Experiment(
        system=TextToImage(
            encoder=WordGRU(),
            encoder_steps=1500,
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
            r1=5.0,
            learning_rate=1e-3,
            beta1=0.0,
            beta2=0.99,
            ema=0.995,
            style_after=5250,
        ),
        data=Captioned(pictures=AvatarCaptions(size=32), text=Words()),
        batch_size=32,
        steps=9000,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
