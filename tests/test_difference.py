"""Two networks part by part: sums that hold, and labels that are the difference."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

import explorer
from explorer import text
from explorer.analysis import Layer, Summary
from explorer.structure.difference import Difference, Figure, difference
from explorer.views import graph
from tests.graphs import structure
from tests.strategies import configs

FIGURES: tuple[Figure, ...] = ("params", "macs", "activation_bytes")


def under(summary: Summary, path: str) -> list[Layer]:
    return [layer for layer in summary.layers
            if layer.path == path or layer.path.startswith(f"{path}.")]


def total(layers: list[Layer], figure: Figure) -> int:
    return sum(getattr(layer, figure) or 0 for layer in layers)


def opened(config: explorer.Config) -> explorer.Explored | None:
    try:
        return explorer.open(config)
    except explorer.ConfigError:
        return None


def check_sums(found: Difference, here: Summary, there: Summary) -> None:
    for figure in FIGURES:
        assert found.figures(figure) == (total([*here.layers], figure),
                                         total([*there.layers], figure))
        for inner in found.walk():
            if inner.inside:
                assert inner.change(figure) == sum(each.change(figure) for each in inner.inside)
    for figures, summary in ((0, here), (1, there)):
        seen = Counter(layer.path for inner in found.walk() if not inner.inside
                       for part in ((inner.part,) if figures == 0 else inner.others) if part
                       for layer in part.layers)
        assert seen == Counter(layer.path for layer in summary.layers)


@settings(max_examples=80)
@given(configs())
def test_the_difference_of_a_part_is_the_sum_inside_it(config: explorer.Config) -> None:
    network = opened(config)
    if network is None or network.failure:
        return
    preset = structure(config.network)
    check_sums(difference(network.structure, preset), network.summary, preset.summary)


@settings(max_examples=80)
@given(configs())
def test_a_label_is_the_difference(config: explorer.Config) -> None:
    """Against sums by path alone."""
    network = opened(config)
    if network is None or network.failure:
        return
    preset = structure(config.network)
    lines, found = graph.changes(network.structure, preset), network.structure
    paths = Counter(part.path for part in found.parts.values() if part.role == "block")
    for part in found.parts.values():
        alone = part.role == "stage" or (part.role == "block" and paths[part.path] == 1)
        if not alone or part.auxiliary or part.failed:
            continue
        # A block that is all of its stage is compared with all of the preset's.
        path = found.place(part.layers[0]).stage if part in found.stages else part.path
        now, then = under(network.summary, path), under(preset.summary, path)
        if [layer.index for layer in now] != [layer.index for layer in part.layers] or not then:
            continue
        told = [f"{name} {change}" for name in ("params", "macs")
                if (change := text.change(total(now, name), total(then, name)))]
        if told:
            assert lines[part.id].splitlines() == told
        else:
            assert not lines.get(part.id, "").startswith(("params", "macs"))


def test_blocks_that_lose_their_gate_say_so() -> None:
    lines = graph.changes(structure("mobilenetv3_large", squeeze_excite=False),
                          structure("mobilenetv3_large"))
    found = structure("mobilenetv3_large", squeeze_excite=False)
    preset = structure("mobilenetv3_large").summary
    for block in (part for part in found.parts.values() if part.role == "block"):
        before, after = under(preset, block.path), under(found.summary, block.path)
        if any("squeeze" in layer.path for layer in before):
            change = text.change(total(after, "params"), total(before, "params"))
            assert change and lines[block.id].startswith(f"params {change}")


def test_a_full_convolution_is_compared_with_the_separable_one() -> None:
    found, preset = structure("xception", separable=False), structure("xception")
    lines = graph.changes(found, preset)
    [run] = [part for part in found.parts.values() if part.role == "run"]
    params = text.change(*[total(under(summary, "middle"), "params")
                           for summary in (found.summary, preset.summary)])
    assert lines[run.id].splitlines()[0] == f"params {params}"
    exit_flow = next(part for part in found.parts.values() if part.path == "exit"
                     and part.role == "block")
    convolutions = [layer for layer in found.summary.layers if layer in exit_flow.layers]
    separable = [layer for layer in under(preset.summary, "exit")
                 if not layer.path.startswith("exit.block.")]
    assert lines[exit_flow.id].splitlines()[0] == "params " + str(text.change(
        total(convolutions, "params"), total(separable, "params")))


@pytest.mark.parametrize("depth", [0.5, 2.0])
def test_a_run_is_compared_with_all_that_stands_in_its_place(depth: float) -> None:
    found, preset = structure("resnet50", depth=depth), structure("resnet50")
    [stage] = [inner for inner in difference(found, preset).inside
               if inner.part and inner.part.path == "stage3"]
    [run] = [inner for inner in stage.inside if inner.part and inner.part.role == "run"]
    assert run.part and len(run.part.parts) == 6 * depth - 1
    assert [other.path for other in run.others] == [f"stage3.{number}" for number in range(1, 6)]
    assert run.change("params") == stage.change("params") != 0


PAIRS = [("resnet34", "resnet50"), ("vgg16", "resnet50"),
         ("mobilenetv3_large", "mobilenetv3_small"),
         ("torchvision:resnet18", "resnet34"), ("inception_v3", "xception")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_different_networks_are_aligned_with_sums_that_hold(one: str, other: str) -> None:
    here, there = explorer.open(one).structure, explorer.open(other).structure
    found = difference(here, there)
    check_sums(found, here.summary, there.summary)
    back = difference(there, here)
    for figure in FIGURES:
        assert back.change(figure) == -found.change(figure)
    assert any(inner.matched for inner in found.inside)


def test_stages_of_different_networks_meet_where_their_maps_are_as_large() -> None:
    found = difference(structure("vgg16"), structure("resnet50"))
    for inner in found.inside[:-1]:
        if inner.matched and inner.part:
            assert inner.part.output_shape[2:] == inner.others[0].output_shape[2:]
    head = found.inside[-1]
    assert head.part and head.part.path == "head" and head.others[0].path == "head"


def test_a_network_does_not_differ_from_itself() -> None:
    for network in ("resnet50", "inception_v3"):
        found = difference(structure(network), explorer.open(network).structure)
        assert all(inner.matched for inner in found.walk() if inner is not found)
        assert not any(inner.change(figure) for inner in found.walk() for figure in FIGURES)
