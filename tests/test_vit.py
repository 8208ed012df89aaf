"""The Vision Transformer against torchvision's, and by hand what its knobs do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import explorer
from explorer.analysis import Summary
from explorer.networks.build import build
from explorer.networks.catalogue import configure
from explorer.pipeline import summarise
from test_networks import small

Row = tuple[str, tuple[int, ...], int, int]

BASE = {"width": 0.125, "blocks": (2,), "input_size": 64}


def rows(summary: Summary) -> list[Row]:
    """Type, output shape, parameters and multiply-adds of what has any. Queries, keys and values
    are one row, as torchvision has one linear layer for them."""
    found: list[Row] = []
    for layer in summary.layers:
        if not (layer.params or layer.macs):
            continue
        type_, sides, params, macs = (layer.call.operator, layer.output_shape, layer.params,
                                      layer.macs or 0)
        if type_ == "matmul":       # one kernel does both products
            type_ = "scaled_dot_product_attention"
        part = layer.path.rpartition(".")[0].rpartition(".")[2]
        if part in ("key", "value"):
            before = found.pop()
            sides = (*sides[:-1], before[1][-1] + sides[-1])
            params, macs = before[2] + params, before[3] + macs
        elif type_ == "scaled_dot_product_attention" and found[-1][0] == type_:
            macs += found.pop()[3]
        found.append((type_, sides, params, macs))
    return found


def as_ours(row: Row) -> Row:
    """torchvision has the tokens before the images, and what attention gives without images."""
    type_, sides, params, macs = row
    if type_ == "linear" and len(sides) == 3 and sides[1] == 1:
        sides = (1, sides[0], sides[2])
    elif type_ == "linear" and len(sides) == 2 and sides[0] > 1:
        sides = (1, *sides)
    return type_, sides, params, macs


@pytest.mark.parametrize("attention", ["written_out", "one_kernel"])
@pytest.mark.parametrize("name", ["vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14"])
def test_every_weighted_row_is_torchvisions(name: str, attention: str) -> None:
    ours = rows(summarise(configure(name, attention=attention)))
    theirs = [as_ours(row) for row in rows(explorer.summarise(f"torchvision:{name}"))]
    if attention == "written_out":      # the first product gives scores
        ours = [row if row[0] != "scaled_dot_product_attention" else (row[0], (), *row[2:])
                for row in ours]
        theirs = [row if row[0] != "scaled_dot_product_attention" else (row[0], (), *row[2:])
                  for row in theirs]
    assert ours == theirs


def totals(**knobs: Any) -> tuple[int, int]:
    found = summarise(configure("vit_b_16", **knobs)).totals
    return found.params, found.macs


def block_macs(tokens: int, size: int = 768, ratio: float = 4) -> int:
    """Four projections, two products with every other token, and two layers of the MLP."""
    return tokens * size * (4 * size + 2 * tokens + 2 * int(ratio * size))


@pytest.mark.parametrize("patch_size", [8, 16, 30, 32])
def test_multiply_adds_by_hand(patch_size: int) -> None:
    """Patches that do not fit are left out: 30 goes 7 times into 224."""
    patches = (224 // patch_size) ** 2
    projected = patches * 768 * 3 * patch_size ** 2
    assert totals(patch_size=patch_size)[1] == projected + 12 * block_macs(patches + 1) + 768_000


def test_half_the_patch_size_gives_four_times_the_tokens_and_16_times_the_scores() -> None:
    def scores(patch_size: int) -> int:
        found = summarise(configure("vit_b_16", patch_size=patch_size, pooling="average"))
        return next(math.prod(layer.output_shape) for layer in found.layers
                    if layer.type == "softmax")
    assert scores(16) == 12 * 196 ** 2
    assert scores(8) == 16 * scores(16)


def test_heads_change_neither_parameters_nor_multiply_adds() -> None:
    """Where they divide the numbers of a token."""
    assert len({totals(heads=heads) for heads in (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)}) == 1


@pytest.mark.parametrize(("knobs", "size"), [
    ({}, 768), ({"width": 0.5}, 384), ({"width": 0.25}, 192), ({"heads": 7}, 770),
    ({"width": 0.3}, 228), ({"hidden_size": 8, "heads": 64}, 64)])
def test_a_token_is_a_multiple_of_the_heads(knobs: dict[str, Any], size: int) -> None:
    found = build(configure("vit_b_16", **knobs))
    assert found.head.fc.in_features == size


@pytest.mark.parametrize(("positions", "pooling", "params"), [
    ("learned_1d", "class_token", 0), ("learned_1d", "average", -2 * 768),
    ("learned_2d", "class_token", -197 * 768 + 14 * 768), ("none", "class_token", -197 * 768),
    ("none", "average", -198 * 768)])
def test_parameters_of_positions_and_class_token(positions: str, pooling: str,
                                                 params: int) -> None:
    assert totals(positions=positions, pooling=pooling)[0] == 86_567_656 + params


def test_the_hidden_layer_of_the_head() -> None:
    """What torchvision's `representation_size` adds."""
    assert totals(hidden_head=True)[0] == 86_567_656 + 768 * 768 + 768


def scores(images: Tensor, **knobs: Any) -> Tensor:
    torch.manual_seed(0)
    config = small("vit_b_16", **{**BASE, **knobs})
    with torch.inference_mode():
        result: Tensor = build(config, "cpu")(images)
    return result


@pytest.mark.parametrize("positions", ["learned_1d", "learned_2d", "none"])
def test_without_positions_the_order_of_the_patches_does_not_matter(positions: str) -> None:
    """Appendix D.4: rows of patches change places."""
    images = torch.randn(2, 3, 64, 64)
    turned = images.view(2, 3, 4, 16, 64).flip(2).reshape(2, 3, 64, 64)
    same = torch.allclose(scores(images, positions=positions),
                          scores(turned, positions=positions), atol=1e-5)
    assert same == (positions == "none")


def test_both_ways_to_write_attention_compute_the_same() -> None:
    images = torch.randn(2, 3, 64, 64)
    assert torch.allclose(scores(images), scores(images, attention="one_kernel"), atol=1e-5)
    assert totals(attention="one_kernel") == totals()


def test_one_kernel_keeps_no_scores_for_training() -> None:
    """But what it gives, and a sum of each query and head, in place of the softmax's 12·197²."""
    written, kernel = [
        summarise(configure("vit_b_16", attention=attention), training=True).totals.saved_bytes
        for attention in ("written_out", "one_kernel")]
    assert written is not None and kernel is not None
    assert written - kernel == 12 * 4 * (12 * 197 ** 2 - 197 * 768 - 12 * 197)
