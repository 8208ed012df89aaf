"""Networks that are nothing like the catalogue's, each small: for the figures of other tools."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from explorer.tracing import Input


class Attention(nn.Module):
    """PyTorch's own attention, from one sequence to another, with and without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.pool = nn.AdaptiveAvgPool1d(5)
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(x.transpose(1, 2)).transpose(1, 2)
        x = x + self.attention(x, y, y)[0]
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])


class Sequences(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(48, 8, bias=False)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        return self.fc(x)


class Norms(nn.Module):
    """Every normalisation, with and without scale and shift; activations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding="same")
        self.maps = nn.Sequential(
            nn.GroupNorm(2, 8), nn.GroupNorm(4, 8, affine=False), nn.InstanceNorm2d(8, affine=True),
            nn.InstanceNorm2d(8), nn.BatchNorm2d(8, affine=False), nn.PReLU(), nn.GELU(), nn.SiLU())
        self.rows = nn.Sequential(nn.LayerNorm(8), nn.LayerNorm(8, elementwise_affine=False),
                                  nn.RMSNorm(8), nn.Softmax(-1))

    def forward(self, x: Tensor) -> Tensor:
        return self.rows(self.maps(self.conv(x)).permute(0, 2, 3, 1))


class Enlarging(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 6, 4, 2, 1, groups=2)
        self.smooth = nn.Upsample(scale_factor=2, mode="bilinear")
        self.near = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.near(self.smooth(self.up(self.down(x))))
        return nn.functional.interpolate(x, size=7, mode="bilinear") \
            + nn.functional.interpolate(x, size=(7, 7))


def along(sides: int) -> nn.Module:
    """Layers along one side, or along three."""
    def of(name: str) -> Callable[..., nn.Module]:
        return getattr(nn, f"{name}{sides}d")     # type: ignore[no-any-return]
    return nn.Sequential(
        of("Conv")(2, 8, 3), of("BatchNorm")(8), nn.ReLU6(), of("MaxPool")(2),
        of("ConvTranspose")(8, 4, 2, 2), of("AvgPool")(2), of("AdaptiveAvgPool")(3),
        nn.Flatten(), nn.Linear(4 * 3 ** sides, 3))


class Tokens(nn.Module):
    """Ids, a mask by name, and one matrix for what comes in and what goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.positions = nn.Parameter(torch.zeros(1, 9, 16))
        self.out = nn.Linear(16, 50, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.embedding(ids) + self.positions
        if mask is not None:
            x = x.masked_fill(~mask[..., None], 0)
        return self.out(x)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"one": self.one(x), "other": self.other(y)}


class Results(nn.Module):
    """A part with two results, in a dict; a part that is given a list; another by name."""

    def __init__(self) -> None:
        super().__init__()
        self.split, self.join, self.named = Split(), Join(), Join()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        parts = self.split(x)
        return {"joined": self.join([*parts.values()]), "named": self.named(parts=[x, x])}


class Split(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"before": x, "after": self.conv(x)}


class Join(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 4, 1)

    def forward(self, parts: list[Tensor]) -> Tensor:
        return self.conv(torch.cat(parts, 1))


class OwnParameters(nn.Module):
    """A class token and positions, a scale, attention by signs, a sum of products."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.positions = nn.Parameter(torch.zeros(1, 26, 16))
        self.qkv = nn.Linear(16, 48)
        self.weight = nn.Parameter(torch.ones(16))
        self.blocks = nn.ModuleList([nn.Linear(16, 16), nn.Linear(16, 16)])
        self.more = nn.ParameterList([nn.Parameter(torch.ones(16))])

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        q, k, v = self.qkv(x).chunk(3, -1)
        x = (q @ k.transpose(-2, -1)).softmax(-1) @ v * self.weight
        for block in self.blocks:
            x = block(x)
        return torch.einsum("bnc,c->bn", x, self.more[0])


class Functions(nn.Module):
    """The same by function, method and sign, which are not the same to every tool."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 3, 3, 3))
        self.register_buffer("factor", torch.ones(8, 1, 1))
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(nn.functional.conv2d(x, self.weight)).relu()
        x = torch.add(torch.mul(x, self.factor).mul(3.0) * 4.0, x).add(1) + x
        x = nn.functional.softmax(nn.functional.silu(nn.functional.gelu(x)), 1).softmax(1)
        y = x.flatten(2)
        y = torch.bmm(y, y.transpose(1, 2))
        y = torch.matmul(y, y).matmul(y) @ y
        y = torch.baddbmm(y, y, y)
        y = nn.functional.scaled_dot_product_attention(y, y, y)
        y = nn.functional.linear(torch.einsum("bij,bjk->bik", y, y), self.fc.weight)
        return self.fc(torch.mm(torch.addmm(y[0], y[0], y[0]), y[0]))


class Layer(nn.Linear):
    """A type that is derived from PyTorch's own."""


class Called(nn.Module):
    """A derived type, a `forward` that no hook sees, a list whose parts take turns, and a module
    that stands in three places."""

    def __init__(self) -> None:
        super().__init__()
        self.derived, self.past_hooks = Layer(8, 8), nn.Linear(8, 8)
        self.ones = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.others = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.again = self.derived
        self.shared = nn.Sequential(nn.LayerNorm(8), self.past_hooks, self.ones[0])

    def forward(self, x: Tensor) -> Tensor:
        x = self.again(self.past_hooks.forward(self.derived(x)))
        for one, other in zip(self.ones, self.others, strict=True):
            x = other(one(x))
        return self.shared(x)


class Windows(nn.Module):
    """Parts of an image in the place of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        windows = x.reshape(-1, 3, 5, 4, 5, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 3)
        return self.linear(windows).reshape(x.shape[0], -1)


def encoder() -> nn.Module:
    return nn.Sequential(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), nn.Linear(16, 3))


IMAGE = Input((1, 3, 20, 20))
STRANGERS: dict[str, tuple[Callable[[], nn.Module], tuple[Input, ...]]] = {
    "attention": (Attention, (Input((1, 7, 16)),)),
    "encoder": (encoder, (Input((1, 7, 16)),)),
    "sequences": (Sequences, (Input((1, 7, 16)),)),
    "norms": (Norms, (IMAGE,)),
    "norms, batch 2": (Norms, (Input((2, 3, 20, 20)),)),
    "enlarging": (Enlarging, (IMAGE,)),
    "one side": (lambda: along(1), (Input((2, 2, 40)),)),
    "three sides": (lambda: along(3), (Input((2, 2, 12, 12, 12)),)),
    "ids": (Tokens, (Input((1, 9), torch.int64),)),
    "ids and mask": (Tokens, (Input((1, 9), torch.int64), Input((1, 9), torch.bool, "mask"))),
    "two inputs": (TwoInputs, (IMAGE, IMAGE)),
    "results": (Results, (IMAGE,)),
    "own parameters": (OwnParameters, (IMAGE,)),
    "functions": (Functions, (Input((1, 3, 10, 10)),)),
    "called": (Called, (Input((1, 5, 8)),)),
    "windows": (Windows, (IMAGE,)),
    "one module": (lambda: nn.Linear(8, 4), (Input((1, 8)),)),
}
