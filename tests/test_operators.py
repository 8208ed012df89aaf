"""Every rule against figures worked out by hand, and its shapes against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from explorer.tracing import Call, TraceError, trace
from explorer.tracing.operators import RULES, VIEWS, Effect, Window, rule

X = (2, 6, 8, 10)
SIZE = 2 * 6 * 8 * 10


class Function(nn.Module):
    """A network that is one function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def call_of(function: Callable[[Any], Any], shape: tuple[int, ...] = X) -> Call:
    call, = trace(Function(function), shape).calls
    return call


def weight(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def effect(shape: tuple[int, ...], macs: int = 0, ops: int = 0, window: Window | None = None,
           groups: int = 1, allocates: bool = True) -> Effect:
    return Effect(shape, macs, ops, window, groups, allocates)


ONE = Window((1, 1))
CASES: dict[str, list[tuple[Callable[[Any], Any], Effect]]] = {
    "conv2d": [
        # 2·4·6·8 outputs, each of 6·3·3 products.
        (lambda x: F.conv2d(x, weight(4, 6, 3, 3)),
         effect((2, 4, 6, 8), 2 * 4 * 6 * 8 * 54, 0, Window((3, 3)))),
        (lambda x: F.conv2d(x, weight(4, 6, 3, 3), weight(4)),
         effect((2, 4, 6, 8), 2 * 4 * 6 * 8 * 54, 2 * 4 * 6 * 8, Window((3, 3)))),
        # Depthwise: 3·3 products an output.
        (lambda x: F.conv2d(x, weight(6, 1, 3, 3), None, 1, 1, 1, 6),
         effect(X, SIZE * 9, 0, Window((3, 3), padding=(1, 1)), groups=6)),
        (lambda x: F.conv2d(x, weight(9, 2, 1, 1), groups=3, stride=2),
         effect((2, 9, 4, 5), 2 * 9 * 4 * 5 * 2, 0, Window((1, 1), (2, 2)), groups=3)),
        # Height: (8 + 2 - 2·2 - 1) // 2 + 1 = 3. Width: (10 - 4 - 1) // 1 + 1 = 6.
        (lambda x: F.conv2d(x, weight(1, 6, 3, 5), stride=(2, 1), padding=(1, 0), dilation=(2, 1)),
         effect((2, 1, 3, 6), 2 * 3 * 6 * 90, 0, Window((3, 5), (2, 1), (1, 0), (2, 1)))),
        (lambda x: F.conv2d(x, weight(6, 6, 3, 5), padding="same"),
         effect(X, SIZE * 90, 0, Window((3, 5), padding=(1, 2)))),
        (lambda x: F.conv2d(x, weight(6, 6, 3, 5), padding="valid"),
         effect((2, 6, 6, 6), 2 * 6 * 6 * 6 * 90, 0, Window((3, 5)))),
        (nn.Conv2d(6, 4, 8), effect((2, 4, 1, 3), 2 * 4 * 3 * 6 * 64, 2 * 4 * 3, Window((8, 8)))),
    ],
    "linear": [
        (lambda x: F.linear(x, weight(7, 10)), effect((2, 6, 8, 7), 2 * 6 * 8 * 70)),
        (lambda x: F.linear(x, weight(7, 10), weight(7)),
         effect((2, 6, 8, 7), 2 * 6 * 8 * 70, 2 * 6 * 8 * 7)),
    ],
    "matmul": [
        (lambda x: x @ weight(10, 3), effect((2, 6, 8, 3), 2 * 6 * 8 * 3 * 10)),
        (lambda x: torch.matmul(x, weight(2, 1, 10, 3)), effect((2, 6, 8, 3), 2 * 6 * 8 * 3 * 10)),
    ],
    "batch_norm": [(nn.BatchNorm2d(6).eval(), effect(X, ops=2 * SIZE))],
    # For each element 5 squares, their sum, then scale, power and quotient.
    "local_response_norm": [(nn.LocalResponseNorm(5), effect(X, ops=13 * SIZE))],
    "max_pool2d": [
        (nn.MaxPool2d(2), effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2)))),
        # Width: (10 - 3) / 2 = 3.5, rounded up, + 1 = 5; height: (8 - 3) / 2 likewise 4.
        (nn.MaxPool2d(3, 2, ceil_mode=True),
         effect((2, 6, 4, 5), ops=2 * 6 * 4 * 5 * 9, window=Window((3, 3), (2, 2)))),
        (nn.MaxPool2d(3, 1, 1, dilation=2),
         effect((2, 6, 6, 8), ops=2 * 6 * 6 * 8 * 9,
                window=Window((3, 3), (1, 1), (1, 1), (2, 2)))),
        (lambda x: torch.max_pool2d(x, 3, 2, 1, 1, True),
         effect((2, 6, 5, 6), ops=2 * 6 * 5 * 6 * 9, window=Window((3, 3), (2, 2), (1, 1)))),
    ],
    "avg_pool2d": [
        (nn.AvgPool2d(3, 1, 1), effect(X, ops=SIZE * 9, window=Window((3, 3), padding=(1, 1)))),
        (nn.AvgPool2d(3, 2, ceil_mode=True),
         effect((2, 6, 4, 5), ops=2 * 6 * 4 * 5 * 9, window=Window((3, 3), (2, 2)))),
        (lambda x: F.avg_pool2d(x, (2, 5)),
         effect((2, 6, 4, 2), ops=SIZE, window=Window((2, 5), (2, 5)))),
    ],
    "adaptive_avg_pool2d": [
        (nn.AdaptiveAvgPool2d(1),
         effect((2, 6, 1, 1), ops=SIZE, window=Window((8, 10), (8, 10), whole=True))),
        # Rows 0-3, 2-6, 5-8 of 8; columns 0-4, 3-7, 6-10 of 10.
        (nn.AdaptiveAvgPool2d(3),
         effect((2, 6, 3, 3), ops=12 * (3 + 4 + 3) * (4 + 4 + 4),
                window=Window((4, 4), (2, 3), whole=True))),
        (nn.AdaptiveAvgPool2d((None, 5)),
         effect((2, 6, 8, 5), ops=SIZE, window=Window((1, 2), (1, 2), whole=True))),
        # Steps of 10/16: of 16 columns, the 8 that a whole number cuts in two read 2 inputs.
        (nn.AdaptiveAvgPool2d(16),
         effect((2, 6, 16, 16), ops=12 * 16 * (8 * 1 + 8 * 2),
                window=Window((1, 2), whole=True))),
    ],
    "adaptive_max_pool2d": [
        (nn.AdaptiveMaxPool2d((4, 5)),
         effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2), whole=True)))],
    "mean": [
        (lambda x: x.mean([2, 3]),
         effect((2, 6), ops=SIZE, window=Window((8, 10), (8, 10), whole=True))),
        (lambda x: torch.mean(x, (-2, -1), keepdim=True),
         effect((2, 6, 1, 1), ops=SIZE, window=Window((8, 10), (8, 10), whole=True))),
        (lambda x: x.mean(1), effect((2, 8, 10), ops=SIZE)),
        (lambda x: x.mean(dim=1, keepdim=True), effect((2, 1, 8, 10), ops=SIZE)),
        (lambda x: x.mean(), effect((), ops=SIZE)),
    ],
    "dropout": [
        (lambda x: F.dropout(x, training=False), effect(X, allocates=False)),
        (lambda x: F.dropout(x), effect(X, ops=SIZE)),
        (lambda x: F.dropout(x, 0.1, True, True), effect(X, ops=SIZE, allocates=False)),
        (nn.Dropout2d().eval(), effect(X, allocates=False)),
        (lambda x: torch.feature_dropout(x, 0.5, False), effect(X, allocates=False)),
    ],
    "cat": [
        (lambda x: torch.cat([x, x, x], 1), effect((2, 18, 8, 10))),
        (lambda x: torch.cat((x, weight(2, 6, 8, 3)), dim=-1), effect((2, 6, 8, 13))),
        (lambda x: torch.concat([x, x]), effect((4, 6, 8, 10))),
    ],
    "pad": [
        (lambda x: F.pad(x, (1, 2)), effect((2, 6, 8, 13), window=Window((1, 1), padding=(0, 1)))),
        (lambda x: F.pad(x, (0, 0, 3, 1)),
         effect((2, 6, 12, 10), window=Window((1, 1), padding=(3, 0)))),
        (lambda x: F.pad(x, (0, 0, 0, 0, 0, 5)), effect((2, 11, 8, 10), window=ONE)),
    ],
    "getitem": [
        (lambda x: x[:, :, ::2, 1::3],
         effect((2, 6, 4, 3), window=Window((1, 1), (2, 3), (0, -1)), allocates=False)),
        (lambda x: x[:, 1:4], effect((2, 3, 8, 10), allocates=False)),
        (lambda x: x[0], effect((6, 8, 10), allocates=False)),
    ],
    "binary": [
        (lambda x: x + weight(1, 6, 1, 1), effect(X, ops=SIZE)),
        (lambda x: weight(6, 1, 1) * x, effect(X, ops=SIZE)),
        (lambda x: torch.maximum(x, weight(3, 1, 1, 1, 1)), effect((3, *X), ops=3 * SIZE)),
        (lambda x: torch.minimum(x, x), effect(X, ops=SIZE)),
    ],
}


def name_of(function: Callable[[Any], Any]) -> str:
    return type(function).__name__ if isinstance(function, nn.Module) else "function"


@pytest.mark.parametrize(("function", "expected"), [
    pytest.param(*case, id=f"{name}-{number}-{name_of(case[0])}")
    for name, cases in CASES.items() for number, case in enumerate(cases)])
def test_effects_worked_out_by_hand(function: Callable[[Any], Any], expected: Effect) -> None:
    call = call_of(function)
    assert call.known
    assert call.effect == expected


# The arithmetic of one element, as its formula has it; exp and a power are one operation each.
ELEMENTWISE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "relu": (F.relu, 1),                        # max
    "relu6": (F.relu6, 2),                      # max, min
    "leaky_relu": (F.leaky_relu, 2),            # product, max
    "elu": (F.elu, 3),                          # exp, - 1, ·
    "gelu": (F.gelu, 5),                        # /, erf, + 1, ·, ·
    "sigmoid": (torch.sigmoid, 3),              # exp, + 1, /
    "tanh": (torch.tanh, 4),                    # exp, - 1, + 1, /
    "silu": (F.silu, 4),                        # sigmoid, ·
    "hardtanh": (F.hardtanh, 2),                # max, min
    "hardsigmoid": (F.hardsigmoid, 4),          # + 3, max, min, /
    "hardswish": (F.hardswish, 5),              # hardsigmoid, ·
    "neg": (torch.neg, 1),
    "abs": (torch.abs, 1),
    "exp": (torch.exp, 1),
    "sqrt": (torch.sqrt, 1),
    "pow": (lambda x: torch.pow(x, 2), 1),
    "clamp": (lambda x: torch.clamp(x, 0, 1), 2),
    "softmax": (lambda x: F.softmax(x, 1), 5),
    "log_softmax": (lambda x: F.log_softmax(x, 1), 5),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_operations(name: str) -> None:
    function, cost = ELEMENTWISE[name]
    call = call_of(function)
    assert call.operator == name
    assert call.known
    assert call.effect == effect(X, ops=cost * SIZE)


def test_every_rule_is_tested() -> None:
    tested = {call_of(function).operator for cases in CASES.values() for function, _ in cases}
    spelled = {"sub", "rsub", "radd", "rmul", "rtruediv", "rdiv", "iadd", "isub", "imul", "div",
               "itruediv", "idiv", "truediv", "dropout2d"}     # see test_trace.py
    assert set(RULES) - tested - spelled - set(ELEMENTWISE) == set()
    assert {rule for rule in RULES if rule in VIEWS} == set()


def test_a_rule_is_found_by_each_of_its_names() -> None:
    try:
        @rule("frobnicate", "frobnicate2d")
        def frobnicate(input: Any) -> Effect:
            return Effect(tuple(input.shape), 7)

        assert RULES["frobnicate"] is RULES["frobnicate2d"] is frobnicate
    finally:
        del RULES["frobnicate"], RULES["frobnicate2d"]


def shape_in_pytorch(function: Callable[[Tensor], Tensor],
                     shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """None where PyTorch refuses."""
    try:
        return tuple(function(torch.empty(shape, device="meta")).shape)
    except (RuntimeError, ValueError):
        return None


def shape_in_trace(function: Callable[[Any], Any],
                   shape: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return call_of(function, shape).output_shape
    except TraceError:
        return None


def pairs(low: int, high: int) -> st.SearchStrategy[Any]:
    numbers = st.integers(low, high)
    return numbers | st.tuples(numbers, numbers)


def both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


IMAGES = st.tuples(st.integers(1, 2), st.just(4), st.integers(1, 20), st.integers(1, 20))


@given(shape=IMAGES, kernel=pairs(1, 7), stride=pairs(1, 4), dilation=pairs(1, 3),
       padding=pairs(0, 4) | st.just("valid"), groups=st.sampled_from([1, 2, 4]))
def test_conv2d_shapes(shape: Any, kernel: Any, stride: Any, dilation: Any, padding: Any,
                       groups: int) -> None:
    filters = weight(8, 4 // groups, *both(kernel))

    def convolve(x: Any) -> Any:
        return F.conv2d(x, filters, None, stride, padding, dilation, groups)

    assert shape_in_trace(convolve, shape) == shape_in_pytorch(convolve, shape)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(shape=IMAGES, kernel=pairs(1, 7), dilation=pairs(1, 3))
def test_conv2d_with_same_padding_keeps_the_size(shape: Any, kernel: Any, dilation: Any) -> None:
    filters = weight(8, 4, *both(kernel))

    def convolve(x: Any) -> Any:
        return F.conv2d(x, filters, padding="same", dilation=dilation)

    assert shape_in_trace(convolve, shape) == shape_in_pytorch(convolve, shape) \
        == (shape[0], 8, *shape[2:])


@given(shape=IMAGES, kernel=pairs(1, 6), stride=st.none() | pairs(1, 4), padding=pairs(0, 3),
       dilation=pairs(1, 3), ceil_mode=st.booleans())
def test_max_pool_shapes(shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any,
                         ceil_mode: bool) -> None:
    pool = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    assume(all(2 * p <= k for p, k in zip(both(padding), both(kernel), strict=True)))
    assert shape_in_trace(pool, shape) == shape_in_pytorch(pool, shape)


@given(shape=IMAGES, kernel=pairs(1, 6), stride=st.none() | pairs(1, 4), padding=pairs(0, 3),
       ceil_mode=st.booleans())
def test_avg_pool_shapes(shape: Any, kernel: Any, stride: Any, padding: Any,
                         ceil_mode: bool) -> None:
    pool = nn.AvgPool2d(kernel, stride, padding, ceil_mode)
    assume(all(2 * p <= k for p, k in zip(both(padding), both(kernel), strict=True)))
    assert shape_in_trace(pool, shape) == shape_in_pytorch(pool, shape)


@given(shape=IMAGES, size=pairs(1, 25), kind=st.sampled_from(
    [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))
def test_adaptive_pool_shapes(shape: Any, size: Any, kind: type[nn.Module]) -> None:
    assert shape_in_trace(kind(size), shape) == shape_in_pytorch(kind(size), shape)


@given(height=st.integers(1, 9), width=st.integers(1, 9), size=st.integers(1, 6))
def test_adaptive_pools_read_what_pytorchs_do(height: int, width: int, size: int) -> None:
    pool = nn.AdaptiveAvgPool2d(size)
    reads = jacobian(pool, torch.zeros(1, 1, height, width)).reshape(size, size, height, width) > 0
    rows, columns = reads.any(-1).sum(-1), reads.any(-2).sum(-1)
    found = call_of(pool, (2, 4, height, width)).effect
    assert found.elementwise_ops == 2 * 4 * int(reads.sum())
    assert found.window is not None
    assert found.window.kernel == (int(rows.max()), int(columns.max()))


@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple), data=st.data())
def test_mean_shapes(shape: tuple[int, ...], data: st.DataObject) -> None:
    axes = data.draw(st.none() | st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    if axes is not None:
        axes = [data.draw(st.sampled_from([axis, axis - len(shape)])) for axis in axes]
    keepdim = data.draw(st.booleans()) if axes else False

    def average(x: Any) -> Any:
        return x.mean(axes, keepdim) if axes else x.mean()

    assert shape_in_trace(average, shape) == shape_in_pytorch(average, shape)


@given(one=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4).map(tuple),
       other=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4).map(tuple))
def test_additions_broadcast_as_pytorchs(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    term = weight(*other)

    def total(x: Any) -> Any:
        return x + term

    assert shape_in_trace(total, one) == shape_in_pytorch(total, one)


@given(shape=IMAGES, amounts=st.lists(st.integers(0, 3), min_size=1, max_size=4).map(
    lambda half: [amount for one in half for amount in (one, one + 1)]))
def test_pad_shapes(shape: Any, amounts: list[int]) -> None:
    def padded(x: Any) -> Any:
        return F.pad(x, amounts)

    assert shape_in_trace(padded, shape) == shape_in_pytorch(padded, shape)
