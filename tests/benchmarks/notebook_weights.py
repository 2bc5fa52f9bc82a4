"""The small trained networks that the notebooks `4_translate_your_pictures` and `5_text_to_image` start from.

    python -m tests.benchmarks.notebook_weights coloured_faces --workdir runs/coloured_faces --out colab/weights

trains one of them from nothing on two CPU cores and packs it; NAME is one of `EXPERIMENTS`. A training that was stopped goes on
by the same command. Each file stays below 2 MB in float16: that decides widths and depths.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

import jaxgan
from jaxgan import workdir
from jaxgan.data import AvatarCaptions, Avatars, Captioned, Pairs, Unpaired
from jaxgan.media import Words
from jaxgan.networks import Convolutional, Patch, Transform, UNet, WordGRU
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.text2image import TextToImage
from jaxgan.training.system import Schedule
from jaxgan.weights import pack

LIMIT = 2_000_000
"""Bytes of a file, at most."""
LEFT_OUT = ("V",)
"""Of text to image the encoder of pictures, beside which that of texts has learnt: it does not learn any more."""
PAIRS = 2048


def line_drawing(face: Image.Image) -> Image.Image:
    """The outlines of a picture, dark on white, as in the notebook."""
    edges = ImageOps.invert(face.convert("L").filter(ImageFilter.FIND_EDGES)).point(lambda value: 2 * value - 255)
    # The filter leaves the outermost pixels as they were.
    return ImageOps.expand(ImageOps.crop(edges, 1), 1, 255).convert("RGB")


def draw_pairs(folder: Path, count: int) -> None:
    """A folder of pairs as a person would have it: A/00000.png a drawing, B/00000.png the face."""
    faces = Avatars(size=64, count=count).load().examples
    for side in "AB":
        (folder / side).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        face = Image.fromarray(np.asarray(faces[index]["image"]))
        line_drawing(face).save(folder / "A" / f"{index:05d}.png")
        face.save(folder / "B" / f"{index:05d}.png")


def coloured_faces(where: Path) -> jaxgan.Experiment:
    """Pix2Pix: line drawings of faces in colour"""
    folder = where.with_name(f"{where.name}_pairs")
    if not folder.is_dir():
        draw_pairs(folder, PAIRS)
    return jaxgan.Experiment(
        system=Pix2Pix(
            generator=UNet(width=12, levels=5, norm="instance", dropout=0.0),
            discriminator=Patch(width=12, field=34, norm="instance"),
        ),
        data=Pairs(path=str(folder), size=64, flip=True),
        batch_size=8,
        steps=4000,
    )


def two_styles(where: Path) -> jaxgan.Experiment:
    """CycleGAN: faces of one style and of another, without pairs"""
    return jaxgan.Experiment(
        system=CycleGAN(
            generator=Transform(width=16, blocks=3),
            discriminator=Patch(width=12, norm="instance"),
            identity=0.5,
            schedule=Schedule(hold=2500, decay=2500),
        ),
        data=Unpaired(
            a=Avatars(size=64, style="personas", flip=True),
            b=Avatars(size=64, style="toon-head", label="hair_color", flip=True),
        ),
        batch_size=1,
        steps=5000,
    )


def hair_and_glasses(where: Path) -> jaxgan.Experiment:
    """StarGAN: the colour of hair, and glasses"""
    colours = ("black", "brown", "orange", "silver", "pink")
    attributes = (*(f"hair_color={colour}" for colour in colours), "glasses=glasses", "glasses=sunglasses")
    # Two moves of the discriminator instead of five, and a higher rate: with five and 2e-4 there was fog at step 500.
    return jaxgan.Experiment(
        system=StarGAN(
            width=16,
            blocks=4,
            discriminator_width=16,
            discriminator_layers=4,
            discriminator_moves=2,
            learning_rate=5e-4,
        ),
        data=Avatars(size=64, label=attributes, flip=True),
        batch_size=8,
        steps=2000,
    )


def faces_of_captions(where: Path) -> jaxgan.Experiment:
    """GAN-INT-CLS: faces as captions say"""
    return jaxgan.Experiment(
        system=TextToImage(
            encoder=WordGRU(),
            encoder_steps=1500,
            networks=Convolutional(latent="normal", width=24, kernel=4, discriminator_norm="none"),
            r1=5.0,
            learning_rate=1e-3,
            beta1=0.0,
            beta2=0.99,
            ema=0.995,
        ),
        data=Captioned(pictures=AvatarCaptions(size=32), text=Words()),
        batch_size=32,
        steps=7500,
    )


EXPERIMENTS: dict[str, Callable[[Path], jaxgan.Experiment]] = {
    function.__name__: function for function in (coloured_faces, two_styles, hair_and_glasses, faces_of_captions)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=EXPERIMENTS)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder for NAME.safetensors and NAME.json")
    parser.add_argument("--steps", type=int, help="of the whole training, instead of the experiment's")
    parser.add_argument("--commit", help="of this script, for the JSON")
    arguments = parser.parse_args()
    experiment = EXPERIMENTS[arguments.name](arguments.workdir)
    if arguments.steps:
        experiment = jaxgan.Experiment(**{**vars(experiment), "steps": arguments.steps})
    began = time.monotonic()
    run = jaxgan.fit(experiment, arguments.workdir)
    if run.stopped:
        raise SystemExit(f"stopped at step {run.step} of {experiment.steps}: the same command goes on")
    file = arguments.out / f"{arguments.name}.safetensors"
    pack(run, file, networks=[name for name in run.state.networks if name not in LEFT_OUT])
    if (size := file.stat().st_size) > LIMIT:
        raise SystemExit(f"{file} has {size:,} bytes: more than {LIMIT:,}")
    about = {
        "what": EXPERIMENTS[arguments.name].__doc__,
        "command": f"python -m tests.benchmarks.notebook_weights {arguments.name} --workdir runs/{arguments.name} "
        "--out colab/weights",
        "commit": arguments.commit,
        "steps": run.step,
        "minutes_of_this_command": round((time.monotonic() - began) / 60, 1),
        "bytes": size,
        "digest_of_the_state": run.digest,
        "versions": workdir.versions(),
    }
    file.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
