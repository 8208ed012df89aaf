"""Comparisons: sums that hold, reasons whose arithmetic is right, one set of columns everywhere."""

from __future__ import annotations

import io
import json
import re
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings

import explorer
from explorer.comparison import Comparison, changes, compare, headline, reason
from explorer.structure.alignment import Level
from explorer.views import comparison as views
from tests.strategies import configs

LEVELS: tuple[Level, ...] = ("stage", "block", "layer")


@settings(max_examples=40)
@given(configs(), configs())
def test_differences_of_parts_add_up_to_those_of_the_totals(one: explorer.Config,
                                                            other: explorer.Config) -> None:
    try:
        comparison = compare(one, other)
    except explorer.ConfigError:        # the same, or one that cannot be built
        return
    for level in LEVELS:
        document = json.loads(views.comparison_json(comparison, level))
        for side, network in enumerate(comparison.networks):
            totals = network.summary.totals
            assert sum(part["params"][side] for part in document["parts"]) == totals.params_used
            assert sum(part["macs"][side] for part in document["parts"]) == totals.macs
            assert sum(part["activation_bytes"][side]
                       for part in document["parts"]) == totals.activation_bytes
        frame = pd.read_csv(io.StringIO(views.comparison_csv(comparison, level)))
        for figure in views.FIGURES:
            assert frame[f"{figure}_difference_b"].sum() == document["differences"][figure][1]
        assert list(frame["status"]) == [part["status"] for part in document["parts"]]


@settings(max_examples=40)
@given(configs(), configs())
def test_a_reason_is_there_where_something_differs_and_its_product_is_right(
        one: explorer.Config, other: explorer.Config) -> None:
    try:
        comparison = compare(one, other)
    except explorer.ConfigError:
        return
    for level in LEVELS:
        for part in comparison.parts(level):
            said = reason(part, comparison.names)
            if part.status == "same":
                assert not said
            elif part.figures("macs")[0] != part.figures("macs")[1]:
                assert said, (level, [group[0].path for group in part.groups if group])
            if level == "layer" and part.status == "changed" and "the multiply-adds" in said:
                before, after = part.figures("macs")
                assert ratio_of(said) == pytest.approx(after / before, rel=0.005)


def ratio_of(said: str) -> float:
    """What a sentence says that the multiply-adds are of the others."""
    found = re.search(r"([\d,./]+) (?:times|of) the multiply-adds", said)
    assert found, said
    return float(Fraction(found[1].replace(",", "")))


def told(one: str, other: str, path: str) -> str:
    comparison = compare(one, other)
    [part] = [part for part in comparison.parts("layer")
              if part.groups[0] and part.groups[0][0].path == path]
    return reason(part, comparison.names)


def test_reasons_name_the_arguments_that_differ() -> None:
    assert told("resnet34", "resnet50", "stage1.0.branch.conv1") == (
        "window 3×3 → 1×1: 1/9 of the multiply-adds.")
    assert told("resnet34", "resnet50", "stage1.1.branch.conv1") == (
        "window 3×3 → 1×1 (× 1/9), input channels 64 → 256 (× 4): 4/9 of the multiply-adds.")
    assert told("resnet50", "torchvision:resnext50_32x4d", "stage1.0.branch.conv2") == (
        "input channels 64 → 128 (× 2), output channels 64 → 128 (× 2), groups 1 → 32 (× 1/32): "
        "1/8 of the multiply-adds.")
    assert told("resnet18", "resnet18&input_size=448", "stem.conv") == (
        "map 112×112 → 224×224: 4 times the multiply-adds.")
    assert told("resnet34", "resnet50", "head.fc") == (
        "input features 512 → 2,048: 4 times the multiply-adds.")
    assert told("mobilenetv3_small", "mobilenetv3_small&squeeze_excite=off",
                "stage1.0.branch.squeeze_excite.gate.fc1") == (
        "Only in MobileNetV3-Small: 136 parameters and 128 multiply-adds.")
    assert told("mobilenetv3_small", "mobilenetv3_small&activation=ReLU", "stem.act") == (
        "Hardswish → ReLU.")


def test_headlines() -> None:
    assert headline(compare("vgg16", "resnet50")) == (
        "ResNet-50 has 4.09 G multiply-adds, 26% of VGG-16's 15.5 G: 30% of VGG-16's are spent on "
        "maps of 112×112 and larger, where ResNet-50 spends 3%.")
    assert headline(compare("resnet34", "resnet50")) == (
        "ResNet-50 has 25.6 M parameters, 1.17 times ResNet-34's 21.8 M, and 4.09 G multiply-adds "
        "against 3.66 G.")
    assert headline(compare("mobilenetv3_large", "mobilenetv3_large&squeeze_excite=off")) == (
        "MobileNetV3-Large · squeeze-and-excitation off has 3.97 M parameters, 72% of "
        "MobileNetV3-Large's 5.48 M, and 215 M multiply-adds against 217 M: the parameters differ "
        "most in stage6, with 873 k against 2.02 M, 76% of the difference.")
    assert headline(compare("vgg16", "vgg16&batch_norm=on")) == (
        "VGG-16 · BatchNorm on has 138 M parameters, nearly as many as VGG-16, and as many "
        "multiply-adds.")
    assert headline(compare("inception_v3", "inception_v3&factorise_nxn=off")) == (
        "Inception v3 · factorise n×n off has 9.70 G multiply-adds, 1.7 times Inception v3's "
        "5.71 G: most of it in inception_b, with 5.58 G against 1.97 G, 91% of the difference.")
    assert headline(compare("resnet18", "torchvision:resnet18")) == (
        "resnet18 (torchvision) has as many parameters and multiply-adds as ResNet-18, and the "
        "same layers.")


def test_stages_without_a_block_in_common_say_so() -> None:
    comparison = compare("vgg16", "resnet50")
    assert reason(comparison.parts("stage")[1], comparison.names) == (
        "None of the blocks correspond: 3 and 3; most by stage2.conv2.conv, −1.85 G multiply-adds "
        "(only in VGG-16).")


@pytest.mark.parametrize(("one", "other", "said"), [
    ("resnet34", "resnet50", "Bottleneck in place of BasicBlock, 16 times."),
    ("mobilenetv3_large", "mobilenetv3_large&squeeze_excite=off",
     "Only in MobileNetV3-Large: 8 × SqueezeExcite (1.51 M parameters, 1.51 M multiply-adds)."),
    ("vgg16", "vgg19",
     "Only in VGG-19: 3 × convolution 3×3 (5.31 M parameters, 4.16 G multiply-adds)."),
    ("vgg16", "vgg16&batch_norm=on",
     "Only in VGG-16 · BatchNorm on: 13 × BatchNorm2d (8.45 k parameters)."),
    ("resnet50", "torchvision:resnext50_32x4d", "Groups 1 → 32, 16 times."),
    ("resnet50", "resnet50&width=0.5", "The same layers with other channels."),
    ("mobilenetv3_small", "mobilenetv3_small&activation=ReLU",
     "ReLU in place of Hardswish, 19 times."),
    ("resnet18", "torchvision:resnet18", ""),
    # Depthwise convolutions have as many groups as channels.
    ("mobilenetv3_small", "mobilenetv3_small&width=2", "The same layers with other channels."),
    # What costs nothing and stands at another place is no difference.
    ("alexnet", "vgg16", "Only in VGG-16: 8 × convolution 3×3 (6.16 M parameters, 12.1 G "
     "multiply-adds); convolution 11×11 /4 → 3×3; convolution 5×5 → 3×3."),
    ("lenet5", "lenet5&connections=table_1",
     "Only in LeNet-5: 1 × convolution 5×5 (2.42 k parameters, 240 k multiply-adds); only in "
     "LeNet-5 · connections table 1: 1 × TableConv (1.52 k parameters, 150 k multiply-adds)."),
])
def test_what_a_network_is_made_of_instead(one: str, other: str, said: str) -> None:
    assert changes(compare(one, other)) == said


def test_what_stands_in_one_alone_is_told_with_what_it_costs() -> None:
    """Against sums by path."""
    said = changes(compare("resnet50", "convnext_tiny"))
    assert said.startswith("ConvNeXtBlock in place of Bottleneck, 15 times; ")
    layers = explorer.summarise("resnet50").layers
    alone = sum(layer.macs or 0 for layer in layers if layer.path.startswith("stage2.3."))
    assert f"only in ResNet-50: 1 × Bottleneck (280 k parameters, {alone / 1e6:.0f} M " in said
    assert "3 × ConvNeXtBlock" in said and "3 × convolution 2×2 /2" in said


def test_members_of_a_row_without_a_name_are_told_in_its_place() -> None:
    assert "and 3 × linear layer (58.6 M parameters" in changes(compare("alexnet", "squeezenet1_0"))


def test_a_dilated_window_is_another_one() -> None:
    assert changes(compare("resnet50", "resnet50&output_stride=8")).startswith(
        "Convolution 3×3 → 3×3 dilated 2, ")


@pytest.mark.parametrize("maps", ["resnet50", "convnext_tiny"])
def test_tokens_are_no_maps(maps: str) -> None:
    """Nor are the channels of a tensor that has them last a side of its map."""
    said = headline(compare("vit_b_16", maps))
    assert said.endswith(": the most in encoder, with 17.4 G in ViT-B/16 alone.")
    assert headline(compare("convnext_tiny", "vgg16")).endswith(
        "112×112 and larger, where ConvNeXt-T spends 0%.")


def test_a_stage_of_one_block_has_the_name_of_the_stage() -> None:
    comparison = compare("mobilenetv2", "mobilenetv3_large")
    assert ": the most in stage7, with " in headline(comparison)
    shown = views.part_rows(comparison, "macs", by_difference=False)
    assert [part["paths"] for part in shown if part["level"] == "stage"][1] == ["stage1"]


def test_a_receptive_field_before_positions_mix_is_compared_with_none() -> None:
    for names, said in ((("resnet50", "vit_b_16"), ["", "before positions mix"]),
                        (("vit_b_16", "resnet50"), ["before positions mix", ""])):
        cells = dict(views.figure_rows(compare(*names)))["Receptive field"]
        assert [cell.change for cell in cells] == said


def test_a_headline_is_for_one_image_where_the_batches_differ() -> None:
    two_images, one_image = compare("xception&batch_size=2", "resnet50"), \
        compare("xception", "resnet50")
    assert headline(two_images) == headline(one_image).replace(
        "multiply-adds,", "multiply-adds for each image,").replace(
        "Xception", "Xception · batch size 2")
    rows = dict(views.figure_rows(two_images))
    assert [cell.value for cell in rows["Multiply-adds for each image"]] == [
        cell.value for cell in dict(views.figure_rows(one_image))["Multiply-adds"]]
    assert "Multiply-adds for each image" not in dict(views.figure_rows(one_image))
    assert "multiply-adds, 49% of" in headline(one_image)
    [given] = views.inputs(two_images)
    assert "2×3×299×299" in given and "all of its batch" in given
    assert "batch" not in views.inputs(one_image)[0]
    assert not views.inputs(compare("vgg16", "resnet50"))


def test_what_a_headline_says_of_large_maps_is_so() -> None:
    """Against sums of the summary."""
    for name, share in (("vgg16", 30), ("resnet50", 3)):
        layers = [layer for layer in explorer.summarise(name).layers if layer.macs]
        large = sum(layer.macs or 0 for layer in layers
                    if len(layer.output_shape) == 4 and layer.output_shape[-1] >= 112)
        assert round(100 * large / sum(layer.macs or 0 for layer in layers)) == share


def test_names_tell_networks_of_one_preset_apart() -> None:
    names = compare("resnet50", "resnet50&input_size=288", "resnet50&width=0.5").names
    assert len(set(names)) == 3 and all(name.startswith("ResNet-50") for name in names)
    assert compare("resnet34", "vgg16").names == ("ResNet-34", "VGG-16")


def test_a_name_says_which_knobs_are_turned() -> None:
    assert compare("resnet34", "mobilenetv3_large&squeeze_excite=off",
                   "timm:resnet18&num_classes=10").names == (
        "ResNet-34", "MobileNetV3-Large · squeeze-and-excitation off",
        "resnet18 (timm) · classes 10")


@pytest.mark.parametrize(("networks", "said"), [
    (("resnet34",), "A comparison is of two to 4 networks; got 1."),
    (("resnet18", "resnet34", "resnet50", "vgg16", "vgg19"),
     "A comparison is of two to 4 networks; got 5."),
    (("resnet34", "resnet34"), "resnet34 is named twice"),
    (("resnet34", "resnet34&width=1.0"), "resnet34 is named twice"),
    (("resnet34", "resnet35"), "Unknown network 'resnet35'"),
    (("resnet34", "resnet50&width=9"), "`width` must be between"),
])
def test_what_cannot_be_compared_ends_in_a_sentence_and_nothing_is_written(
        command, tmp_path: Path, networks: tuple[str, ...], said: str) -> None:
    output = tmp_path / "out.csv"
    code, out, err = command("compare", *networks, "--format", "csv", "--output", str(output))
    assert code == 2 and not out and said in err and len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_network_that_ends_early_is_compared_as_far_as_it_got(command) -> None:
    code, out, err = command("compare", "resnet18", "inception_v3&input_size=32",
                             "--level", "stage")
    assert code == 2 and "Inception v3 · 32×32 is compared as far as its pass gets: " in out
    assert "stem" in out and "reduction_b" not in out
    assert len(err.splitlines()) == 1 and err.startswith("Error: ")


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_command_writes_every_form(command, tmp_path: Path, form: str,
                                       level: str) -> None:
    output = tmp_path / "out"
    networks = ("resnet18", "resnet34&width=0.5", "timm:regnety_002")
    code, out, err = command("compare", *networks, "--level", level, "--format", form,
                             "--output", str(output))
    assert (code, out, err) == (0, "", "")
    said = output.read_text()
    if form == "json":
        document = json.loads(said)
        assert [network["key"] for network in document["networks"]] == list(networks)
        assert {part["level"] for part in document["parts"]} == {level}
        assert all(len(part["path"]) == 3 for part in document["parts"])
    else:
        parts = Comparison(tuple(map(explorer.open, networks))).parts(
            next(each for each in LEVELS if each == level))
        paths = [group[0].path for part in parts for group in part.groups if group]
        assert all(path in said for path in paths)


def test_python_gives_the_value_and_its_frame() -> None:
    comparison = explorer.compare("vgg16", "vgg19")
    frame = explorer.comparison_frame(comparison, "layer")
    only = frame[frame["status"] == "only"]
    assert set(only["params_a"]) == {0}
    assert only["params_b"].sum() == (explorer.summarise("vgg19").totals.params
                                      - explorer.summarise("vgg16").totals.params)
