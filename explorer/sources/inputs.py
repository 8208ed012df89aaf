"""The inputs of a network as text, and those that a network without a known input may take."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Sequence

import torch
from torch import nn

from explorer import text
from explorer.config import ConfigError
from explorer.tracing import Input
from explorer.tracing.operators import Shape

DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int64,
    torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
"""What the numbers of an input may be."""

MOST_SIDES, LONGEST_SIDE, MOST_NUMBERS, MOST_INPUTS = 8, 2 ** 20, 2 ** 40, 16

_INPUT = re.compile(r"(?:(\w+):)?([0-9]{1,8}(?:x[0-9]{1,8})*)(?::(\w+))?", re.ASCII)


def parse_input(words: str) -> Input:
    """`[NAME:]SIDES[:DTYPE]` as an input.

    Raises `ConfigError` where it is none, or too large.

    >>> parse_input("ids:1x128:int64")
    Input(shape=(1, 128), dtype=torch.int64, name='ids')
    """
    found = _INPUT.fullmatch(words.strip())
    if not found or (found[1] or "a")[0].isdigit():
        raise ConfigError("An input is its sides joined by x, such as 1x3x224x224, and where "
                          "`forward` needs them a name before it and a dtype behind it, such as "
                          f"ids:1x128:int64; got {words[:60]!r}.", "input")
    name, sides, dtype = found[1] or "", found[2], found[3] or "float32"
    if dtype not in DTYPES:
        raise ConfigError(f"The dtype of an input must be one of {', '.join(DTYPES)}; got "
                          f"{dtype[:60]!r}.", "input")
    shape = tuple(map(int, sides.split("x")))
    if not all(1 <= side <= LONGEST_SIDE for side in shape) or len(shape) > MOST_SIDES \
            or math.prod(shape) > MOST_NUMBERS:
        raise ConfigError(
            f"An input must have at most {MOST_SIDES} sides from 1 to {LONGEST_SIDE:,}, and "
            f"{MOST_NUMBERS:,} numbers; got {words[:60]}.", "input")
    return Input(shape, DTYPES[dtype], name)


def format_input(given: Input) -> str:
    """The text that `parse_input` reads back as this input.

    >>> format_input(Input((1, 3, 32, 32)))
    '1x3x32x32'
    """
    dtype = "" if given.dtype is torch.float32 else f":{str(given.dtype).removeprefix('torch.')}"
    return f"{given.name and f'{given.name}:'}{'x'.join(map(str, given.shape))}{dtype}"


def checked(inputs: Shape | Sequence[Input]) -> tuple[Input, ...]:
    """A shape, or an `Input` for each, as inputs that `parse_input` allows."""
    each = [one for one in inputs if isinstance(one, Input)] or [
        Input(tuple(side for side in inputs if isinstance(side, int)))]
    found = tuple(parse_input(format_input(one)) for one in each)
    names = [one.name for one in found if one.name]
    if len(found) > MOST_INPUTS or len({*names}) < len(names):
        raise ConfigError(f"A network has at most {MOST_INPUTS} inputs, each of another name; got "
                          f"{', '.join(map(format_input, found))[:200]}.", "input")
    return found


def described(inputs: Sequence[Input]) -> str:
    """
    >>> described([Input((1, 3, 32, 32)), Input((1, 128), torch.int64, "ids")])
    'input 1×3×32×32 and ids 1×128 int64'
    """
    return "input " + text.enumeration([
        " ".join([*one.name.split(), text.shape(one.shape),
                  *([] if one.dtype is torch.float32
                    else [str(one.dtype).removeprefix("torch.")])]) for one in inputs])


def first_layer(network: nn.Module) -> tuple[str, nn.Module, Input] | None:
    """The first layer, in the order of registration, that says what it is given: its path, itself,
    and such an input; None where there is none."""
    for path, module in network.named_modules():
        if (taken := _taken_by(module)) is not None:
            return path, module, taken
    return None


def _taken_by(module: nn.Module) -> Input | None:
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            return Input((1, module.in_channels, 224, 224))
        case nn.Conv1d() | nn.ConvTranspose1d():
            return Input((1, module.in_channels, 1024))
        case nn.Conv3d() | nn.ConvTranspose3d():
            return Input((1, module.in_channels, 16, 112, 112))
        case nn.Linear():
            return Input((1, module.in_features))
        case nn.Embedding() | nn.EmbeddingBag():
            return Input((1, 128), torch.int64)
        case nn.RNNBase():
            return Input((1, 128, module.input_size))
        case nn.MultiheadAttention():
            return Input((1, 128, module.embed_dim))
        case nn.TransformerEncoderLayer() | nn.TransformerDecoderLayer():
            return Input((1, 128, module.self_attn.embed_dim))
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            return Input((1, module.num_features, 224, 224))
        case nn.GroupNorm():
            return Input((1, module.num_channels, 224, 224))
        case nn.LayerNorm():
            return Input((1, *module.normalized_shape))
    return None


def wanted(network: nn.Module, inputs: Sequence[Input]) -> str:
    """What a network wants where `inputs` do not go into it, in sentences with the way out."""
    if (needed := _arguments(network)) and len(needed) > len(inputs):
        shown = " ".join(f"--input {format_input(one)}" for one in inputs)
        return (f"Its forward takes {text.enumeration(needed)}: give each an input, in this order "
                f"or by name, such as `{shown} --input {needed[len(inputs)]}:1x128`.")
    if not (first := first_layer(network)):
        return "Give one, such as `--input 1x3x224x224`."
    path, module, taken = first
    where = f"{path} ({type(module).__name__})" if path else type(module).__name__
    return f"Its first layer, {where}, wants {_words(module)}, such as `--input " \
           f"{format_input(taken)}`."


def _words(module: nn.Module) -> str:
    match module:
        case nn.Embedding() | nn.EmbeddingBag():
            return "whole numbers"
        case nn.Linear() | nn.RNNBase() | nn.MultiheadAttention() | nn.LayerNorm():
            taken = _taken_by(module)
            assert taken
            return f"{taken.shape[-1]:,} features in the last side"
    taken = _taken_by(module)
    assert taken
    if len(taken.shape) == 3 and not isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
        return f"{taken.shape[-1]:,} features in the last side"
    kind = {3: "sequences", 4: "images", 5: "volumes"}[len(taken.shape)]
    return f"{kind} of {taken.shape[1]:,} channel{'s' * (taken.shape[1] != 1)}"


def _arguments(network: nn.Module) -> list[str]:
    """The arguments that `forward` cannot go without."""
    return [name for name, one in inspect.signature(network.forward).parameters.items()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
