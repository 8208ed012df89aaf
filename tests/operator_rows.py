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
           groups: int = 1, allocates: bool = True) -> Effect:
    return Effect(shape, macs, ops, window, groups, allocates)


def each(operations: int) -> Effect:
    return effect(X, ops=operations * SIZE)


ONE = Window((1, 1))

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
        Row(lambda x: x.mean([2, 3]),
            effect((2, 6), ops=SIZE, window=Window((8, 10), (8, 10), whole=True)), 0),
        Row(lambda x: torch.mean(x, (-2, -1), keepdim=True),
            effect((2, 6, 1, 1), ops=SIZE, window=Window((8, 10), (8, 10), whole=True))),
        Row(lambda x: x.mean(1), effect((2, 8, 10), ops=SIZE)),
        Row(lambda x: x.mean(dim=1, keepdim=True), effect((2, 1, 8, 10), ops=SIZE)),
        Row(lambda x: x.mean(), effect((), ops=SIZE)),
    ],
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
    "cat": [
        Row(lambda x: torch.cat([x, x, x], 1), effect((2, 18, 8, 10)), 0),
        Row(lambda x: torch.cat((x, weight(2, 6, 8, 3)), dim=-1), effect((2, 6, 8, 13))),
        Row(lambda x: torch.concat([x, x]), effect((4, 6, 8, 10)), 0),
    ],
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
    "detach": [Row(lambda x: x.detach(), effect(X, allocates=False))],
    "chunk": [Row(lambda x: x.chunk(2, 1)[0], effect((2, 3, 8, 10), allocates=False), 0)],
    "split": [Row(lambda x: x.split(2, 1)[0], effect((2, 2, 8, 10), allocates=False), 0)],
    "unbind": [Row(lambda x: x.unbind(1)[0], effect((2, 8, 10), allocates=False), 0)],
    "narrow": [Row(lambda x: x.narrow(1, 0, 2), effect((2, 2, 8, 10), allocates=False), 0)],
    "select": [Row(lambda x: x.select(1, 0), effect((2, 8, 10), allocates=False), 0)],
    # The arithmetic of one element, as its formula has it; exp and a power are one operation each.
    "relu": [Row(F.relu, each(1), BYTES),                       # max
             Row(nn.ReLU(inplace=True), kept=BYTES)],
    "relu6": [Row(F.relu6, each(2), BYTES),                     # max, min
              Row(lambda x: F.relu6(x, inplace=True), kept=BYTES)],
    "leaky_relu": [Row(F.leaky_relu, each(2), BYTES),           # product, max
                   Row(nn.LeakyReLU(inplace=True), kept=BYTES)],
    "elu": [Row(F.elu, each(3), BYTES),                         # exp, - 1, ·
            Row(nn.ELU(inplace=True), kept=BYTES)],
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
    "sqrt": [Row(torch.sqrt, each(1), BYTES)],
    "pow": [Row(lambda x: torch.pow(x, 2), each(1), BYTES)],
    "clamp": [Row(lambda x: torch.clamp(x, 0, 1), each(2), BYTES),
              Row(lambda x: x.clamp_(0, 1), kept=BYTES)],
    "softmax": [Row(nn.Softmax(1), each(5), BYTES)],
    "log_softmax": [Row(nn.LogSoftmax(1), each(5), BYTES)],
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
    "maximum": [
        Row(lambda x: torch.maximum(x, weight(3, 1, 1, 1, 1)), effect((3, *X), ops=3 * SIZE)),
        Row(lambda x: torch.maximum(x, F.relu(x)), kept=2 * BYTES)],
    "minimum": [Row(lambda x: torch.minimum(x, x), each(1)),
                Row(lambda x: torch.minimum(x, F.relu(x)), kept=2 * BYTES)],
}
