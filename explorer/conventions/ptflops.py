"""ptflops 0.7.5, `get_model_complexity_info(network, size)` with its default backend.

- Parameters: all that are registered and trainable, once.
- MACs of one image, whatever the batch: multiply-adds of convolution and linear modules and their
  biases, 2 for each input of BatchNorm, InstanceNorm and GroupNorm (1 without scale and shift, and
  for LayerNorm), 1 for each output of ReLU, ELU and similar ones, 1 for each input of pooling,
  attention and recurrent modules by formulas of its own. It knows PyTorch's own types alone, not
  those derived from them. Parts of an attention module are left out.
- It also watches functions of `torch.nn.functional`, called by modules as well, so that activations
  and poolings count twice, and SiLU, which is no module to it, once; and `torch.matmul`, `bmm`,
  `mul`, `add` and the like, but not the signs `@`, `*` and `+`.
- The hooks of a module in several places are added at each.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest
from types import FunctionType

from explorer.conventions.reports import (
    LeafRun,
    NotComputed,
    Seen,
    Term,
    ToolReport,
    all_of,
    first_shape,
    named,
    recurrent,
    times,
)
from explorer.language import Text, say
from explorer.tracing import Call, ModuleRun, Operand
from explorer.tracing.operators import Shape

_CONVOLUTIONS = {f"{conv}{sides}d" for conv in ("Conv", "ConvTranspose") for sides in (1, 2, 3)}
_ACTIVATIONS = {"ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"}
_POOLS = {f"{pool}Pool{sides}d" for pool in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg")
          for sides in (1, 2, 3)}
_NORMS = {"GroupNorm", "LayerNorm", *(f"{norm}{sides}d" for norm in ("BatchNorm", "InstanceNorm")
                                      for sides in (1, 2, 3))}
_RECURRENT = {"RNN": 1, "GRU": 7, "LSTM": 10}
"""With what is done for each number of the state, beside products and biases."""
_CELLS = {"RNNCell", "GRUCell", "LSTMCell"}
_LEAVES = {*_CONVOLUTIONS, *_ACTIVATIONS, *_POOLS, *_NORMS, *_RECURRENT, *_CELLS, "Linear",
           "Upsample"}

_FUNCTIONAL = {
    **{f"torch.nn.functional.{name}": "activation" for name in (
        "relu", "elu", "relu6", "silu", "softmax")},
    "torch._C._nn.gelu": "activation", "torch.prelu": "activation",
    **{f"torch.{name}": "pool" for name in ("avg_pool1d", "adaptive_avg_pool1d")},
    **{f"torch._C._nn.avg_pool{sides}d": "pool" for sides in (2, 3)},
    **{f"torch.nn.functional.{pool}_pool{sides}d": "pool" for pool in (
        "max", "adaptive_max", "adaptive_avg") for sides in (1, 2, 3)},
    "torch.nn.functional.interpolate": "upsampling", "torch.nn.functional.upsample": "upsampling"}
_TENSOR = {
    **{f"{where}.{name}": "product" for where in ("torch", "Tensor") for name in (
        "mm", "bmm", "addmm")},
    "torch.matmul": "product", "torch.baddbmm": "product", "torch.mul": "sum", "torch.add": "sum"}

_SIGNS = {"Tensor.mul", "Tensor.add", "Tensor.matmul"}
"""Of what the pass has not computed itself: there the method looks the same (see `Call`)."""


def report(seen: Seen) -> ToolReport:
    frozen = seen.totals.params - seen.totals.trainable_params

    def params() -> list[Term]:
        seen.one_input()
        seen.floats()
        return [Term(-frozen, say("Leaves out {count} parameters that training does not change.",
                                  count=f"{frozen:,}"))]
    return ToolReport("ptflops", "0.7.5", (
        seen.figure("parameters", "Number of parameters", params),
        seen.operations("MACs", lambda: _macs(seen))))


def _macs(seen: Seen) -> tuple[list[Term], set[int]]:
    seen.several_modules()
    seen.one_input()
    seen.floats()
    batch, modules = seen.batch, seen.trace.modules
    if any(module.type == "DeformConv2d" for module in modules.values()):
        raise NotComputed(Text("A trace does not show what it counts for deformable convolutions."))
    attentions = [run for run in seen.runs if modules[run.path].children and _is_attention(
        seen, run)]
    beneath = {path for run in attentions for path in _beneath(seen, run.path)}
    counts: Counter[str] = Counter()
    watched, inside = set[int](), set[int]()
    # Types of activations, in order: those that count twice, and those that count once.
    twice, once = dict[str, None](), dict[str, None]()
    shared = macs = 0
    for leaf in seen.leaves:
        if leaf.kind not in _LEAVES or leaf.path in beneath:
            continue
        kind, value = _of_layer(seen, leaf)
        beyond = value
        if leaf.kind in _ACTIVATIONS:
            twice[leaf.type] = None
            inside.update(call.index for call in leaf.calls)
        if kind in ("bias", "recurrent"):
            watched.update(call.index for call in leaf.calls)
            beyond -= leaf.macs
            macs += leaf.macs
        counts[kind] += beyond
        shared += (leaf.places - 1) * value
    for run in attentions:
        value = _of_attention(seen, run)
        counts["attention"] += value
        shared += (seen.places[run.path] - 1) * value
    in_leaves = {call.index for leaf in seen.leaves if leaf.kind for call in leaf.calls}
    for call in seen.trace.calls:
        kind, value = _of_function(call)
        if kind in ("activation", "pool", "upsampling") and call.index not in in_leaves \
                and not _seen_in_place(seen, call):
            continue
        if kind == "activation" and call.index in inside:
            kind = "twice"
        elif kind == "activation":
            once[call.type] = None
        elif kind == "product":
            watched.add(call.index)
            macs += call.effect.macs or 0
            value -= call.effect.macs or 0
        counts[kind] += value

    if batch > 1:
        _scales(seen, counts)
    image = Counter({kind: count // batch for kind, count in counts.items()})
    ours = macs
    terms = [
        Term(ours // batch - ours, say(
            "Always makes a batch of one image of its own; ours for one image is {sum}.",
            sum=f"{ours:,} / {batch} = {ours // batch:,}")),
        Term(image["bias"], say(
            "Adds the biases of convolutions and linear layers, one for each output: {count}.",
            count=f"{image['bias']:,}")),
        Term(image["recurrent"], say(
            "Counts recurrent layers by a formula of its own, with the biases and gates: {count}.",
            count=f"{image['recurrent']:+,}")),
        Term(image["attention"], say(
            "Counts attention modules by a formula of its own, and leaves out the layers in them: "
            "{count}.", count=f"{image['attention']:,}")),
        Term(image["product"], say(
            "Adds what matrix products have beside multiply-adds: {count}.",
            count=f"{image['product']:+,}")),
        Term(image["norm"], say(
            "Adds normalisation, 2 for each output: {sum}.", sum=times(2, image["norm"]))),
        Term(image["bare norm"], say(
            "Adds LayerNorm and normalisation without scale and shift, 1 for each output: {count}.",
            count=f"{image['bare norm']:,}")),
        Term(image["twice"], say(
            "Adds {types} twice for each output, for the module and for the function that it "
            "calls: {count}.", types=all_of(twice),
            count=f"{image['twice']:,}")),
        Term(image["activation"], say(
            "Adds {types}, one for each output: {count}.",
            types=all_of(once), count=f"{image['activation']:,}")),
        Term(image["pool"], say(
            "Adds pooling twice for each input, for the module and for the function that it calls: "
            "{count}.", count=f"{image['pool']:,}")),
        Term(image["upsampling"], say(
            "Adds upsampling, one for each output of the function, and again for a module: "
            "{count}.", count=f"{image['upsampling']:,}")),
        Term(image["sum"], say(
            "Adds the functions `mul` and `add`, one for each output as it takes it: {count}.",
            count=f"{image['sum']:,}")),
        Term(image["lrn"], say(
            "Adds the products, sums and averages that LocalResponseNorm is made of: {count}.",
            count=f"{image['lrn']:,}")),
        Term(shared // batch, say(
            "Counts {count} again for modules that several containers share.",
            count=f"{shared // batch:,}"))]
    return terms, watched


def _seen_in_place(seen: Seen, call: Call) -> bool:
    """Whether it sees a function that no module of PyTorch's calls: it puts its own in the place of
    `F.relu`, and so does not see one that was taken from there before. Raises `NotComputed` where
    the code of the class, as far as it can be found, does not write it so."""
    path = call.path if call.path in seen.trace.modules else call.path.rpartition(".")[0]
    module = seen.trace.modules[path]
    if (module.type, module.origin) == _ATTENTION:
        return True
    if module.origin == "torch.nn.modules.transformer":
        return False
    name = call.function.rpartition(".")[2]
    there = vars(sys.modules.get(module.origin, object))
    written = [method.__code__.co_names for method in vars(there.get(module.type, object)).values()
               if isinstance(method, FunctionType) and method.__name__ != "__init__"]
    if name in there or not any(name in names for names in written):
        raise NotComputed(Text(
            "It sees the function `{name}` where it is written as `F.{name}`; whether it is so at "
            "{path} is not known.", name=name, path=call.path))
    return True


def _scales(seen: Seen, counts: Counter[str]) -> None:
    """Raises `NotComputed` where one image may not be its part of the batch."""
    alone = {"bias", "norm", "bare norm", "activation", "twice", "pool", "lrn", "upsampling", ""}
    fixed = [call for call in seen.trace.calls
             if not call.inputs and (_of_function(call)[1] or call.effect.macs)]
    if fixed or any(count and (kind not in alone or count % seen.batch)
                    for kind, count in counts.items()):
        raise NotComputed(Text("The tool makes a batch of one image of its own, and here one image "
                               "may not be its part of the batch; set the batch to 1."))


def _of_layer(seen: Seen, leaf: LeafRun) -> tuple[str, int]:
    """What the hook of one run counts: a kind, and so many operations."""
    if leaf.kind in _CONVOLUTIONS:
        if len(leaf.first) != int(leaf.kind[-2]) + 2:
            raise NotComputed(Text("The tool takes the channels of {path} for a batch.",
                                   path=leaf.path))
        return "bias", leaf.macs + (leaf.outputs if "bias" in seen.own(leaf.path) else 0)
    if leaf.kind == "Linear":
        return "bias", leaf.macs + (leaf.outputs if "bias" in seen.own(leaf.path) else 0)
    if leaf.kind in _NORMS:
        if leaf.parameters and leaf.kind != "LayerNorm":
            return "norm", 2 * leaf.inputs
        return "bare norm", leaf.inputs
    if leaf.kind in _ACTIVATIONS:
        return "twice", leaf.outputs
    if leaf.kind in _POOLS:
        return "pool", leaf.inputs
    if leaf.kind == "Upsample":
        # Of the first image alone, and it makes no other.
        if leaf.batch != seen.batch:
            raise NotComputed(Text("The tool counts the first part of what {path} returns alone.",
                                   path=leaf.path))
        return "upsampling", leaf.outputs
    if leaf.kind in _RECURRENT:
        return "recurrent", _of_recurrent(seen, leaf)
    raise NotComputed(Text("What it counts for {layer} is not told by a trace.", layer=named(leaf)))


def _of_recurrent(seen: Seen, leaf: LeafRun) -> int:
    layer, own = recurrent(leaf), seen.own(leaf.path)
    forward = [full for name, full in own.items()
               if not name.endswith("_reverse") and name.startswith(("weight_ih", "weight_hh",
                                                                     "bias_ih", "bias_hh"))]
    each = seen.size(forward) + layer.layers * _RECURRENT[leaf.kind] * layer.state
    return layer.cells * each * layer.directions


def _is_attention(seen: Seen, run: ModuleRun) -> bool:
    module = seen.trace.modules[run.path]
    return (module.type, module.origin) in (_ATTENTION, _TIMM_ATTENTION)


_ATTENTION = "MultiheadAttention", "torch.nn.modules.activation"
_TIMM_ATTENTION = "Attention", "timm.layers.attention"


def _beneath(seen: Seen, path: str) -> Iterable[str]:
    for child in seen.trace.modules[path].children:
        if seen.places[child] > 1:
            raise NotComputed(Text("{path} is a part of an attention module and of others, too.",
                                   path=child))
        yield child
        yield from _beneath(seen, child)


def _of_attention(seen: Seen, run: ModuleRun) -> int:
    """The hook of an attention module: the products of its heads, a softmax and a scaling; for
    PyTorch's own all of its layers, too."""
    query, key = _heads(seen, run)
    batch, heads, length, size = query
    numbers, others = heads * size, key[2]
    products = heads * (2 * length * others * size + length * others)
    if run.type == "Attention":
        return batch * (length * numbers + products)
    shapes = [seen.trace.calls[index].output_shape if index >= 0 else seen.trace.given(index).shape
              for index in run.inputs]
    if len(shapes) != 3 or {shape[-1] for shape in shapes} != {numbers}:
        raise NotComputed(Text("The tool expects {path} to be given queries, keys and values of "
                               "one size, and nothing beside them.", path=run.path))
    biases = (length + 2 * others) * numbers if "in_proj_bias" in seen.own(run.path) else 0
    return batch * (length * numbers + (length + 2 * others) * numbers ** 2 + biases + products
                    + length * numbers * (numbers + 1))


def _heads(seen: Seen, run: ModuleRun) -> tuple[Shape, Shape]:
    """Queries and keys as (N, heads, L, E), of the call that multiplies them."""
    for call in seen.trace.calls[run.start:run.stop]:
        if call.operator == "scaled_dot_product_attention" or (
                call.operator == "matmul" and call.function != "torch.bmm"):
            query, key = [value.shape for value in call.args if isinstance(value, Operand)][:2]
            if len(query) == len(key) == 4:
                if call.operator == "matmul":
                    key = (*key[:2], key[3], key[2])
                return query, key
        elif call.function == "torch.bmm" and run.input_shape:
            query, key = call.input_shapes
            heads = run.input_shape[-1] // query[-1]
            return ((query[0] // heads, heads, *query[1:]),
                    (key[0] // heads, heads, key[2], key[1]))
    raise NotComputed(Text("It counts {layer} by a formula of its own, and where queries meet keys "
                           "a trace does not tell.", layer=named(run)))


def _of_function(call: Call) -> tuple[str, int]:
    """What it counts for the function that a call is of."""
    shape = first_shape(call)
    size = math.prod(shape)
    if call.operator == "local_response_norm":
        return "lrn", 3 * size + size // call.output_shape[1] * (
            call.output_shape[1] + call.argument("size") - 1)
    if call.function in _SIGNS and isinstance(first := call.args[0], Operand) \
            and first.producer is None:
        name = call.function.rpartition(".")[2]
        raise NotComputed(Text(
            "It counts the method `{name}`, but not the sign for it; which of them stands at "
            "{path} a trace does not tell.", name=name, path=call.path))
    kind = _FUNCTIONAL.get(call.function) or _TENSOR.get(call.function, "")
    if kind == "upsampling":
        return kind, math.prod(call.output_shape)
    if kind == "sum":
        # It sets the sides side by side from the first one, where PyTorch begins at the last.
        return kind, math.prod(map(max, zip_longest(*[
            value.shape for value in call.args if isinstance(value, Operand)], fillvalue=1)))
    if kind == "product":
        *_, one, other = [value.shape for value in (*call.args, *call.kwargs.values())
                          if isinstance(value, Operand)]
        value = math.prod(one) * other[-1]
        return kind, value + (size if call.operator in ("addmm", "baddbmm") else 0)
    return kind, size if kind else 0
