"""What people bring: small networks with the habits of real ones, held against PyTorch itself.

The oracles are a real pass (result shapes), FlopCounterMode (multiply-adds) and autograd (the
parameters that reach a result).
"""

from __future__ import annotations

import gc
import math
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from explorer.analysis import analyse
from explorer.tracing import Input, Operand, TraceError, leaves, trace

IMAGE = (2, 3, 16, 16)
TOKENS = (2, 10, 12)


class Made(nn.Module):
    """A network of parts, and a function of it and its inputs."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


@dataclass
class Output:
    logits: Any
    hidden: Any = None


class Pair(NamedTuple):
    first: Any
    second: Any


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        x, = ctx.saved_tensors
        return 2 * x * gradient


def assigned(net: Any, x: Tensor) -> Tensor:
    out = x.new_zeros(2, 4, 14, 14)
    out[:, :2] = net.a(x)
    out[:, 2:] = net.b(x)
    return out


def assigned_to_a_constant(net: Any, x: Tensor) -> Tensor:
    out = torch.zeros(2, 4, 14, 14, device=x.device)
    out[:, 0::2].copy_(net.a(x))
    out[:, 1::2] += net.b(x)
    return out.relu()


def masked(net: Any, x: Tensor) -> Tensor:
    scores = net.a(x)
    mask = (scores > 0) & ~(scores >= 2)
    return torch.where(mask, scores, scores.masked_fill(mask, -1e9)).softmax(-1)


def gathered(net: Any, x: Tensor) -> Tensor:
    best = net.a(x).flatten(1).topk(5, dim=1)
    return net.b(x).flatten(1).gather(1, best.indices) * best.values


def in_place_on_a_view(net: Any, x: Tensor) -> Tensor:
    y = net.a(x)
    half = y[:, 2:].view(2, 2, -1)
    half.mul_(net.scale)
    return y


def windows(net: Any, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = torch.roll(x, shifts=(-2, -2), dims=(2, 3))
    x = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).contiguous().view(-1, 16, c)
    table = net.table[net.index.view(-1)].view(16, 16).contiguous()
    return net.a(x + (x @ x.transpose(-2, -1) + table) @ x)


def bias_of_coordinates(net: Any, x: Tensor) -> Tensor:
    return x + 16 * torch.sigmoid(net.mlp(net.coords)).mean()


def standardised(net: Any, x: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(net.kernel, dim=(1, 2, 3), keepdim=True)
    return F.conv2d(x, (net.kernel - mean) / (deviation + 1e-5), net.bias)


def looped(net: Any, x: Tensor) -> Tensor:
    state = torch.zeros(x.size(0), 12)
    for step in x.unbind(1):
        state = torch.tanh(net.a(step) + net.b(state.to(x)))
    return state


def of_numbers(net: Any, x: Tensor) -> Tensor:
    assert isinstance(x, torch.Tensor) and x.is_floating_point() and not x.is_nested
    assert not x.is_cuda or x.device.type == "cuda"
    assert (x.ndim, len(x), x.numel(), x.stride()[-1], x.is_contiguous()) == (4, 2, 1536, 1, True)
    return net.a(x / math.sqrt(x.shape[1]) ** 2 - -x + x % 2 + 2 ** x // 1)


CASES: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "buffers through a learned layer": (lambda: Made(
        bias_of_coordinates, coords=torch.randn(49, 2),
        mlp=nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))), IMAGE),
    "weights times a number": (lambda: Made(
        lambda net, x: F.conv2d(x, net.kernel * 1.0, net.bias), kernel=weight(4, 3, 3, 3),
        bias=weight(4)), IMAGE),
    "weights standardised": (lambda: Made(standardised, kernel=weight(4, 3, 3, 3), bias=weight(4)),
                             IMAGE),
    "weights masked by a buffer": (lambda: Made(
        lambda net, x: F.conv2d(x, net.kernel * net.mask), kernel=weight(4, 3, 3, 3),
        mask=torch.ones(3, 3)), IMAGE),
    "weights turned": (lambda: Made(lambda net, x: x @ net.w.t() + net.w[0, 0] + net.w.mT[1, 1],
                                    w=weight(5, 12)), TOKENS),
    "weights of parts": (lambda: Made(
        lambda net, x: torch.cat([F.linear(x, part) for part in net.w.chunk(3)], -1),
        w=weight(36, 12)), TOKENS),
    "layer scale": (lambda: Made(lambda net, x: x * net.gamma.reshape(1, -1, 1, 1) + x,
                                 gamma=weight(3)), IMAGE),
    "temperature": (lambda: Made(
        lambda net, x: F.normalize(x, dim=-1) @ F.normalize(net.w, dim=1).t() * net.t.exp(),
        w=weight(5, 12), t=nn.Parameter(torch.ones([]))), TOKENS),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(12, 5)), TOKENS),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(12, 5)).eval(),
                      TOKENS),
    "class token": (lambda: Made(
        lambda net, x: net.a(torch.cat([net.token.expand(x.shape[0], -1, -1), x], 1)
                             + net.position[:, :11]),
        token=weight(1, 1, 12), position=weight(1, 20, 12), a=nn.Linear(12, 3)), TOKENS),
    "item assignment": (lambda: Made(assigned, a=nn.Conv2d(3, 2, 3), b=nn.Conv2d(3, 2, 3)), IMAGE),
    "item assignment to a constant": (lambda: Made(
        assigned_to_a_constant, a=nn.Conv2d(3, 2, 3), b=nn.Conv2d(3, 2, 3)), IMAGE),
    "comparisons and masks": (lambda: Made(masked, a=nn.Conv2d(3, 2, 3)), IMAGE),
    "top k": (lambda: Made(gathered, a=nn.Conv2d(3, 2, 3), b=nn.Conv2d(3, 2, 3)), IMAGE),
    "in place on a view": (lambda: Made(in_place_on_a_view, a=nn.Conv2d(3, 4, 3),
                                        scale=nn.Parameter(torch.ones([]))), IMAGE),
    "shifted windows": (lambda: Made(windows, a=nn.Linear(3, 5), table=weight(7),
                                     index=torch.zeros(256, dtype=torch.long)), IMAGE),
    "ordered dict": (lambda: Made(
        lambda net, x: OrderedDict(out=net.a(x), aux=None, pair=(net.b(x), 3)),
        a=nn.Conv2d(3, 2, 3), b=nn.Conv2d(3, 5, 3)), IMAGE),
    "named tuple": (lambda: Made(
        lambda net, x: Pair(net.a(x).max(dim=1).values, [x.min(dim=1), None]),
        a=nn.Conv2d(3, 2, 3)), IMAGE),
    "properties": (lambda: Made(of_numbers, a=nn.Conv2d(3, 2, 3)), IMAGE),
    "turned": (lambda: Made(lambda net, x: x.mT @ x + x.transpose(1, 2) @ net.a(x), a=nn.Linear(
        12, 12)), TOKENS),
    "multi-head attention": (lambda: Made(
        lambda net, x: net.a(x, x, x, need_weights=False)[0],
        a=nn.MultiheadAttention(12, 3, batch_first=True)), TOKENS),
    "multi-head attention with weights": (lambda: Made(
        lambda net, x: net.a(x, x + 1, x * 2), a=nn.MultiheadAttention(12, 3, batch_first=True)),
        TOKENS),
    "cross attention": (lambda: Made(
        lambda net, x: net.a(x, x[:, :4, :6], x[:, :4, 6:], average_attn_weights=False),
        a=nn.MultiheadAttention(12, 3, kdim=6, vdim=6, batch_first=True, add_bias_kv=True)),
        TOKENS),
    "transformer encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(
        12, 3, 24, batch_first=True), 2, enable_nested_tensor=False), TOKENS),
    "transformer": (lambda: Made(
        lambda net, x: net.t(x, x[:, :5], tgt_mask=causal(x), tgt_is_causal=False),
        t=nn.Transformer(12, 3, 1, 1, 24, batch_first=True)), TOKENS),
    "attention of a mask": (lambda: Made(
        lambda net, x: F.scaled_dot_product_attention(
            *net.qkv(x).view(2, 10, 3, 3, 4).permute(2, 0, 3, 1, 4).unbind(0),
            attn_mask=torch.ones(10, 10, device=x.device).tril().bool()),
        qkv=nn.Linear(12, 36)), TOKENS),
    "lstm": (lambda: nn.LSTM(12, 7, 2, batch_first=True, bidirectional=True), TOKENS),
    "lstm that is called with a state": (lambda: Made(
        lambda net, x: net.a(x, (torch.zeros(1, 2, 5, device=x.device), x.new_zeros(1, 2, 7)))[0],
        a=nn.LSTM(12, 7, proj_size=5, batch_first=True)), TOKENS),
    "gru": (lambda: nn.GRU(12, 7), TOKENS),
    "rnn": (lambda: nn.RNN(12, 7, nonlinearity="relu"), TOKENS),
    "cells": (lambda: Made(lambda net, x: net.b(x[:, 1], net.a(x[:, 0])[0]),
                           a=nn.LSTMCell(12, 7), b=nn.GRUCell(12, 7)), TOKENS),
    "recurrent by hand": (lambda: Made(looped, a=nn.Linear(12, 12), b=nn.Linear(12, 12)), TOKENS),
    "1-D": (lambda: nn.Sequential(nn.Conv1d(10, 8, 3, groups=2), nn.MaxPool1d(2), nn.BatchNorm1d(8),
                                  nn.AdaptiveAvgPool1d(2), nn.ConvTranspose1d(8, 4, 3, 2)), TOKENS),
    "3-D": (lambda: nn.Sequential(nn.Conv3d(3, 4, 3, 2, 1), nn.BatchNorm3d(4), nn.AvgPool3d(2),
                                  nn.ConvTranspose3d(4, 2, 2, 2), nn.MaxPool3d(2),
                                  nn.AdaptiveAvgPool3d(1)), (1, 3, 8, 16, 16)),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 6, 4, 2, 1), nn.ConvTranspose2d(
        6, 4, 3, 2, 1, output_padding=1, groups=2, dilation=2, bias=False)), IMAGE),
    "U-Net": (lambda: Made(
        lambda net, x: net.c(torch.cat([x, F.interpolate(
            net.b(F.max_pool2d(net.a(x), 2)), scale_factor=2, mode="bilinear")], 1)),
        a=nn.Conv2d(3, 4, 3, padding=1), b=nn.Conv2d(4, 4, 3, padding=1),
        c=nn.Conv2d(7, 2, 1)), IMAGE),
    "norms": (lambda: nn.Sequential(nn.GroupNorm(3, 3), nn.InstanceNorm2d(3, affine=True),
                                    nn.LayerNorm([16, 16]), nn.RMSNorm(16)), IMAGE),
    "enlarged": (lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.ZeroPad2d(2),
                                       nn.ReflectionPad2d(1), nn.PixelUnshuffle(2),
                                       nn.Conv2d(12, 8, 1), nn.PixelShuffle(2), nn.Unfold(3),
                                       nn.Fold((38, 38), 3)), IMAGE),
    "einsum": (lambda: Made(
        lambda net, x: torch.einsum("bic,hcd,bjd->bhij", x, net.w, x), w=weight(4, 12, 12)),
        TOKENS),
    "bilinear": (lambda: Made(lambda net, x: net.a(x, x.relu()), a=nn.Bilinear(12, 12, 5)), TOKENS),
    "activations": (lambda: nn.Sequential(
        nn.PReLU(3), nn.GELU(), nn.Mish(), nn.Softplus(), nn.GLU(-1), nn.CELU(), nn.SELU(),
        nn.Softsign(), nn.Threshold(0, 1), nn.LogSigmoid(), nn.Hardshrink()), IMAGE),
    "spectra": (lambda: Made(
        lambda net, x: torch.fft.irfft2(torch.fft.rfft2(x) * torch.view_as_complex(net.w)),
        w=weight(16, 9, 2)), IMAGE),
    "a function of its own": (lambda: Made(lambda net, x: Square.apply(net.a(x)),
                                           a=nn.Conv2d(3, 2, 1)), IMAGE),
    "a constant multiplied": (lambda: Made(
        lambda net, x: x + (torch.ones(12, 7, device=x.device)
                            @ torch.ones(7, 12, device=x.device)).mean()), TOKENS),
    "squeeze and excitation": (lambda: Made(
        lambda net, x: x * net.b(net.a(x.mean((2, 3))).relu()).sigmoid()[:, :, None, None],
        a=nn.Linear(3, 2), b=nn.Linear(2, 3)), IMAGE),
    "a dead branch": (lambda: Made(lambda net, x: (net.a(x), net.b(x))[1], a=nn.Linear(12, 3),
                                   b=nn.Linear(12, 3)), TOKENS),
    "shuffled channels": (lambda: Made(
        lambda net, x: net.a(x.view(2, 3, 1, 16, 16).transpose(1, 2).reshape(x.shape)).T,
        a=nn.Conv2d(3, 3, 1, groups=3)), IMAGE),
    "many inputs": (lambda: Made(
        lambda net, ids, mask: net.a(net.words(ids)).masked_fill(~mask[..., None], 0).sum(1),
        words=nn.Embedding(50, 12), a=nn.Linear(12, 3)),
        [Input((2, 10), torch.int64), Input((2, 10), torch.bool)]),
    "inputs by name": (lambda: Made(
        lambda net, image, *, scale: Output(net.a(image) * scale), a=nn.Conv2d(3, 4, 3)),
        [Input(IMAGE), Input((2, 1, 1, 1), name="scale")]),
}


def causal(x: Tensor) -> Tensor:
    return nn.Transformer.generate_square_subsequent_mask(5, device=x.device)


def real(given: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Inputs with values: zeros, which every embedding has a place for."""
    inputs = [Input(given)] if isinstance(given, tuple) else given
    made = [torch.zeros(one.shape, dtype=one.dtype) for one in inputs]
    return ([tensor for tensor, one in zip(made, inputs, strict=True) if not one.name],
            {one.name: tensor for tensor, one in zip(made, inputs, strict=True) if one.name})


def tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Output):
        result = vars(result)
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", CASES)
def test_what_people_bring_is_followed(name: str, device: str) -> None:
    make, given = CASES[name]
    network = make().eval()
    args, kwargs = real(given)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    traced = trace(network if device == "cpu" else make().eval().to("meta"), given)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    summary = analyse(traced)

    results = tensors(network(*args, **kwargs))
    assert [operand.shape for operand in leaves([traced.result], Operand)] \
        == [tuple(result.shape) for result in results]

    parameters = list(network.parameters())
    reached = torch.autograd.grad(
        [result.abs().sum() for result in results if result.requires_grad], parameters,
        allow_unused=True) if parameters else ()
    assert summary.totals.params == sum(parameter.numel() for parameter in parameters)
    assert summary.totals.params_used == sum(
        parameter.numel() for parameter, gradient in zip(parameters, reached, strict=True)
        if gradient is not None)
    assert sum(layer.params for layer in summary.layers) == summary.totals.params_used

    for parameter in parameters:    # some modules count nothing where a gradient is wanted
        parameter.requires_grad_(False)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.to("meta")(*[tensor.to("meta") for tensor in args],
                           **{name: tensor.to("meta") for name, tensor in kwargs.items()})
    assert 2 * summary.totals.macs == counter.get_total_flops()
    # Whoever reads a parameter, or what came of one, is on the way to a result.
    assert all(producer < call.index for call in traced.calls for producer in call.inputs)


def test_a_decision_on_constants_is_made() -> None:
    """PyTorch's decoder compares its mask with a causal one; on meta it has no values itself."""
    network = Made(lambda net, x: net.t(x[:, :5], x, tgt_mask=causal(x)),
                   t=nn.TransformerDecoder(nn.TransformerDecoderLayer(12, 3, 24, batch_first=True),
                                           1)).to("meta")
    assert analyse(trace(network, TOKENS)).totals.macs > 0


def test_what_a_pass_leaves_in_a_network_is_gone() -> None:
    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cache: dict[str, Any] = {}
            self.seen: list[Any] = [1]
            self.conv = nn.Conv2d(3, 4, 3)
            self.register_buffer("count", torch.zeros(1))
            self.register_buffer("last", torch.zeros(1, 4, 14, 14))

        def forward(self, x: Tensor) -> Tensor:
            self.count += 1
            self.cache["x"] = self.last_input = x
            self.seen.append([x])
            self.late = nn.Linear(14, 2)
            self.conv.weight.data.mul_(0.5)
            self.last.copy_(self.conv(x)[:1])
            self.conv.weight.data = self.conv.weight.data.clamp(max=1)
            return self.last + self.count

    network = Keeps()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    attributes = sorted(vars(network))
    for _ in range(2):
        assert [operand.shape for operand in leaves([trace(network, IMAGE).result], Operand)] \
            == [(1, 4, 14, 14)]
    assert sorted(vars(network)) == attributes
    assert (network.cache, network.seen) == ({}, [1])
    assert {name: value.tolist() for name, value in network.state_dict().items()} \
        == {name: value.tolist() for name, value in state.items()}
    assert [name for name, _ in network.named_children()] == ["conv"]


def value(_: Any, x: Tensor) -> Any:
    return x * float(x.mean())


def branch(_: Any, x: Tensor) -> Any:
    if x.sum() > 0:
        x = -x
    return x


class Refuses(nn.Module):
    def forward(self, x: Tensor) -> Any:
        raise KeyError("no such feature")


VALUES = "values of a tensor.*No other input helps"

HOSTILE: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a branch on values": (lambda: Made(branch), r"values of a tensor.*line \d+ of test_following"),
    "a number of values": (lambda: Made(value), VALUES),
    "a choice by a mask": (lambda: Made(lambda _, x: x[x > 0]), VALUES),
    "places of values": (lambda: Made(lambda _, x: x.nonzero()), VALUES),
    "an error of its own": (Refuses, "KeyError"),
    "an exit": (lambda: Made(lambda _, x: __import__("sys").exit(3)), "SystemExit"),
    "endless recursion": (lambda: Made(lambda net, x: net(x)), "RecursionError"),
    "no argument": (lambda: Made(lambda _: 1), "TypeError"),
    "no parameters yet": (lambda: nn.LazyLinear(3), "no shape before a first real pass"),
    "a script": (lambda: torch.jit.script(nn.Sequential(nn.Linear(16, 3))), "TorchScript"),
    "numpy": (lambda: Made(lambda _, x: torch.from_numpy(x.numpy())), VALUES),
    "a wrong size": (lambda: nn.Sequential(nn.Conv2d(4, 3, 3)), "expects 4 channels; got 3"),
    "shapes that do not fit": (lambda: Made(lambda _, x: x + x[:, :2]), "cannot combine"),
    "a view that cannot be": (lambda: Made(lambda _, x: x.transpose(1, 2).view(2, -1)),
                              "view size"),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("name", HOSTILE)
def test_every_end_is_a_trace_error_that_says_why(name: str) -> None:
    make, why = HOSTILE[name]
    network = make()
    with pytest.raises(TraceError, match=why) as caught:
        trace(network, IMAGE)
    error = caught.value
    assert str(error).startswith("The forward pass ends at ")
    gone = weakref.ref(network)
    del network, caught
    error.__traceback__ = None
    gc.collect()
    assert gone() is None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
