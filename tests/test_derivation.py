"""Derivations against the figures they explain, and their formulas as a reader evaluates them."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor, nn

import explorer
from explorer.analysis import ReceptiveField, Summary, analyse
from explorer.config import ConfigError
from explorer.explain.derivation import (
    DISAGREES,
    NO_FORMULA,
    Derivation,
    Step,
    derive,
    parse_index,
    to_text,
)
from explorer.formula import LATEX, PLAIN, Expression, Number, Symbol, ceil, floor
from explorer.language import say, spoken
from explorer.tracing import TraceError, trace
from explorer.tracing.operators import Effect
from explorer.tracing.operators.explanation import SIDES, counted, same_shape
from explorer.tracing.operators.operator import forget, operator
from tests.kinds import KINDS
from tests.operator_rows import ROWS, X
from tests.operator_rows import Function as OperatorFunction
from tests.strategies import configs
from tests.untold import marked, names, untold

CALLS: dict[str, Callable[..., Any]] = {"floor": math.floor, "ceil": math.ceil, "max": max,
                                        "min": min}


def evaluate(text: str) -> Fraction:
    """The value of the plain arithmetic that a derivation prints; nothing else is understood."""
    return _value(ast.parse(text.replace("·", "*"), mode="eval").body)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(int(number)):
            return Fraction(number)
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.BinOp(left, ast.Add(), right):
            return _value(left) + _value(right)
        case ast.BinOp(left, ast.Sub(), right):
            return _value(left) - _value(right)
        case ast.BinOp(left, ast.Mult(), right):
            return _value(left) * _value(right)
        case ast.BinOp(left, ast.Div(), right):
            return _value(left) / _value(right)
        case ast.Call(ast.Name(name), arguments, []):
            return Fraction(CALLS[name](*map(_value, arguments)))
    raise ValueError(ast.dump(node))


def check(summary: Summary) -> None:
    """Every step of every layer: its result is the counted one, and its lines give it."""
    for layer in summary.layers:
        derivation = derive(summary, layer.index)
        assert [step.result for step in derivation.steps] == [
            layer.output_shape, layer.params, layer.macs, layer.elementwise_ops,
            layer.activation_bytes, layer.receptive_field]
        for step in derivation.steps:
            assert NO_FORMULA not in step.notes, (layer, step.name)
            for equation in step.equations:
                assert evaluate(equation.numbers) == equation.value, equation.numbers
            agree(step)
            # A figure has a formula, or is one of those that a sentence explains.
            assert step.equations or step.notes
            assert step.equations or not isinstance(step.result, int) or step.result == 0
        assert all(meaning for _, _, meaning in derivation.legend)
        assert to_text("ResNet-18", derivation)


def agree(step: Step) -> None:
    """The last line of a count is the count; the lines of a field are its parts."""
    if isinstance(step.result, ReceptiveField):
        parts = {"r_out": step.result.size, "j_out": step.result.stride,
                 "a_out": step.result.start}
        for equation in step.equations:
            if equation.names[0] in parts:
                sizes = parts[equation.names[0]]
                by_side = dict(zip(SIDES[-len(sizes):], sizes, strict=True))
                assert equation.value == by_side.get(equation.axis, sizes[0])
                assert equation.axis or len(set(sizes)) == 1
    elif isinstance(step.result, int):
        assert not step.equations or step.equations[-1].value == step.result
    elif step.result is not None:
        for equation in step.equations:
            for name in equation.names:
                if len(step.result) == 4 and name[0] in "NCHW":
                    assert step.result["NCHW".index(name[0])] == equation.value


@pytest.mark.parametrize("network", KINDS)
def test_every_layer_of_every_kind(network: str) -> None:
    check(explorer.summarise(explorer.configure(network)))


def test_weights_that_are_computed_are_no_parameters() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, (x[:1, :1, :1, :1] * self.weight), self.bias)

    summary = analyse(trace(nn.Sequential(Standardised(1, 4, 3)), (2, 1, 8, 8)))
    check(summary)
    conv = derive(summary, len(summary.layers) - 1)
    [step] = [step for step in conv.steps if step.name == "Parameters"]
    assert (step.result, step.notes[1]) == (
        4, "The other weights that it reads are computed or constant.")


@pytest.mark.parametrize(("shape", "names"), [
    ((2, 4), "N·F_out·F_in"), ((2, 5, 4), "N·L·F_out·F_in"), ((2, 5, 6, 4), "N·H·W·F_out·F_in"),
    ((2, 3, 5, 6, 4), "N·D·H·W·F_out·F_in"), ((1, 2, 3, 5, 6, 4), "D_1·D_2·D_3·D_4·D_5·F_out·F_in"),
    ((4,), "F_out·F_in")])
def test_the_sides_of_tokens_have_names(shape: tuple[int, ...], names: str) -> None:
    summary = analyse(trace(nn.Linear(4, 8), shape))
    check(summary)
    [step] = [step for step in derive(summary, 0).steps if step.name == "Multiply-adds"]
    assert step.equations[0].symbols == f"macs = {names}"


@pytest.mark.parametrize(("shape", "layer", "names"), [
    ((2, 4, 9), nn.Conv1d(4, 2, 3), "N·C_out·L_out·C_in·k"),
    ((4, 9), nn.Conv1d(4, 2, 3), "C_out·L_out·C_in·k"),
    ((4, 9, 9), nn.Conv2d(4, 2, 3), "C_out·H_out·W_out·C_in·k·k"),
    ((2, 4, 9, 9, 9), nn.Conv3d(4, 2, (1, 3, 3)), "N·C_out·D_out·H_out·W_out·C_in·k_d·k_h·k_w"),
    ((2, 4, 9), nn.ConvTranspose1d(4, 2, 3), "N·C_in·L_in·C_out·f")])
def test_the_sides_of_feature_maps_have_names(shape: tuple[int, ...], layer: nn.Module,
                                              names: str) -> None:
    summary = analyse(trace(layer, shape))
    check(summary)
    [step] = [step for step in derive(summary, 0).steps if step.name == "Multiply-adds"]
    assert step.equations[0].symbols == f"macs = {names}"


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4), (2, 3, 5, 4), (1, 2, 3, 5, 4)])
def test_attention_of_any_rank_is_explained(shape: tuple[int, ...]) -> None:
    class Attends(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    check(analyse(trace(Attends(), shape)))


@given(configs())
def test_every_layer_of_random_configs(config: explorer.Config) -> None:
    try:
        summary = explorer.summarise(config)
    except TraceError:
        return
    check(summary)


class Function(nn.Module):
    """A network that is one function; it may hold weights."""

    def __init__(self, function: Callable[..., Any], **weights: nn.Parameter) -> None:
        super().__init__()
        self.function = function
        for name, weight in weights.items():
            self.register_parameter(name, weight)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def of(function: Callable[..., Any], shape: tuple[int, ...] = (2, 6, 8, 10), index: int = 0,
       **weights: nn.Parameter) -> Derivation:
    return derive(analyse(trace(Function(function, **weights), shape)), index)


def test_what_moves_channels_says_where_they_go() -> None:
    summary = explorer.summarise("shufflenetv2_x1_0")
    words = {layer.call.operator: step(derive(summary, layer.index), "Output shape").notes
             for layer in reversed(summary.layers)}
    assert words["channel_shuffle"] == (
        "The shape of the input. Its channels are 2 groups of 58; now they stand in turn: the "
        "first of each group, then the second of each, and so on.",)
    assert words["chunk"] == (
        "The input is cut into parts along one side; this is the shape of the first.",)


def step(derivation: Derivation, name: str) -> Step:
    return next(step for step in derivation.steps if step.name == name)


def numbers(derivation: Derivation, name: str) -> list[str]:
    return [equation.numbers for equation in step(derivation, name).equations]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "by axis": nn.Conv2d(6, 4, (3, 5), (2, 1), (1, 0), (2, 1)),
    "grouped": nn.Conv2d(6, 9, 1, groups=3, bias=False),
    "same": nn.Conv2d(6, 6, (3, 5), padding="same"),
    "no parameters": lambda x: F.conv2d(x, torch.empty(4, 6, 3, 3, device="meta")),
    "linear on images": nn.Linear(10, 7),
    "ceil": nn.MaxPool2d(3, 2, ceil_mode=True),
    "dilated pool": nn.MaxPool2d(2, 1, dilation=3),
    "uneven adaptive": nn.AdaptiveAvgPool2d((3, 7)),
    "adaptive beyond the input": nn.AdaptiveAvgPool2d(16),
    "adaptive maximum": nn.AdaptiveMaxPool2d(2),
    "mean": lambda x: x.mean((2, 3)),
    "mean kept": lambda x: x.mean((2, 3), keepdim=True),
    "mean of channels": lambda x: x.mean(1),
    "matmul": lambda x: x @ torch.empty(10, 3, device="meta"),
    "two matrices": lambda x: x @ x.transpose(2, 3),
    "number": lambda x: x * 2,
    "in place": lambda x: F.relu(x + 1, inplace=True),
    "input in place": lambda x: x.add_(1),
    "broadcast": lambda x: x + x[:, :1, :1, :],
    "cat by height": lambda x: torch.cat([x, x[:, :, ::2]], 2),
    "cat of one": lambda x: torch.cat([x]),
    "crop": lambda x: x[:, :, 1:, 3:],
    "crop at the end": lambda x: x[:, :, :-3, 2:-1:2],
    "pick": lambda x: x[0],
    "pad": lambda x: F.pad(x, (1, 2, 3, 4, 5, 0)),
    "view": lambda x: x.view(2, 3, 2, 80).transpose(1, 2).flatten(1),
    "chunk": lambda x: torch.add(*x.chunk(2, 1)),
    "norms": nn.Sequential(nn.BatchNorm2d(6), nn.LocalResponseNorm(5)),
    "pointwise": lambda x: F.softmax(F.gelu(F.elu(F.silu(torch.tanh(x).abs()))), 1),
    "dropout": nn.Dropout(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("training", [False, True])
def test_figures_of_every_kind_of_call(name: str, training: bool) -> None:
    function = FUNCTIONS[name]
    module = nn.Sequential(function) if isinstance(function, nn.Module) else \
        Function(lambda _, x: function(x))
    summary = analyse(trace(module, (2, 6, 8, 10), training=training), element_bytes=2)
    for layer in summary.layers:
        for part, figure in zip(derive(summary, layer.index).steps, [
                layer.output_shape, layer.params, layer.macs, layer.elementwise_ops,
                layer.activation_bytes, layer.receptive_field], strict=True):
            assert part.result == figure
            assert all(evaluate(equation.numbers) == equation.value for equation in part.equations)
            # Where a crop ends is in no shape.
            assert NO_FORMULA not in part.notes or layer.type == "getitem", (layer.type, part)


@pytest.mark.parametrize("operator", ROWS)
def test_all_that_is_said_of_an_operator_is_in_the_catalogues(operator: str) -> None:
    known = names() | {"floor", "ceil", "max", "min"}
    with marked(), spoken("zh"):
        for row in ROWS[operator]:
            summary = analyse(trace(OperatorFunction(row.function), X))
            for layer in summary.layers:
                derivation = derive(summary, layer.index)
                said = [say(layer.kind), *[given.name for given in derivation.inputs],
                        *[meaning for _, _, meaning in derivation.legend]]
                for part in derivation.steps:
                    said += [say(part.name), part.shown, *part.notes]
                    said += [row for equation in part.equations for row in equation.to_text()]
                assert [text for text in said if untold(text, known)] == []


def test_by_hand_one_line_where_both_sides_agree_and_two_where_not() -> None:
    square = of(lambda _, x: F.conv2d(x, torch.empty(4, 6, 3, 3, device="meta"), stride=2),
                (1, 6, 9, 9))
    assert numbers(square, "Output shape") == ["floor((9 + 2·0 - 1·(3 - 1) - 1) / 2) + 1"]
    assert step(square, "Output shape").equations[0].symbols == \
        "H_out = W_out = floor((H_in + 2·p - d·(k - 1) - 1) / s) + 1"
    wide = of(lambda _, x: F.conv2d(x, torch.empty(4, 6, 1, 7, device="meta"), padding=(0, 3)),
              (1, 6, 9, 9))
    assert numbers(wide, "Output shape") == ["floor((9 + 2·0 - 1·(1 - 1) - 1) / 1) + 1",
                                             "floor((9 + 2·3 - 1·(7 - 1) - 1) / 1) + 1"]
    assert numbers(wide, "Multiply-adds") == ["1·4·9·9·6·1·7"]
    assert numbers(wide, "Receptive field") == ["1 + (1 - 1)·1·1", "1 + (7 - 1)·1·1", "1·1",
                                                "0 - 0·1", "0 - 3·1"]


def test_by_hand_the_stem_of_resnet50() -> None:
    stem = derive(explorer.summarise(explorer.configure("resnet50")), 0)
    assert numbers(stem, "Output shape") == ["floor((224 + 2·3 - 1·(7 - 1) - 1) / 2) + 1"]
    assert numbers(stem, "Parameters") == ["64·3·7·7"]
    assert numbers(stem, "Multiply-adds") == ["1·64·112·112·3·7·7"]
    assert numbers(stem, "Output bytes") == ["1·64·112·112·4"]
    assert numbers(stem, "Receptive field") == ["1 + (7 - 1)·1·1", "1·2", "0 - 3·1"]
    assert step(stem, "Multiply-adds").shown == "118,013,952"


def test_shared_parameters_are_counted_where_they_are_read_first() -> None:
    layer = nn.Conv2d(6, 6, 1)
    derivation = of(lambda _, x: layer(layer(x)), index=1)
    assert step(derivation, "Parameters").result == 0       # not of the network: no parameters

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(6, 6, 1)

        def forward(self, x: Tensor) -> Any:
            return self.layer(self.layer(x))

    summary = analyse(trace(Twice(), (2, 6, 8, 10)))
    assert numbers(derive(summary, 0), "Parameters") == ["6·6·1·1 + 6"]
    again = step(derive(summary, 1), "Parameters")
    assert again.result == 0 and "Counted at layer #0" in again.notes[0]


def test_a_weight_that_two_layers_share_beside_their_own_biases() -> None:
    def network(self: Any, x: Tensor) -> Any:
        return F.linear(F.linear(x, self.weight, self.first), self.weight, self.second)

    weights = {"weight": (10, 10), "first": (10,), "second": (10,)}
    derivation = of(network, index=1, **{name: nn.Parameter(torch.empty(shape, device="meta"))
                                         for name, shape in weights.items()})
    assert numbers(derivation, "Parameters") == ["10"]
    assert "Counted at layer #0" in step(derivation, "Parameters").notes[0]


def test_memory_that_is_the_input_s() -> None:
    derivation = of(lambda _, x: F.relu(x + 1, inplace=True).flatten(1), index=2)
    part = step(derivation, "Output bytes")
    assert part.result == 0
    assert "shares its input's memory, the output of layer #0 (add)" in part.notes[0]
    assert "the network's input" in step(of(lambda _, x: x.flatten(1)), "Output bytes").notes[0]


def test_tokens_are_not_said_to_see_the_whole_map() -> None:
    summary = explorer.summarise("vit_b_16")
    said = {layer.type: step(derive(summary, layer.index), "Receptive field").notes
            for layer in reversed(summary.layers[1:19])}
    assert said["flatten"] == (
        "It takes the map apart: what each number sees is not followed from here on.",)
    assert said["LayerNorm"] == said["matmul"] == (
        "No map is left here: what each number sees is not followed.",)


def test_a_merge_says_which_input_sees_most() -> None:
    def network(_: Any, x: Tensor) -> Any:
        return x + F.max_pool2d(x, 3, 1, 1)

    part = step(of(network, index=1), "Receptive field")
    assert [equation.numbers for equation in part.equations] == [
        "min(0, -1)", "max(0 + 1, -1 + 3)", "2 - (-1)", "min(1, 1)"]
    assert any("Input 2, layer #0 (max_pool2d), sees all of it." in note for note in part.notes)


def test_a_merge_of_which_no_input_sees_all() -> None:
    def network(_: Any, x: Tensor) -> Any:
        return x[:, :, :4, :4] + x[:, :, 4:, 4:8]

    notes = step(of(network, index=2), "Receptive field").notes
    assert "No single input sees all of it." in notes


def test_an_operation_without_a_rule_is_not_counted() -> None:
    derivation = of(lambda _, x: torch.erfinv(x))
    for name in ("Multiply-adds", "Element-wise operations"):
        part = step(derivation, name)
        assert part.result is None and part.shown == "not counted" and not part.equations


def test_an_operation_that_pytorch_counts() -> None:
    part = step(of(lambda _, x: torch.linalg.multi_dot([x[0, 0], x[0, 1].T]), index=3),
                "Multiply-adds")
    assert part.result and "PyTorch's own counter" in part.notes[0]


def test_a_formula_that_contradicts_its_rule_is_told_with_both_figures() -> None:
    def rule(input: Tensor, dim: int) -> Effect:
        return Effect(tuple(input.shape), elementwise_ops=7)

    entry = operator("logcumsumexp", rule=rule, kind="activation", keeps=(), shape=same_shape,
                     work=lambda case: counted("operations", Number(5), "Five."))
    try:
        part = step(of(lambda _, x: torch.logcumsumexp(x, 1)), "Element-wise operations")
        assert part.result == 7 and not part.equations
        assert part.notes == (f"{DISAGREES}: the table counts 7, its formula gives 5.",)
    finally:
        forget(entry)


HOSTILE = r"a$\href{javascript:alert(1)}{x}$`<b>"


def test_names_never_reach_latex() -> None:
    network = nn.Sequential()
    network.add_module(HOSTILE, nn.Conv2d(3, 4, 3))
    derivation = derive(analyse(trace(network, (1, 3, 8, 8))), 0)
    assert derivation.layer.path == HOSTILE
    assert all("href" not in equation.latex for part in derivation.steps
               for equation in part.equations)


@pytest.mark.parametrize("index", ["-1", "69", "x", "", "1.0", "1e3", "٣", "9" * 99, "1000000000"])
def test_an_index_that_is_none_says_which_there_are(index: str) -> None:
    summary = explorer.summarise(explorer.configure("resnet18"))
    with pytest.raises(ConfigError, match="between 0 and 68"):
        parse_index(index, summary)
    assert parse_index("68", summary) == 68


@pytest.mark.parametrize("index", [-1, 69])
def test_no_derivation_of_a_layer_that_is_not_there(index: int) -> None:
    with pytest.raises(ConfigError, match="between 0 and 68"):
        derive(explorer.summarise(explorer.configure("resnet18")), index)


def test_formulas_as_text_and_as_latex() -> None:
    a, b = Symbol("a", -3), Symbol("b_in", 2)
    cases: list[tuple[Expression, str, str, int]] = [
        (a - (b - 1), "a - (b_in - 1)", "-3 - (2 - 1)", -4),
        (b - a, "b_in - a", "2 - (-3)", 5),
        (b * a, "b_in·a", "2·(-3)", -6),
        (b * (Number(6) / b) + a, "b_in·(6 / b_in) + a", "2·(6 / 2) + (-3)", 3),
        (floor((a + 8) / b), "floor((a + 8) / b_in)", "floor((-3 + 8) / 2)", 2),
        (ceil((a + 8) / b), "ceil((a + 8) / b_in)", "ceil((-3 + 8) / 2)", 3),
    ]
    for formula, symbols, numbers, value in cases:
        assert formula.write(PLAIN) == symbols
        assert formula.write(PLAIN, numbers=True) == numbers
        assert formula.value == value == evaluate(numbers)
    assert cases[4][0].write(LATEX) == \
        r"\left\lfloor \frac{a + 8}{b_{\text{in}}} \right\rfloor"
    assert (a / b).value == Fraction(-3, 2)
    assert ((Symbol("j", Fraction(1, 2)) * b).value, (a * Symbol("j", Fraction(1, 2))).write(
        PLAIN, numbers=True)) == (1, "(-3)·(1/2)")
