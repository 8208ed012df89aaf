"""How figures grow with knobs, and which configs nothing beats."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer
from explorer.sweeping import FIGURES, Record, front, grid, law, stage_laws
from explorer.sweeping.laws import Slice, exponent
from explorer.sweeping.records import StageCost, count


def slices(network: str, over: str, *more: str) -> list[Slice]:
    """The records of a network over a knob, a slice for each value of the others."""
    made = grid([network], [over, *more])
    found: dict[tuple[str, ...], list[tuple[float, explorer.sweeping.Record]]] = {}
    for point in made:
        found.setdefault(point.values[1:], []).append((float(point.values[0]), count(point.key)))
    return list(found.values())


def stages(network: str, over: str, figure: str) -> dict[str, float | None]:
    return {one.path: one.exponent for one in stage_laws(slices(network, over), figure)}


@given(st.floats(-3, 3), st.lists(st.floats(0.01, 1e6), min_size=1, max_size=4),
       st.lists(st.integers(1, 500), min_size=2, max_size=8, unique=True))
def test_a_power_is_found_again_whatever_each_slice_is_multiplied_by(
        power: float, factors: list[float], along: list[int]) -> None:
    found = exponent([[(x, factor * x ** power) for x in along] for factor in factors])
    assert found is not None
    assert math.isclose(found.exponent, power, abs_tol=1e-6) and found.error < 1e-6


@pytest.mark.parametrize("points", [
    [], [[]], [[(1, 3)]], [[(2, 1), (2, 5)]], [[(0, 1), (1, 2)]], [[(1, 0), (2, 3)]],
    [[(-1, 1), (2, 2)]]])
def test_where_there_is_no_power_none_is_told(points: list[list[tuple[float, float]]]) -> None:
    assert exponent(points) is None


def test_the_error_is_that_of_the_furthest_point() -> None:
    # By hand: of (1, 1), (2, 4), (4, 32) the logarithms to base 2 are 0, 2, 5 over 0, 1, 2. Their
    # slope is 5 / 2, and the line through the mean 7/3 at 1 is off by 1/6, -1/3 and 1/6.
    found = exponent([[(1, 1), (2, 4), (4, 32)]])
    assert found is not None and found.exponent == 2.5
    assert math.isclose(found.error, 1 - 2 ** (-1 / 3), rel_tol=1e-6)


# Values at which no channel is rounded.
WIDTHS, SIZES = "width=0.5,1,1.5,2", "input_size=64,128,224,256"


def test_vgg_without_its_classifier_grows_by_the_square_of_width_and_size() -> None:
    """From the second stage on each convolution has inputs and outputs that grow."""
    for over in (WIDTHS, SIZES):
        found = stages("vgg16", over, "macs")
        assert [found[f"stage{number}"] for number in (3, 4, 5)] == [2, 2, 2]
        assert found["stage2"] == 2
    # A position of the first stage costs 9 · 3 · 64w + 9 · (64w)²; its inputs are the image.
    by_hand = exponent([[(w, 27 * 64 * w + 9 * (64 * w) ** 2) for w in (0.5, 1, 1.5, 2)]])
    assert by_hand and math.isclose(stages("vgg16", WIDTHS, "macs")["stage1"] or 0,
                                    by_hand.exponent, abs_tol=1e-9)
    assert stages("vgg16", SIZES, "macs")["stage1"] == 2
    assert set(stages("vgg16", SIZES, "params").values()) == {0}


def test_the_head_of_vgg_grows_by_its_first_layer_alone() -> None:
    # 512w · 49 inputs of 4096 units; then 4096 · 4096 and 4096 · 1000 whatever the width.
    by_hand = exponent([[(w, 512 * w * 49 * 4096 + 4096 * 4096 + 4096 * 1000)
                         for w in (0.5, 1, 1.5, 2)]])
    assert by_hand and math.isclose(stages("vgg16", WIDTHS, "macs")["head"] or 0,
                                    by_hand.exponent, abs_tol=1e-9)


@pytest.mark.parametrize(("kind", "power"), [("depthwise convolution", 1), ("convolution", 2)])
def test_depthwise_layers_grow_by_the_width_and_full_ones_by_its_square(
        kind: str, power: float) -> None:
    points = []
    for width in (1, 2, 3):     # of 728 channels no other multiple of a half is one of 8
        layers = explorer.summarise(explorer.configure("xception", width=width)).layers
        middle = [layer for layer in layers if layer.path.startswith("middle")]
        points.append((width, sum(layer.macs or 0 for layer in middle if layer.kind == kind)))
    found = exponent([points])
    assert found and found.exponent == power and found.error < 1e-9


@pytest.mark.parametrize(("figure", "power"), [
    ("params", 0), ("macs", 2), ("peak_memory", 2), ("layers", 0)])
def test_figures_of_a_network_over_its_input(figure: str, power: float) -> None:
    own = slices("resnet18", "input_size=64,128,256", "batch_size=1,4")
    found = law(own, figure)
    assert found and math.isclose(found.exponent, power, abs_tol=3e-3)    # the classifier stays


@pytest.mark.parametrize("network", ["vgg11", "mobilenetv3_small", "timm:resnet10t"])
@pytest.mark.parametrize("figure", ["params", "macs"])
def test_shares_of_the_stages_are_all_of_it(network: str, figure: str) -> None:
    over = "input_size=64,96" if ":" in network else "width=0.5,1"
    laws = stage_laws(slices(network, over), figure)
    assert math.isclose(sum(one.share for one in laws), 1)


def test_shares_do_not_depend_on_the_order_of_slices() -> None:
    both = slices("mobilenetv3_small", "width=0.5,1.5", "input_size=64,160")
    assert stage_laws(both, "macs") == stage_laws(both[::-1], "macs")
    alone = [stage_laws([one], "macs") for one in both]
    for stage, *others in zip(stage_laws(both, "macs"), *alone, strict=True):
        least, most = sorted([other.share for other in others])
        assert least <= stage.share <= most


def test_a_stage_that_is_not_always_there_has_no_power() -> None:
    totals = count("vgg11").totals
    first = Record("one", totals, stages=(StageCost("stem", 1, 3),))
    second = Record("two", totals, stages=(StageCost("stem", 2, 12), StageCost("more", 5, 12)))
    stem, more = stage_laws([[(1, first), (2, second)]], "macs")
    assert (stem.exponent, stem.share) == (2, 0.5)
    assert (more.path, more.exponent, more.share) == ("more", None, 0.5)


def test_what_cannot_run_is_left_out() -> None:
    whole, broken = slices("vgg11", "input_size=64,128"), slices("vgg11", "input_size=1,64,128")
    assert broken[0][0][1].error and law(whole, "macs") == law(broken, "macs")
    assert stage_laws(whole, "macs") == stage_laws(broken, "macs")
    assert law(slices("vgg11", "input_size=1,2"), "macs") is None
    assert stage_laws(slices("vgg11", "input_size=1,2"), "macs") == []


def test_every_figure_of_a_record_is_a_total() -> None:
    record, totals = count("resnet18"), explorer.summarise("resnet18").totals
    assert {name: record.figure(name) for name in FIGURES} == {
        "params": totals.params, "macs": totals.macs, "peak_memory": totals.peak_activation_bytes,
        "saved_memory": explorer.summarise("resnet18", training=True).totals.saved_bytes,
        "receptive_field": totals.receptive_field, "layers": totals.layers, "latency": None}


points = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30)


@given(points, st.booleans(), st.booleans())
def test_the_front_is_what_no_other_beats(found: list[tuple[int, int]], less_x: bool,
                                          less_y: bool) -> None:
    def better(one: int, other: int, less: bool) -> bool:
        return one < other if less else one > other

    def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
        wins = [better(one[0], other[0], less_x), better(one[1], other[1], less_y)]
        loses = [better(other[0], one[0], less_x), better(other[1], one[1], less_y)]
        return any(wins) and not any(loses)

    by_hand = {place for place, point in enumerate(found)
               if not any(beats(other, point) for other in found)}
    places = front(found, less=(less_x, less_y))
    assert sorted(places) == sorted(by_hand)
    along = [found[place][0] for place in places]
    assert along == sorted(along, reverse=not less_x)
