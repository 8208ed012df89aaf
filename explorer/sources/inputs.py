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
from explorer.language import Text, say
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
        raise ConfigError(Text(
            "An input is its sides joined by x, such as 1x3x224x224, and where `forward` needs "
            "them a name before it and a dtype behind it, such as ids:1x128:int64; got {got}.",
            got=repr(words[:60])), "input")
    name, sides, dtype = found[1] or "", found[2], found[3] or "float32"
    if dtype not in DTYPES:
        raise ConfigError(Text("The dtype of an input must be one of {dtypes}; got {got}.",
                               dtypes=", ".join(DTYPES), got=repr(dtype[:60])), "input")
    shape = tuple(map(int, sides.split("x")))
    if not all(1 <= side <= LONGEST_SIDE for side in shape) or len(shape) > MOST_SIDES \
            or math.prod(shape) > MOST_NUMBERS:
        raise ConfigError(Text(
            "An input must have at most {sides} sides from 1 to {longest}, and {numbers} numbers; "
            "got {got}.", sides=MOST_SIDES, longest=f"{LONGEST_SIDE:,}",
            numbers=f"{MOST_NUMBERS:,}", got=words[:60]), "input")
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
        raise ConfigError(Text(
            "A network has at most {most} inputs, each of another name; got {got}.",
            most=MOST_INPUTS, got=", ".join(map(format_input, found))[:200]), "input")
    return found


def described(inputs: Sequence[Input]) -> str:
    """
    >>> described([Input((1, 3, 32, 32)), Input((1, 128), torch.int64, "ids")])
    'input 1×3×32×32 and ids 1×128 int64'
    """
    return say("input {inputs}", inputs=text.enumeration([
        " ".join([*one.name.split(), text.shape(one.shape),
                  *([] if one.dtype is torch.float32
                    else [str(one.dtype).removeprefix("torch.")])]) for one in inputs]))


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


def wanted(network: nn.Module, inputs: Sequence[Input]) -> Text:
    """What a network wants where `inputs` do not go into it, in sentences with the way out."""
    if (needed := _arguments(network)) and len(needed) > len(inputs):
        shown = " ".join(f"--input {format_input(one)}" for one in inputs)
        *others, last = needed
        return Text(
            "Its forward takes {arguments}: give each an input, in this order or by name, such as "
            "`{shown}`.", shown=f"{shown} --input {needed[len(inputs)]}:1x128",
            arguments=Text("{others} and {last}", others=", ".join(others), last=last)
            if others else last)
    if not (first := first_layer(network)):
        return Text("Give one, such as `--input 1x3x224x224`.")
    path, module, taken = first
    return Text("Its first layer, {layer}, wants {wanted}, such as `--input {taken}`.",
                layer=f"{path} ({type(module).__name__})" if path else type(module).__name__,
                wanted=_words(module), taken=format_input(taken))


def _words(module: nn.Module) -> Text:
    match module:
        case nn.Embedding() | nn.EmbeddingBag():
            return Text("whole numbers")
        case nn.Linear() | nn.RNNBase() | nn.MultiheadAttention() | nn.LayerNorm():
            return _features(module)
    taken = _taken_by(module)
    assert taken
    if len(taken.shape) == 3 and not isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
        return _features(module)
    kind = {3: Text("sequences"), 4: Text("images"), 5: Text("volumes")}[len(taken.shape)]
    channels = taken.shape[1]
    return Text("{kind} of {count} channel" if channels == 1 else "{kind} of {count} channels",
                kind=kind, count=f"{channels:,}")


def _features(module: nn.Module) -> Text:
    taken = _taken_by(module)
    assert taken
    return Text("{count} features in the last side", count=f"{taken.shape[-1]:,}")


def _arguments(network: nn.Module) -> list[str]:
    """The arguments that `forward` cannot go without."""
    return [name for name, one in inspect.signature(network.forward).parameters.items()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
