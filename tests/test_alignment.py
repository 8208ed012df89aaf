"""Two networks part by part: sums that hold, and labels that are the difference."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given, settings

import explorer
from explorer import text
from explorer.analysis import Layer, Summary
from explorer.structure.alignment import Aligned, Figure, Group, Level, align
from explorer.views import graph
from tests.graphs import structure
from tests.strategies import configs

FIGURES: tuple[Figure, ...] = ("params", "macs", "activation_bytes")
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")


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


def check_sums(found: Aligned, *summaries: Summary) -> None:
    """Every layer stands in one part of each level, and the figures of the parts add up."""
    for figure in FIGURES:
        assert found.figures(figure) == tuple(total([*summary.layers], figure)
                                              for summary in summaries)
        for part in found.walk():
            if part.inside:
                assert part.figures(figure) == tuple(
                    sum(amounts) for amounts in zip(*[each.figures(figure) for each in part.inside],
                                                    strict=True))
    for level in LEVELS:
        for side, summary in enumerate(summaries):
            stands = [layer.index for place in found.at(level) for part in place.groups[side]
                      for layer in part.layers]
            assert stands == [layer.index for layer in summary.layers]


@settings(max_examples=80)
@given(configs())
def test_parts_add_up_to_the_network_and_it_is_the_same_as_itself(config: explorer.Config) -> None:
    network = opened(config)
    if network is None or network.failure:
        return
    preset = structure(config.network)
    check_sums(align(network.structure, preset), network.summary, preset.summary)
    again = explorer.open(config)
    own = align(network.structure, again.structure)
    assert {part.status for part in own.walk()} == {"same"}


def outline(found: Aligned, *, back: bool = False) -> list[tuple[str, str, object]]:
    return [(part.level, part.status, paths(part.groups)[::-1 if back else 1])
            for part in found.walk()]


def paths(groups: tuple[Group, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(part.path for part in group) for group in groups)


@settings(max_examples=60)
@given(configs(), configs())
def test_it_is_the_same_from_either_side(one: explorer.Config, other: explorer.Config) -> None:
    here, there = opened(one), opened(other)
    if here is None or there is None or here.failure or there.failure:
        return
    found, back = (align(here.structure, there.structure),
                   align(there.structure, here.structure))
    check_sums(found, here.summary, there.summary)
    assert outline(found) == outline(back, back=True)


def test_stages_of_one_name_correspond_however_small_they_are() -> None:
    """Of one convolution each, they could stand between the stages of another network."""
    small = structure("densenet121", blocks=(1, 1, 1, 1), bottleneck=False)
    rows = align(small, structure("densenet121")).inside
    assert [[[part.path for part in group] for group in row.groups] for row in rows] == [
        [[path], [path]] for path in ("stem", "block1", "transition1", "block2", "transition2",
                                      "block3", "transition3", "block4", "head")]


@settings(max_examples=80)
@given(configs())
@example(explorer.configure("mobilenetv3_large", head="lraspp", input_size=75))
def test_a_label_is_the_difference(config: explorer.Config) -> None:
    """Against sums by path alone, where the stage has as many blocks in the preset: of more or
    fewer another than the one with its path can be what stands there."""
    network = opened(config)
    if network is None or network.failure:
        return
    preset = structure(config.network)
    lines, found = graph.changes(network.structure, preset), network.structure
    paths = Counter(part.path for part in found.parts.values() if part.role == "block")
    held = [Counter(whole.place(block.layers[0]).stage for block in whole.blocks)
            for whole in (found, preset)]
    for part in found.parts.values():
        alone = part.role == "stage" or (part.role == "block" and paths[part.path] == 1)
        if not alone or part.auxiliary or part.failed:
            continue
        # A block that is all of its stage is compared with all of the preset's.
        path = found.place(part.layers[0]).stage if part in found.stages else part.path
        now, then = under(network.summary, path), under(preset.summary, path)
        stage = found.place(part.layers[0]).stage
        if part not in found.stages and held[0][stage] != held[1][stage]:
            continue
        if [layer.index for layer in now] != [layer.index for layer in part.layers] or not then:
            continue
        kinds = [Counter(layer.kind for layer in layers) for layers in (now, then)]
        if part.role == "block" and \
                2 * (kinds[0] & kinds[1]).total() <= max(kind.total() for kind in kinds) and \
                lines.get(part.id) == "not in the preset":
            continue        # another block stands there, like Lite R-ASPP in a classifier's place
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
    [run] = [part for part in found.parts.values() if part.id == "run:stage3.1"]
    assert len(run.parts) == 6 * depth - 1
    now, then = [sum(total(under(whole.summary, f"stage3.{number}"), "params")
                     for number in range(1, 12)) for whole in (found, preset)]
    assert graph.changes(found, preset)[run.id].startswith(f"params {text.change(now, then)}")


def rows(one: str, other: str, level: Level) -> list[tuple[str, ...]]:
    """Status and paths of all parts of a level that are not the same."""
    found = align(explorer.open(one).structure, explorer.open(other).structure)
    return [(part.status, *(" ".join(each) for each in paths(part.groups)))
            for part in found.at(level) if part.status != "same"]


def test_resnet34_and_50_have_the_same_stages_and_blocks() -> None:
    counts = (3, 4, 6, 3)
    blocks = [f"stage{stage}.{number}" for stage, count in enumerate(counts, 1)
              for number in range(count)]
    assert rows("resnet34", "resnet50", "block") == [
        ("changed", path, path) for path in [*blocks, "head"]]
    found = align(structure("resnet34"), structure("resnet50"))
    classes = {tuple(group[0].name for group in part.groups) for part in found.at("block")
               if part.groups[0][0].path in blocks}
    assert classes == {("BasicBlock", "Bottleneck")}


def test_vgg19_has_one_convolution_more_in_the_last_three_stages() -> None:
    assert rows("vgg16", "vgg19", "block") == [
        ("only", "", f"stage{stage}.conv4") for stage in (3, 4, 5)]


def test_projections_stand_alone_in_the_network_that_has_them() -> None:
    told = rows("resnet50", "resnet50&shortcut=C", "layer")
    assert len(told) == 2 * (2 + 3 + 5 + 2)
    assert all(status == "only" and not one and ".shortcut." in other
               for status, one, other in told)


def test_without_squeeze_and_excitation_its_layers_alone_are_missing() -> None:
    for network in ("mobilenetv3_large", "mobilenetv3_small"):
        told = rows(network, f"{network}&squeeze_excite=off", "layer")
        with_it = [layer.path for layer in explorer.summarise(network).layers
                   if "squeeze_excite" in layer.path]
        assert told == [("only", path, "") for path in with_it]


def test_one_module_less() -> None:
    assert rows("inception_v3", "inception_v3&blocks=2-4-2", "block") == [
        ("only", "inception_a.2", "")]


def test_factorised_convolutions_stand_beside_the_whole_one() -> None:
    told = rows("inception_v3", "inception_v3&factorise_nxn=off", "layer")
    assert told and all("branch_nxn" in path for _, *each in told for path in each if path)
    changed = [each for each in told if each[0] == "changed"]
    assert changed and all(one.endswith(".conv") and other.endswith(".conv")
                           for _, one, other in changed)
    assert {status for status, *_ in told} == {"changed", "only"}
    assert all(not other for status, _, other in told if status == "only")


def test_batch_norm_alone_is_added() -> None:
    told = rows("vgg16", "vgg16&batch_norm=on", "layer")
    assert len(told) == 13
    assert all(status == "only" and not one and other.endswith(".norm")
               for status, one, other in told)


def test_resnext_and_wide_resnet_have_the_same_blocks() -> None:
    found = align(*[explorer.open(name).structure for name in (
        "resnet50", "torchvision:resnext50_32x4d", "torchvision:wide_resnet50_2")])
    check_sums(found, *[explorer.summarise(name) for name in (
        "resnet50", "torchvision:resnext50_32x4d", "torchvision:wide_resnet50_2")])
    for part in found.at("layer"):
        assert all(part.groups)
        kinds = {group[0].layers[0].call.operator for group in part.groups}
        assert len(kinds) == 1
    changed = {group[0].layers[0].kind for part in found.at("layer") if part.status == "changed"
               for group in part.groups}
    assert changed == {"convolution", "normalisation", "activation"}


@pytest.mark.parametrize("network", [name for name in explorer.presets() if "tutorial" in name])
def test_a_tutorials_network_has_the_stages_of_its_preset(network: str) -> None:
    preset = network.removesuffix("_tutorial")
    found = align(structure(network), structure(preset))
    for part in found.inside:
        assert all(part.groups), paths(part.groups)
        # A stage of one block has the path of that.
        assert len({group[0].path.partition(".")[0] for group in part.groups}) == 1


def test_what_stands_loose_is_one_with_what_stands_there() -> None:
    found = align(structure("xception"), structure("xception", separable=False))
    [_, rest] = next(part.inside for part in found.inside if part.groups[0][0].path == "exit")
    assert paths(rest.groups) == (("exit.conv1", "exit", "exit.conv2", "exit"), ("exit",))


def test_torchvisions_resnet_is_the_same_under_other_names() -> None:
    assert rows("resnet18", "torchvision:resnet18", "layer") == []
    assert paths(next(align(structure("resnet18"), explorer.open("torchvision:resnet18").structure)
                      .at("stage")).groups) == (("stem",), ("conv1", "bn1", "relu", "maxpool"))


def test_what_corresponds_to_nothing_says_so() -> None:
    found = align(structure("vgg16"), explorer.open("timm:vit_base_patch16_224").structure)
    told = {part.groups[0][0].path if part.groups[0] else part.groups[1][0].path: part.status
            for part in found.inside}
    assert told.pop("head") == "changed"
    assert set(told.values()) == {"only"}


PAIRS = [("vgg16", "resnet50"), ("mobilenetv3_large", "mobilenetv3_small"),
         ("inception_v3", "xception"), ("resnet50", "timm:convnext_tiny"),
         ("timm:densenet121", "resnet50"), ("timm:efficientnet_b0", "mobilenetv3_large"),
         ("timm:swin_tiny_patch4_window7_224", "timm:vit_base_patch16_224")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_different_networks_are_aligned_with_sums_that_hold(one: str, other: str) -> None:
    here, there = explorer.open(one).structure, explorer.open(other).structure
    found, back = align(here, there), align(there, here)
    check_sums(found, here.summary, there.summary)
    assert outline(found) == outline(back, back=True)
    heads = [part for part in found.at("stage") if all(part.groups)]
    assert heads and heads[-1] is found.inside[-1]


def test_stages_of_different_networks_meet_where_their_maps_are_as_large() -> None:
    found = align(structure("vgg16"), structure("resnet50"))
    for part in found.inside[1:-1]:
        ours, theirs = part.groups
        assert ours[0].output_shape[2:] == theirs[0].output_shape[2:]


@pytest.mark.parametrize(("one", "other", "met"), [
    # Names are alike, maps are not.
    ("resnet50", "mobilenetv3_large", "stem=stem stage1=stage2 stage2=stage3 stage3=stage4 "
     "stage4=stage6 head=head"),
    ("mobilenetv3_large", "mobilenetv3_small", "stem=stem stage2=stage1.0 stage3=stage2 "
     "stage4=stage3 stage5=stage4 stage6=stage5 head=head"),
    ("vgg16", "resnet50", "stage1=stem stage2=stage1 stage3=stage2 stage4=stage3 stage5=stage4 "
     "head=head"),
    ("inception_v3", "resnet50", "stem=stem inception_a=stage2 inception_b=stage3 "
     "inception_c=stage4 head=head"),
    ("resnet50", "convnext_tiny", "stem=stem stage1=stage1 stage2=stage2 stage3=stage3 "
     "stage4=stage4 head=head"),
    # A knob alone makes the maps larger.
    ("resnet50", "resnet50&output_stride=8", "stem=stem stage1=stage1 stage2=stage2 stage3=stage3 "
     "stage4=stage4 head=head"),
    # Channels stand behind the map.
    ("timm:swin_tiny_patch4_window7_224", "convnext_tiny", "patch_embed=stem layers.0=stage1 "
     "layers.1=stage2 layers.2=stage3 layers.3=stage4 norm=head"),
])
def test_stages_meet_as_a_teacher_would_set_them(one: str, other: str, met: str) -> None:
    found = align(explorer.open(one).structure, explorer.open(other).structure)
    assert " ".join("=".join(group[0].path for group in part.groups) for part in found.inside
                    if all(part.groups)) == met


def test_what_repeats_is_alone_where_one_stage_has_more_blocks() -> None:
    told = rows("resnet50", "convnext_tiny", "block")
    assert [each for each in told if each[0] == "only"] == [
        ("only", "", "stage2.downsample"), ("only", "stage2.3", ""),
        ("only", "", "stage3.downsample"), *[
            ("only", "", f"stage3.block{number}") for number in (7, 8, 9)],
        ("only", "", "stage4.downsample")]


def test_a_residual_block_is_nothing_like_a_convolution() -> None:
    found = align(structure("resnet34"), structure("vgg16"))
    for stage in found.inside[1:-1]:
        assert all(stage.groups) and {block.status for block in stage.inside} == {"only"}


def test_a_stage_of_one_block_is_beside_the_first_of_several() -> None:
    found = align(structure("mobilenetv1"), structure("mobilenetv2"))
    assert [paths(block.groups) for block in found.inside[-2].inside] == [
        (("stage5.0",), ("stage7.0",)), (("stage5.1",), ())]


def test_a_stem_is_one_step_beside_what_takes_several() -> None:
    found = align(structure("vgg16"), structure("resnet50"))
    [block] = found.inside[0].inside
    pairs = [tuple(group[0].path for group in layer.groups) for layer in block.inside
             if all(layer.groups)]
    assert pairs == [("stage1.conv1.conv", "stem.conv"), ("stage1.conv2.act", "stem.act"),
                     ("stage1.pool", "stem.pool")]


def test_four_networks_stand_beside_each_other() -> None:
    names = ("resnet18", "resnet34", "resnet50", "vgg16")
    found = align(*map(structure, names))
    check_sums(found, *[structure(name).summary for name in names])
    assert [paths(part.groups[:3]) for part in found.inside[1:5]] == [
        ((path,),) * 3 for path in ("stage1", "stage2", "stage3", "stage4")]
