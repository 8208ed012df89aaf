"""Every rule against figures worked out by hand, and its shapes against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from math import floor
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from explorer.analysis import analyse
from explorer.explain.derivation import DISAGREES, NO_FORMULA, derive
from explorer.tracing import NETWORK_INPUT, Call, Operand, TraceError, trace
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
    calls = trace(network, X, training=training).calls
    result = network(torch.empty(X, device="meta"))
    assert calls[-1].output_shape == tuple(result.shape)


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
    except (RuntimeError, ValueError):
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
        .reshape(after, before) != 0
    window = call_of(resized, (2, 4, before, 1)).effect.window
    assert window is not None
    for place, row in enumerate(reads):
        first = floor(place * window.stride[0] - window.padding[0])
        last = first + window.kernel[0] - 1
        for read in row.nonzero().flatten().tolist():
            assert min(max(first, 0), before - 1) <= read <= max(last, 0)
    if not corners and not antialias and mode != "bicubic":
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
