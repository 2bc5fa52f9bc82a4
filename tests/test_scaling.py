"""`jaxgan bench --plan`: what is counted is what the compiled program of eight devices exchanges."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from jaxgan import rows
from jaxgan.cli import main
from jaxgan.training import parallel, scaling
from jaxgan.training.step import initial_state
from tests.training.toys import DIM, Toy

SIZES = {"f32": 4, "s32": 4, "u32": 4, "bf16": 2, "pred": 1}


def exchanged(program: str, operation: str) -> int:
    """Bytes of the results of an operation in a compiled program."""
    total = 0
    for shapes in re.findall(rf"= (.*?) {operation}(?:-start)?\(", program):
        for kind, dimensions in re.findall(r"(\w+)\[([\d,]*)\]", shapes):
            total += SIZES[kind] * int(np.prod([int(n) for n in dimensions.split(",") if n]))
    return total


@pytest.mark.slow
@pytest.mark.eight_devices
def test_the_compiled_program_exchanges_what_is_counted():
    system = Toy(critic_moves=2)
    batch = {"image": np.zeros((2, 16, DIM), np.float32)}
    layout = parallel.Layout.create("jit", 16, 8)
    state = layout.place(initial_state(system, 0, {"image": batch["image"][0]}))
    plan = system.plan(0)
    program = parallel.compiled_turns(system, plan, plan, layout).lower(state, {}, layout.put(batch), jnp.int32(0))
    text = program.compile().as_text()
    jaxpr = scaling.needed_jaxpr(system, plan, state, {}, {"image": batch["image"][:, :2]}, 8)
    reduced, gathered = scaling.count_exchanged(jaxpr)
    parameters = scaling.state_bytes(state)["parameter_bytes"]
    assert reduced > parameters
    assert (exchanged(text, "all-reduce"), gathered) == (reduced, 0)


@pytest.mark.eight_devices
def test_what_is_gathered_is_counted():
    """A function that gathers rows, and sums something in a loop."""
    layout = parallel.Layout.create("jit", 16, 8)

    def gathers(x):
        total, _ = jax.lax.scan(lambda carry, _: (carry + jax.lax.psum(x[0], rows.AXIS), None), x[0], None, 3)
        return rows.gather(x) + total

    mapped = jax.shard_map(gathers, mesh=layout.mesh, in_specs=P(rows.AXIS), out_specs=P(), check_vma=False)
    text = jax.jit(mapped).lower(jnp.zeros((16, DIM))).compile().as_text()
    jaxpr = jax.make_jaxpr(gathers, axis_env=[(rows.AXIS, 8)])(jnp.zeros((2, DIM))).jaxpr
    assert scaling.count_exchanged(jaxpr) == (3 * DIM * 4, 16 * DIM * 4)
    assert exchanged(text, "all-gather") == 16 * DIM * 4


def test_sums_are_hidden_only_by_what_gathering_leaves():
    chip = scaling.Accelerator("chip", 100.0 / scaling.UTILISATION, 4, 10.0, 1.0, "")
    assert scaling._on(chip, 200, 2, 40, 0, 2)["rows_to_hide"] == 4  # 1 s a row; the sums take 4 s
    assert scaling._on(chip, 200, 2, 40, 20, 2)["rows_to_hide"] == 8  # gathering takes half of it
    assert scaling._on(chip, 200, 2, 40, 80, 2)["rows_to_hide"] is None
    assert scaling._on(chip, 200, 2, 40, 0, 8)["communication_seconds"] == pytest.approx(2 * 40 * 7 / 8)


def test_plan(tmp_path, capsys):
    """Gradients of all parameters are summed; the rows are divided; the arithmetic is that of the docstrings."""
    tiny = ["gan_digits", "--batch-size", "16", "--system.generator-hidden", "16", "--system.discriminator-hidden", "8"]
    assert main(["bench", *tiny, "--plan", "4,64", "--json", str(tmp_path / "plan.json")]) == 0
    out = capsys.readouterr().out
    few, many = json.loads((tmp_path / "plan.json").read_text())["plan"]
    assert [(f["devices"], f["rows"], f["batch_size"]) for f in (few, many)] == [(4, 4, 16), (64, 1, 64)]
    assert few["flops"] == pytest.approx(4 * many["flops"], rel=0.01)
    assert few["parameter_bytes"] < few["reduced_bytes"] < 1.01 * few["parameter_bytes"] + 100
    chip = scaling.ACCELERATORS[1]
    on = many["accelerators"][chip.name]
    assert on["communication_seconds"] == pytest.approx(2 * many["reduced_bytes"] * 63 / 64 / chip.outside)
    assert on["compute_seconds"] == pytest.approx(many["flops"] / (scaling.UTILISATION * chip.flops))
    assert on["rows_to_hide"] >= on["communication_seconds"] / on["compute_seconds"] > on["rows_to_hide"] - 1
    assert chip.source in out
    assert f"{few['reduced_bytes'] / 2**20:,.1f} MiB" in out


def test_bad_numbers(capsys):
    assert main(["bench", "gan_digits", "--plan", "8,many"]) == 2
    assert "it must be numbers of devices" in capsys.readouterr().err
