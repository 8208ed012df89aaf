"""The trace agrees with a real forward pass, call by call, and leaves no traces behind."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from benchmarks.every_model import flop_counter
from explorer.config import Config
from explorer.networks.build import build
from explorer.networks.catalogue import configure, presets
from explorer.tracing import NETWORK_INPUT, Trace, TraceError, trace
from strategies import configs
from tests.kinds import KINDS

IMAGE = (2, 4, 8, 8)


class Forward(nn.Module):
    """A network whose forward pass is `function`, with the parts that it needs."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        return self.function(x, *self.children())


class Shapes(TorchFunctionMode):
    """Notes the shape of every tensor that PyTorch's functions and methods return; of several, as a
    split makes them, that of the first. Not of a view of a parameter, which a trace takes for that
    parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple) and result else result
        if isinstance(first, Tensor) and func.__name__ != "__get__" \
                and not isinstance(first._base, nn.Parameter):
            self.seen.append(tuple(first.shape))
        return result


def meta_input(config: Config) -> Tensor:
    return torch.empty(config.input_shape, device="meta")


def real_leaves(network: nn.Module, image: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Path and output shape of every run of a module without children."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def note(path: str) -> Callable[..., None]:
        return lambda module, given, output: seen.append((path, tuple(output.shape)))

    silent = (nn.Identity, nn.Sequential)       # return what they are given
    hooks = [module.register_forward_hook(note(path)) for path, module in network.named_modules()
             if not list(module.children()) and not isinstance(module, silent)]
    network(image)
    for hook in hooks:
        hook.remove()
    return seen


def macs(traced: Trace) -> int:
    assert all(call.known for call in traced.calls)
    return sum(call.effect.macs or 0 for call in traced.calls)


def operators(traced: Trace) -> list[str]:
    return [call.operator for call in traced.calls]


def assert_agrees_with_pytorch(config: Config) -> tuple[nn.Module, Trace]:
    """Gives what was held against each other."""
    network, image = build(config), meta_input(config)
    traced = trace(network, config.input_shape)
    with torch.no_grad(), flop_counter() as counter, Shapes() as shapes:
        leaves = real_leaves(network, image)
    assert 2 * macs(traced) == counter.get_total_flops()
    assert [call.output_shape for call in traced.calls] == shapes.seen
    single = {path for path, _ in leaves} & {call.path for call in traced.calls}
    assert [(call.path, call.output_shape) for call in traced.calls if call.path in single] \
        == [leaf for leaf in leaves if leaf[0] in single]
    computes = {call.path.rpartition(".")[0] for call in traced.calls}      # with functions
    assert all(path in single | computes or path.endswith("shortcut") for path, _ in leaves)
    return network, traced


@pytest.mark.parametrize("name", KINDS)
def test_presets_agree_with_pytorch(name: str) -> None:
    assert_agrees_with_pytorch(configure(name))


@given(configs())
def test_the_edges_of_any_config_tell_what_is_read(config: Config) -> None:
    traced = trace(build(config), config.input_shape)
    shapes = {NETWORK_INPUT: config.input_shape}
    for number, call in enumerate(traced.calls):
        assert call.index == number
        assert all(producer < number for producer in call.inputs)
        assert [shapes[producer] for producer in call.inputs] == list(call.input_shapes)
        shapes[number] = call.output_shape
    read = {producer for call in traced.calls for producer in call.inputs} | {*traced.outputs}
    unread = {call.index for call in traced.calls} - read
    assert unread == set()
    assert {name for call in traced.calls for name in call.parameters} <= set(traced.parameters)


@pytest.mark.parametrize("name", presets())
def test_calls_and_runs_have_a_place_in_the_network(name: str) -> None:
    config = configure(name)
    network = build(config)
    modules = dict(network.named_modules())
    traced = trace(network, config.input_shape)
    for call in traced.calls:
        assert call.path in modules or call.path.rpartition(".")[0] in modules
    for run in traced.runs:
        assert type(modules[run.path]).__name__ == run.type
        # A module that stands in several places is known by its first path.
        inside = set(modules[run.path].modules())
        for call in traced.calls[run.start:run.stop]:
            assert modules.get(call.path, modules.get(call.path.rpartition(".")[0])) in inside


def test_functional_operations_are_calls() -> None:
    def forward(x: Tensor, conv: nn.Module) -> Tensor:
        y = F.relu(conv(x)) + x
        return torch.cat([y, x], dim=1)

    traced = trace(Forward(forward, conv=nn.Conv2d(4, 4, 1)), IMAGE)
    assert [(call.path, call.operator, call.inputs) for call in traced.calls] == [
        ("conv", "conv2d", (-1,)), ("relu", "relu", (0,)), ("add", "add", (1, -1)),
        ("cat", "cat", (2, -1))]
    assert traced.calls[-1].output_shape == (2, 8, 8, 8)
    assert traced.outputs == (3,)


def test_a_module_called_twice_is_two_calls() -> None:
    network = Forward(lambda x, conv: conv(conv(x)), conv=nn.Conv2d(4, 4, 3, padding=1))
    traced = trace(network, IMAGE)
    assert [(call.index, call.path) for call in traced.calls] == [(0, "conv"), (1, "conv")]
    assert {call.parameters for call in traced.calls} == {("conv.weight", "conv.bias")}
    assert sum(weight.numel for weight in traced.parameters.values()) == 4 * 4 * 9 + 4


def test_a_module_under_two_names_is_one_set_of_parameters() -> None:
    conv = nn.Conv2d(4, 4, 1)
    traced = trace(nn.Sequential(conv, nn.ReLU(), conv), IMAGE)
    assert operators(traced) == ["conv2d", "relu", "conv2d"]
    assert traced.calls[0].parameters == traced.calls[2].parameters
    assert sum(weight.numel for weight in traced.parameters.values()) == 4 * 4 + 4


def test_a_weight_in_two_modules_counts_once() -> None:
    one, other = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
    other.weight = one.weight
    traced = trace(nn.Sequential(one, other), (2, 8))
    assert {name: weight.numel for name, weight in traced.parameters.items()} == {"0.weight": 64}
    assert [call.parameters for call in traced.calls] == [("0.weight",), ("0.weight",)]


def test_a_parameter_in_a_list_is_read() -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(2, 1, 8, 8))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.token, x], dim=1)

    call, = trace(Token(), IMAGE).calls
    assert (call.parameters, call.output_shape) == (("token",), (2, 5, 8, 8))


def test_frozen_parameters_are_marked() -> None:
    network = nn.Linear(8, 2)
    network.weight.requires_grad_(False)
    parameters = trace(network, (1, 8)).parameters
    assert (parameters["weight"].trainable, parameters["bias"].trainable) == (False, True)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_device_of_the_network_does_not_matter(device: str) -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(8 * 6 * 6, 3)).to(device)
    assert [call.output_shape for call in trace(network, IMAGE).calls] == [
        (2, 8, 6, 6), (2, 288), (2, 3)]


ARITHMETIC: dict[str, Callable[[Any], Any]] = {
    "x + 1": lambda x: x + 1, "1 + x": lambda x: 1 + x, "x - 1": lambda x: x - 1,
    "1 - x": lambda x: 1 - x, "x * 2": lambda x: x * 2, "2 * x": lambda x: 2 * x,
    "x / 2": lambda x: x / 2, "2 / x": lambda x: 2 / x, "-x": lambda x: -x,
    "x ** 2": lambda x: x ** 2, "x + x": lambda x: x + x, "x.add(x)": lambda x: x.add(x),
    "torch.add": lambda x: torch.add(x, x), "torch.mul": lambda x: torch.mul(x, 2),
    "torch.sub": lambda x: torch.sub(x, x), "torch.div": lambda x: torch.div(x, 2),
}


@pytest.mark.parametrize("expression", ARITHMETIC)
def test_arithmetic_costs_one_operation_an_element(expression: str) -> None:
    call, = trace(Forward(ARITHMETIC[expression]), IMAGE).calls
    assert call.known
    assert (call.output_shape, call.effect.elementwise_ops, call.effect.macs) \
        == (IMAGE, 2 * 4 * 8 * 8, 0)
    assert call.effect.allocates


def subtract(x: Any) -> Any:
    x -= 1
    return x


def add(x: Any) -> Any:
    x += x
    return x


def multiply(x: Any) -> Any:
    x *= 2
    return x


def divide(x: Any) -> Any:
    x /= 2
    return x


@pytest.mark.parametrize("function", [
    add, subtract, multiply, divide, lambda x: x.add_(1), lambda x: x.mul_(2),
    lambda x: F.relu(x, inplace=True), lambda x: F.relu_(x), torch.relu_,
    lambda x: F.hardtanh(x, inplace=True), nn.ReLU(inplace=True), nn.Hardswish(inplace=True)])
def test_in_place_operations_cost_time_and_no_memory(function: Callable[[Any], Any]) -> None:
    traced = trace(Forward(lambda x, conv: function(conv(x)), conv=nn.Conv2d(4, 4, 1)), IMAGE)
    conv, call = traced.calls
    assert call.known
    assert (call.effect.elementwise_ops or 0) >= 2 * 4 * 8 * 8
    assert not call.effect.allocates
    assert call.storage == conv.storage == 0
    assert traced.outputs == (1,)


def test_what_is_read_after_an_in_place_operation_is_its_output() -> None:
    def forward(x: Tensor, conv: nn.Module) -> Tensor:
        y = conv(x)
        F.relu(y, inplace=True)
        return y + x

    traced = trace(Forward(forward, conv=nn.Conv2d(4, 4, 1)), IMAGE)
    assert [(call.operator, call.inputs) for call in traced.calls] == [
        ("conv2d", (-1,)), ("relu", (0,)), ("add", (1, -1))]


@pytest.mark.parametrize("view", [
    lambda x: x.view(x.size(0), -1), lambda x: x.view(-1, 8), lambda x: x.reshape(2, 4, 64),
    lambda x: torch.flatten(x, 1), lambda x: x.flatten(2), lambda x: x.permute(0, 2, 3, 1),
    lambda x: x.transpose(1, 2), lambda x: x[:, :2], lambda x: x[0], lambda x: x[..., ::2],
    lambda x: x.unsqueeze(0), lambda x: torch.unsqueeze(x, -1), lambda x: x.expand(2, 4, 8, 8),
    lambda x: x.narrow(1, 0, 2), lambda x: x.squeeze(), lambda x: x.detach(),
    lambda x: x.view(2, 2, 2, 8, 8).transpose(1, 2), lambda x: x.chunk(2, 1)[1],
    lambda x: x.split(3, 1)[1], lambda x: x.unbind(0)[0]])
def test_views_have_pytorchs_shape_and_cost_nothing(view: Callable[[Any], Any]) -> None:
    traced = trace(Forward(view), IMAGE)
    assert traced.outputs == (traced.calls[-1].index,)
    for call in traced.calls:
        assert call.known
        assert (call.effect.macs, call.effect.elementwise_ops) == (0, 0)
        assert call.storage == NETWORK_INPUT
    after = trace(Forward(lambda x: view(x) + 0), IMAGE)
    assert after.calls[-1].input_shapes == (tuple(view(torch.empty(IMAGE)).shape),)


def test_branches_and_asserts_on_shape_just_work() -> None:
    def forward(x: Tensor) -> Tensor:
        assert x.shape == IMAGE
        assert (x.dim(), x.ndim, len(x), x.numel(), x.size(1)) == (4, 4, 2, 512, 4)
        return F.relu(x) if x.size(-1) > 4 else x.view(x.size(0), -1)

    assert operators(trace(Forward(forward), IMAGE)) == ["relu"]
    with pytest.raises(TraceError, match=r"AssertionError.*, in line \d+ of test_trace.py"):
        trace(Forward(forward), (1, 4, 8, 8))


def test_an_operator_without_a_rule_is_reported_as_unknown() -> None:
    traced = trace(Forward(lambda x: F.relu(torch.erfinv(x)) @ x), IMAGE)
    unknown, relu, matmul = traced.calls
    assert (unknown.operator, unknown.known, unknown.output_shape) == ("erfinv", False, IMAGE)
    assert (unknown.effect.macs, unknown.effect.elementwise_ops) == (None, None)
    assert relu.known
    assert matmul.known
    assert (relu.inputs, matmul.inputs) == ((0,), (1, -1))


def test_an_operator_without_a_rule_may_give_several_tensors() -> None:
    traced = trace(Forward(lambda x: torch.kthvalue(x, 3, dim=1)[0] * 2), IMAGE)
    unknown, product = traced.calls
    assert not unknown.known
    assert product.output_shape == (2, 8, 8)


DATA_DEPENDENT: dict[str, Callable[[Any], Any]] = {
    "if x.sum() > 0": lambda x: x if x.sum() > 0 else -x,
    "if x.any()": lambda x: x if x.any() else -x,
    "bool(x)": bool, "float": lambda x: x * float(x.mean()), "int": lambda x: x * int(x.mean()),
    "item": lambda x: x * x.mean().item(), "tolist": lambda x: x.tolist(),
    "nonzero": lambda x: x.nonzero(), "mask": lambda x: x[x > 0], "numpy": lambda x: x.numpy(),
}


@pytest.mark.parametrize("case", DATA_DEPENDENT)
def test_control_flow_on_values_is_a_trace_error(case: str) -> None:
    network = Forward(lambda x, conv: DATA_DEPENDENT[case](conv(x)), conv=nn.Conv2d(4, 4, 1))
    with pytest.raises(TraceError) as caught:
        trace(network, IMAGE)
    assert caught.value.trace.calls[0].path == "conv"
    assert_untouched(network)


def test_an_error_says_where_with_which_shape_and_why() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Sequential(nn.Conv2d(9, 8, 3)))
    with pytest.raises(TraceError) as caught:
        trace(network, IMAGE)
    error = caught.value
    assert (error.path, error.type, error.input_shape) == ("1.0", "Conv2d", (2, 8, 6, 6))
    assert [call.path for call in error.trace.calls] == ["0"]
    for part in ("1.0", "Conv2d", "2×8×6×6", "expects 9 channels; got 8"):
        assert part in str(error)


def test_an_error_before_the_first_call_names_the_network_and_its_input() -> None:
    with pytest.raises(TraceError) as caught:
        trace(Forward(lambda x: x * float(x)), IMAGE)
    assert (caught.value.type, caught.value.input_shape) == ("Forward", IMAGE)
    assert "2×4×8×8" in str(caught.value)


@pytest.mark.parametrize("network", [
    Forward(lambda x, fc: fc(x), fc=nn.Linear(9, 2)),
    Forward(lambda x, conv: conv(x), conv=nn.Conv2d(4, 4, 9)),
    Forward(lambda x, pool: pool(x), pool=nn.MaxPool2d(9)),
    Forward(lambda x: torch.cat([x, x[:, :, :4]], dim=1)),
    Forward(lambda x: x + x[:, :3]),
    Forward(lambda x: x @ x[:, :, :4]),
    Forward(lambda x: x.view(7, -1)),
    Forward(lambda x, conv: conv(x.flatten(1)), conv=nn.Conv2d(4, 4, 1)),
    Forward(lambda x: x[:, 9]),
    Forward(lambda x: torch.logcumsumexp(x, 7)), Forward(lambda x: torch.cumsum(x, 7)),
], ids=["linear", "conv2d", "pool", "cat", "add", "matmul", "view", "rank", "index", "no rule",
        "sum"])
def test_shapes_that_do_not_fit_are_errors_as_in_pytorch(network: nn.Module) -> None:
    with pytest.raises((RuntimeError, IndexError)):
        network(torch.zeros(IMAGE))
    with pytest.raises(TraceError):
        trace(network, IMAGE)


def test_errors_travel_between_processes() -> None:
    with pytest.raises(TraceError) as caught:
        trace(nn.Conv2d(3, 3, 3), IMAGE)
    error = caught.value
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.path, copy.input_shape) == (str(error), error.path, IMAGE)


def assert_untouched(network: nn.Module) -> None:
    for module in network.modules():
        assert "forward" not in vars(module)
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size", [4, 1])
def test_the_network_is_left_as_it_was(training: bool, size: int) -> None:
    """At size 1 the second convolution fails."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.Dropout()),
                            nn.Conv2d(4, 4, 3))
    network[1].eval()
    flags = [module.training for module in network.modules()]
    before = {name: (id(value), value.clone()) for name, value in network.state_dict(
        keep_vars=True).items()}
    attributes = [sorted(vars(module)) for module in network.modules()]
    if size == 1:
        with pytest.raises(TraceError):
            trace(network, (1, 3, size, size), training=training)
    else:
        assert trace(network, (1, 3, size, size), training=training).training == training
    assert [module.training for module in network.modules()] == flags
    assert [sorted(vars(module)) for module in network.modules()] == attributes
    after = network.state_dict(keep_vars=True)
    assert {name: id(value) for name, value in after.items()} \
        == {name: identity for name, (identity, _) in before.items()}
    assert all(torch.equal(after[name], value) for name, (_, value) in before.items())
    assert_untouched(network)


def test_a_forward_of_the_instances_own_survives() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())
    own = network[1].forward = lambda x: x * 2
    assert operators(trace(network, IMAGE)) == ["conv2d", "mul"]
    assert vars(network[1])["forward"] is own


@pytest.mark.parametrize("training", [False, True])
def test_the_mode_is_the_one_that_was_asked_for(training: bool) -> None:
    network = Forward(lambda x, drop: drop(x), drop=nn.Dropout()).train(not training)
    call, = trace(network, IMAGE, training=training).calls
    assert call.effect.allocates == training


def test_the_same_network_gives_the_same_trace() -> None:
    config = configure("resnet18", width=0.25, input_size=64)
    network = build(config)
    assert trace(network, config.input_shape) == trace(network, config.input_shape)
    assert trace(build(config), config.input_shape) == trace(network, config.input_shape)


def test_two_threads_agree_with_one() -> None:
    chosen = [configure(name, width=0.25) for name in ("resnet50", "inception_v3")] * 4
    serial = [trace(build(config), config.input_shape) for config in chosen]
    with ThreadPoolExecutor(2) as pool:
        parallel = list(pool.map(lambda config: trace(build(config), config.input_shape), chosen))
    assert parallel == serial


def test_threads_that_trace_one_network_lose_no_path() -> None:
    config = configure("inception_v3", width=0.25)
    network = build(config)
    alone = trace(network, config.input_shape)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: trace(network, config.input_shape), range(12)))
    assert together == [alone] * 12
    assert not any("forward" in vars(module) for module in network.modules())


def test_a_forward_of_an_instance_is_followed_and_stays() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
    forward = network[0].forward

    def doubled(x: Tensor) -> Tensor:
        return 2 * forward(x)

    network[0].forward = doubled    # type: ignore[method-assign]
    traced = trace(network, IMAGE)
    assert [(call.path, call.operator) for call in traced.calls] == [
        ("0.conv2d", "conv2d"), ("0.mul", "mul"), ("1", "conv2d")]
    assert vars(network[0])["forward"] is doubled and "forward" not in vars(network[1])


def test_an_error_that_is_kept_keeps_no_network() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    with pytest.raises(TraceError) as caught:
        trace(network, IMAGE)
    gone, error = weakref.ref(network), caught.value
    del caught, network
    error.__traceback__ = None
    gc.collect()
    assert gone() is None and error.__cause__ is None and error.__context__ is None


def test_another_thread_builds_and_runs_real_layers_meanwhile() -> None:
    config = configure("resnet50", width=0.25)

    def real(_: int) -> bool:
        result = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())(torch.ones(IMAGE))
        return result.device.type == "cpu" and bool(result.isfinite().all())

    with ThreadPoolExecutor(2) as pool:
        traces = [pool.submit(lambda: trace(build(config), config.input_shape)) for _ in range(4)]
        assert all(pool.map(real, range(40)))
        assert len({len(future.result().calls) for future in traces}) == 1
