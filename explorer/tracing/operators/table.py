"""What each operator does to shapes, and what it costs: a table of small pure functions.

A rule has the signature of the operator in PyTorch and reads nothing but shapes. Conventions:

- macs: multiply-adds of convolutions and matrix products, without bias. They equal
  `torch.utils.flop_counter.FlopCounterMode().get_total_flops() / 2`.
- elementwise_ops: everything else, one for each output element and arithmetic operation: a bias
  1, ReLU 1, BatchNorm 2 (its constants folded into a factor and a term), pooling one for each
  element of the window.

An operator in neither `RULES` nor `VIEWS` is not counted, and reported as such: unknown is None,
never zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import torch

Shape = tuple[int, ...]
Pair = tuple[int, int]


class HasShape(Protocol):
    @property
    def shape(self) -> Shape: ...


class ShapeError(ValueError):
    """Shapes that an operator cannot take."""


class Window(NamedTuple):
    """The neighbourhood that one output position reads, by height and width."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    whole: bool = False
    """Made to fit whatever the input's size is, as adaptive pooling is."""


class Effect(NamedTuple):
    """What one call does, from shapes alone."""

    shape: Shape
    macs: int | None = 0
    elementwise_ops: int | None = 0
    window: Window | None = None
    groups: int = 1
    allocates: bool = True
    """False where the output is the input's memory: views and in-place operations."""


Rule = Callable[..., Effect]
RULES: dict[str, Rule] = {}

# Results that share the memory of their input, and cost nothing.
VIEWS = frozenset({"flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze",
                   "expand", "chunk", "split", "unbind", "detach", "narrow", "select"})

# Arithmetic operations for each element.
POINTWISE = {"relu": 1, "relu6": 2, "leaky_relu": 2, "elu": 3, "gelu": 5, "sigmoid": 3, "tanh": 4,
             "silu": 4, "hardtanh": 2, "hardsigmoid": 4, "hardswish": 5, "neg": 1, "abs": 1,
             "exp": 1, "sqrt": 1, "pow": 1, "clamp": 2, "softmax": 5, "log_softmax": 5}
BINARY = {"add": 1, "radd": 1, "sub": 1, "rsub": 1, "mul": 1, "rmul": 1, "div": 1, "truediv": 1,
          "rtruediv": 1, "rdiv": 1, "maximum": 1, "minimum": 1}

Saved = Literal["input", "output", "factors", "copy", "indices", "statistics", "mask",
                "squares"]

# What training keeps of a call for its backward pass, beside parameters, as PyTorch's autograd does
# on a CPU (derivatives.yaml): the memory of its inputs or of its output, of each factor whose
# partner has a gradient, or memory of its own. An operation in place keeps a copy of its input.
SAVES: dict[str, tuple[Saved, ...]] = {
    **dict.fromkeys(("conv2d", "linear", "avg_pool2d", "adaptive_avg_pool2d", "abs", "clamp",
                     "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "pow",
                     "relu6", "silu", "maximum", "minimum"), ("input",)),
    **dict.fromkeys(("relu", "sigmoid", "tanh", "exp", "sqrt", "softmax", "log_softmax"),
                    ("output",)),
    **dict.fromkeys(("add", "radd", "sub", "rsub", "neg", "cat", "concat", "pad", "getitem",
                     "mean"), ()),
    **dict.fromkeys(("mul", "rmul", "matmul", "div", "truediv"), ("factors",)),
    **dict.fromkeys(("max_pool2d", "adaptive_max_pool2d"), ("input", "indices")),
    **dict.fromkeys(("dropout", "dropout2d", "feature_dropout"), ("mask",)),
    **dict.fromkeys(("rdiv", "rtruediv"), ("copy",)),       # the reciprocal, before it is scaled
    "batch_norm": ("input", "statistics"),
    "local_response_norm": ("input", "squares"),
}
# In place these keep their output: the gradient follows from it too.
OUTPUT_IN_PLACE = frozenset({"elu", "hardtanh", "leaky_relu", "relu6"})


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function
    return register


def pair(value: int | Sequence[int]) -> Pair:
    """One number for both axes, or one for each."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else (value[0], value[1])


def slide(shape: Shape, window: Window, *, ceil_mode: bool = False) -> Pair:
    """Height and width of what a window gives, sliding over an input of `shape`.

    out = floor((in + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1
    """
    sizes = []
    for axis in (0, 1):
        size, stride = shape[axis - 2], window.stride[axis]
        padding, reach = window.padding[axis], window.dilation[axis] * (window.kernel[axis] - 1)
        span = size + 2 * padding - reach - 1
        out = span // stride + 1
        if ceil_mode:
            out = -(-span // stride) + 1
            # The last window must start inside the input or its left padding.
            out -= (out - 1) * stride >= size + padding
        if out < 1:
            raise ShapeError(_does_not_fit(shape, window))
        sizes.append(out)
    return sizes[0], sizes[1]


def _does_not_fit(shape: Shape, window: Window) -> str:
    reach = [dilation * (kernel - 1) + 1
             for dilation, kernel in zip(window.dilation, window.kernel, strict=True)]
    text = f"its {reach[0]}×{reach[1]} window does not fit into {shape[-2]}×{shape[-1]}"
    if any(window.padding):
        text += f" padded by {window.padding[0]}×{window.padding[1]}"
    return text


def image(input: HasShape) -> Shape:
    if len(input.shape) != 4:
        raise ShapeError(f"needs a batch of images (N, C, H, W); got {tuple(input.shape)}")
    return input.shape


@rule("conv2d")
def conv2d(input: HasShape, weight: HasShape, bias: HasShape | None = None,
           stride: int | Sequence[int] = 1, padding: int | str | Sequence[int] = 0,
           dilation: int | Sequence[int] = 1, groups: int = 1) -> Effect:
    """macs = N · C_out · H_out · W_out · (C_in / groups) · k_h · k_w"""
    shape = image(input)
    out_channels, per_group, *kernel = weight.shape
    if shape[1] != per_group * groups:
        raise ShapeError(f"expects {per_group * groups} channels; got {shape[1]}")
    dilation = pair(dilation)
    same = padding == "same"
    if isinstance(padding, str):
        # An odd sum of padding has its larger half behind.
        padding = [d * (k - 1) // 2 if same else 0 for d, k in zip(dilation, kernel, strict=True)]
    window = Window(pair(kernel), pair(stride), pair(padding), dilation)
    out = (shape[0], out_channels, *(shape[2:] if same else slide(shape, window)))
    elements = math.prod(out)
    return Effect(out, elements * per_group * math.prod(kernel),
                  0 if bias is None else elements, window, groups)


@rule("linear")
def linear(input: HasShape, weight: HasShape, bias: HasShape | None = None) -> Effect:
    """macs = N · in · out"""
    out_features, in_features = weight.shape
    if input.shape[-1] != in_features:
        raise ShapeError(f"expects {in_features} features; got {input.shape[-1]}")
    out = (*input.shape[:-1], out_features)
    elements = math.prod(out)
    return Effect(out, elements * in_features, 0 if bias is None else elements)


@rule("matmul")
def matmul(input: HasShape, other: HasShape) -> Effect:
    """macs = batch · rows · inner · columns"""
    a, b = input.shape, other.shape
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ShapeError(f"cannot multiply {tuple(a)} by {tuple(b)}")
    out = (*torch.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])
    return Effect(out, math.prod(out) * a[-1])


@rule("batch_norm")
def batch_norm(input: HasShape, *_: Any, **__: Any) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=2 * math.prod(input.shape))


@rule("local_response_norm")
def local_response_norm(input: HasShape, size: int, *_: Any, **__: Any) -> Effect:
    """A square and a sum over `size` channels, then scale, power and quotient."""
    return Effect(tuple(input.shape), elementwise_ops=(2 * size + 3) * math.prod(input.shape))


@rule("max_pool2d")
def max_pool2d(input: HasShape, kernel_size: int | Sequence[int],
               stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
               dilation: int | Sequence[int] = 1, ceil_mode: bool = False, **_: Any) -> Effect:
    shape = image(input)
    window = Window(pair(kernel_size), pair(stride or kernel_size), pair(padding), pair(dilation))
    out = (*shape[:2], *slide(shape, window, ceil_mode=ceil_mode))
    return Effect(out, elementwise_ops=math.prod(out) * math.prod(window.kernel), window=window)


@rule("avg_pool2d")
def avg_pool2d(input: HasShape, kernel_size: int | Sequence[int],
               stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
               ceil_mode: bool = False, *_: Any, **__: Any) -> Effect:
    return max_pool2d(input, kernel_size, stride, padding, ceil_mode=ceil_mode)


@rule("adaptive_avg_pool2d", "adaptive_max_pool2d")
def adaptive_pool2d(input: HasShape, output_size: int | Sequence[int | None],
                    *_: Any, **__: Any) -> Effect:
    """Output i reads the inputs from floor(i · in / out) to ceil((i + 1) · in / out)."""
    shape = image(input)
    wanted = (output_size, output_size) if isinstance(output_size, int) else output_size
    sizes = [size if want is None else want
             for want, size in zip(wanted, shape[2:], strict=True)]
    kernel, reads = [], 1
    for size, out in zip(shape[2:], sizes, strict=True):
        spans = [-(-(i + 1) * size // out) - i * size // out for i in range(out)]
        kernel.append(max(spans))
        reads *= sum(spans)
    stride = tuple(max(1, size // out) for size, out in zip(shape[2:], sizes, strict=True))
    return Effect((*shape[:2], *sizes), elementwise_ops=shape[0] * shape[1] * reads,
                  window=Window(pair(kernel), pair(stride), whole=True))


@rule("mean")
def mean(input: HasShape, dim: int | Sequence[int] | None = None, keepdim: bool = False,
         **_: Any) -> Effect:
    rank = len(input.shape)
    dims = range(rank) if dim is None else [dim] if isinstance(dim, int) else dim
    axes = {axis % rank for axis in dims}
    out = tuple(1 if axis in axes else size for axis, size in enumerate(input.shape)
                if keepdim or axis not in axes)
    window = Window(pair(input.shape[2:]), pair(input.shape[2:]), whole=True) \
        if rank == 4 and axes == {2, 3} else None
    return Effect(out, elementwise_ops=math.prod(input.shape), window=window)


@rule("dropout", "dropout2d", "feature_dropout")
def dropout(input: HasShape, p: float = 0.5, training: bool = True,
            inplace: bool = False) -> Effect:
    """Evaluation passes its input through; training multiplies by a mask."""
    drops = training and p > 0
    return Effect(tuple(input.shape), elementwise_ops=math.prod(input.shape) if drops else 0,
                  allocates=drops and not inplace)


@rule("cat", "concat")
def cat(tensors: Sequence[HasShape], dim: int = 0) -> Effect:
    first = tensors[0].shape
    axis = dim % len(first)
    for other in tensors[1:]:
        if other.shape[:axis] != first[:axis] or other.shape[axis + 1:] != first[axis + 1:]:
            raise ShapeError("cannot concatenate "
                             + ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
                             + f" along dimension {axis}")
    joined = sum(tensor.shape[axis] for tensor in tensors)
    return Effect((*first[:axis], joined, *first[axis + 1:]))


@rule("pad")
def pad(input: HasShape, pad: Sequence[int], *_: Any, **__: Any) -> Effect:
    shape = list(input.shape)
    before = [0] * len(shape)
    for i in range(len(pad) // 2):
        before[-1 - i] = pad[2 * i]
        shape[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    window = Window((1, 1), padding=(before[-2], before[-1])) if len(shape) == 4 else None
    return Effect(tuple(shape), window=window)


@rule("getitem")
def getitem(input: HasShape, index: Any) -> Effect:
    """A view; a step along height or width moves the positions apart."""
    shape = tuple(torch.empty(tuple(input.shape), device="meta")[index].shape)
    window = None
    if len(shape) == 4 and isinstance(index, tuple) and len(index) == 4 \
            and all(isinstance(part, slice) for part in index):
        starts, _, steps = zip(*(part.indices(size) for part, size in
                                 zip(index[2:], input.shape[2:], strict=True)), strict=True)
        window = Window((1, 1), pair(steps), pair([-start for start in starts]))
    return Effect(shape, window=window, allocates=False)


def _pointwise(cost: int) -> Rule:
    def effect(input: HasShape, *_: Any, **__: Any) -> Effect:
        return Effect(tuple(input.shape), elementwise_ops=cost * math.prod(input.shape))
    return effect


def _binary(cost: int) -> Rule:
    def effect(input: Any, other: Any, *_: Any, **__: Any) -> Effect:
        a, b = getattr(input, "shape", ()), getattr(other, "shape", ())
        try:
            shape = tuple(a if a == b else torch.broadcast_shapes(a, b))
        except RuntimeError:
            raise ShapeError(f"cannot combine {tuple(a)} with {tuple(b)}") from None
        return Effect(shape, elementwise_ops=cost * math.prod(shape))
    return effect


RULES.update({name: _pointwise(cost) for name, cost in POINTWISE.items()})
RULES.update({name: _binary(cost) for name, cost in BINARY.items()})
