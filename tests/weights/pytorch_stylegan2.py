"""StyleGAN2's networks in plain PyTorch, from the formulas of its papers, on tensors under the names of two codes' files.

Nothing here is fast or general: a modulated convolution is a convolution for each picture, the filter a depthwise convolution.
"""

import torch
import torch.nn.functional as F

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
CHANNELS = {4: 12, 8: 12, 16: 12, 32: 8}
"""By side: 256 / side, at most 12."""
SIDES = tuple(CHANNELS)
LATENT, STYLE, MAPPING, CLASSES, COLORS = 10, 14, 3, 5, 3
SMALL = 0.01
"""The mapping's multiplier of the learning rate."""


def fir(x, before, after, gain=1):
    """The filter, after so many zeros."""
    x = F.pad(x, (before, after, before, after))
    return F.conv2d(x, (gain * FILTER).expand(x.shape[1], 1, 4, 4), groups=x.shape[1])


def spread(x):
    """Zeros after each pixel, along both axes."""
    y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    y[:, :, ::2, ::2] = x
    return y


def upsample(x):
    return fir(spread(x), 2, 1, 4)


def downsample(x):
    return fir(x, 1, 1)[:, :, ::2, ::2]


def lrelu(x):
    return 2**0.5 * F.leaky_relu(x, 0.2)


def dense(x, weight, bias, multiplier=1.0):
    return F.linear(x, weight * multiplier / weight.shape[1] ** 0.5, bias * multiplier)


def conv(x, weight, bias=None, down=False):
    weight = weight / (weight[0].numel()) ** 0.5
    if not down:
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
    if weight.shape[-1] == 1:
        return F.conv2d(downsample(x), weight, bias)
    return F.conv2d(fir(x, 2, 2), weight, bias, stride=2)


def modulated(x, styles, weight, up=False, demodulate=True):
    """A kernel [out, in, k, k] for each picture; doubled sides by a transposed convolution, then the filter."""
    made = []
    for picture, style in zip(x[:, None], styles, strict=True):
        kernel = weight * style[:, None, None]
        if demodulate:
            kernel = kernel / torch.sqrt(kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        else:
            kernel = kernel / (weight[0].numel()) ** 0.5
        if up:
            made.append(fir(F.conv_transpose2d(picture, kernel.transpose(0, 1), stride=2), 1, 1, 4))
        else:
            made.append(F.conv2d(picture, kernel, padding=weight.shape[-1] // 2))
    return torch.cat(made)


def unit(x):
    return x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-8)


def deviation(x):
    """Of all pictures, which are one group: a channel more."""
    spreads = torch.sqrt(x.var(0, unbiased=False) + 1e-8).mean()
    return torch.cat([x, spreads.expand(len(x), 1, *x.shape[2:])], 1)


# The tensors in NVIDIA's files.


def nvidia_generator(kind, labels, seed=0):
    draw, found = _drawing(seed), {}
    if labels:
        found |= _dense(draw, "mapping.embed", STYLE, CLASSES)
    for number in range(MAPPING):
        inputs = STYLE if number else LATENT + (STYLE if labels else 0)
        found |= _dense(draw, f"mapping.fc{number}", STYLE, inputs, SMALL)
    found["mapping.w_avg"] = draw(STYLE)
    found["synthesis.b4.const"] = draw(CHANNELS[4], 4, 4)
    for side in SIDES:
        inputs, name = CHANNELS[side // 2 if side > 4 else 4], f"synthesis.b{side}"
        for one in ("conv0", "conv1") if side > 4 else ("conv1",):
            found |= _dense(draw, f"{name}.{one}.affine", inputs if one == "conv0" else CHANNELS[side], STYLE, bias=1)
            found[f"{name}.{one}.weight"] = draw(CHANNELS[side], inputs if one == "conv0" else CHANNELS[side], 3, 3)
            found[f"{name}.{one}.bias"] = draw(CHANNELS[side]) * 0.3
            found[f"{name}.{one}.noise_strength"] = draw().abs() * 0.3 + 0.1
            found[f"{name}.{one}.noise_const"] = draw(side, side)
            found[f"{name}.{one}.resample_filter"] = FILTER
        if kind == "skip" or side == SIDES[-1]:
            found |= _dense(draw, f"{name}.torgb.affine", CHANNELS[side], STYLE, bias=1)
            found[f"{name}.torgb.weight"] = draw(COLORS, CHANNELS[side], 1, 1)
            found[f"{name}.torgb.bias"] = draw(COLORS) * 0.3
        if kind == "resnet" and side > 4:
            found[f"{name}.skip.weight"] = draw(CHANNELS[side], inputs, 1, 1)
            found[f"{name}.skip.resample_filter"] = FILTER
    return found


def nvidia_mapped(t, c, z=None, prefix="mapping", count=MAPPING):
    parts = [] if z is None else [unit(z)]
    if f"{prefix}.embed.weight" in t:
        parts.append(unit(dense(c, t[f"{prefix}.embed.weight"], t[f"{prefix}.embed.bias"])))
    x = torch.cat(parts, 1)
    for number in range(count):
        x = lrelu(dense(x, t[f"{prefix}.fc{number}.weight"], t[f"{prefix}.fc{number}.bias"], SMALL))
    return x


def nvidia_generated(t, z, c=None, psi=1.0):
    """Pictures of constant noise."""
    w = nvidia_mapped(t, c, z)
    w = t["mapping.w_avg"] + psi * (w - t["mapping.w_avg"])

    def layer(x, name, up=False):
        styles = dense(w, t[f"{name}.affine.weight"], t[f"{name}.affine.bias"])
        x = modulated(x, styles, t[f"{name}.weight"], up)
        return lrelu(x + t[f"{name}.noise_const"] * t[f"{name}.noise_strength"] + t[f"{name}.bias"][:, None, None])

    x, image = t["synthesis.b4.const"].expand(len(z), -1, -1, -1), None
    for side in SIDES:
        name, before = f"synthesis.b{side}", x
        if side > 4:
            x = layer(x, f"{name}.conv0", up=True)
        x = layer(x, f"{name}.conv1")
        if f"{name}.skip.weight" in t:
            x = (x + upsample(conv(before, t[f"{name}.skip.weight"]))) * 0.5**0.5
        if f"{name}.torgb.weight" in t:
            styles = dense(w, t[f"{name}.torgb.affine.weight"], t[f"{name}.torgb.affine.bias"])
            colors = (
                modulated(x, styles, t[f"{name}.torgb.weight"], demodulate=False)
                + t[f"{name}.torgb.bias"][:, None, None]
            )
            image = colors if image is None else upsample(image) + colors
    return image


def nvidia_discriminator(kind, labels, seed=1):
    draw, found = _drawing(seed), {}
    for side in SIDES[::-1]:
        name, width = f"b{side}", CHANNELS[side]
        if kind == "skip" or side == SIDES[-1]:
            found |= _conv(draw, f"{name}.fromrgb", width, COLORS, 1)
        if side > 4:
            found |= _conv(draw, f"{name}.conv0", width, width, 3) | _conv(
                draw, f"{name}.conv1", CHANNELS[side // 2], width, 3
            )
            found[f"{name}.conv1.resample_filter"] = FILTER
            if kind == "resnet":
                found[f"{name}.skip.weight"] = draw(CHANNELS[side // 2], width, 1, 1)
    width = CHANNELS[4]
    found |= _conv(draw, "b4.conv", width, width + 1, 3) | _dense(draw, "b4.fc", width, 16 * width)
    found |= _dense(draw, "b4.out", width if labels else 1, width)
    found["b4.out.weight"] *= 10  # or the logits of so few features hardly differ
    if labels:
        found |= _dense(draw, "mapping.embed", width, CLASSES)
        for number in range(MAPPING):
            found |= _dense(draw, f"mapping.fc{number}", width, width, SMALL)
    return found


def nvidia_judged(t, image, c=None):
    """Logits of pictures that are one group."""
    x = None
    for side in SIDES[:0:-1]:
        name = f"b{side}"
        if f"{name}.fromrgb.weight" in t:
            seen = lrelu(conv(image, t[f"{name}.fromrgb.weight"], t[f"{name}.fromrgb.bias"]))
            x = seen if x is None else x + seen
        before = x
        x = lrelu(conv(x, t[f"{name}.conv0.weight"], t[f"{name}.conv0.bias"]))
        x = lrelu(conv(x, t[f"{name}.conv1.weight"], t[f"{name}.conv1.bias"], down=True))
        if f"{name}.skip.weight" in t:
            x = (x + conv(before, t[f"{name}.skip.weight"], down=True)) * 0.5**0.5
        image = downsample(image)
    if "b4.fromrgb.weight" in t:
        x = x + lrelu(conv(image, t["b4.fromrgb.weight"], t["b4.fromrgb.bias"]))
    x = lrelu(conv(deviation(x), t["b4.conv.weight"], t["b4.conv.bias"]))
    x = dense(lrelu(dense(x.flatten(1), t["b4.fc.weight"], t["b4.fc.bias"])), t["b4.out.weight"], t["b4.out.bias"])
    if c is None:
        return x[:, 0]
    return (x * nvidia_mapped(t, c)).sum(1) / x.shape[1] ** 0.5


# The tensors in rosinality's files, by those of NVIDIA's: the same numbers must be the same network.


def rosinality_generator(t):
    found = {"input.input": t["synthesis.b4.const"][None]}
    for number in range(MAPPING):
        for kind in ("weight", "bias"):
            found[f"style.{number + 1}.{kind}"] = t[f"mapping.fc{number}.{kind}"]
    names = [f"b{side}.{one}" for side in SIDES for one in ("conv0", "conv1") if (side, one) != (4, "conv0")]
    for number, old in enumerate(f"synthesis.{name}" for name in names):
        name = f"convs.{number - 1}" if number else "conv1"
        found[f"{name}.conv.weight"] = t[f"{old}.weight"][None]
        found[f"{name}.conv.modulation.weight"] = t[f"{old}.affine.weight"]
        found[f"{name}.conv.modulation.bias"] = t[f"{old}.affine.bias"]
        found[f"{name}.noise.weight"] = t[f"{old}.noise_strength"][None]
        found[f"{name}.activate.bias"] = t[f"{old}.bias"]
        found[f"noises.noise_{number}"] = t[f"{old}.noise_const"][None, None]
        if number % 2:
            found[f"{name}.conv.blur.kernel"] = 4 * FILTER
    for number, side in enumerate(SIDES):
        name, old = f"to_rgbs.{number - 1}" if number else "to_rgb1", f"synthesis.b{side}.torgb"
        found[f"{name}.conv.weight"] = t[f"{old}.weight"][None]
        found[f"{name}.conv.modulation.weight"] = t[f"{old}.affine.weight"]
        found[f"{name}.conv.modulation.bias"] = t[f"{old}.affine.bias"]
        found[f"{name}.bias"] = t[f"{old}.bias"][None, :, None, None]
        if number:
            found[f"{name}.upsample.kernel"] = 4 * FILTER
    return found


def rosinality_discriminator(t):
    found = {}

    def move(name, number, old, bias=True):
        found[f"{name}.{number}.weight"] = t[f"{old}.weight"]
        if bias:
            found[f"{name}.{number + 1}.bias"] = t[f"{old}.bias"]

    move("convs.0", 0, f"b{SIDES[-1]}.fromrgb")
    for number, side in enumerate(SIDES[:0:-1], 1):
        move(f"convs.{number}.conv1", 0, f"b{side}.conv0")
        move(f"convs.{number}.conv2", 1, f"b{side}.conv1")
        move(f"convs.{number}.skip", 1, f"b{side}.skip", bias=False)
        found[f"convs.{number}.conv2.0.kernel"] = found[f"convs.{number}.skip.0.kernel"] = FILTER
    move("final_conv", 0, "b4.conv")
    for number, old in enumerate(("b4.fc", "b4.out")):
        found[f"final_linear.{number}.weight"], found[f"final_linear.{number}.bias"] = (
            t[f"{old}.weight"],
            t[f"{old}.bias"],
        )
    return found


def _drawing(seed):
    random = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=random)


def _dense(draw, name, outputs, inputs, multiplier=1.0, bias=0.0):
    tensors = {"weight": draw(outputs, inputs) / multiplier, "bias": (draw(outputs) * 0.3 + bias) / multiplier}
    return {f"{name}.{kind}": tensor for kind, tensor in tensors.items()}


def _conv(draw, name, outputs, inputs, side):
    return {f"{name}.weight": draw(outputs, inputs, side, side), f"{name}.bias": draw(outputs) * 0.3}
