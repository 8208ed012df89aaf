"""One row an operator: what it does to shapes and costs, and what training keeps of it.

Worked out by hand; `test_operators` holds the rows against the table and against PyTorch's shapes,
`test_memory` against what PyTorch's autograd keeps. A new operator is one more row here.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.tracing.operators import Effect, Window

X = (2, 6, 8, 10)
SIZE = 2 * 6 * 8 * 10
BYTES = 4 * SIZE


class Row(NamedTuple):
    function: Callable[[Any], Any]
    """Of an input of the shape `X`."""
    effect: Effect | None = None
    """None where only what is kept is told."""
    kept: int | None = None
    """Bytes that training keeps of it where a gradient passes through its input."""


class Function(nn.Module):
    """A network that is one function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


class Reshape(nn.Module):
    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(self.shape)


class Both(nn.Module):
    """A layer of two inputs, which is given one and what ReLU makes of it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Any:
        return self.layer(x, F.relu(x))


class Lookup(nn.Module):
    """The input is a table in which a buffer's rows are looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ids", torch.zeros(3, 4, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(self.ids, x.view(96, 10))


Then = nn.Sequential


def weight(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def effect(shape: tuple[int, ...], macs: int = 0, ops: int = 0, window: Window | None = None,
           groups: int = 1, allocates: bool = True,
           others: tuple[tuple[int, ...], ...] | None = None) -> Effect:
    return Effect(shape, macs, ops, window, groups, allocates, others=others)


def each(operations: int, dtype: torch.dtype | None = None) -> Effect:
    return effect(X, ops=operations * SIZE)._replace(dtype=dtype)


class With(nn.Module):
    """A function of its input and of a buffer: what autograd keeps of it is not counted."""

    def __init__(self, function: Callable[[Any, Any], Any], other: Tensor) -> None:
        super().__init__()
        self.function = function
        self.register_buffer("other", other)

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.other)


def indices(*shape: int) -> Tensor:
    """On the CPU: zeros are places that every side has."""
    return torch.zeros(shape, dtype=torch.int64)


def mask(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.bool)


def assigned(x: Any, index: Any, value: Any) -> Any:
    x = x * 1
    x[index] = value
    return x


ONE = Window((1, 1))
WHOLE = Window((8, 10), (8, 10), whole=True)
HALF = Fraction(1, 2)
BOOL, INT = torch.bool, torch.int64

HALF = Fraction(1, 2)
LINE, VOLUME = Reshape(2, 6, 80), Reshape(2, 3, 2, 8, 10)
STEPS = Reshape(80, 2, 6)

ROWS: dict[str, list[Row]] = {
    "conv1d": [
        # (80 + 2 - 2·2 - 1) // 3 + 1 = 26 outputs, each of 6·3 products.
        Row(Then(LINE, nn.Conv1d(6, 4, 3, stride=3, padding=1, dilation=2)),
            effect((2, 4, 26), 2 * 4 * 26 * 18, 2 * 4 * 26, Window((3,), (3,), (1,), (2,))), BYTES),
        Row(lambda x: F.conv1d(x.reshape(12, 80), weight(5, 12, 3), padding="same"),
            effect((5, 80), 5 * 80 * 36, 0, Window((3,), (1,), (1,), (1,)))),
    ],
    "conv3d": [
        Row(Then(VOLUME, nn.Conv3d(3, 4, (1, 3, 5), groups=1, bias=False)),
            effect((2, 4, 2, 6, 6), 2 * 4 * 2 * 6 * 6 * 3 * 15, 0,
                   Window((1, 3, 5), (1, 1, 1), (0, 0, 0), (1, 1, 1))), BYTES),
        Row(lambda x: F.conv3d(x.reshape(2, 3, 2, 8, 10), weight(3, 1, 2, 2, 2), groups=3),
            effect((2, 3, 1, 7, 9), 2 * 3 * 7 * 9 * 8, 0,
                   Window((2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1)), groups=3)),
    ],
    "conv_transpose1d": [
        # (80 - 1)·2 + 3 = 161. Two of three weights meet an even output, one an odd one.
        Row(Then(LINE, nn.ConvTranspose1d(6, 4, 3, stride=2)),
            effect((2, 4, 161), SIZE * 4 * 3, 2 * 4 * 161, Window((2,), (HALF,), (1,), (1,))),
            BYTES),
    ],
    "conv_transpose2d": [
        Row(nn.ConvTranspose2d(6, 4, 2, 2, bias=False),
            effect((2, 4, 16, 20), SIZE * 4 * 4, 0, Window((1, 1), (HALF, HALF))), BYTES),
        # Height (8 - 1)·2 - 2 + 3 + 1 = 16. Output 0 reads input 0 alone, by its middle weight.
        Row(lambda x: F.conv_transpose2d(x, weight(6, 2, 3, 3), weight(6), 2, 1, 1, 3),
            effect((2, 6, 16, 20), SIZE * 2 * 9, 2 * 6 * 320, Window((2, 2), (HALF, HALF)),
                   groups=3)),
        # Without a stride it is a convolution that is padded by 2: from input -2 on.
        Row(lambda x: F.conv_transpose2d(x, weight(6, 4, 3, 5), dilation=(1, 2)),
            effect((2, 4, 10, 18), SIZE * 4 * 15, 0, Window((3, 5), (1, 1), (2, 8), (1, 2)))),
    ],
    "conv_transpose3d": [
        Row(Then(VOLUME, nn.ConvTranspose3d(3, 4, 2, 2)),
            effect((2, 4, 4, 16, 20), SIZE * 4 * 8, 2 * 4 * 4 * 16 * 20,
                   Window((1, 1, 1), (HALF,) * 3, (0, 0, 0), (1, 1, 1))), BYTES),
    ],
    "max_pool1d": [
        Row(Then(LINE, nn.MaxPool1d(3, 2, 1)),
            effect((2, 6, 40), ops=2 * 6 * 40 * 3, window=Window((3,), (2,), (1,), (1,))),
            BYTES + 8 * 2 * 6 * 40)],
    "max_pool1d_with_indices": [
        Row(lambda x: F.max_pool1d(x.view(2, 6, 80), 2, return_indices=True)[0],
            effect((2, 6, 40), ops=SIZE, window=Window((2,), (2,), (0,), (1,)))._replace(
                others=((2, 6, 40),)), BYTES + 8 * 2 * 6 * 40)],
    "max_pool2d_with_indices": [
        Row(lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
            effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2)))._replace(
                others=((2, 6, 4, 5),)), BYTES + 8 * 2 * 6 * 4 * 5)],
    "max_pool3d_with_indices": [
        Row(lambda x: F.max_pool3d(x.view(2, 3, 2, 8, 10), 2, return_indices=True)[0],
            effect((2, 3, 1, 4, 5), ops=SIZE, window=Window(
                (2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1)))._replace(
                others=((2, 3, 1, 4, 5),)), BYTES + 8 * 2 * 3 * 4 * 5)],
    "max_pool3d": [
        Row(Then(VOLUME, nn.MaxPool3d((1, 2, 2))),
            effect((2, 3, 2, 4, 5), ops=SIZE,
                   window=Window((1, 2, 2), (1, 2, 2), (0, 0, 0), (1, 1, 1))), 3 * BYTES // 2)],
    "avg_pool1d": [
        Row(Then(LINE, nn.AvgPool1d(4)),
            effect((2, 6, 20), ops=SIZE, window=Window((4,), (4,), (0,), (1,))), BYTES)],
    "avg_pool3d": [
        Row(Then(VOLUME, nn.AvgPool3d(2)),
            effect((2, 3, 1, 4, 5), ops=SIZE,
                   window=Window((2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1))), BYTES)],
    "adaptive_avg_pool1d": [
        Row(Then(LINE, nn.AdaptiveAvgPool1d(1)),
            effect((2, 6, 1), ops=SIZE, window=Window((80,), (80,), (0,), (1,), whole=True)), 0),
        # Of 80 in 3: 0-27, 26-54, 53-80.
        Row(Then(LINE, nn.AdaptiveAvgPool1d(3)),
            effect((2, 6, 3), ops=12 * (27 + 28 + 27),
                   window=Window((28,), (26,), (0,), (1,), whole=True)), BYTES)],
    "adaptive_max_pool1d": [
        Row(Then(LINE, nn.AdaptiveMaxPool1d(20)),
            effect((2, 6, 20), ops=SIZE, window=Window((4,), (4,), (0,), (1,), whole=True)),
            BYTES + 8 * 2 * 6 * 20)],
    "adaptive_avg_pool3d": [
        Row(Then(VOLUME, nn.AdaptiveAvgPool3d((1, 4, 5))),
            effect((2, 3, 1, 4, 5), ops=SIZE, window=Window(
                (2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1), whole=True)), BYTES),
        Row(Then(VOLUME, nn.AdaptiveAvgPool3d(1)), kept=0)],
    "adaptive_max_pool3d": [
        Row(Then(VOLUME, nn.AdaptiveMaxPool3d((1, 4, 5))),
            effect((2, 3, 1, 4, 5), ops=SIZE, window=Window(
                (2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1), whole=True)),
            BYTES + 8 * 2 * 3 * 20)],
    "conv2d": [
        # 2·4·6·8 outputs, each of 6·3·3 products.
        Row(lambda x: F.conv2d(x, weight(4, 6, 3, 3)),
            effect((2, 4, 6, 8), 2 * 4 * 6 * 8 * 54, 0, Window((3, 3)))),
        Row(lambda x: F.conv2d(x, weight(4, 6, 3, 3), weight(4)),
            effect((2, 4, 6, 8), 2 * 4 * 6 * 8 * 54, 2 * 4 * 6 * 8, Window((3, 3)))),
        # Depthwise: 3·3 products an output.
        Row(lambda x: F.conv2d(x, weight(6, 1, 3, 3), None, 1, 1, 1, 6),
            effect(X, SIZE * 9, 0, Window((3, 3), padding=(1, 1)), groups=6)),
        Row(lambda x: F.conv2d(x, weight(9, 2, 1, 1), groups=3, stride=2),
            effect((2, 9, 4, 5), 2 * 9 * 4 * 5 * 2, 0, Window((1, 1), (2, 2)), groups=3)),
        # Height: (8 + 2 - 2·2 - 1) // 2 + 1 = 3. Width: (10 - 4 - 1) // 1 + 1 = 6.
        Row(lambda x: F.conv2d(x, weight(1, 6, 3, 5), stride=(2, 1), padding=(1, 0),
                               dilation=(2, 1)),
            effect((2, 1, 3, 6), 2 * 3 * 6 * 90, 0, Window((3, 5), (2, 1), (1, 0), (2, 1)))),
        Row(lambda x: F.conv2d(x, weight(6, 6, 3, 5), padding="same"),
            effect(X, SIZE * 90, 0, Window((3, 5), padding=(1, 2)))),
        Row(lambda x: F.conv2d(x, weight(6, 6, 3, 5), padding="valid"),
            effect((2, 6, 6, 6), 2 * 6 * 6 * 6 * 90, 0, Window((3, 5)))),
        # An even kernel: PyTorch pads a copy behind, and keeps that.
        Row(nn.Conv2d(6, 4, 2, padding="same"), kept=4 * 2 * 6 * 9 * 11),
        Row(nn.Conv2d(6, 4, 8),
            effect((2, 4, 1, 3), 2 * 4 * 3 * 6 * 64, 2 * 4 * 3, Window((8, 8))), BYTES),
    ],
    "linear": [
        Row(lambda x: F.linear(x, weight(7, 10)), effect((2, 6, 8, 7), 2 * 6 * 8 * 70)),
        Row(lambda x: F.linear(x, weight(10)), effect((2, 6, 8), ops=2 * SIZE)),
        Row(lambda x: F.linear(x, weight(7, 10), weight(7)),
            effect((2, 6, 8, 7), 2 * 6 * 8 * 70, 2 * 6 * 8 * 7)),
        Row(nn.Linear(10, 3), kept=BYTES),
    ],
    "matmul": [
        Row(lambda x: x @ weight(10, 3), effect((2, 6, 8, 3), 2 * 6 * 8 * 3 * 10)),
        Row(lambda x: weight(5, 8) @ x, effect((2, 6, 5, 10), 2 * 6 * 5 * 10 * 8)),
        Row(lambda x: torch.matmul(x, weight(2, 1, 10, 3)),
            effect((2, 6, 8, 3), 2 * 6 * 8 * 3 * 10)),
        # A product and a sum for each number.
        Row(lambda x: x @ weight(10), effect((2, 6, 8), ops=2 * SIZE)),
        Row(lambda x: torch.matmul(weight(8), x), effect((2, 6, 10), 2 * 6 * 10 * 8)),
        Row(lambda x: x @ x.transpose(2, 3), kept=BYTES),
        # Batches that lie apart are copied, and what is broadcast is repeated.
        Row(lambda x: x.transpose(1, 2) @ x.permute(0, 2, 3, 1), kept=2 * BYTES),
        Row(lambda x: x @ x[:1].transpose(2, 3), kept=2 * BYTES),
        Row(lambda x: x[:1].transpose(1, 2) @ x[:1].permute(0, 2, 3, 1), kept=BYTES),
    ],
    "mm": [Row(lambda x: torch.mm(x.reshape(12, 80), weight(80, 3)), effect((12, 3), 12 * 3 * 80)),
           Row(lambda x: torch.mm(x.view(12, 80), x.view(80, 12)), kept=BYTES)],
    "bmm": [Row(lambda x: torch.bmm(x.reshape(12, 8, 10), weight(12, 10, 3)),
                effect((12, 8, 3), 12 * 8 * 3 * 10)),
            Row(lambda x: torch.bmm(x.view(12, 8, 10), x.view(12, 10, 8)), kept=BYTES)],
    "mv": [Row(lambda x: torch.mv(x.reshape(12, 80), weight(80)), effect((12,), ops=2 * SIZE)),
           Row(lambda x: torch.mv(x.view(48, 20), F.relu(x).view(960)[:20]), kept=2 * BYTES)],
    "dot": [Row(lambda x: torch.dot(x.reshape(-1), weight(SIZE)), effect((), ops=2 * SIZE)),
            Row(lambda x: torch.vdot(x.view(-1), F.relu(x).view(-1)), kept=2 * BYTES)],
    "inner": [Row(lambda x: torch.inner(x, weight(3, 10)), effect((2, 6, 8, 3), SIZE * 3)),
              Row(lambda x: torch.inner(x.view(-1), weight(SIZE)), effect((), ops=2 * SIZE)),
              Row(lambda x: torch.inner(x, F.relu(x).view(96, 10)), kept=2 * BYTES)],
    "outer": [Row(lambda x: torch.outer(x.reshape(-1), weight(3)), effect((SIZE, 3), ops=3 * SIZE)),
              Row(lambda x: torch.outer(x.view(-1), F.relu(x).view(-1)[:3]), kept=2 * BYTES)],
    "addmm": [
        Row(lambda x: torch.addmm(weight(3), x.reshape(12, 80), weight(80, 3)),
            effect((12, 3), 12 * 3 * 80, 12 * 3)),
        # Two factors, and no sum.
        Row(lambda x: torch.addmm(weight(3), x.reshape(12, 80), weight(80, 3), beta=0, alpha=2),
            effect((12, 3), 12 * 3 * 80, 12 * 3)),
        Row(lambda x: torch.addmm(x.view(-1)[:12], x.view(12, 80), F.relu(x).view(80, 12)),
            kept=2 * BYTES)],
    "baddbmm": [
        Row(lambda x: torch.baddbmm(weight(1, 8, 3), x.reshape(12, 8, 10), weight(12, 10, 3),
                                    beta=2, alpha=3),
            effect((12, 8, 3), 12 * 8 * 3 * 10, 3 * 12 * 8 * 3)),
        Row(lambda x: torch.baddbmm(x.view(-1)[:8], x.view(12, 8, 10), F.relu(x).view(12, 10, 8)),
            kept=2 * BYTES)],
    "addbmm": [
        Row(lambda x: torch.addbmm(weight(8, 3), x.reshape(12, 8, 10), weight(12, 10, 3)),
            effect((8, 3), ops=2 * 12 * 8 * 3 * 10 + 8 * 3)),
        Row(lambda x: torch.addbmm(x.view(-1)[:8], x.view(12, 8, 10), F.relu(x).view(12, 10, 8)),
            kept=2 * BYTES)],
    "addmv": [
        Row(lambda x: torch.addmv(weight(12), x.reshape(12, 80), weight(80)),
            effect((12,), ops=2 * SIZE + 12)),
        Row(lambda x: torch.addmv(x.view(-1)[:48], x.view(48, 20), F.relu(x).view(960)[:20]),
            kept=2 * BYTES)],
    "tensordot": [
        Row(lambda x: torch.tensordot(x, weight(8, 10, 3)), effect((2, 6, 3), SIZE * 3)),
        Row(lambda x: torch.tensordot(x, weight(4, 6), dims=([1], [1])),
            effect((2, 8, 10, 4), SIZE * 4)),
        Row(lambda x: torch.tensordot(x.view(12, 80), F.relu(x).view(80, 12), 1),
            kept=2 * BYTES)],
    "bilinear": [
        # For each output 10·4 times 2 for the matrix, 4 times 2 for the second, and the bias.
        Row(lambda x: F.bilinear(x, weight(2, 6, 8, 4), weight(3, 10, 4), weight(3)),
            effect((2, 6, 8, 3), ops=2 * 6 * 8 * 3 * (2 * 40 + 2 * 4 + 1))),
        Row(Both(nn.Bilinear(10, 10, 3)), kept=2 * BYTES)],
    "einsum": [
        Row(lambda x: torch.einsum("bhid,bhjd->bhij", x, weight(2, 6, 4, 10)),
            effect((2, 6, 8, 4), 2 * 6 * 8 * 4 * 10)),
        # Nothing is summed: products, one for each number of the output.
        Row(lambda x: torch.einsum("nchw,c->nchw", x, weight(6)), effect(X, ops=SIZE)),
        Row(lambda x: torch.einsum("nc...->n...", x), effect((2, 8, 10), ops=SIZE)),
        Row(lambda x: torch.einsum("nchw->nhwc", x), effect((2, 8, 10, 6), allocates=False)),
        # The first two sum over w; then 2·6·8·3 outputs sum 5 products.
        Row(lambda x: torch.einsum("nchw,wk,kj->nchj", x, weight(10, 5), weight(5, 3)),
            effect((2, 6, 8, 3), 2 * 6 * 8 * 5 * 10 + 2 * 6 * 8 * 3 * 5)),
        Row(lambda x: torch.einsum("nchw,nchv->nchwv", x, F.relu(x)), kept=2 * BYTES),
        Row(lambda x: torch.einsum("nchw,nchw->nch", x, F.relu(x)), kept=2 * BYTES)],
    "scaled_dot_product_attention": [
        # 2·6 heads of 8 queries by 5 keys: 10 products a score, and 10 times 5 for the values; a
        # score takes its scale and the softmax's five.
        Row(lambda x: F.scaled_dot_product_attention(x, weight(2, 6, 5, 10), weight(2, 6, 5, 10)),
            effect(X, 2 * 6 * 8 * 5 * 20, 2 * 6 * 8 * 5 * 6)),
        Row(lambda x: F.scaled_dot_product_attention(
                x, weight(2, 3, 5, 10), weight(2, 3, 5, 4), weight(8, 5), 0.1, enable_gqa=True),
            effect((2, 6, 8, 4), 2 * 6 * 8 * 5 * 14, 2 * 6 * 8 * 5 * 8)),
        Row(lambda x: F.scaled_dot_product_attention(x[0], x[0], x[0], is_causal=True),
            effect((6, 8, 10), 6 * 8 * 8 * 20, 6 * 8 * 8 * 7)),
        # Three inputs, the output, and a sum for each query.
        Row(lambda x: F.scaled_dot_product_attention(x, F.relu(x), x.exp()),
            kept=4 * BYTES + 4 * 2 * 6 * 8),
        # Written out: queries and keys times a factor, the softmax, the values.
        Row(lambda x: F.scaled_dot_product_attention(x.view(12, 8, 10), F.relu(x).view(12, 8, 10),
                                                     x.view(12, 8, 10)),
            kept=4 * BYTES + 4 * 12 * 8 * 8),
        # With a mask of dropout, and what is left of the softmax.
        Row(lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
            kept=3 * BYTES + 3 * 4 * 12 * 8 * 8)],
    "lstm": [
        # 80 steps of 2 sequences; four gates by 6 + 5 inputs. For each number of the state three
        # sigmoids of 3, two tanh of 4, four for the states; for each gate a sum and two biases.
        Row(Then(STEPS, nn.LSTM(6, 5)),
            effect((80, 2, 5), 160 * 4 * 5 * 11, 160 * 5 * (21 + 12))._replace(
                others=((1, 2, 5), (1, 2, 5)))),
        # Two layers, both directions: the second reads 10 numbers, and its own 5.
        Row(Then(STEPS, nn.LSTM(6, 5, 2, bias=False, bidirectional=True)),
            effect((80, 2, 10), 160 * 2 * 4 * 5 * (11 + 15), 160 * 4 * 5 * (21 + 4))._replace(
                others=((4, 2, 5), (4, 2, 5)))),
        # What a cell gives is projected to 3 numbers.
        Row(Then(STEPS, nn.LSTM(6, 5, proj_size=3)),
            effect((80, 2, 3), 160 * (4 * 5 * 9 + 3 * 5), 160 * 5 * (21 + 12))._replace(
                others=((1, 2, 3), (1, 2, 5)))),
    ],
    "gru": [
        Row(Then(Reshape(2, 80, 6), nn.GRU(6, 5, 3, batch_first=True, dropout=0.5)),
            effect((2, 80, 5), 160 * 3 * 5 * (11 + 10 + 10),
                   160 * 3 * 5 * (16 + 9))._replace(others=((3, 2, 5),)))],
    "rnn_tanh": [Row(Then(STEPS, nn.RNN(6, 5)),
                     effect((80, 2, 5), 160 * 5 * 11, 160 * 5 * (4 + 3))._replace(
                         others=((1, 2, 5),)))],
    "rnn_relu": [Row(Then(STEPS, nn.RNN(6, 5, nonlinearity="relu", bias=False)),
                     effect((80, 2, 5), 160 * 5 * 11, 160 * 5 * (1 + 1))._replace(
                         others=((1, 2, 5),)))],
    "embedding": [
        Row(lambda x: F.embedding(torch.zeros(3, 4, dtype=torch.int64, device=x.device),
                                  x.reshape(96, 10)),
            effect((3, 4, 10))._replace(dtype=torch.float32)),
        Row(Lookup(), kept=0)],
    "unfold": [
        # Height (8 - 3) / 1 + 1 = 6, width (10 - 3) / 2 + 1 = 4.
        Row(lambda x: F.unfold(x, 3, stride=(1, 2)), effect((2, 6 * 9, 24)), 0)],
    "fold": [
        Row(lambda x: F.fold(x.reshape(2, 12, 40), (8, 10), (1, 2), stride=(1, 2)),
            effect((2, 6, 8, 10), ops=SIZE), 0),
        Row(lambda x: F.fold(x.reshape(2, 24, 20), (6, 5), 2), effect((2, 6, 6, 5), ops=SIZE))],
    "unfold_view": [
        Row(lambda x: x.unfold(2, 3, 2), effect((2, 6, 3, 10, 3), allocates=False), 0)],
    "pixel_shuffle": [
        Row(lambda x: F.pixel_shuffle(x.reshape(2, 12, 8, 5), 2),
            effect((2, 3, 16, 10), window=Window((1, 1), (HALF, HALF))), 0)],
    "pixel_unshuffle": [
        Row(nn.PixelUnshuffle(2), effect((2, 24, 4, 5), window=Window((2, 2), (2, 2))), 0)],
    "channel_shuffle": [Row(nn.ChannelShuffle(3), effect(X), 0)],
    "batch_norm": [
        Row(nn.BatchNorm2d(6).eval(), effect(X, ops=2 * SIZE)),
        Row(nn.BatchNorm2d(6), kept=BYTES + 2 * 6 * 4)],
    # For each element 5 squares, their sum, then scale, power and quotient. Kept: itself; four
    # channels of padding; their mean times alpha plus k; that to the power beta.
    "local_response_norm": [
        Row(nn.LocalResponseNorm(5), effect(X, ops=13 * SIZE), 3 * BYTES + BYTES // 6 * (6 + 4)),
        Row(nn.LocalResponseNorm(2), effect(X, ops=7 * SIZE), 3 * BYTES + BYTES // 6 * (6 + 1))],
    "max_pool2d": [
        Row(nn.MaxPool2d(2), effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2))),
            BYTES + 8 * 2 * 6 * 4 * 5),
        # Width: (10 - 3) / 2 = 3.5, rounded up, + 1 = 5; height: (8 - 3) / 2 likewise 4.
        Row(nn.MaxPool2d(3, 2, ceil_mode=True),
            effect((2, 6, 4, 5), ops=2 * 6 * 4 * 5 * 9, window=Window((3, 3), (2, 2)))),
        # A third window would begin behind the input: (10 - 2) / 5 = 1.6, rounded up, + 1 = 3.
        Row(nn.MaxPool2d(2, 5, 1, ceil_mode=True),
            effect((2, 6, 2, 3), ops=2 * 6 * 2 * 3 * 4, window=Window((2, 2), (5, 5), (1, 1)))),
        Row(nn.MaxPool2d(3, 1, 1, dilation=2),
            effect((2, 6, 6, 8), ops=2 * 6 * 6 * 8 * 9,
                   window=Window((3, 3), (1, 1), (1, 1), (2, 2)))),
        Row(lambda x: torch.max_pool2d(x, 3, 2, 1, 1, True),
            effect((2, 6, 5, 6), ops=2 * 6 * 5 * 6 * 9, window=Window((3, 3), (2, 2), (1, 1)))),
    ],
    "avg_pool2d": [
        Row(nn.AvgPool2d(3, 1, 1), effect(X, ops=SIZE * 9, window=Window((3, 3), padding=(1, 1))),
            BYTES),
        Row(nn.AvgPool2d(3, 2, ceil_mode=True),
            effect((2, 6, 4, 5), ops=2 * 6 * 4 * 5 * 9, window=Window((3, 3), (2, 2)))),
        Row(lambda x: F.avg_pool2d(x, (2, 5)),
            effect((2, 6, 4, 2), ops=SIZE, window=Window((2, 5), (2, 5)))),
    ],
    "adaptive_avg_pool2d": [
        Row(nn.AdaptiveAvgPool2d(1),
            effect((2, 6, 1, 1), ops=SIZE, window=Window((8, 10), (8, 10), whole=True)), 0),
        # Rows 0-3, 2-6, 5-8 of 8; columns 0-4, 3-7, 6-10 of 10.
        Row(nn.AdaptiveAvgPool2d(3),
            effect((2, 6, 3, 3), ops=12 * (3 + 4 + 3) * (4 + 4 + 4),
                   window=Window((4, 4), (2, 3), whole=True)), BYTES),
        Row(nn.AdaptiveAvgPool2d((None, 5)),
            effect((2, 6, 8, 5), ops=SIZE, window=Window((1, 2), (1, 2), whole=True))),
        # Steps of 10/16: of 16 columns, the 8 that a whole number cuts in two read 2 inputs.
        Row(nn.AdaptiveAvgPool2d(16),
            effect((2, 6, 16, 16), ops=12 * 16 * (8 * 1 + 8 * 2),
                   window=Window((1, 2), whole=True))),
    ],
    "adaptive_max_pool2d": [
        Row(nn.AdaptiveMaxPool2d((4, 5)),
            effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2), whole=True)),
            BYTES + 8 * 2 * 6 * 4 * 5)],
    "mean": [
        Row(lambda x: x.mean([2, 3]), effect((2, 6), ops=SIZE, window=WHOLE), 0),
        Row(lambda x: torch.mean(x, (-2, -1), keepdim=True),
            effect((2, 6, 1, 1), ops=SIZE, window=WHOLE)),
        Row(lambda x: x.mean(1), effect((2, 8, 10), ops=SIZE)),
        Row(lambda x: x.mean(dim=1, keepdim=True), effect((2, 1, 8, 10), ops=SIZE)),
        Row(lambda x: x.mean(axis=1, keepdims=True), effect((2, 1, 8, 10), ops=SIZE)),
        Row(lambda x: x.mean(), effect((), ops=SIZE)),
    ],
    "sum": [Row(lambda x: x.sum((2, 3)), effect((2, 6), ops=SIZE, window=WHOLE), 0),
            Row(lambda x: x.sum(1), effect((2, 8, 10), ops=SIZE))],
    "nansum": [Row(lambda x: x.nansum(1), effect((2, 8, 10), ops=SIZE), BYTES)],
    # Kept beside the input: one number for each of 2·8·10 rows, and of all one.
    "prod": [Row(lambda x: x.prod(1), effect((2, 8, 10), ops=SIZE), BYTES + 4 * 160),
             Row(lambda x: x.prod(), effect((), ops=SIZE), BYTES + 4)],
    "amax": [Row(lambda x: x.amax((2, 3), keepdim=True),
                 effect((2, 6, 1, 1), ops=SIZE, window=WHOLE), BYTES + 4 * 12),
             Row(lambda x: torch.amax(x, -1), effect((2, 6, 8), ops=SIZE), BYTES + 4 * 96)],
    "amin": [Row(lambda x: x.amin(1), effect((2, 8, 10), ops=SIZE), BYTES + 4 * 160)],
    "aminmax": [Row(lambda x: torch.aminmax(x, dim=1)[0],
                    effect((2, 8, 10), ops=2 * SIZE, others=((2, 8, 10),)),
                    BYTES + 2 * 4 * 160)],
    "argmax": [Row(lambda x: x.argmax(1), effect((2, 8, 10), ops=SIZE)._replace(dtype=INT)),
               Row(lambda x: torch.argmax(x), effect((), ops=SIZE)._replace(dtype=INT))],
    "argmin": [Row(lambda x: x.argmin(1, True),
                   effect((2, 1, 8, 10), ops=SIZE)._replace(dtype=INT))],
    "any": [Row(lambda x: x.any(1), effect((2, 8, 10), ops=SIZE)._replace(dtype=BOOL))],
    "all": [Row(lambda x: torch.all(x), effect((), ops=SIZE)._replace(dtype=BOOL))],
    "count_nonzero": [Row(lambda x: x.count_nonzero(1),
                          effect((2, 8, 10), ops=2 * SIZE)._replace(dtype=INT))],
    "logsumexp": [Row(lambda x: x.logsumexp(1), effect((2, 8, 10), ops=4 * SIZE),
                      BYTES + 4 * 160)],
    "var": [Row(lambda x: x.var(1), effect((2, 8, 10), ops=3 * SIZE), BYTES),
            Row(lambda x: x.var(dim=(2, 3), unbiased=False, keepdim=True),
                effect((2, 6, 1, 1), ops=3 * SIZE, window=WHOLE), BYTES),
            Row(lambda x: torch.var(x, False), effect((), ops=3 * SIZE), BYTES),
            Row(lambda x: torch.var(x, 1, correction=0), effect((2, 8, 10), ops=3 * SIZE), BYTES)],
    "std": [Row(lambda x: x.std(1), effect((2, 8, 10), ops=3 * SIZE), BYTES + 4 * 160)],
    "var_mean": [Row(lambda x: torch.var_mean(x, 1)[0],
                     effect((2, 8, 10), ops=3 * SIZE, others=((2, 8, 10),)), BYTES)],
    "std_mean": [Row(lambda x: torch.std_mean(x, 1)[0],
                     effect((2, 8, 10), ops=3 * SIZE, others=((2, 8, 10),)), BYTES + 4 * 160)],
    # A square and a sum; of another power the size, the power and a sum.
    "norm": [Row(lambda x: x.norm(dim=1), effect((2, 8, 10), ops=2 * SIZE), BYTES + 4 * 160),
             Row(lambda x: torch.norm(x, p=3, dim=1), effect((2, 8, 10), ops=3 * SIZE),
                 BYTES + 4 * 160),
             Row(lambda x: x.norm(), effect((), ops=2 * SIZE), BYTES + 4)],
    "linalg_vector_norm": [Row(lambda x: torch.linalg.vector_norm(x, dim=1, keepdim=True),
                               effect((2, 1, 8, 10), ops=2 * SIZE), BYTES + 4 * 160)],
    "max": [Row(lambda x: x.max(), effect((), ops=SIZE), BYTES + 4),
            Row(lambda x: x.max(1)[0], effect((2, 8, 10), ops=SIZE, others=((2, 8, 10),)),
                8 * 160),
            Row(lambda x: torch.max(x, dim=-1, keepdim=True)[0],
                effect((2, 6, 8, 1), ops=SIZE, others=((2, 6, 8, 1),)), 8 * 96),
            Row(lambda x: torch.max(x, F.relu(x)), each(1), 2 * BYTES)],
    "min": [Row(lambda x: x.min(), effect((), ops=SIZE), BYTES + 4),
            Row(lambda x: x.min(1)[0], effect((2, 8, 10), ops=SIZE, others=((2, 8, 10),)),
                8 * 160),
            Row(lambda x: torch.min(x, other=F.relu(x)), each(1), 2 * BYTES)],
    "cumsum": [Row(lambda x: x.cumsum(1), each(1), 0)],
    "cumprod": [Row(lambda x: torch.cumprod(x, 1), each(1), 2 * BYTES)],
    "dropout": [
        Row(lambda x: F.dropout(x, training=False), effect(X, allocates=False), 0),
        Row(lambda x: F.dropout(x), effect(X, ops=SIZE), BYTES),
        Row(lambda x: F.dropout(x, 0.1, True, True), effect(X, ops=SIZE, allocates=False), BYTES),
        Row(nn.Dropout(0), kept=0),
    ],
    "dropout2d": [
        Row(nn.Dropout2d().eval(), effect(X, allocates=False)),
        Row(nn.Dropout2d(), kept=2 * 6 * 4),
        Row(lambda x: torch.feature_dropout(x, 0.5, False), effect(X, allocates=False)),
        Row(lambda x: torch.feature_dropout(x, 0.5, True), effect(X, ops=SIZE), 2 * 6 * 4),
    ],
    "alpha_dropout": [
        Row(nn.AlphaDropout().eval(), effect(X, allocates=False)),
        Row(lambda x: F.alpha_dropout(x, 0.5, True), each(2), BYTES)],
    "feature_alpha_dropout": [
        Row(lambda x: F.feature_alpha_dropout(x, 0.5, True), each(2), 2 * 6 * 4)],
    "bernoulli": [Row(lambda x: torch.bernoulli(x.detach() * 0), each(0)),
                  Row(lambda x: (x * 1).bernoulli_(0.5), effect(X, allocates=False), 0)],
    "layer_norm": [
        # Each of 2·6·8 rows, or of 2·6, has a mean and an inverse deviation.
        Row(lambda x: F.layer_norm(x, (10,)), each(5), BYTES + 2 * 4 * 96),
        Row(nn.LayerNorm((8, 10)), each(7), BYTES + 2 * 4 * 12),
        Row(nn.LayerNorm(10, bias=False), each(6), BYTES + 2 * 4 * 96)],
    # A number of each row; and what is normalised, before it is multiplied by the factors.
    "rms_norm": [Row(lambda x: F.rms_norm(x, (10,)), each(3), BYTES + 4 * 96),
                 Row(nn.RMSNorm((8, 10)), each(4), 2 * BYTES + 4 * 12)],
    "group_norm": [Row(nn.GroupNorm(3, 6), each(5), BYTES + 2 * 4 * 2 * 3),
                   Row(lambda x: F.group_norm(x, 2), each(5), BYTES + 2 * 4 * 2 * 2)],
    "instance_norm": [
        Row(nn.InstanceNorm2d(6), each(5), BYTES + 2 * 4 * 12),
        Row(nn.InstanceNorm2d(6, affine=True), each(5), BYTES + 3 * 4 * 12),
        Row(nn.InstanceNorm2d(6, affine=True, track_running_stats=True), kept=BYTES + 5 * 4 * 12),
        Row(nn.InstanceNorm2d(6, track_running_stats=True).eval(), each(2))],
    "normalize": [Row(F.normalize, each(3), BYTES + 2 * 4 * 160),
                  Row(lambda x: F.normalize(x, p=1.0, dim=-1), each(3), BYTES + 2 * 4 * 96),
                  Row(lambda x: F.normalize(x, 3.0), each(4), BYTES + 2 * 4 * 160)],
    "weight_norm": [Row(With(lambda x, g: torch._weight_norm(x, g, 0), torch.ones(2, 1, 1, 1)),
                        each(3), BYTES + 4 * 2)],
    # Each output a mixture of four: 4 products, 3 sums. The grid is kept as well.
    "grid_sample": [
        Row(lambda x: F.grid_sample(x, weight(2, 3, 5, 2), align_corners=False),
            effect((2, 6, 3, 5), ops=2 * 6 * 15 * 7)),
        Row(lambda x: F.grid_sample(x, weight(2, 3, 5, 2), mode="nearest", align_corners=True),
            effect((2, 6, 3, 5))),
        Row(lambda x: F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1), align_corners=False),
            kept=BYTES)],
    "interpolate": [
        Row(lambda x: F.interpolate(x, scale_factor=2),
            effect((2, 6, 16, 20), window=Window((1, 1), (HALF, HALF))), 0),
        Row(nn.Upsample(scale_factor=(0.5, 0.25)),
            effect((2, 6, 4, 2), window=Window((1, 1), (2, 4)))),
        # Four products and three sums; output 0 lies at -1/4, behind input -1.
        Row(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
            effect((2, 6, 16, 20), ops=12 * 320 * 7,
                   window=Window((2, 2), (HALF, HALF), (HALF / 2, HALF / 2))), 0),
        # The corners aligned: 8 positions on 15, 10 on 19, so that output 0 is input 0.
        Row(lambda x: F.interpolate(x, (15, 19), mode="bilinear", align_corners=True),
            effect((2, 6, 15, 19), ops=12 * 285 * 7,
                   window=Window((2, 2), (HALF, HALF), whole=True)), 0),
        Row(lambda x: F.interpolate(x, (16, 10), mode="bicubic"),
            effect((2, 6, 16, 10), ops=12 * 160 * 7, window=Window(
                (4, 1), (HALF, 1), (1 + HALF / 2, 0), whole=True)), 0),
        Row(lambda x: F.interpolate(x, scale_factor=2, mode="nearest-exact"),
            effect((2, 6, 16, 20),
                   window=Window((1, 1), (HALF, HALF), (-HALF / 2, -HALF / 2))), 0),
        # Half as large: each output reads the inputs nearer than 2.
        Row(lambda x: F.interpolate(x, (4, 5), mode="bilinear", antialias=True),
            effect((2, 6, 4, 5), ops=12 * 20 * 31,
                   window=Window((4, 4), (2, 2), (HALF, HALF), whole=True)), 0),
        Row(lambda x: F.interpolate(x, (4, 5), mode="area"),
            effect((2, 6, 4, 5), ops=SIZE, window=Window((2, 2), (2, 2), whole=True)), BYTES),
        Row(lambda x: F.interpolate(x, 1, mode="area"), kept=0),
        Row(lambda x: F.interpolate(x[0], 20, mode="linear"),
            effect((6, 8, 20), ops=6 * 8 * 20 * 3,
                   window=Window((2,), (HALF,), (HALF / 2,), (1,), whole=True)), 0),
    ],
    "cat": [
        Row(lambda x: torch.cat([x, x, x], 1), effect((2, 18, 8, 10)), 0),
        Row(lambda x: torch.cat((x, weight(2, 6, 8, 3)), dim=-1), effect((2, 6, 8, 13))),
        Row(lambda x: torch.concat([x, x]), effect((4, 6, 8, 10)), 0),
    ],
    "stack": [Row(lambda x: torch.stack([x, x, x]), effect((3, *X)), 0),
              Row(lambda x: torch.stack((x, x), dim=-1), effect((*X, 2)), 0)],
    "where": [Row(With(lambda x, m: torch.where(m, x, 0.0), mask(10)), each(0), 0),
              Row(With(lambda x, m: torch.where(m, x, F.relu(x)), mask(3, 1, 1, 1, 1)),
                  effect((3, *X)), BYTES)],
    "masked_fill": [Row(With(lambda x, m: x.masked_fill(m, 0.0), mask(8, 10)), each(0), 0),
                    Row(With(lambda x, m: x.masked_fill_(m, 0.0), mask(8, 10)),
                        effect(X, allocates=False), 0)],
    # ReLU keeps its output in any case.
    "lerp": [Row(lambda x: torch.lerp(x, F.relu(x), 0.5), each(3), BYTES),
             Row(lambda x: torch.lerp(x, F.relu(x), torch.sigmoid(x)), kept=3 * BYTES)],
    "addcmul": [Row(lambda x: torch.addcmul(x, F.relu(x), torch.sigmoid(x)), each(2), 2 * BYTES),
                Row(lambda x: torch.addcmul(x, weight(6, 1, 1), x, value=2), each(3))],
    "addcdiv": [Row(lambda x: torch.addcdiv(x, F.relu(x), torch.sigmoid(x)), each(2), 2 * BYTES)],
    "zeros_like": [Row(torch.zeros_like, each(0))], "ones_like": [Row(torch.ones_like, each(0))],
    "full_like": [Row(lambda x: torch.full_like(x, 2, dtype=INT), each(0, INT))],
    "empty_like": [Row(torch.empty_like, each(0))], "rand_like": [Row(torch.rand_like, each(0))],
    "randn_like": [Row(torch.randn_like, each(0))],
    "new_zeros": [Row(lambda x: x.new_zeros(2, 3), effect((2, 3)))],
    "new_ones": [Row(lambda x: x.new_ones((2, 3), dtype=BOOL),
                     effect((2, 3))._replace(dtype=BOOL))],
    "new_empty": [Row(lambda x: x.new_empty(size=(4,)), effect((4,)))],
    "new_full": [Row(lambda x: x.new_full((2, 3), 1.0), effect((2, 3)))],
    "fill": [Row(lambda x: (x * 1).fill_(2), effect(X, allocates=False), 0),
             Row(lambda x: (x * 1).zero_(), effect(X, allocates=False))],
    "copy": [Row(lambda x: (x * 1).copy_(x), effect(X, allocates=False), 0)],
    "setitem": [Row(lambda x: assigned(x, slice(0, 1), 0.0), effect(X, allocates=False), 0),
                Row(lambda x: assigned(x, (slice(None), 1), x[:, 2]), kept=0)],
    "one_hot": [Row(lambda x: F.one_hot(x.long(), 5), effect((*X, 5))._replace(dtype=INT))],
    "repeat": [Row(lambda x: x.repeat(2, 1, 3, 1, 1), effect((2, 2, 18, 8, 10)), 0),
               Row(lambda x: x.repeat((1, 1, 2, 2)), effect((2, 6, 16, 20)))],
    "tile": [Row(lambda x: x.tile(2, 3), effect((2, 6, 16, 30)), 0),
             Row(lambda x: torch.tile(x, (2, 1, 1, 1, 1)), effect((2, *X)))],
    "repeat_interleave": [
        Row(lambda x: x.repeat_interleave(2, 1), effect((2, 12, 8, 10)), 0),
        Row(lambda x: torch.repeat_interleave(x, 3, dim=-1), effect((2, 6, 8, 30))),
        Row(lambda x: x.repeat_interleave(2), effect((2 * SIZE,)))],
    "roll": [Row(lambda x: x.roll(1, 2), each(0), 0),
             Row(lambda x: torch.roll(x, shifts=(1, 2), dims=(2, 3)), each(0))],
    "flip": [Row(lambda x: x.flip(-1), each(0), 0), Row(lambda x: torch.flip(x, [2, 3]), each(0)),
             Row(lambda x: x.flip(dims=(1,)), each(0))],
    "tril": [Row(torch.tril, each(0), 0)], "triu": [Row(lambda x: x.triu(1), each(0), 0)],
    "index_select": [Row(With(lambda x, i: x.index_select(1, i), indices(4)),
                         effect((2, 4, 8, 10)), 0)],
    "gather": [Row(With(lambda x, i: x.gather(1, i), indices(2, 3, 8, 10)),
                   effect((2, 3, 8, 10)), BYTES)],
    "take_along_dim": [Row(With(lambda x, i: x.take_along_dim(i, 1), indices(2, 3, 1, 1)),
                           effect((2, 3, 8, 10)), BYTES + 8 * 480)],
    "scatter": [Row(With(lambda x, i: x.scatter(1, i, 0.0), indices(2, 3, 8, 10)), each(0), 0),
                Row(With(lambda x, i: torch.scatter(x, 1, i, x), indices(2, 3, 8, 10)), each(0))],
    "scatter_add": [Row(With(lambda x, i: x.scatter_add(1, i, x), indices(2, 3, 8, 10)),
                        effect(X, ops=480), 0)],
    "sort": [Row(lambda x: x.sort(1)[0], effect(X, ops=SIZE, others=(X,)), 8 * SIZE)],
    "argsort": [Row(lambda x: x.argsort(-1), each(1, INT))],
    "topk": [Row(lambda x: x.topk(2, 1)[0],
                 effect((2, 2, 8, 10), ops=SIZE, others=((2, 2, 8, 10),)), 8 * 320)],
    "pad": [
        Row(lambda x: F.pad(x, (1, 2)),
            effect((2, 6, 8, 13), window=Window((1, 1), padding=(0, 1))), 0),
        Row(lambda x: F.pad(x, (0, 0, 3, 1)),
            effect((2, 6, 12, 10), window=Window((1, 1), padding=(3, 0)))),
        Row(lambda x: F.pad(x, (0, 0, 0, 0, 0, 5)), effect((2, 11, 8, 10), window=ONE)),
    ],
    "getitem": [
        Row(lambda x: x[:, :, ::2, 1::3],
            effect((2, 6, 4, 3), window=Window((1, 1), (2, 3), (0, -1)), allocates=False)),
        Row(lambda x: x[:, 1:4], effect((2, 3, 8, 10), allocates=False), 0),
        Row(lambda x: x[0], effect((6, 8, 10), allocates=False)),
    ],
    "flatten": [Row(lambda x: x.flatten(1), effect((2, 480), allocates=False), 0),
                Row(nn.Flatten(2), effect((2, 6, 80), allocates=False))],
    "view": [Row(lambda x: x.view(12, 80), effect((12, 80), allocates=False), 0)],
    "reshape": [Row(lambda x: x.reshape(2, -1), effect((2, 480), allocates=False), 0)],
    "permute": [Row(lambda x: x.permute(0, 2, 3, 1), effect((2, 8, 10, 6), allocates=False), 0)],
    "transpose": [Row(lambda x: x.transpose(1, 3), effect((2, 10, 8, 6), allocates=False), 0)],
    "squeeze": [Row(lambda x: x.squeeze(), effect(X, allocates=False), 0)],
    "unsqueeze": [Row(lambda x: x.unsqueeze(0), effect((1, *X), allocates=False), 0)],
    "expand": [Row(lambda x: x.expand(3, 2, 6, 8, 10), effect((3, *X), allocates=False), 0)],
    "unflatten": [Row(lambda x: x.unflatten(1, (2, 3)), effect((2, 2, 3, 8, 10), allocates=False),
                      0)],
    "ravel": [Row(torch.ravel, effect((SIZE,), allocates=False), 0)],
    "view_as": [Row(With(lambda x, y: x.view_as(y), torch.ones(12, 80)),
                    effect((12, 80), allocates=False), 0)],
    "reshape_as": [Row(With(lambda x, y: x.reshape_as(y), torch.ones(12, 80)),
                       effect((12, 80), allocates=False), 0)],
    "expand_as": [Row(With(lambda x, y: x.expand_as(y), torch.ones(3, *X)),
                      effect((3, *X), allocates=False), 0)],
    "broadcast_to": [Row(lambda x: x.broadcast_to((3, *X)), effect((3, *X), allocates=False), 0)],
    "T": [Row(lambda x: x[0, 0].T, effect((10, 8), allocates=False), 0),
          Row(lambda x: x[0, 0].t(), effect((10, 8), allocates=False))],
    "movedim": [Row(lambda x: x.movedim(1, -1), effect((2, 8, 10, 6), allocates=False), 0),
                Row(lambda x: torch.moveaxis(x, (0, 1), (-1, 0)),
                    effect((6, 8, 10, 2), allocates=False))],
    "diagonal": [Row(lambda x: x.diagonal(0, 2, 3), effect((2, 6, 8), allocates=False), 0)],
    "contiguous": [Row(lambda x: x.contiguous(), effect(X, allocates=False), 0)],
    "to": [Row(lambda x: x.to(torch.float32), effect(X, allocates=False), 0),
           Row(lambda x: x.float(), effect(X, allocates=False)),
           Row(lambda x: x.type_as(x), effect(X, allocates=False)),
           Row(lambda x: x.to(torch.float64), each(0)), Row(lambda x: x.half(), each(0)),
           Row(lambda x: x.type(torch.int32), each(0, torch.int32)),
           Row(lambda x: x.long(), each(0, INT)), Row(lambda x: x.bool(), each(0, BOOL))],
    "clone": [Row(torch.clone, each(0), 0)],
    "detach": [Row(lambda x: x.detach(), effect(X, allocates=False))],
    "chunk": [Row(lambda x: x.chunk(2, 1)[0],
                  effect((2, 3, 8, 10), allocates=False, others=((2, 3, 8, 10),)), 0)],
    "split": [Row(lambda x: x.split(2, 1)[0],
                  effect((2, 2, 8, 10), allocates=False, others=((2, 2, 8, 10),) * 2), 0)],
    "unbind": [Row(lambda x: x.unbind(1)[0],
                   effect((2, 8, 10), allocates=False, others=((2, 8, 10),) * 5), 0)],
    "narrow": [Row(lambda x: x.narrow(1, 0, 2), effect((2, 2, 8, 10), allocates=False), 0)],
    "select": [Row(lambda x: x.select(1, 0), effect((2, 8, 10), allocates=False), 0)],
    # The arithmetic of one element, as its formula has it; exp and a power are one operation each.
    "tensor_split": [Row(lambda x: x.tensor_split(2, 1)[0], effect(
        (2, 3, 8, 10), allocates=False, others=((2, 3, 8, 10),)), 0)],
    "hsplit": [Row(lambda x: x.hsplit(2)[0], effect(
        (2, 3, 8, 10), allocates=False, others=((2, 3, 8, 10),)), 0)],
    "vsplit": [Row(lambda x: x.vsplit(2)[0], effect(
        (1, 6, 8, 10), allocates=False, others=((1, 6, 8, 10),)), 0)],
    "dsplit": [Row(lambda x: x.dsplit(2)[0], effect(
        (2, 6, 4, 10), allocates=False, others=((2, 6, 4, 10),)), 0)],
    "relu": [Row(F.relu, each(1), BYTES),                       # max
             Row(nn.ReLU(inplace=True), kept=BYTES)],
    "relu6": [Row(F.relu6, each(2), BYTES),                     # max, min
              Row(lambda x: F.relu6(x, inplace=True), kept=BYTES)],
    "leaky_relu": [Row(F.leaky_relu, each(2), BYTES),           # product, max
                   Row(nn.LeakyReLU(inplace=True), kept=BYTES)],
    "elu": [Row(F.elu, each(3), BYTES),                         # exp, - 1, ·
            Row(nn.ELU(inplace=True), kept=BYTES)],
    "rrelu": [Row(F.rrelu, each(2), 2 * BYTES),                 # product, max
              Row(nn.RReLU(inplace=True), kept=2 * BYTES)],
    "celu": [Row(F.celu, each(4), BYTES),                       # max, /, exp, - 1
             Row(nn.CELU(inplace=True), kept=BYTES)],
    "selu": [Row(F.selu, each(4), BYTES),                       # max, exp, - 1, ·
             Row(nn.SELU(inplace=True), kept=BYTES)],
    "log_sigmoid": [Row(F.logsigmoid, each(3), 2 * BYTES)],      # exp, + 1, log; exp is kept
    "softplus": [Row(F.softplus, each(3), BYTES)],              # exp, + 1, log
    "mish": [Row(F.mish, each(8), BYTES),                       # softplus, tanh, ·
             Row(nn.Mish(inplace=True), kept=BYTES)],
    "hardshrink": [Row(F.hardshrink, each(1), BYTES)], "softshrink": [Row(F.softshrink, each(2),
                                                                          BYTES)],
    "threshold": [Row(nn.Threshold(0, 0), each(1), BYTES),
                  Row(nn.Threshold(0, 0, inplace=True), kept=BYTES)],
    "softsign": [Row(F.softsign, each(3), 2 * BYTES)],          # abs, + 1, /; the divisor is kept
    "tanhshrink": [Row(F.tanhshrink, each(5), BYTES)],          # tanh, which is kept, and -
    "prelu": [Row(nn.PReLU(6), each(2), BYTES), Row(nn.PReLU(), each(2), BYTES)],
    "glu": [Row(nn.GLU(1), effect((2, 3, 8, 10), ops=4 * 480), BYTES),      # sigmoid, ·
            Row(F.glu, effect((2, 6, 8, 5), ops=4 * 480), BYTES)],
    "gelu": [Row(F.gelu, each(5), BYTES)],                      # /, erf, + 1, ·, ·
    "sigmoid": [Row(torch.sigmoid, each(3), BYTES),             # exp, + 1, /
                Row(torch.sigmoid_, kept=BYTES)],
    "tanh": [Row(torch.tanh, each(4), BYTES),                   # exp, - 1, + 1, /
             Row(torch.tanh_, kept=BYTES)],
    "silu": [Row(F.silu, each(4), BYTES),                       # sigmoid, ·
             Row(nn.SiLU(inplace=True), kept=BYTES)],
    "hardtanh": [Row(F.hardtanh, each(2), BYTES),               # max, min
                 Row(nn.Hardtanh(inplace=True), kept=BYTES), Row(nn.ReLU6(), each(2), BYTES)],
    "hardsigmoid": [Row(F.hardsigmoid, each(4), BYTES),         # + 3, max, min, /
                    Row(nn.Hardsigmoid(inplace=True), kept=BYTES)],
    "hardswish": [Row(F.hardswish, each(5), BYTES),             # hardsigmoid, ·
                  Row(nn.Hardswish(inplace=True), kept=BYTES)],
    "neg": [Row(torch.neg, each(1), 0), Row(torch.negative, each(1))],
    "abs": [Row(torch.abs, each(1), BYTES), Row(torch.absolute, each(1)),
            Row(torch.abs_, kept=BYTES)],
    "exp": [Row(torch.exp, each(1), BYTES), Row(torch.exp_, kept=BYTES)],
    "exp2": [Row(torch.exp2, each(1), BYTES)], "expm1": [Row(torch.expm1, each(2), BYTES)],
    "log": [Row(torch.log, each(1), BYTES)], "log2": [Row(torch.log2, each(1), BYTES)],
    "log10": [Row(torch.log10, each(1), BYTES)], "log1p": [Row(torch.log1p, each(2), BYTES)],
    "sqrt": [Row(torch.sqrt, each(1), BYTES)], "rsqrt": [Row(torch.rsqrt, each(2), BYTES)],
    "reciprocal": [Row(torch.reciprocal, each(1), BYTES)],
    "square": [Row(torch.square, each(1), BYTES)],
    "sin": [Row(torch.sin, each(1), BYTES)], "cos": [Row(torch.cos, each(1), BYTES)],
    "tan": [Row(torch.tan, each(1), BYTES)], "atan": [Row(torch.atan, each(1), BYTES)],
    "erf": [Row(torch.erf, each(1), BYTES)],
    "sign": [Row(torch.sign, each(1), 0)], "floor": [Row(torch.floor, each(1), 0)],
    "ceil": [Row(torch.ceil, each(1), 0)], "round": [Row(torch.round, each(1), 0)],
    "trunc": [Row(torch.trunc, each(1), 0)],
    "clamp_min": [Row(lambda x: x.clamp_min(0), each(1), BYTES)],
    "clamp_max": [Row(lambda x: x.clamp_max(0), each(1), BYTES)],
    "nan_to_num": [Row(torch.nan_to_num, each(3), BYTES)],
    "pow": [Row(lambda x: torch.pow(x, 2), each(1), BYTES), Row(lambda x: x ** 2, each(1)),
            Row(lambda x: 2 ** x, each(1), 2 * BYTES),
            Row(lambda x: x ** F.relu(x), each(1), 3 * BYTES)],
    "clamp": [Row(lambda x: torch.clamp(x, 0, 1), each(2), BYTES),
              Row(lambda x: x.clamp_(0, 1), kept=BYTES)],
    "softmax": [Row(nn.Softmax(1), each(5), BYTES)],
    "softmin": [Row(nn.Softmin(1), each(6), BYTES)],
    "log_softmax": [Row(nn.LogSoftmax(1), each(5), BYTES)],
    "eq": [Row(lambda x: x == 0, each(1, BOOL))],
    "ne": [Row(lambda x: torch.not_equal(x, x), each(1, BOOL))],
    "lt": [Row(lambda x: torch.lt(x, 1), each(1, BOOL))],
    "le": [Row(lambda x: x <= weight(3, 1, 1, 1, 1),
               effect((3, *X), ops=3 * SIZE)._replace(dtype=BOOL))],
    "gt": [Row(lambda x: x > 0, each(1, BOOL))], "ge": [Row(lambda x: x >= 0, each(1, BOOL))],
    "logical_and": [Row(lambda x: torch.logical_and(x, x), each(1, BOOL))],
    "logical_or": [Row(lambda x: torch.logical_or(x, x), each(1, BOOL))],
    "logical_xor": [Row(lambda x: torch.logical_xor(x, x), each(1, BOOL))],
    "logical_not": [Row(torch.logical_not, each(1, BOOL))],
    "isnan": [Row(torch.isnan, each(1, BOOL))], "isinf": [Row(torch.isinf, each(1, BOOL))],
    "isfinite": [Row(torch.isfinite, each(1, BOOL))],
    "bitwise_and": [Row(lambda x: (x > 0) & (x < 1), each(1, BOOL))],
    "bitwise_or": [Row(lambda x: (x > 0) | (x < 1), each(1, BOOL))],
    "bitwise_xor": [Row(lambda x: (x > 0) ^ (x < 1), each(1, BOOL))],
    "bitwise_not": [Row(lambda x: ~(x > 0), each(1, BOOL))],
    "add": [
        Row(lambda x: x + weight(1, 6, 1, 1), each(1)),
        Row(lambda x: x + weight(3, 1, 1, 1, 1), effect((3, *X), ops=3 * SIZE)),
        Row(lambda x: x + x, each(1), 0), Row(lambda x: 1 + x, each(1), 0),
        Row(lambda x: x.add_(1), effect(X, ops=SIZE, allocates=False), 0)],
    "sub": [Row(lambda x: x - 1, each(1), 0), Row(lambda x: 1 - x, each(1), 0),
            Row(lambda x: torch.rsub(x, x), each(1), 0),
            Row(lambda x: torch.subtract(x, 1), each(1))],
    "mul": [Row(lambda x: weight(6, 1, 1) * x, each(1)), Row(lambda x: 2 * x, each(1), 0),
            Row(lambda x: x * x, each(1), BYTES), Row(lambda x: x * 2, each(1), 0),
            Row(lambda x: x * F.relu(x), kept=2 * BYTES),
            Row(lambda x: torch.multiply(x, 2), each(1))],
    "div": [Row(lambda x: torch.div(x, F.relu(x)), kept=2 * BYTES),
            Row(lambda x: x / F.relu(x), kept=2 * BYTES), Row(lambda x: x / 2, each(1), 0),
            Row(lambda x: torch.true_divide(x, 2), each(1))],
    "rdiv": [Row(lambda x: 2 / x, each(1), BYTES)],
    "floor_divide": [Row(lambda x: x // 2, each(1), 0), Row(lambda x: 2 // x, each(1))],
    "remainder": [Row(lambda x: x % 2, each(1), 0), Row(lambda x: torch.fmod(x, 2), each(1), 0),
                  Row(lambda x: torch.remainder(x, F.relu(x)), each(1), 2 * BYTES)],
    "atan2": [Row(lambda x: torch.atan2(x, F.relu(x)), each(1), 2 * BYTES)],
    "maximum": [
        Row(lambda x: torch.maximum(x, weight(3, 1, 1, 1, 1)), effect((3, *X), ops=3 * SIZE)),
        Row(lambda x: torch.maximum(x, F.relu(x)), kept=2 * BYTES)],
    "minimum": [Row(lambda x: torch.minimum(x, x), each(1)),
                Row(lambda x: torch.minimum(x, F.relu(x)), kept=2 * BYTES)],
}
