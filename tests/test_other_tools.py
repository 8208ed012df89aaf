"""The recomputed figures against the tools themselves.

torchinfo, torchsummary and thop run on meta, at each preset's own size. fvcore follows TorchScript,
which does not get through a BatchNorm on meta, and ptflops counts what a linear layer does on meta
as well as the layer: these two have small images on the CPU, and weights that nobody filled.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from unittest import mock

import fvcore.nn
import ptflops
import pytest
import thop
import torch
import torchinfo
import torchsummary
from torch import Tensor, nn

import explorer
from explorer import conventions
from explorer.analysis import analyse
from explorer.conventions import MB, MIB, Figure, ToolReport, other_tools
from explorer.conventions.reports import Seen
from explorer.tracing import trace
from explorer.views import other_tools as views
from tests.kinds import KINDS
from tests.strangers_of_tools import STRANGERS

KNOBS = [
    "vgg11&batch_norm=on&conv_bias=off", "vgg11&local_response_norm=on",
    "vgg11&input_size=96", "vgg11&input_size=250",
    "resnet18&shortcut=A", "resnet18&shortcut=none&width=0.5",
    "resnet50&groups=32&width_per_group=4", "resnet50&activation_order=full_preactivation",
    "resnet18&activation_order=relu_preactivation",
    "resnet18&activation_order=bn_after_addition&shortcut=C", "resnet50&batch_size=2",
    "resnet50&output_stride=8",
    "xception&separable=off&blocks=2", "xception&depthwise_activation=elu&blocks=1",
    "xception&residual=off&blocks=1",
    "inception_v3&aux_head=off", "inception_v3&grid_reduction=pool_first",
    "inception_v3&batch_size=2", "inception_v3&factorise_5x5=off&factorise_nxn=off",
    "mobilenetv3_large&activation=swish", "mobilenetv3_large&squeeze_excite=off",
    "mobilenetv3_small&last_stage=original", "mobilenetv3_small&batch_size=3&width=0.5",
]
KEYS = [*KINDS, *KNOBS]
SMALL = 96      # Inception v3 needs 75 pixels, more than any other network


class Shared(nn.Module):
    """Two containers that share a convolution and its BatchNorm, an activation that runs twice in
    one of them, and a function."""

    def __init__(self) -> None:
        super().__init__()
        first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        act = nn.ReLU()
        self.row = nn.Sequential(first, nn.Conv2d(8, 4, (1, 3), padding=(0, 1)), act,
                                 nn.Conv2d(4, 4, 1), act)
        self.column = nn.Sequential(first, nn.Conv2d(8, 4, (3, 1), padding=(1, 0)), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.unused = nn.Linear(8, 5)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.row(x), self.column(x)], 1)
        return self.fc(self.pool(nn.functional.relu(x)).flatten(1))


class SharedLeaves(nn.Module):
    """The modules of one container stand in another one themselves."""

    def __init__(self) -> None:
        super().__init__()
        one, two = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)
        self.row = nn.Sequential(one, two, nn.Conv2d(8, 4, (1, 3)))
        self.column = nn.Sequential(one, two, nn.Conv2d(8, 4, (3, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.row(x).mean((2, 3)) + self.column(x).mean((2, 3))


class Frozen(nn.Module):
    """A BatchNorm and a bias that training does not change, and a softmax over rows of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
                                      nn.Softmax(dim=2))
        self.fc = nn.Linear(8, 10)
        for parameter in (*self.features[1].parameters(), self.features[0].bias):
            parameter.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


OWN = {"shared": Shared, "shared leaves": SharedLeaves, "frozen": Frozen}


def on_meta(key: str, **knobs: int) -> tuple[nn.Module, tuple[int, ...]]:
    if key in OWN:
        return OWN[key]().to("meta").eval(), (2, 3, 20, 20)
    config = explorer.from_key(key).replace(**knobs)
    return explorer.build(config), config.input_shape


def on_cpu(key: str) -> tuple[nn.Module, tuple[int, ...]]:
    network, shape = on_meta(key) if key in OWN else on_meta(key, input_size=SMALL)
    if any(buffer.dim() for buffer in network.buffers() if not buffer.is_floating_point()):
        return explorer.build(explorer.from_key(key), "cpu"), shape     # places need their values
    return network.to_empty(device="cpu"), shape


def report(tool: str, network: nn.Module, shape: tuple[int, ...]) -> ToolReport:
    summary = analyse(trace(network, shape))
    return next(report for report in other_tools(summary) if report.tool == tool)


def figure(report: ToolReport, name: str) -> Figure:
    return next(figure for figure in report.figures if figure.name == name)


def values(report: ToolReport) -> list[int | None]:
    return [figure.value for figure in report.figures]


def is_not_told(report: ToolReport) -> bool:
    """Whether a figure of it is not computed, for a reason that it says."""
    unknown = [figure for figure in report.figures if figure.value is None]
    assert all(term.why for figure in unknown for term in figure.terms)
    assert all(len(figure.terms) == 1 for figure in unknown)
    return bool(unknown)


@pytest.mark.parametrize("key", [*KEYS, *OWN])
def test_torchinfo(key: str) -> None:
    network, shape = on_meta(key)
    theirs = torchinfo.summary(network, input_size=shape, device="meta", verbose=0)
    ours = report("torchinfo", network, shape)
    passed = theirs.total_output_bytes
    assert values(ours)[:3] == [theirs.total_params, theirs.total_mult_adds, passed]
    # To the digits that it prints: its input has the bytes of a Python object, too.
    total = figure(ours, "Estimated total size").value
    assert total is not None
    assert f"Estimated Total Size (MB): {total / MB:.2f}" in str(theirs)
    below = conventions.torchinfo.footer(Seen(analyse(trace(network, shape))))
    for name, text in below.lines().items():
        assert f"{name}: {text}\n" in str(theirs)



def printed_by_torchsummary(network: nn.Module, shapes: list[tuple[int, ...]]) -> dict[str, str]:
    class OnMeta:
        """What `torch.rand` returns it sends to the CPU, where nothing else of ours is."""

        def __init__(self, *shape: int) -> None:
            self.shape = shape

        def type(self, _: object) -> Tensor:
            return torch.empty(self.shape, device="meta")

    with mock.patch.object(torch, "rand", OnMeta), \
            contextlib.redirect_stdout(io.StringIO()) as printed:
        torchsummary.summary(network, [shape[1:] for shape in shapes], batch_size=shapes[0][0],
                             device="cpu")
    return dict(re.findall(r"^(.+): ([\d.,]+)$", printed.getvalue(), re.M))


@pytest.mark.parametrize("key", [*KEYS, *OWN])
def test_torchsummary(key: str) -> None:
    network, shape = on_meta(key)
    ours = report("torchsummary", network, shape)
    if is_not_told(ours):
        with pytest.raises(AttributeError):
            printed_by_torchsummary(network, [shape])
        return
    lines = printed_by_torchsummary(network, [shape])
    assert f"{figure(ours, 'Total params').value:,}" == lines["Total params"]
    for name, printed_as in (("Forward/backward pass size", "Forward/backward pass size (MB)"),
                             ("Estimated total size", "Estimated Total Size (MB)")):
        value = figure(ours, name).value
        assert value is not None
        assert f"{value / MIB:.2f}" == lines[printed_as]
    seen = Seen(analyse(trace(network, shape)))
    below = conventions.torchsummary.footer(seen, conventions.torchsummary.added(seen))
    assert below.lines() == lines


@pytest.mark.parametrize("key", [*KEYS, *OWN])
def test_thop(key: str) -> None:
    network, shape = on_meta(key)
    ours = report("thop", network, shape)
    macs, params = thop.profile(network, (torch.empty(shape, device="meta"),), verbose=False)
    assert values(ours) == [params, macs]


@pytest.mark.parametrize("key", [*KEYS, *OWN])
def test_ptflops(key: str, torch_as_it_was: None) -> None:
    network, shape = on_cpu(key)
    ours = report("ptflops", network, shape)
    with torch.no_grad():
        macs, params = ptflops.get_model_complexity_info(
            network, shape[1:], as_strings=False, print_per_layer_stat=False)
    if is_not_told(ours):       # a parameter times a map: the tool sees one of two spellings
        assert key in ("convnext_tiny", "lraspp_mobilenetv3_large")
        return
    assert values(ours) == [params, macs]


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """ptflops puts functions of its own into torch, and does not take all of them out again."""
    functional = dict(vars(nn.functional))
    yield
    vars(nn.functional).update(functional)


def flops_of_fvcore(network: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = fvcore.nn.FlopCountAnalysis(network, inputs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(analysis.total())


@pytest.mark.parametrize("key", [
    "vgg11", "vgg11&batch_norm=on", "vgg11&local_response_norm=on", "resnet18&shortcut=A",
    "resnet50&batch_size=2", "resnet50&groups=32&width_per_group=4", "xception&blocks=1",
    "xception&separable=off&blocks=1", "inception_v3", "mobilenetv3_large",
    "mobilenetv3_large&activation=swish", "mobilenetv3_small&squeeze_excite=off", *OWN])
def test_fvcore(key: str) -> None:
    network, shape = on_cpu(key)
    ours = report("fvcore", network, shape)
    assert values(ours) == [fvcore.nn.parameter_count(network)[""],
                            flops_of_fvcore(network, (torch.zeros(shape),))]


TOOLS = ("torchinfo", "torchsummary", "thop", "fvcore", "ptflops")
NOT_COMPUTED: dict[str, set[str]] = {
    "attention": {"torchsummary"}, "encoder": {"torchsummary"}, "sequences": {"torchsummary"},
    "ids": {"torchsummary", "ptflops"}, "two inputs": {"torchsummary", "ptflops"},
    "ids and mask": {"torchsummary", "thop", "fvcore", "ptflops"}, "results": {"torchsummary"},
    "functions": {"torchsummary"},
    "windows": {"torchsummary"},
    "one module": {"torchinfo", "torchsummary", "thop", "ptflops"}}
"""The tools of whose figures one at least is not computed, for each of the strangers."""


def said_by(tool: str, stranger: str) -> list[int | str]:
    """What the tool itself says, as far as it prints it; or whatever it raises."""
    make, inputs = STRANGERS[stranger]
    device = "cpu" if tool in ("fvcore", "ptflops") else "meta"
    with torch.device(device):
        network = make().eval()
        given = [torch.zeros(one.shape, dtype=one.dtype) for one in inputs if not one.name]
        named = {one.name: torch.zeros(one.shape, dtype=one.dtype) for one in inputs if one.name}
    if tool == "torchinfo":
        theirs = torchinfo.summary(network, input_data=given, device="meta", verbose=0, **named)
        return [theirs.total_params, theirs.total_mult_adds, theirs.total_output_bytes]
    if named or (tool == "ptflops" and len(given) > 1):
        raise TypeError(f"{tool} has no place for these inputs")
    if tool == "torchsummary":
        lines = printed_by_torchsummary(network, [one.shape for one in inputs])
        return [int(lines["Total params"].replace(",", "")),
                lines["Forward/backward pass size (MB)"], lines["Estimated Total Size (MB)"]]
    if tool == "thop":
        macs, params = thop.profile(network, tuple(given), verbose=False)
        return [int(params), int(macs)]
    if tool == "fvcore":
        return [fvcore.nn.parameter_count(network)[""], flops_of_fvcore(network, tuple(given))]
    macs, params = ptflops.get_model_complexity_info(
        network, inputs[0].shape[1:], as_strings=False, print_per_layer_stat=False)
    if macs is None:
        raise RuntimeError("ptflops failed")
    return [params, macs]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger(stranger: str, tool: str, torch_as_it_was: None) -> None:
    make, inputs = STRANGERS[stranger]
    with torch.device("meta"):
        network = make().eval()
    ours = next(report for report in other_tools(analyse(trace(network, inputs)))
                if report.tool == tool)
    for figure in ours.figures:
        if figure.value is None:
            assert [term.why.startswith("Not computed for this network. ")
                    for term in figure.terms] == [True]
        else:
            assert figure.difference == sum(term.amount for term in figure.terms)
    assert (None in values(ours)) == (tool in NOT_COMPUTED.get(stranger, ()))
    try:
        theirs = said_by(tool, stranger)
    except Exception:
        assert {figure.value for figure in ours.figures
                if figure.name != "parameter_count"} == {None}
        return
    for figure, said in zip(ours.figures, theirs, strict=False):
        if figure.value is not None:
            assert said == (figure.value if isinstance(said, int) else
                            f"{figure.value / MIB:.2f}"), figure.name


def test_each_version_is_the_one_that_is_tested() -> None:
    from importlib.metadata import version
    for report in other_tools(explorer.summarise(explorer.configure("vgg11"))):
        assert version(report.tool).startswith(report.version)


@pytest.mark.parametrize("key", [*KEYS, *OWN])
def test_the_terms_add_up_to_the_difference(key: str) -> None:
    network, shape = on_meta(key)
    for report in other_tools(analyse(trace(network, shape))):
        for figure in report.figures:
            if figure.value is None:
                assert figure.difference is None and is_not_told(report)
                continue
            assert figure.difference == sum(term.amount for term in figure.terms), figure
            for term in figure.terms:
                assert term.why[0].isupper() and term.why.endswith(".")
                if figure.quantity == "operations":
                    assert term.amount != 0


def test_the_sentences_hold_the_arithmetic() -> None:
    thop_macs = figure(report("thop", *on_meta("mobilenetv3_large")), "MACs")
    norm = next(term for term in thop_macs.terms if "BatchNorm" in term.why)
    product = re.search(r"4 × ([\d,]+) = ([\d,]+)", norm.why)
    assert product
    outputs, total = (int(text.replace(",", "")) for text in product.groups())
    assert 4 * outputs == total == norm.amount
    summary = explorer.summarise(explorer.configure("mobilenetv3_large"))
    assert outputs == sum(layer.output_shape[1] * layer.output_shape[2] * layer.output_shape[3]
                          for layer in summary.layers if layer.type == "BatchNorm2d")


def test_the_table_has_a_row_for_each_figure_and_the_sum_leads_to_it() -> None:
    network, shape = on_meta("resnet50&batch_size=2")
    reports = other_tools(analyse(trace(network, shape)))
    frame = views.frame(reports)
    assert len(frame) == sum(len(report.figures) for report in reports)
    assert list(frame["Tool"].unique()) == ["torchinfo", "torchsummary", "thop", "fvcore",
                                            "ptflops"]
    name, why = views.sentences(reports[4])[0]
    assert name == "MACs"
    assert "8,178,368,512 / 2 = 4,089,184,256" in why
    total = why.rpartition("= ")[2].rstrip(".")
    assert total == frame["Its figure"].iloc[-1]
    terms = re.search(r"So ([\d,]+)(.*) = ", why)
    assert terms
    added = [int(re.sub("[ ,]", "", text).replace("−", "-"))
             for text in re.findall(r"[+−] [\d,]+", terms[2])]
    assert f"{int(terms[1].replace(',', '')) + sum(added):,}" == total


def test_what_we_cannot_count_is_not_said_of_others() -> None:
    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.logcumsumexp(x, 1)

    network = nn.Sequential(nn.Conv2d(3, 4, 1), Unknown())
    for report in other_tools(analyse(trace(network, (1, 3, 8, 8)))):
        for figure in report.figures:
            assert (figure.value is None) == (figure.quantity == "operations")
            assert (figure.difference is None) == (figure.quantity == "operations")


def test_a_pass_in_training_is_refused() -> None:
    network, shape = on_meta("inception_v3")
    with pytest.raises(ValueError, match="evaluation"):
        other_tools(analyse(trace(network, shape, training=True)))


def test_our_layers_are_what_the_tools_know() -> None:
    """thop and ptflops look at the exact type of a layer, and report nothing for a subclass."""
    types = {type(module) for module in on_meta("mobilenetv3_large")[0].modules()}
    assert {nn.Conv2d, nn.BatchNorm2d, nn.Linear} <= types


