"""How deep networks are, beside what papers and textbooks say of them."""

from __future__ import annotations

import warnings

import pytest
from torch import Tensor, nn

import explorer
from explorer.analysis import analyse
from explorer.structure import Structure, weighted_depth
from explorer.tracing import trace

TEXTBOOK = {
    # Simonyan & Zisserman 2015, Table 1; He et al. 2016, Table 1.
    "vgg11": 11, "vgg13": 13, "vgg16": 16, "vgg19": 19,
    "resnet18": 18, "resnet34": 34, "resnet50": 50, "resnet101": 101, "resnet152": 152,
    # MathWorks, "Pretrained Deep Neural Networks", column Depth: the largest number of sequential
    # convolutional or fully connected layers on a path from the input to the output.
    "inception_v3": 48, "xception": 71,
    "torchvision:alexnet": 8, "torchvision:squeezenet1_0": 18, "torchvision:mobilenet_v2": 53,
    "timm:darknet53": 53,
    # The papers' own numbers: Szegedy et al. 2015, Huang et al. 2017, Xie et al. 2017, and
    # Hu et al. 2018, whose gates do not count.
    "torchvision:googlenet": 22, "torchvision:densenet121": 121, "torchvision:densenet201": 201,
    "torchvision:resnext50_32x4d": 50, "timm:seresnet50": 50,
}


@pytest.mark.parametrize(("network", "depth"), TEXTBOOK.items())
def test_a_network_is_as_deep_as_textbooks_say(network: str, depth: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)      # of torchvision's initialisation
        assert weighted_depth(explorer.open(network).structure) == depth


@pytest.mark.parametrize("blocks", [(1, 1, 1, 1), (2, 3, 1, 4)])
@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_the_depth_of_a_resnet_follows_its_blocks(blocks: tuple[int, ...], shortcut: str) -> None:
    network = explorer.open(explorer.configure("resnet50", blocks=blocks, shortcut=shortcut))
    assert weighted_depth(network.structure) == 3 * sum(blocks) + 2


class Net(nn.Module):
    """Two convolutions beside three, and a normalisation and a product without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.short = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1))
        self.long = nn.Sequential(*[nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1),
                                    nn.ReLU(), nn.Conv2d(3, 4, 1)])

    def forward(self, x: Tensor) -> Tensor:
        y = self.short(x) + self.long(x)
        return y.flatten(2) @ y.flatten(2).transpose(1, 2)


def test_the_longest_way_counts_and_only_layers_with_weights() -> None:
    assert weighted_depth(Structure(analyse(trace(Net(), (1, 3, 8, 8))))) == 3
