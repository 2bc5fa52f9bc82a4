"""StyleGAN2 on 100 and on 500 faces: without augmentation, with DiffAugment, with ADA; and fine-tuned with Freeze-D.

    python -m tests.benchmarks.few_pictures --workdir DIR --json tests/benchmarks/results/few_pictures.json --commit COMMIT

Avatars of 16x16, so that seven runs of 3,000 steps and three of 1,000 fit into 35 minutes of two CPU cores. Of each, by the
classifier's features:

- FID and recall of 2,048 generated faces against as many held-out ones, of which no run has seen any. "copies" are the
  training faces themselves, which a generator that has learned them by heart would make.
- what D has learned by heart: (E[D(train)] - E[D(held out)]) / (E[D(train)] - E[D(G(z))]). 0: it judges faces that it has
  seen as those that it has not; 1: what it has not seen is as good as generated (ADA, 2006.06676, equation 1, r_v).
- p, the probability of the augmentation, over time.

Fine-tuning: of a run on 4,096 faces of one style to 100 of another, with all of D and with its first layers frozen, and that
from scratch.
"""

import argparse
import datetime
import json
import platform
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxgan
from jaxgan import media, workdir
from jaxgan.data import Avatars
from jaxgan.metrics import named
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import see
from jaxgan.metrics.sources import generated_examples
from jaxgan.networks.ada import Ada
from jaxgan.networks.augmentation import AUX, Augmentation
from jaxgan.systems.stylegan2 import StyleGAN2
from tests.benchmarks.objectives import COUNT, METRICS, figures_of

SIDE, ALL, STEPS, FROZEN = 16, 4096, 3000, 3
OTHER, P = "toon-head", f"discriminator/{AUX}"
AUGMENTATIONS = {
    "none": Augmentation(),
    "DiffAugment": Augmentation(color=True, translation=True, cutout=True),
    # p can reach its end within a third of the run; the paper's 500,000 images are for runs of 25 million.
    "ADA": Augmentation(
        ada=Ada(blit=1.0, geometry=1.0, color=1.0), target=0.6, probability=0.8, adaptation_images=5000
    ),
}


def faces(count: int, style: str = "personas", first: int = 0) -> Avatars:
    return Avatars(
        size=SIDE, count=count, style=style, first=first, **({} if style == "personas" else {"label": "hair_color"})
    )


def experiment(
    data: Avatars, augmentation: str, steps: int, start_from: str | None = None, frozen: int = 0
) -> jaxgan.Experiment:
    system = StyleGAN2(
        latent_dim=64, style_dim=64, mapping_layers=2, width=64, channel_base=512, r1=1.0, path_length=0.0, style_mixing=0.0,
        learning_rate=0.01, freeze_discriminator=frozen, augmentation=AUGMENTATIONS[augmentation],
        # A twentieth of the images of a run; an average that begins as another run's cannot grow from nothing.
        **({"ema_images": steps * 16 / 20} if start_from else {"ema_rampup": 0.05}),
    )  # fmt: skip
    return jaxgan.Experiment(
        system=system, data=data, batch_size=16, steps=steps, log_every=20, sample_every=steps, checkpoint_every=steps,
        start_from=start_from,
    )  # fmt: skip


def runs(root: Path, steps: int) -> dict[str, tuple[jaxgan.Experiment, str]]:
    """Name -> (experiment, style of its faces), in the order in which they can be trained."""
    plan = {
        f"{count} {name}": (experiment(faces(count), name, steps), "personas")
        for count in (100, 500)
        for name in AUGMENTATIONS
    }
    few, source, short = faces(100, OTHER), str(root / "source"), max(1, steps // 3)
    return plan | {
        "source": (experiment(faces(ALL), "none", steps), "personas"),
        "other from scratch": (experiment(few, "ADA", short), OTHER),
        "other fine-tuned": (experiment(few, "ADA", short, source), OTHER),
        "other Freeze-D": (experiment(few, "ADA", short, source, FROZEN), OTHER),
    }


def logits(run: jaxgan.Run, pictures: np.ndarray) -> float:
    """The mean of D's, without augmentation."""
    judge = jax.jit(lambda x: run.system.judge(jnp.float32).apply(run.variables()["D"], x, None))
    whole = pictures[: len(pictures) // 4 * 4]
    return float(np.mean([judge(part).mean() for part in np.split(whole, max(1, len(whole) // 100))]))


def pictures(data: Avatars, count: int) -> np.ndarray:
    records, random = data.load(), np.random.default_rng(0)
    return np.stack([data.transform(records.examples[i], random)["image"] for i in range(count)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    plan, seconds = runs(arguments.workdir, arguments.steps), {}
    for name, (each, _) in plan.items():
        began = time.monotonic()
        jaxgan.fit(each, arguments.workdir / name.replace(" ", "_"), quiet=True)
        seconds[name] = round(time.monotonic() - began)
        print(f"{name}: {seconds[name]} s", flush=True)
    rows, sheets = {}, []
    for style in ("personas", OTHER):
        held_out = RealExamples(faces(COUNT, style, first=ALL))
        network = RealExamples(faces(ALL, style)).network(METRICS)
        order = held_out.order()
        real = see("held out", held_out.examples(order[:COUNT]), network, METRICS)

        def compared(what, made, real=real, network=network):
            seen = see(what, made, network, METRICS)
            return figures_of({metric: named.find(metric).figures(real, seen, network, 0) for metric in METRICS})

        for count in (100, 500) if style == "personas" else (100,):
            copied = RealExamples(faces(count, style))
            rows[f"{style}: {count} copies"] = compared("copies", copied.examples(np.arange(COUNT) % count))
        for name, (each, of) in plan.items():
            if of != style:
                continue
            run = jaxgan.restore(arguments.workdir / name.replace(" ", "_"))
            made = generated_examples(run, COUNT, 0, held_out.data, held_out.records)
            seen, unseen = pictures(each.data, min(each.data.count, 400)), pictures(held_out.data, 400)
            drawn = run.sample(400, seed=1)
            train, test, fake = (logits(run, some) for some in (seen, unseen, drawn))
            probability = [row[P] for row in run.metrics if P in row]
            rows[name] = {
                **compared(name, made),
                "logits": {"train": train, "held out": test, "generated": fake},
                "learned_by_heart": (train - test) / (train - fake),
                "probability": [round(probability[i], 3) for i in np.linspace(0, len(probability) - 1, 6, dtype=int)]
                if probability else [],
                "steps": run.step,
                "seconds": seconds[name],
            }  # fmt: skip
            sheets.append(drawn[:16])
            print(name, rows[name], flush=True)
    media.grid(np.concatenate(sheets), 16).save(arguments.workdir / "grid.png")
    result = {
        "what": "StyleGAN2 on few faces of 16x16: augmentation, fine-tuning, Freeze-D",
        "command": "python -m tests.benchmarks.few_pictures",
        "commit": arguments.commit,
        "steps": arguments.steps,
        "batch": 16,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 2 cores, {platform.machine()}",
        "versions": workdir.versions(),
        "rows": rows,
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
