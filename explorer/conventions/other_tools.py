"""Summary -> what five other tools report of the same pass, and why that is not ours.

Each tool has one function below, with its convention. A figure is our own and the terms that the
tool adds to it or leaves out, each with the sentence that explains it; the terms add up to the
whole difference. The tools themselves are not needed; the tests hold every figure against them.

All of it is about a pass in evaluation, with float32. "Places" are the places where a module is
registered: a module that two containers share has two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from explorer.analysis import Summary
from explorer.tracing import Call

ELEMENT_BYTES = 4
MIB = 2 ** 20
MB = 10 ** 6

Quantity = Literal["parameters", "operations", "memory"]


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the difference, with its sign, and the sentence that explains it."""

    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a tool; operations count one for each multiply-add, memory is in bytes."""

    quantity: Quantity
    name: str
    """What the tool calls it."""
    value: int | None
    """None where the network has an operator that we have no rule for."""
    ours: int
    our_name: str
    terms: tuple[Term, ...]
    unit: int = 1
    """Bytes in what the tool prints as one MB."""

    @property
    def difference(self) -> int | None:
        return None if self.value is None else self.value - self.ours


@dataclass(frozen=True, slots=True)
class Report:
    tool: str
    version: str
    figures: tuple[Figure, ...]
    remark: str = ""
    """What its reader should know beside the figures."""


def other_tools(summary: Summary) -> tuple[Report, ...]:
    """What each tool reports, called on a batch of the same shape.

    Raises `ValueError` for a pass in training: three of the tools look at evaluation only.

    >>> from explorer.pipeline import summarise
    >>> from explorer.networks.catalogue import configure
    >>> thop = other_tools(summarise(configure("mobilenetv3_large")))[2]
    >>> thop.figures[1].value, thop.figures[1].difference
    (234838456, 18248696)
    """
    if summary.trace.training:
        raise ValueError("other tools are compared in evaluation; this summary is of training")
    seen = _Seen(summary)
    return torchinfo(seen), torchsummary(seen), thop(seen), fvcore(seen), ptflops(seen)


class _Leaf(NamedTuple):
    """One run of a module without children, as a hook on it sees it."""

    path: str
    type: str
    places: int
    parameters: tuple[str, ...]
    batch: int
    inputs: int
    """Numbers in its input."""
    outputs: int
    macs: int
    calls: tuple[Call, ...]


class _Seen:
    """A summary as hooks on its modules see it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.trace = summary.trace
        self.totals = summary.totals
        self.batch = summary.trace.input_shape[0]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """How often a walk from the network down meets each module."""
        found: Counter[str] = Counter()

        def walk(path: str) -> None:
            found[path] += 1
            for child in dict.fromkeys(self.trace.modules[path].children):
                walk(child)
        walk("")
        return found

    @cached_property
    def leaves(self) -> list[_Leaf]:
        found = []
        for run in self.trace.runs:
            module = self.trace.modules[run.path]
            if module.children:
                continue
            calls = self.trace.calls[run.start:run.stop]
            outputs = sum(map(math.prod, run.output_shapes))
            found.append(_Leaf(
                run.path, module.type, self.places[run.path], module.parameters,
                run.output_shapes[0][0] if run.output_shapes else 0,
                math.prod(calls[0].input_shapes[0]) if calls else outputs, outputs,
                sum(call.effect.macs or 0 for call in calls), calls))
        return found

    def size(self, parameters: Iterable[str]) -> int:
        return sum(self.trace.parameters[name].numel for name in parameters)

    def parameters(self, name: str, counted: Iterable[tuple[int, tuple[str, ...]]]) -> Figure:
        """The figure of a tool that adds the parameters of modules, each so many times."""
        value, found = 0, set[str]()
        for times, parameters in counted:
            value += times * self.size(parameters)
            found.update(parameters)
        terms = []
        once = self.size(found)
        if missing := self.totals.params - once:
            stages = dict.fromkeys(path.partition(".")[0] for path in self.trace.parameters
                                   if path not in found)
            terms.append(Term(-missing, f"Leaves out {missing:,} parameters, those of "
                              f"{', '.join(stages)}: no module that evaluation runs has them."))
        if again := value - once:
            terms.append(Term(again, f"Counts {again:,} parameters again, of modules that run more "
                              "than once or that several containers share."))
        return Figure("parameters", name, value, self.totals.params, "Parameters", tuple(terms))

    def all_parameters(self, name: str) -> Figure:
        """The figure of a tool that asks the network for its parameters, as we do."""
        ours = self.totals.params
        return Figure("parameters", name, ours, ours, "Parameters", ())

    def operations(self, name: str, terms: Iterable[Term], seen_macs: int | None = None) -> Figure:
        """Our multiply-adds and the terms of a tool that sees `seen_macs` of them, or all."""
        ours = self.totals.macs
        found = [term for term in terms if term.amount]
        if seen_macs is not None and (unseen := ours - seen_macs):
            found.insert(0, Term(-unseen, f"Does not see {unseen:,} multiply-adds of functions, "
                                 "which are no module."))
        value = ours + sum(term.amount for term in found)
        if self.summary.not_counted:
            return Figure("operations", name, None, ours, "Multiply-adds", (Term(
                0, "Not counted: the network has operators that we have no rule for."),))
        return Figure("operations", name, value, ours, "Multiply-adds", tuple(found))

    def memory(self, unit: int, passed: int, parameters: int, why: str) -> tuple[Figure, Figure]:
        """The two figures of a tool that takes the bytes `passed` for what a pass needs."""
        peak = self.totals.peak_activation_bytes
        given = math.prod(self.trace.input_shape) * ELEMENT_BYTES
        total, ours = given + passed + parameters, self.totals.param_bytes + peak
        name = "MiB (2²⁰ bytes; it prints MB)" if unit == MIB else "MB (10⁶ bytes)"
        return (
            Figure("memory", "Forward/backward pass size", passed, peak, "Peak memory", (Term(
                passed - peak, f"{why} = {passed:,} bytes = {passed / unit:,.2f} {name}. "
                f"At most {peak:,} bytes are alive at once."),), unit),
            Figure("memory", "Estimated total size", total, ours, "Parameters + peak",
                   (Term(total - ours, f"Adds its input, {given / unit:,.2f}, its "
                         f"forward/backward pass size, {passed / unit:,.2f}, and the parameters of "
                         f"the modules that run, {parameters / unit:,.2f}. A pass needs the "
                         f"parameters, {self.totals.param_bytes / unit:,.2f}, and the peak, "
                         f"{peak / unit:,.2f}."),), unit))


def torchinfo(seen: _Seen) -> Report:
    """torchinfo 1.8.0, `summary(network, input_size=...)`.

    - Total params: those of every module without children, at its first run, and what a container
      has beyond the modules listed under it: modules that do not run, and shared ones again.
    - Total mult-adds: for a module whose name has "Conv" its parameters, bias and all, times the
      positions and images of its output; for any other its parameters times the images.
    - Forward/backward pass size: twice the outputs of modules with parameters. MB is 10^6.
    """
    biases: Counter[str] = Counter()
    passed = macs = 0
    for leaf in seen.leaves:
        if not leaf.parameters:
            continue
        passed += leaf.outputs
        macs += leaf.macs
        size, conv = seen.size(leaf.parameters), "Conv" in leaf.type
        if conv:
            channels = seen.trace.parameters[leaf.parameters[0]].shape[0]
            value = size * leaf.outputs // channels
        else:
            value = size * leaf.batch
        kind = "conv" if conv else "linear" if leaf.macs else \
            "norm" if leaf.type.startswith("BatchNorm") else "other"
        biases[kind] += value - leaf.macs
    norm = biases["norm"] // seen.batch
    terms = [
        Term(biases["conv"], "Adds the biases of convolutions, one for each output: "
             f"{biases['conv']:,}."),
        Term(biases["linear"], "Adds the biases of linear layers, one for each output: "
             f"{biases['linear']:,}."),
        Term(biases["norm"], "Adds BatchNorm as its number of parameters, as if it worked on one "
             f"position of each image: {_times(seen.batch)}{norm:,}"
             f"{_equals(seen.batch, biases['norm'])}."),
        Term(biases["other"], "Adds other layers as their number of parameters: "
             f"{biases['other']:,}.")]
    params, listed = _torchinfo_parameters(seen)
    return Report("torchinfo", "1.8.0", (
        params, seen.operations("Total mult-adds", terms, macs),
        *seen.memory(MB, 2 * ELEMENT_BYTES * passed, ELEMENT_BYTES * listed,
                     "Adds the outputs of all layers that have parameters, and doubles the sum for "
                     f"gradients, in evaluation too: 2 × 4 × {passed:,}")))


class _Row(NamedTuple):
    path: str
    depth: int
    again: bool
    """A module that an earlier row stands for."""


def _torchinfo_rows(seen: _Seen) -> list[_Row]:
    """The rows of its table: a run each, and a container again where a module that it shares runs
    under another one.

    A module belongs to the last container that registers it. Where that is not the container
    whose rows are open, the table opens it first, as a repetition if it ever runs itself.
    """
    modules = seen.trace.modules
    owners: dict[str, tuple[str, ...]] = {}

    def walk(path: str, above: tuple[str, ...]) -> None:
        owners[path] = above
        for child in modules[path].children:
            walk(child, (*above, path))
    walk("", ())

    rows, listed = [_Row("", 0, False)], {""}
    inserted = {run.path for run in seen.trace.runs}
    opened: dict[int, str] = {}
    for run in seen.trace.runs:
        above = owners[run.path]
        for depth, container in enumerate(above[1:], 1):
            if opened.get(depth) != container:
                rows.append(_Row(container, depth, container in inserted))
                inserted.add(container)
                opened[depth] = container
        rows.append(_Row(run.path, len(above), run.path in listed))
        listed.add(run.path)
        opened[len(above)] = run.path
        for deeper in [depth for depth in opened if depth > len(above)]:
            del opened[deeper]
    return rows


def _torchinfo_parameters(seen: _Seen) -> tuple[Figure, int]:
    """Its total, and the parameters of the layers listed, which its "Params size" is made of."""
    modules, rows = seen.trace.modules, _torchinfo_rows(seen)
    names: dict[str, frozenset[str]] = {}

    def under(path: str) -> frozenset[str]:
        if path not in names:
            names[path] = frozenset(modules[path].parameters).union(
                *map(under, modules[path].children))
        return names[path]

    own = [0] * len(rows)
    for index in reversed(range(len(rows))):
        own[index] = seen.size(under(rows[index].path))
        if modules[rows[index].path].children:
            for other in range(index + 1, len(rows)):
                if rows[other].depth <= rows[index].depth:
                    break
                if not rows[other].again:
                    own[index] -= own[other]
    total = sum(max(size, 0) for row, size in zip(rows, own, strict=True) if not row.again)
    listed = sum(size for row, size in zip(rows, own, strict=True)
                 if not row.again and not modules[row.path].children)
    ours = seen.totals.params
    terms = (Term(total - ours, f"Counts {total - ours:,} parameters again: a module that several "
                  "containers share is counted once for each of them."),) if total != ours else ()
    return Figure("parameters", "Total params", total, ours, "Parameters", terms), listed


def torchsummary(seen: _Seen) -> Report:
    """torchsummary 1.5.1, `summary(network, size, batch_size)`.

    - Total params: `weight` and `bias` of every module that runs, at every run.
    - Forward/backward pass size: twice the outputs of every module, containers after their parts;
      only `nn.Sequential` and the network itself are left out. MB is 2^20 bytes.
    - No operations.
    """
    modules = seen.trace.modules
    hooked = [run for run in seen.trace.runs if not modules[run.path].sequential]
    params = seen.parameters("Total params", [
        (seen.places[run.path],
         tuple(name for name in modules[run.path].parameters
               if name.rpartition(".")[2] in ("weight", "bias"))) for run in hooked])
    passed = sum(seen.places[run.path] * sum(map(math.prod, run.output_shapes)) for run in hooked)
    assert params.value is not None
    return Report("torchsummary", "1.5.1", (params, *seen.memory(
        MIB, 2 * ELEMENT_BYTES * passed, ELEMENT_BYTES * params.value,
        f"Adds the outputs of all {len(hooked):,} runs of modules, in place or not, each block "
        f"again after its parts, and doubles the sum for gradients: 2 × 4 × {passed:,}")),
        "It counts no operations.")


_THOP_RULES = frozenset({
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "InstanceNorm1d", "InstanceNorm2d",
    "InstanceNorm3d", "PReLU", "Linear"})
"""Types with parameters that it has a rule for."""


def thop(seen: _Seen) -> Report:
    """thop 0.1.1, `profile(network, inputs)`.

    - params: those of the modules that run and that it has a rule for.
    - MACs: multiply-adds without bias of convolution and linear modules; 4 for each output of
      BatchNorm (2 without scale and shift), 1 for each output of average pooling, input + output
      of adaptive average pooling, 3n - 1 for a softmax over n. Nothing for ReLU, hard-swish, max
      pooling or functions.
    - A module in several places has a hook for each, and is added at each.
    """
    macs = shared = 0
    counts: Counter[str] = Counter()
    for leaf in seen.leaves:
        kind, value = leaf.type, 0
        if leaf.macs and leaf.type in _THOP_RULES:
            kind, value = "macs", leaf.macs
            macs += value
        elif leaf.type in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            kind, value = "norm", (4 if leaf.parameters else 2) * leaf.inputs
        elif leaf.type == "AvgPool2d":
            value = leaf.outputs
        elif leaf.type == "AdaptiveAvgPool2d":
            # In floating point and cut off, as the tool does it.
            before, after = leaf.calls[0].input_shapes[0][2:], leaf.calls[0].output_shape[2:]
            value = int((before[0] / after[0] * (before[1] / after[1]) + 1) * leaf.outputs)
        elif leaf.type == "Softmax":
            value = 3 * leaf.outputs - leaf.batch
        counts[kind] += value
        shared += (leaf.places ** 2 - 1) * value
    terms = [
        Term(counts["norm"], "Adds BatchNorm, which evaluation can fold into the convolution: "
             f"4 for each output, 4 × {counts['norm'] // 4:,} = {counts['norm']:,}."),
        Term(counts["AvgPool2d"], "Adds average pooling, 1 for each output: "
             f"{counts['AvgPool2d']:,}."),
        Term(counts["AdaptiveAvgPool2d"], "Adds adaptive average pooling, 1 for each input and 1 "
             f"for each output: {counts['AdaptiveAvgPool2d']:,}."),
        Term(counts["Softmax"], "Adds softmax, 3 for each output but one: "
             f"{counts['Softmax']:,}."),
        Term(shared, f"Counts {shared:,} again for modules that several containers share: once "
             "for each hook, in each container.")]
    params = seen.parameters("params", {
        leaf.path: (leaf.places, leaf.parameters) for leaf in seen.leaves
        if leaf.type in _THOP_RULES}.values())
    return Report("thop", "0.1.1", (params, seen.operations("MACs", terms, macs)))


def fvcore(seen: _Seen) -> Report:
    """fvcore 0.1.5, `FlopCountAnalysis(network, inputs)` and `parameter_count(network)`.

    - Parameters: all that are registered, once.
    - FLOPs: one for a multiply-add, without bias; 2 for each input of BatchNorm (1 without scale
      and shift), 1 for each input of adaptive average pooling. It sees functions, too. Nothing
      for activations, other pooling or sums.
    """
    counts: Counter[str] = Counter()
    for call in seen.trace.calls:
        if call.operator == "batch_norm":
            counts["norm"] += math.prod(call.input_shapes[0]) * (2 if call.parameters else 1)
        elif call.operator == "adaptive_avg_pool2d":
            counts["pool"] += math.prod(call.input_shapes[0])
    terms = [
        Term(counts["norm"], "Adds BatchNorm, 2 for each output: "
             f"2 × {counts['norm'] // 2:,} = {counts['norm']:,}."),
        Term(counts["pool"], "Adds adaptive average pooling, 1 for each input: "
             f"{counts['pool']:,}.")]
    return Report("fvcore", "0.1.5", (seen.all_parameters("parameter_count"),
                                      seen.operations("FLOPs", terms)),
                  "A multiply-add is one of its FLOPs; elsewhere a FLOP is half of one.")


_ONE_AN_OUTPUT = frozenset({"ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"})
_ONE_AN_INPUT = frozenset({"MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d"})
_PATCHED = {
    **dict.fromkeys(("relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"), "activation"),
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
                    "pool")}


def ptflops(seen: _Seen) -> Report:
    """ptflops 0.7.5, `get_model_complexity_info(network, size)` with its default backend.

    - Parameters: all that are registered and trainable, once.
    - MACs of one image, whatever the batch: multiply-adds of convolution and linear modules and
      their biases, 2 for each input of BatchNorm (1 without scale and shift), 1 for each output
      of ReLU, ELU and similar ones, 1 for each input of pooling. It also watches the functions that
      these modules call, so that activations and poolings count twice, and SiLU, which is no
      module to it, once. LocalResponseNorm counts by the functions in it. Nothing for hard-swish,
      hard-sigmoid, `+`, `*` or concatenation.
    - The hooks of a module in several places are added at each.
    """
    macs = shared = 0
    counts: Counter[str] = Counter()
    # Types of activations, in order: those that count twice, and those that count once.
    twice, once = dict[str, None](), dict[str, None]()
    inside: set[int] = set()
    for leaf in seen.leaves:
        value = 0
        if leaf.macs:
            biases = sum(call.effect.elementwise_ops or 0 for call in leaf.calls)
            macs += leaf.macs
            counts["bias"] += biases
            value = leaf.macs + biases
        elif leaf.type in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            value = (2 if leaf.parameters else 1) * leaf.inputs
            counts["norm"] += value
        elif leaf.type in _ONE_AN_OUTPUT:
            value = leaf.outputs
            twice[leaf.type] = None
            inside.update(call.index for call in leaf.calls)
            counts["twice"] += value
        elif leaf.type in _ONE_AN_INPUT:
            value = leaf.inputs
            counts["pool"] += value
        shared += (leaf.places - 1) * value
    for call in seen.trace.calls:
        size = math.prod(call.input_shapes[0])
        if kind := _PATCHED.get(call.operator):
            if kind == "activation" and call.index in inside:
                kind = "twice"
            elif kind == "activation":
                once[call.type] = None
            counts[kind] += size
        elif call.operator == "local_response_norm":
            counts["lrn"] += 3 * size + size // call.output_shape[1] * (
                call.output_shape[1] + _channels_summed(call) - 1)

    batch = seen.batch
    image = {kind: count // batch for kind, count in counts.items()}
    ours = seen.totals.macs
    terms = [
        Term(ours // batch - ours, "Always makes a batch of one image of its own; ours for one "
             f"image is {ours:,} / {batch} = {ours // batch:,}."),
        Term(image.get("bias", 0), "Adds the biases of convolutions and linear layers, one for "
             f"each output: {image.get('bias', 0):,}."),
        Term(image.get("norm", 0), "Adds BatchNorm, 2 for each output: "
             f"2 × {image.get('norm', 0) // 2:,} = {image.get('norm', 0):,}."),
        Term(image.get("twice", 0), f"Adds {' and '.join(twice)} twice for each output, for the "
             f"module and for the function that it calls: {image.get('twice', 0):,}."),
        Term(image.get("activation", 0), f"Adds {' and '.join(once)}, one for each output: "
             f"{image.get('activation', 0):,}."),
        Term(image.get("pool", 0), "Adds pooling twice for each input, for the module and for the "
             f"function that it calls: {image.get('pool', 0):,}."),
        Term(image.get("lrn", 0), "Adds the products, sums and averages that LocalResponseNorm is "
             f"made of: {image.get('lrn', 0):,}."),
        Term(shared // batch, f"Counts {shared // batch:,} again for modules that several "
             "containers share.")]
    return Report("ptflops", "0.7.5", (
        Figure("parameters", "Number of parameters", seen.totals.trainable_params,
               seen.totals.params, "Parameters", _frozen(seen)),
        seen.operations("MACs", terms, macs)))


def _frozen(seen: _Seen) -> tuple[Term, ...]:
    frozen = seen.totals.params - seen.totals.trainable_params
    return (Term(-frozen, f"Leaves out {frozen:,} parameters that training does not change."),) \
        if frozen else ()


def _channels_summed(call: Call) -> int:
    """The `size` of a LocalResponseNorm, from our (2 · size + 3) operations for each output."""
    assert call.effect.elementwise_ops is not None
    return (call.effect.elementwise_ops // math.prod(call.output_shape) - 3) // 2


def _times(batch: int) -> str:
    return f"{batch:,} × " if batch > 1 else ""


def _equals(batch: int, product: int) -> str:
    return f" = {product:,}" if batch > 1 else ""
