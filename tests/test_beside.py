"""Networks beside each other in one drawing: the geometry, and what stands where."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings

import explorer
from explorer.comparison import Comparison, compare
from explorer.views import graph
from tests.geometry import CLOSE, faults_of_any
from tests.strategies import configs

PAIRS = [("resnet34", "resnet50"), ("vgg16", "vgg19"), ("vgg16", "resnet50"),
         ("mobilenetv3_large", "mobilenetv3_large&squeeze_excite=off"),
         ("inception_v3", "inception_v3_tutorial"), ("xception", "xception&separable=off"),
         ("resnet50", "timm:convnext_tiny"), ("vgg16", "timm:vit_base_patch16_224"),
         ("resnet18", "torchvision:resnet18"), ("timm:densenet121", "resnet152"),
         ("resnet18", "inception_v3&input_size=32")]
SEVERAL = [("resnet34", "resnet50", "vgg16"),
           ("resnet50", "resnet50&shortcut=C", "vgg16", "mobilenetv3_large")]


def check(comparison: Comparison, *, stages: bool, merged: bool) -> graph.Beside:
    made = graph.beside(comparison, stages=stages, merged=merged)
    assert faults_of_any(made.picture) == []
    for network, letter in enumerate("abcd"[:len(comparison.networks)]):
        # Every layer of every network stands on a card; what is the same on that of the first.
        drawn = [layer.index for placed in sorted(made.picture.cards, key=lambda each: each.y)
                 if (part := placed.card.part) and (
                     part.id.startswith(f"{letter}.") or (merged and made.places[
                         made.row_of[part.id]][0].status == "same"))
                 for layer in part.layers]
        if not merged or network == 0:
            assert drawn == [layer.index for layer in
                             comparison.networks[network].summary.layers]
    return made


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("stages", [True, False])
@pytest.mark.parametrize("networks", [*PAIRS, *SEVERAL])
def test_nothing_overlaps_and_every_line_arrives(networks: tuple[str, ...], stages: bool,
                                                 merged: bool) -> None:
    check(compare(*networks), stages=stages, merged=merged and len(networks) == 2)


@settings(max_examples=40)
@given(configs(), configs())
def test_nor_of_any_two_configs(one: explorer.Config, other: explorer.Config) -> None:
    try:
        comparison = compare(one, other)
    except explorer.ConfigError:
        return
    for merged in (True, False):
        check(comparison, stages=False, merged=merged)


@pytest.mark.parametrize("networks", [*PAIRS, *SEVERAL])
def test_what_corresponds_stands_on_one_line(networks: tuple[str, ...]) -> None:
    made = graph.beside(compare(*networks))
    tops: dict[int, set[float]] = {}
    for placed in made.picture.cards:
        if placed.card.part:
            tops.setdefault(made.row_of[placed.card.id], set()).add(placed.y)
    assert all(len(each) == 1 for each in tops.values())
    assert len(tops) == len(made.places)
    ordered = [tops[row].pop() for row in sorted(tops)]
    assert ordered == sorted(ordered)


def test_merged_what_is_the_same_stands_once_in_the_middle() -> None:
    made = graph.beside(compare("vgg16", "vgg19"), merged=True)
    centres = {round(placed.x + placed.card.spine) for placed in made.picture.cards
               if not placed.card.id.startswith("b.")}
    assert len(centres) == 1
    alone = [placed for placed in made.picture.cards if placed.card.id.startswith("b.")]
    assert [placed.card.part.path for placed in alone if placed.card.part] == [
        "stage3.conv4", "stage4.conv4", "stage5.conv4"]
    assert all(placed.x > centres.copy().pop() + CLOSE for placed in alone)
    said = [label.words for label in made.picture.labels]
    assert said.count("only in B") == 3 and "= same" in said and "≠ changed" not in said


def test_the_command_draws_two_networks_merged(command, tmp_path: Path) -> None:
    output = tmp_path / "merged.svg"
    assert command("graph", "vgg16", "--against", "vgg19", "--output", str(output))[0] == 0
    said = " ".join(ElementTree.parse(output).getroot().itertext())
    assert "VGG-16 and VGG-19" in said and said.count("only in B") == 3
    assert command("graph", "vgg16", "--against", "vgg19", "--output",
                   str(tmp_path / "merged.png"))[0] == 0


@pytest.mark.parametrize("other", ["resnet18", "{file}:Bad&input=1x5x9x9"])
def test_what_fails_at_its_first_layer_is_drawn_without_an_output(
        command, tmp_path: Path, other: str) -> None:
    file = tmp_path / "net.py"
    file.write_text("from torch import nn\ndef Bad(): return nn.Sequential(nn.Conv2d(3, 8, 3))\n")
    code, _, err = command("graph", f"{file}:Bad", "--input", "1x5x8x8", "--against",
                           other.format(file=file), "--output", str(tmp_path / "out.svg"))
    assert code == 2 and "expects 3 channels" in err and len(err.splitlines()) == 1
    said = " ".join(ElementTree.parse(tmp_path / "out.svg").getroot().itertext())
    assert said.count("Output") == (other == "resnet18")
    for level in ("stage", "layer"):
        code, out, err = command("compare", f"{file}:Bad&input=1x5x8x8", other.format(file=file),
                                 "--level", level)
        assert code == 2 and "as far as its pass gets" in out and len(err.splitlines()) == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (("--against", "vgg16"), "vgg16 is named twice"),
    (("--against", "vgg17"), "Unknown network 'vgg17'"),
    (("--against", "vgg19", "--level", "layer"), "draws level stage or block"),
])
def test_what_cannot_be_merged_ends_in_a_sentence(
        command, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = command("graph", "vgg16", *arguments, "--output", str(tmp_path / "x.svg"))
    assert code == 2 and said in err and not out and not list(tmp_path.iterdir())
    code, _, err = command("graph", "vgg16", "--against", "vgg19", "--output",
                           str(tmp_path / "x.dot"))
    assert code == 2 and ".svg or .png" in err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("stages", [False, True])
def test_a_network_of_one_layer_stands_beside_another(stages: bool, tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("from torch import nn\nclass One(nn.Sequential):\n    def __init__(self):\n"
                    "        super().__init__(nn.Linear(4, 4))\n")
    drawn = graph.draw_beside(compare(f"{file}:One&input=1x4", "lenet5"), stages=stages)
    titles = [element.text for element in ElementTree.fromstring(drawn).iter()
              if element.tag.endswith("title")]
    assert "0: 1 layer, 20 parameters, 16 multiply-adds" in titles
