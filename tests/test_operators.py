"""Every rule against figures worked out by hand, and its shapes against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd.functional import jacobian
from torch.utils.flop_counter import FlopCounterMode

from explorer.analysis import analyse
from explorer.explain.derivation import DISAGREES, NO_FORMULA, derive
from explorer.tracing import NETWORK_INPUT, Call, Operand, TraceError, leaves, trace
from explorer.tracing.operators import Axes, Effect, Operator, find_operator, operators
from explorer.tracing.operators.explanation import said, same_shape
from explorer.tracing.operators.operator import forget, operator
from tests.operator_rows import ROWS, Function, Row, X, weight


def call_of(function: Callable[[Any], Any], shape: tuple[int, ...] = X) -> Call:
    call, = trace(Function(function), shape).calls
    return call


def all_rows() -> list[Any]:
    return [pytest.param(name, row, id=f"{name}-{number}") for name, rows in ROWS.items()
            for number, row in enumerate(rows)]


@pytest.mark.parametrize(("name", "row"), all_rows())
def test_effects_worked_out_by_hand(name: str, row: Row) -> None:
    *_, call = trace(Function(row.function), X).calls
    assert call.operator == name
    assert call.known
    assert row.effect is None or call.effect == row.effect


@pytest.mark.parametrize(("name", "row"), all_rows())
@pytest.mark.parametrize("training", [False, True])
def test_shapes_are_pytorchs(name: str, row: Row, training: bool) -> None:
    network = deepcopy(Function(row.function)).train(training).to("meta")
    traced = trace(network, X, training=training)
    result = network(torch.empty(X, device="meta"))
    assert [operand.shape for operand in leaves([traced.result], Operand)] \
        == [tuple(tensor.shape) for tensor in leaves([result], Tensor)]


@pytest.mark.parametrize(("name", "row"), all_rows())
@pytest.mark.parametrize("training", [False, True])
def test_every_entry_explains_itself_and_its_words_are_true(name: str, row: Row,
                                                            training: bool) -> None:
    summary = analyse(trace(Function(row.function), X, training=training))
    layer = summary.layers[-1]
    assert layer.kind != "other"
    shape, *others = derive(summary, layer.index).steps
    for step in (shape, *others):
        assert step.equations or step.notes
        assert NO_FORMULA not in step.notes and DISAGREES not in "".join(step.notes), step
    said = " ".join(shape.notes)
    if "The shape of the input" in said or "The inputs have the same shape" in said:
        assert {layer.output_shape} == set(layer.input_shapes)
    if "the other sides stay" in said.casefold() and len(layer.output_shape) == 4:
        changed = [before != after for before, after in
                   zip(layer.input_shapes[0], layer.output_shape, strict=True)]
        assert sum(changed) <= 2
    given = {name for equation in shape.equations for name in equation.names}
    if layer.kind not in ("reshape", "pooling", "linear") and len(layer.input_shapes[0]) == 4 \
            and layer.output_shape != layer.input_shapes[0]:
        # Of shapes that differ an equation or a sentence of its own tells.
        assert given or "shape of the input" not in said.casefold()


@pytest.mark.parametrize("entry", operators(), ids=lambda entry: entry.name)
def test_every_operator_has_a_row_for_each_that_costs_memory_or_time(entry: Operator) -> None:
    rows = ROWS[entry.name]
    assert any(row.effect is not None for row in rows)
    without_gradient = not entry.reads or all(
        row.effect is not None and row.effect.dtype for row in rows)
    assert entry.name == "detach" or entry.keeps is None or without_gradient \
        or any(row.kept is not None for row in rows)


def test_there_are_no_rows_without_an_operator() -> None:
    assert set(ROWS) == {entry.name for entry in operators()}


ALIASES: dict[str, Callable[[Any], Any]] = {
    "add": lambda x: 1 + x, "sub": lambda x: torch.rsub(x, 1), "mul": lambda x: 2 * x,
    "rdiv": lambda x: 2 / x, "div": lambda x: x / 2, "cat": lambda x: torch.concatenate([x]),
    "relu": F.relu_, "hardtanh": F.hardtanh_, "dropout2d": F.dropout1d, "pow": lambda x: 2 ** x,
    "remainder": lambda x: x % 2, "floor_divide": lambda x: x // 2, "lt": lambda x: x < 2,
    "ge": lambda x: torch.greater_equal(x, 2), "bitwise_not": lambda x: ~x,
    "clamp": lambda x: x.clip(0, 1), "to": lambda x: x.half(), "transpose": lambda x: x.mT,
    "movedim": lambda x: x.moveaxis(0, 1), "fill": lambda x: x.zero_(),
    "linalg_vector_norm": torch.linalg.vector_norm,
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_is_the_operator_itself(name: str) -> None:
    call = call_of(ALIASES[name])
    assert (call.operator, call.type) == (name, name)


def test_a_subtraction_keeps_its_order() -> None:
    call = call_of(lambda x: 3 - x)
    assert call.argument("input") == 3
    assert call.argument("other") == Operand(X, NETWORK_INPUT)


def test_a_call_keeps_its_arguments() -> None:
    norm = call_of(nn.LocalResponseNorm(7, alpha=0.5))
    assert norm.argument("size") == 7
    pool = call_of(nn.MaxPool2d(3, 2, ceil_mode=True))
    assert (pool.argument("kernel_size"), pool.argument("ceil_mode")) == (3, True)
    joined = call_of(lambda x: torch.cat([x, weight(2, 1, 8, 10)], dim=1))
    assert joined.argument("tensors") == [Operand(X, NETWORK_INPUT), Operand((2, 1, 8, 10))]
    crop = call_of(lambda x: x[..., 1:])
    assert crop.argument("index") == (..., slice(1, None))


def test_one_call_of_operator_is_all_that_an_operator_takes() -> None:
    def rule(input: Any, groups: int) -> Effect:
        return Effect(tuple(input.shape), elementwise_ops=groups)

    entry = operator("logcumsumexp", "cumulate", rule=rule, kind="activation", keeps=(),
                     shape=same_shape, work=said("None."))
    try:
        assert find_operator("cumulate") is find_operator("logcumsumexp") is entry
        call = call_of(lambda x: torch.logcumsumexp(x, 1))
        assert (call.known, call.kind, call.argument("groups")) == (True, "activation", 1)
        with pytest.raises(ValueError, match="two operators are called cumulate"):
            operator("cumulate", rule=rule, kind="activation", keeps=(), shape=same_shape,
                     work=said("None."))
    finally:
        forget(entry)
    assert not call_of(lambda x: torch.logcumsumexp(x, 1)).known


def shape_in_pytorch(function: Callable[[Tensor], Tensor],
                     shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """None where PyTorch refuses."""
    try:
        return tuple(function(torch.empty(shape, device="meta")).shape)
    except (RuntimeError, ValueError, ZeroDivisionError):
        return None


def shape_in_trace(function: Callable[[Any], Any],
                   shape: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return call_of(function, shape).output_shape
    except TraceError:
        return None


def pairs(low: int, high: int) -> st.SearchStrategy[Any]:
    numbers = st.integers(low, high)
    return numbers | st.tuples(numbers, numbers)


def both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


IMAGES = st.tuples(st.integers(1, 2), st.just(4), st.integers(1, 20), st.integers(1, 20))


@given(shape=IMAGES, kernel=pairs(1, 7), stride=pairs(1, 4), dilation=pairs(1, 3),
       padding=pairs(0, 4) | st.just("valid"), groups=st.sampled_from([1, 2, 4]))
def test_conv2d_shapes(shape: Any, kernel: Any, stride: Any, dilation: Any, padding: Any,
                       groups: int) -> None:
    filters = weight(8, 4 // groups, *both(kernel))

    def convolve(x: Any) -> Any:
        return F.conv2d(x, filters, None, stride, padding, dilation, groups)

    assert shape_in_trace(convolve, shape) == shape_in_pytorch(convolve, shape)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(shape=IMAGES, kernel=pairs(1, 7), dilation=pairs(1, 3))
def test_conv2d_with_same_padding_keeps_the_size(shape: Any, kernel: Any, dilation: Any) -> None:
    filters = weight(8, 4, *both(kernel))

    def convolve(x: Any) -> Any:
        return F.conv2d(x, filters, padding="same", dilation=dilation)

    assert shape_in_trace(convolve, shape) == shape_in_pytorch(convolve, shape) \
        == (shape[0], 8, *shape[2:])


@given(shape=IMAGES, kernel=pairs(1, 6), stride=st.none() | pairs(1, 4), padding=pairs(0, 3),
       dilation=pairs(1, 3), ceil_mode=st.booleans())
def test_max_pool_shapes(shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any,
                         ceil_mode: bool) -> None:
    pool = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    assume(all(2 * p <= k for p, k in zip(both(padding), both(kernel), strict=True)))
    assert shape_in_trace(pool, shape) == shape_in_pytorch(pool, shape)


@given(shape=IMAGES, kernel=pairs(1, 6), stride=st.none() | pairs(1, 4), padding=pairs(0, 3),
       ceil_mode=st.booleans())
def test_avg_pool_shapes(shape: Any, kernel: Any, stride: Any, padding: Any,
                         ceil_mode: bool) -> None:
    pool = nn.AvgPool2d(kernel, stride, padding, ceil_mode)
    assume(all(2 * p <= k for p, k in zip(both(padding), both(kernel), strict=True)))
    assert shape_in_trace(pool, shape) == shape_in_pytorch(pool, shape)


@given(shape=IMAGES, size=pairs(1, 25), kind=st.sampled_from(
    [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))
def test_adaptive_pool_shapes(shape: Any, size: Any, kind: type[nn.Module]) -> None:
    assert shape_in_trace(kind(size), shape) == shape_in_pytorch(kind(size), shape)


@given(height=st.integers(1, 9), width=st.integers(1, 9), size=st.integers(1, 6))
def test_adaptive_pools_read_what_pytorchs_do(height: int, width: int, size: int) -> None:
    pool = nn.AdaptiveAvgPool2d(size)
    reads = jacobian(pool, torch.zeros(1, 1, height, width)).reshape(size, size, height, width) > 0
    rows, columns = reads.any(-1).sum(-1), reads.any(-2).sum(-1)
    found = call_of(pool, (2, 4, height, width)).effect
    assert found.elementwise_ops == 2 * 4 * int(reads.sum())
    assert found.window is not None
    assert found.window.kernel == (int(rows.max()), int(columns.max()))


SUMS: dict[str, Callable[..., Any]] = {
    "mean": torch.mean, "sum": torch.sum, "amax": torch.amax, "logsumexp": torch.logsumexp,
    "var": lambda x, dim, keepdim: torch.var(x, dim, correction=0, keepdim=keepdim),
    "norm": lambda x, dim, keepdim: torch.linalg.vector_norm(x, dim=dim, keepdim=keepdim),
    "max": lambda x, dim, keepdim: x.max(dim[0], keepdim)[0],
    "var_mean": lambda x, dim, keepdim: torch.var_mean(x, dim, keepdim=keepdim)[1]}


@pytest.mark.filterwarnings("ignore:var.*degrees of freedom")
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
       name=st.sampled_from(sorted(SUMS)), keepdim=st.booleans(), data=st.data())
def test_reductions_have_pytorchs_shapes_and_read_what_they_say(
        shape: tuple[int, ...], name: str, keepdim: bool, data: st.DataObject) -> None:
    sides = st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True)
    dim = [data.draw(st.sampled_from([axis, axis - len(shape)])) for axis in data.draw(sides)]
    axes = tuple(sorted(axis - len(shape) for axis in data.draw(sides)))

    def reduced(x: Any) -> Any:
        return SUMS[name](x, dim, keepdim=keepdim)

    assert shape_in_trace(reduced, shape) == shape_in_pytorch(reduced, shape)
    call = call_of(reduced, shape)
    if call.effect.window is None:      # one tells more, and the receptive field knows it
        dims = {axis % len(shape) for axis in (dim[:1] if name == "max" else dim)}
        found = positions_of(call, axes)
        assert (found is None) == any(axis % len(shape) in dims for axis in axes)
        assert_each_reads_its_own(reduced, shape, axes, found)


def positions_of(call: Call, axes: Axes) -> Axes | None:
    """Where the positions of the first input are in the output; None where they are mixed."""
    entry = call.entry
    assert entry is not None
    if entry.positions == "mixed":
        return None
    return axes if entry.positions == "kept" else entry.positions(call, axes)


def assert_each_reads_its_own(function: Callable[[Tensor], Tensor], shape: tuple[int, ...],
                              axes: Axes, found: Axes | None) -> None:
    """By autograd: an output reads inputs at its own position alone, or at the only one."""
    if found is None:
        return
    reads = jacobian(function, torch.rand(shape, dtype=torch.float64)) != 0
    rank = reads.ndim - len(shape)
    places = reads.nonzero()
    for before, after in zip(axes, found, strict=True):
        if shape[before] > 1:
            assert torch.equal(places[:, rank + before % len(shape)], places[:, after % rank])


# Functions of a tensor of 2×4×3×5, whose positions lie along its last two sides: where they are
# then, None where some are mixed.
MOVES: dict[str, tuple[Callable[[Any], Any], Axes | None]] = {
    "a softmax of channels": (lambda x: F.softmax(x, dim=1), (-2, -1)),
    "a softmax of rows": (lambda x: F.softmax(x, dim=-1), None),
    "a layer norm": (lambda x: F.layer_norm(x, (5,)), None),
    "an RMS norm": (lambda x: F.rms_norm(x, (3, 5)), None),
    "a group norm": (lambda x: F.group_norm(x, 2), None),
    "an instance norm": (F.instance_norm, None),
    "normalised channels": (lambda x: F.normalize(x, dim=1), (-2, -1)),
    "normalised rows": (lambda x: F.normalize(x, dim=3), None),
    "a GLU of channels": (lambda x: F.glu(x, dim=1), (-2, -1)),
    "channels last": (lambda x: x.permute(0, 2, 3, 1), (-3, -2)),
    "channels last, in a list": (lambda x: torch.permute(x, [0, 2, 3, 1]), (-3, -2)),
    "moved": (lambda x: x.movedim(1, -1), (-3, -2)),
    "moved, several": (lambda x: torch.moveaxis(x, (3, 2), (0, 1)), (-3, -4)),
    "swapped": (lambda x: x.swapaxes(1, 2), (-3, -1)),
    "swapped, by name": (lambda x: torch.swapdims(x, dim0=0, dim1=3), (-2, -4)),
    "flattened": (lambda x: x.flatten(2), None),
    "channels cut": (lambda x: x.unflatten(1, (2, 2)), (-2, -1)),
    "heads": (lambda x: x.reshape(2, 2, 2, 3, 5), (-2, -1)),
    "a side in front": (lambda x: x[None], (-2, -1)),
    "a side behind": (lambda x: x.unsqueeze(-1), (-3, -2)),
    "a row": (lambda x: x[:, 1], (-2, -1)), "a column": (lambda x: x[..., 0], None),
    "sides between": (lambda x: x[:, :, None, :, None], (-3, -1)),
    "channels of an image": (lambda x: x[0, 1:3], (-2, -1)),
    "picked channels": (lambda x: x[:, [0, 1]], None),
    "some rows": (lambda x: x[..., 1:, :], None),
    "selected": (lambda x: x.select(1, 0), (-2, -1)),
    "unbound": (lambda x: x.unbind(1)[0], (-2, -1)), "unbound rows": (lambda x: x.unbind(2)[0],
                                                                      None),
    "stacked in front": (lambda x: torch.stack([x, x]), (-2, -1)),
    "stacked between": (lambda x: torch.stack([x, x], 3), (-3, -1)),
    "stacked behind": (lambda x: torch.stack([x, x], dim=-1), (-3, -2)),
    "joined by channels": (lambda x: torch.cat([x, x], 1), (-2, -1)),
    "joined by rows": (lambda x: torch.cat([x, x], 2), None),
    "rolled": (lambda x: x.roll(1, 2), None),
    "rolled channels": (lambda x: x.roll(1, 1), (-2, -1)),
    "mirrored": (lambda x: x.flip(-1), None),
    "channels turned": (lambda x: torch.flip(x, [0, 1]), (-2, -1)),
    "repeated channels": (lambda x: x.repeat(3, 1, 2, 1, 1), (-2, -1)),
    "tiles": (lambda x: x.tile(2), None),
    "repeated rows": (lambda x: x.repeat_interleave(2, dim=-2), None),
    "sums so far": (lambda x: x.cumsum(2), None),
    "sums so far of channels": (lambda x: x.cumsum(1), (-2, -1)),
    "sorted channels": (lambda x: x.sort(1)[0], (-2, -1)),
    "the largest of rows": (lambda x: x.topk(2)[0], None),
    "the upper triangle": (lambda x: x.triu(), (-2, -1)),
    "a diagonal": (lambda x: x.diagonal(0, 2, 3), None),
    "the larger": (lambda x: torch.max(x, x * 0.5), (-2, -1)),
    "half of the channels": (lambda x: x.tensor_split(2, 1)[0], (-2, -1)),
    "half of the rows": (lambda x: x.tensor_split((2,), 3)[0], None),
    "repeated by the batch": (lambda x: x.expand(3, 2, 4, 3, 5), (-2, -1)),
}


@pytest.mark.parametrize("name", MOVES)
def test_where_positions_are_by_hand_and_by_autograd(name: str) -> None:
    function, expected = MOVES[name]
    shape, axes = (2, 4, 3, 5), (-2, -1)
    *_, call = trace(Function(function), shape).calls
    assert positions_of(call, axes) == expected
    assert_each_reads_its_own(function, shape, axes, expected)


@given(order=st.permutations(range(4)), axes=st.lists(st.integers(-4, -1), min_size=1, unique=True))
def test_permuted_positions(order: list[int], axes: list[int]) -> None:
    def permuted(x: Any) -> Any:
        return x.permute(*order)

    found = positions_of(call_of(permuted, (2, 3, 4, 5)), tuple(axes))
    assert found is not None
    assert_each_reads_its_own(permuted, (2, 3, 4, 5), tuple(axes), found)


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), data=st.data())
def test_positions_of_the_same_numbers_in_another_shape(shape: tuple[int, ...],
                                                        data: st.DataObject) -> None:
    """Never a wrong place; a side may be given up where its neighbours are as long."""
    left, other = torch.Size(shape).numel(), []
    while left > 1:
        other.append(data.draw(st.sampled_from([side for side in range(1, left + 1)
                                                if left % side == 0])))
        left //= other[-1]
    axes = tuple(data.draw(st.lists(st.integers(-len(shape), -1), min_size=1, unique=True)))

    def reshaped(x: Any) -> Any:
        return x.reshape(other or [1])

    found = positions_of(call_of(reshaped, shape), axes)
    assert_each_reads_its_own(reshaped, shape, axes, found)


MODES = st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic"])


@given(shape=IMAGES, size=pairs(1, 25), scale=st.none() | st.floats(0.3, 4), mode=MODES,
       recompute=st.none() | st.booleans())
def test_interpolated_shapes(shape: Any, size: Any, scale: float | None, mode: str,
                             recompute: bool | None) -> None:
    def resized(x: Any) -> Any:
        if scale is None:
            return F.interpolate(x, size, mode=mode)
        return F.interpolate(x, scale_factor=scale, mode=mode, recompute_scale_factor=recompute)

    assert shape_in_trace(resized, shape) == shape_in_pytorch(resized, shape)


@given(before=st.integers(1, 9), after=st.integers(1, 16), mode=MODES, data=st.data())
def test_interpolation_reads_its_window(before: int, after: int, mode: str,
                                        data: st.DataObject) -> None:
    """Output i reads no input outside of its window, moved into the image where it is at its edge;
    some output reads all of its own."""
    smooth = mode in ("bilinear", "bicubic")
    corners = data.draw(st.booleans()) if smooth else None
    antialias = smooth and data.draw(st.booleans())

    def resized(x: Any) -> Any:
        return F.interpolate(x, (after, 1), mode=mode, align_corners=corners, antialias=antialias)

    reads = jacobian(resized, torch.zeros(1, 1, before, 1, dtype=torch.float64)) \
        .reshape(after, before).abs() > 1e-9    # at its edge a window may round to one of none
    window = call_of(resized, (2, 4, before, 1)).effect.window
    assert window is not None
    for place, row in enumerate(reads):
        first = floor(place * window.stride[0] - window.padding[0])
        last = first + window.kernel[0] - 1
        for read in row.nonzero().flatten().tolist():
            assert min(max(first, 0), before - 1) <= read <= max(last, 0)
    # At an odd step every output lies on an input, and its neighbours weigh nothing.
    if not corners and not antialias and mode != "bicubic" and (before / after) % 2 != 1:
        assert int(reads.sum(1).max()) == window.kernel[0]


@given(one=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4).map(tuple),
       other=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4).map(tuple))
def test_additions_broadcast_as_pytorchs(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    term = weight(*other)

    def total(x: Any) -> Any:
        return x + term

    assert shape_in_trace(total, one) == shape_in_pytorch(total, one)


@given(shape=IMAGES, amounts=st.lists(st.integers(0, 3), min_size=1, max_size=4).map(
    lambda half: [amount for one in half for amount in (one, one + 1)]))
def test_pad_shapes(shape: Any, amounts: list[int]) -> None:
    def padded(x: Any) -> Any:
        return F.pad(x, amounts)

    assert shape_in_trace(padded, shape) == shape_in_pytorch(padded, shape)


# What multiplies, against PyTorch's own counter.

def in_pytorch(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    """Shapes of the results, and multiply-adds; None where PyTorch refuses."""
    tensors = [torch.empty(shape, device="meta") for shape in shapes]
    try:
        with FlopCounterMode(display=False) as counter:
            result = function(*tensors)
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return None
    return [tuple(tensor.shape) for tensor in leaves([result], Tensor)], \
        counter.get_total_flops() / 2


def in_trace(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    """The same by the table of operators; the first tensor is the network's input. Every figure
    has its explanation."""
    others = [weight(*shape) for shape in shapes[1:]]
    network = Function(lambda x: function(x, *others))
    try:
        given = trace(network, shapes[0], training=True)
    except TraceError:
        return None
    summary = analyse(given)
    assert all(call.known for call in given.calls)
    for step in derive(summary, len(given.calls) - 1).steps:
        assert DISAGREES not in "".join(step.notes), step
        assert NO_FORMULA not in step.notes, step
    effect = given.calls[-1].effect
    return [effect.shape, *(effect.others or ())], summary.totals.macs


def spread(sides: int, low: int, high: int) -> st.SearchStrategy[Any]:
    numbers = st.integers(low, high)
    return numbers | st.tuples(*[numbers] * sides)


CONVOLUTIONS = {1: (F.conv1d, F.conv_transpose1d), 2: (F.conv2d, F.conv_transpose2d),
                3: (F.conv3d, F.conv_transpose3d)}
POOLS = {1: (F.max_pool1d, F.avg_pool1d, F.adaptive_avg_pool1d, F.adaptive_max_pool1d),
         2: (F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d),
         3: (F.max_pool3d, F.avg_pool3d, F.adaptive_avg_pool3d, F.adaptive_max_pool3d)}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(data=st.data(), sides=st.integers(1, 3), batched=st.booleans(), bias=st.booleans(),
       groups=st.sampled_from([1, 2, 4]))
def test_convolutions_are_counted_as_by_pytorch(data: st.DataObject, sides: int, batched: bool,
                                                bias: bool, groups: int) -> None:
    area = data.draw(st.tuples(*[st.integers(1, 9)] * sides))
    kernel = data.draw(st.tuples(*[st.integers(1, 4)] * sides))
    stride, dilation = data.draw(spread(sides, 1, 3)), data.draw(spread(sides, 1, 3))
    padding = data.draw(spread(sides, 0, 2) | st.sampled_from(["same", "valid"]))
    convolve, _ = CONVOLUTIONS[sides]

    def convolved(x: Any, filters: Any, term: Any) -> Any:
        return convolve(x, filters, term if bias else None, stride, padding, dilation, groups)

    shapes = ((2,) * batched + (4, *area), (8, 4 // groups, *kernel), (8,))
    assert in_trace(convolved, *shapes) == in_pytorch(convolved, *shapes) \
        or (padding == "same" and in_pytorch(convolved, *shapes) is None)


@given(data=st.data(), sides=st.integers(1, 3), batched=st.booleans(), bias=st.booleans(),
       groups=st.sampled_from([1, 2, 4]))
def test_transposed_convolutions_are_counted_as_by_pytorch(
        data: st.DataObject, sides: int, batched: bool, bias: bool, groups: int) -> None:
    area = data.draw(st.tuples(*[st.integers(1, 6)] * sides))
    kernel = data.draw(st.tuples(*[st.integers(1, 4)] * sides))
    stride, dilation = data.draw(spread(sides, 1, 3)), data.draw(spread(sides, 1, 3))
    padding, more = data.draw(spread(sides, 0, 2)), data.draw(spread(sides, 0, 1))
    _, convolve = CONVOLUTIONS[sides]

    def convolved(x: Any, filters: Any, term: Any) -> Any:
        return convolve(x, filters, term if bias else None, stride, padding, more, groups, dilation)

    shapes = ((2,) * batched + (4, *area), (4, 3, *kernel), (3 * groups,))
    expected = in_pytorch(convolved, *shapes)
    assume(expected is not None and all(expected[0][0]))     # of no numbers we refuse too
    assert in_trace(convolved, *shapes) == expected


@given(size=st.integers(1, 7), kernel=st.integers(1, 5), stride=st.integers(1, 4),
       padding=st.integers(0, 3), dilation=st.integers(1, 4))
def test_transposed_convolutions_read_what_pytorchs_do(
        size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    filters = torch.ones(1, 1, kernel)

    def convolve(x: Any) -> Any:
        return F.conv_transpose1d(x, filters, None, stride, padding, 0, 1, dilation)

    # Far from the edges, where the output's inputs are all there: input 20 is the first.
    assume(convolve(torch.zeros(1, 1, size)).numel() if
           (size - 1) * stride - 2 * padding + dilation * (kernel - 1) >= 0 else False)
    long = torch.zeros(1, 1, 60)
    reads = jacobian(convolve, long).reshape(-1, 60) > 0
    window = call_of(convolve, (1, 1, 60)).effect.window
    assert window is not None
    sizes = []
    for output, row in enumerate(reads[20 * stride:20 * stride + 12], 20 * stride):
        if (seen := row.nonzero().flatten().tolist()):
            sizes.append(seen[-1] - seen[0] + 1)
            start = -window.padding[0] + output * window.stride[0]
            assert abs(seen[0] - start) < max(1, window.dilation[0] * window.kernel[0])
    assert max(sizes) == (window.kernel[0] - 1) * window.dilation[0] + 1
    first = reads[0].nonzero().flatten().tolist()
    if padding >= dilation * (kernel - 1) and first:     # nothing of it is before the input
        assert first[0] == -window.padding[0]
    assert window.stride[0] == Fraction(1, stride)


@given(data=st.data(), sides=st.integers(1, 3), batched=st.booleans(), ceil_mode=st.booleans())
def test_pools_give_pytorchs_shapes(data: st.DataObject, sides: int, batched: bool,
                                    ceil_mode: bool) -> None:
    shape = (2,) * batched + (3, *data.draw(st.tuples(*[st.integers(1, 12)] * sides)))
    kernel = data.draw(spread(sides, 1, 4))
    stride = data.draw(st.none() | spread(sides, 1, 3))
    small = min([kernel] if isinstance(kernel, int) else kernel)
    padding = data.draw(st.integers(0, small // 2))
    size = data.draw(spread(sides, 1, 8))
    largest, average, adaptive, adaptive_largest = POOLS[sides]
    for pool in (lambda x: largest(x, kernel, stride, padding, 1, ceil_mode),
                 lambda x: average(x, kernel, stride, padding, ceil_mode),
                 lambda x: adaptive(x, size), lambda x: adaptive_largest(x, size)):
        assert in_trace(pool, shape) == in_pytorch(pool, shape)


@given(one=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=5).map(tuple),
       other=st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=5).map(tuple))
def test_matrix_products_are_counted_as_by_pytorch(one: tuple[int, ...],
                                                   other: tuple[int, ...]) -> None:
    for multiply in (torch.matmul, torch.inner, torch.mm, torch.bmm, torch.mv, torch.dot,
                     torch.outer, F.linear):
        assert in_trace(multiply, one, other) == in_pytorch(multiply, one, other), multiply


@given(beta=st.sampled_from([0, 1, 0.5]), alpha=st.sampled_from([1, 2]), size=st.integers(1, 4))
def test_products_that_something_is_added_to_are_counted_as_by_pytorch(
        beta: float, alpha: float, size: int) -> None:
    for add, shapes in ((torch.addmm, ((5,), (2, size), (size, 5))),
                        (torch.baddbmm, ((2, 5), (3, 2, size), (3, size, 5))),
                        (torch.addbmm, ((2, 5), (3, 2, size), (3, size, 5))),
                        (torch.addmv, ((2,), (2, size), (size,)))):
        def added(*tensors: Any, add: Any = add) -> Any:
            return add(*tensors, beta=beta, alpha=alpha)
        assert in_trace(added, *shapes) == in_pytorch(added, *shapes)


@given(dims=st.sampled_from([0, 1, 2, ([0], [1]), ([-1, 0], [0, 1]), ([1, 2], [1, 0])]),
       one=st.tuples(*[st.sampled_from([1, 2, 3])] * 3),
       other=st.tuples(*[st.sampled_from([1, 2, 3])] * 3))
def test_tensordot_is_counted_as_by_pytorch(dims: Any, one: Any, other: Any) -> None:
    def summed(x: Any, y: Any) -> Any:
        return torch.tensordot(x, y, dims)

    assert in_trace(summed, one, other) == in_pytorch(summed, one, other)


EQUATIONS = [
    "bhid,bhjd->bhij", "bnhwc,cd->bnhwd", "ij,jk", "ij,jk->ki", "ij,kj->ik", "ij,ij->", "ij,ij->ij",
    "i,j->ij", "ij->ji", "ii->i", "ii", "ij->", "...ij->...ji", "...ij,...jk->...ik", "...i,i",
    "b...d,d...->b...", "ij,jk,kl->il", "ij,jk,ki->", "bi,bj,bk->bijk", "ijk,k->ij", "ijk,jl->i",
    "iij,jk->ik", "bij,bjk->ibk", "ab,cd->abcd", "ab,cd->", "a,a->", "abc,abd,ae->cde", "Ab,bC->AC",
    "nchw,ncd,de->nhwe", "nctkv,kvw->nctw", "ij,j,i->", "...,...->..."]


@pytest.mark.parametrize("equation", EQUATIONS)
@given(data=st.data())
def test_einsum_is_counted_as_by_pytorch(equation: str, data: st.DataObject) -> None:
    sizes = {letter: data.draw(st.integers(1, 4)) for letter in sorted(set(equation))}
    dots = data.draw(st.lists(st.integers(1, 3), max_size=2))
    shapes = []
    for term in equation.partition("->")[0].split(","):
        before, found, behind = term.partition("...")
        shape = [*[sizes[letter] for letter in before], *(dots if found else []),
                 *[sizes[letter] for letter in behind]]
        # A side of 1 is repeated.
        if len(set(term)) == len(term) and shape and data.draw(st.booleans()):
            shape[data.draw(st.integers(0, len(shape) - 1))] = 1
        shapes.append(tuple(shape))

    def summed(*tensors: Any) -> Any:
        return torch.einsum(equation, *tensors)

    assert in_trace(summed, *shapes) == in_pytorch(summed, *shapes)


@pytest.mark.parametrize("equation", ["ij,jk", "ij->ik", "ijk,jk->i", "ii,i->i"])
def test_an_einsum_that_cannot_be_is_refused(equation: str) -> None:
    def summed(x: Any, y: Any) -> Any:
        return torch.einsum(equation, x, y)

    assert in_trace(summed, (2, 3), (4, 5)) is in_pytorch(summed, (2, 3), (4, 5)) is None


@given(batch=st.lists(st.integers(1, 3), max_size=3).map(tuple), length=st.integers(1, 5),
       keys=st.integers(1, 5), size=st.integers(1, 4), value_size=st.integers(1, 4),
       masked=st.booleans(), dropout=st.sampled_from([0.0, 0.5]))
def test_attention_is_counted_as_by_pytorch(
        batch: tuple[int, ...], length: int, keys: int, size: int, value_size: int, masked: bool,
        dropout: float) -> None:
    def attend(query: Any, key: Any, value: Any, mask: Any) -> Any:
        return F.scaled_dot_product_attention(query, key, value, mask if masked else None, dropout)

    shapes = ((*batch, length, size), (*batch, keys, size), (*batch, keys, value_size),
              (length, keys))
    assert in_trace(attend, *shapes) == in_pytorch(attend, *shapes)


@given(kind=st.sampled_from([nn.LSTM, nn.GRU, nn.RNN]), layers=st.integers(1, 3),
       bidirectional=st.booleans(), bias=st.booleans(), batch_first=st.booleans(),
       projected=st.booleans(), dropout=st.sampled_from([0.0, 0.5]))
def test_recurrent_layers_are_counted_as_by_pytorch(
        kind: Any, layers: int, bidirectional: bool, bias: bool, batch_first: bool, projected: bool,
        dropout: float) -> None:
    more = {"proj_size": 2} if projected and kind is nn.LSTM else {}
    layer = kind(3, 5, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional,
                 dropout=dropout if layers > 1 else 0.0, **more).to("meta")
    assert in_trace(layer, (4, 7, 3)) == in_pytorch(layer, (4, 7, 3))


@given(shape=st.tuples(st.integers(1, 2), st.sampled_from([4, 8, 9]), st.integers(1, 12),
                       st.integers(1, 12)),
       kernel=spread(2, 1, 3), stride=spread(2, 1, 3), padding=spread(2, 0, 1),
       dilation=spread(2, 1, 2), factor=st.integers(1, 3))
def test_patches_and_shuffles_have_pytorchs_shapes(shape: Any, kernel: Any, stride: Any,
                                                   padding: Any, dilation: Any,
                                                   factor: int) -> None:
    def there_and_back(x: Any) -> Any:
        columns = F.unfold(x, kernel, dilation, padding, stride)
        return F.fold(columns, shape[2:], kernel, dilation, padding, stride)

    for function in (lambda x: F.unfold(x, kernel, dilation, padding, stride), there_and_back,
                     lambda x: F.fold(x[0], (4, 5), kernel, dilation, padding, stride),
                     lambda x: F.pixel_shuffle(x, factor), lambda x: F.pixel_unshuffle(x, factor),
                     lambda x: F.channel_shuffle(x, factor),
                     lambda x: x.unfold(2, factor, both(stride)[0])):
        assert in_trace(function, shape) == in_pytorch(function, shape)


def test_the_method_unfold_is_not_the_function() -> None:
    assert call_of(lambda x: F.unfold(x, 2, 3, 1)).operator == "unfold"
    assert call_of(lambda x: x.unfold(2, 3, 1)).operator == "unfold_view"


ENLARGING = {
    "transposed": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ConvTranspose2d(2, 1, 4, 2, 1),
                                        nn.Conv2d(1, 1, 3)),
    "transposed twice": lambda: nn.Sequential(
        nn.ConvTranspose2d(1, 1, 2, 2), nn.ConvTranspose2d(1, 1, (3, 5), (3, 2), 1)),
    "up and down": lambda: nn.Sequential(nn.ConvTranspose2d(1, 1, 3, 2), nn.Conv2d(1, 1, 3, 3)),
    "shuffled": lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2), nn.Conv2d(1, 1, 3)),
    "parted": lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 4, 3), nn.PixelShuffle(2)),
}


@pytest.mark.parametrize("name", ENLARGING)
def test_what_enlarges_sees_no_more_than_is_said(name: str) -> None:
    """Up to a part of a position of the map that is enlarged: its positions are whole."""
    coarse = 2 if name == "parted" else 1
    network = ENLARGING[name]()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    layer = analyse(trace(network, (1, 1, 8, 10))).layers[-1]
    reads = jacobian(network, torch.zeros(1, 1, 8, 10)).abs().sum((0, 1)) > 0
    reads = reads.reshape(*layer.output_shape[2:], 8, 10)
    field = layer.receptive_field
    assert field is not None
    for axis, length in enumerate((8, 10)):
        widest = 0
        for output in range(reads.shape[axis]):
            seen = reads.select(axis, output)[0 if reads.shape[1 - axis] == 1 else
                                              reads.shape[1 - axis] // 2]
            seen = seen.any(1 - axis).nonzero().flatten().tolist()
            start = field.start[axis] + output * field.stride[axis]
            assert not seen or start - coarse < seen[0]
            assert not seen or seen[-1] < ceil(start + field.size[axis])
            widest = max(widest, len(seen))
        assert widest <= ceil(field.size[axis]) <= min(length, widest + 1)
