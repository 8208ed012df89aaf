"""A network as ONNX, for onnxruntime, Netron and other tools.

A node stands for one operator of the network's own forward pass and has the path of its module:
`stage1.0.branch.conv1/Conv`. Nothing is folded into its neighbour, so that the layers are those of
the network, and the weights have the names of its `state_dict`. They are those that the network's
authors begin with, the same ones each time.
"""

from __future__ import annotations

import ast
import inspect
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.config import ConfigError
from explorer.files import write_file
from explorer.language import Text
from explorer.libraries import need
from explorer.pipeline import Explored
from explorer.sources import Source
from explorer.sources.inputs import format_input
from explorer.tracing import Input

OPSETS = range(18, 24)
"""The versions of ONNX's operators that a file can be made of."""
OPSET = 20

LIBRARIES = "onnx", "onnxscript"

MOST_BYTES = 2_000_000_000
"""Of a file, which Protocol Buffers cannot make larger; more weights stand in a file beside it."""

SEED = 0

NO_LIMIT = 2 ** 63
"""Of numbers in a constant that is worked out."""

SCOPES = "pkg.torch.onnx.name_scopes"
KEPT = SCOPES, "pkg.torch.onnx.class_hierarchy"
"""What is kept of PyTorch's notes on a node: which modules it is in, and their classes. The others
have names of files on this machine."""


class ExportError(ValueError):
    """What cannot be made a file; the message says why, and what to do instead."""


def to_onnx(explored: Explored, *, opset: int = OPSET, dynamic_batch: bool = False) -> bytes:
    """A network as the bytes of an ONNX file, in evaluation mode. With `dynamic_batch` it takes
    any number of samples, and else so many as its input has.

    Raises `LibraryError` without onnx and onnxscript, `ConfigError` for an opset that there is
    not, and `ExportError` where PyTorch cannot export the network and where it is too large.
    """
    model = _model(explored.source, opset, dynamic_batch)
    size = _weights(model)
    if size > MOST_BYTES:
        raise ExportError(Text(
            "{network} has {size} GB of weights, and an ONNX file holds {most} GB. `python -m "
            "explorer export` writes the weights to a second file.", network=explored.title,
            size=f"{size / 1e9:.1f}", most=f"{MOST_BYTES / 1e9:.0f}"))
    return _serialised(model)


def save_onnx(explored: Explored, path: Path, *, opset: int = OPSET,
              dynamic_batch: bool = False) -> None:
    """The same written to a file; weights that are too large for it stand beside it, in a file
    with `.data` behind its name. Raises `OSError` too."""
    model = _model(explored.source, opset, dynamic_batch)
    if _weights(model) <= MOST_BYTES:
        write_file(_serialised(model), path)
        return
    import onnx_ir

    # Beside the place, so that both files come there whole.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        onnx_ir.save(model, Path(folder, path.name), external_data=f"{path.name}.data")
        os.replace(Path(folder, f"{path.name}.data"), path.with_name(f"{path.name}.data"))
        os.replace(Path(folder, path.name), path)


def _model(source: Source, opset: int, dynamic_batch: bool) -> Any:
    """The network as a model of onnx_ir."""
    if opset not in OPSETS:
        raise ConfigError(Text("`opset` must be between {least} and {most}; got {opset}.",
                               least=OPSETS[0], most=OPSETS[-1], opset=opset), "opset")
    for library in LIBRARIES:
        need(library)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = source.build("cpu")
    model = _exported(source, network, opset, dynamic_batch)
    _simplify(model, set(network.state_dict()))
    _name(model, source)
    return model


def _exported(source: Source, network: nn.Module, opset: int, dynamic_batch: bool) -> Any:
    arguments = tuple([_example(one, dynamic_batch) for one in source.inputs if not one.name])
    named = {one.name: _example(one, dynamic_batch) for one in source.inputs if one.name}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of what PyTorch will change in itself
            shapes = _batches(source, network, named) if dynamic_batch else None
            program = torch.export.export(network, arguments, named, dynamic_shapes=shapes,
                                          strict=False)
            made = torch.onnx.export(program, dynamo=True, optimize=False, opset_version=opset,
                                     dynamic_shapes=shapes, verbose=False)
    except (ConfigError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:      # whatever PyTorch raises, and a stranger's network
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        said = said[:300].rstrip(".")
        raise ExportError(Text(
            "PyTorch cannot export {network} to ONNX: {error}. It may be possible without "
            "`dynamic_batch`." if dynamic_batch else
            "PyTorch cannot export {network} to ONNX: {error}.", network=source.title,
            error=f"{type(error).__name__}{said and f': {said}'}")) from error
    assert made
    return made.model


def _example(given: Input, dynamic_batch: bool) -> Tensor:
    """An input, of several samples where their number may change: of one PyTorch would take it
    that there is always one."""
    first, *sides = given.shape
    samples = max(2, first) if dynamic_batch else first
    return torch.full((samples, *sides), given.dtype is torch.bool, dtype=given.dtype)


def _batches(source: Source, network: nn.Module, named: Iterable[str]) -> dict[str, Any]:
    """The first side of every input, as the one that may change."""
    samples = {one.shape[0] for one in source.inputs}
    if len(samples) > 1:
        raise ConfigError(Text(
            "`dynamic_batch` needs inputs that all begin with the number of samples; got {inputs}.",
            inputs=" and ".join(map(format_input, source.inputs))))
    arguments = list(inspect.signature(network.forward).parameters)
    positional = arguments[:sum(not one.name for one in source.inputs)]
    return {name: {0: torch.export.Dim("batch")} for name in [*positional, *named]}


def _simplify(model: Any, weights: set[str]) -> None:
    """Work out what depends on no input, and leave the rest as it is: what PyTorch's own
    optimisation does beyond that makes one node of a convolution and its normalisation."""
    import onnx_ir
    from onnx_ir.passes import common as passes
    from onnxscript import optimizer, rewriter
    from onnxscript.rewriter.rules import common as rules

    optimizer.inline(model)
    for node in model.graph:
        if node.op_type == "Transpose" and node.inputs[0].name in weights:
            node.outputs[0].name = f"{node.inputs[0].name}_transposed"
    optimizer.fold_constants_ir(model, onnx_shape_inference=False, input_size_limit=NO_LIMIT,
                                output_size_limit=NO_LIMIT, should_fold=partial(_folds, weights))
    rewriter.rewrite(model, [rules.remove_optional_bias_from_conv_rule,
                             rules.remove_optional_bias_from_conv_transpose_rule,
                             rules.remove_optional_bias_from_gemm_rule])
    onnx_ir.passes.Sequential(
        passes.RemoveUnusedNodesPass(), passes.RemoveUnusedFunctionsPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.CommonSubexpressionEliminationPass(), passes.OutputFixPass(),
        passes.NameFixPass())(model)


def _folds(weights: set[str], node: Any) -> bool | None:
    """Whether a node is worked out: one that reads a weight stays, so that the weight does; None
    leaves it to onnxscript."""
    reads = any(value is not None and value.name in weights for value in node.inputs)
    return False if reads and node.op_type not in ("Shape", "Size", "Transpose") else None


def _name(model: Any, source: Source) -> None:
    """Name the nodes by their modules, and the file by the network."""
    taken: Counter[str] = Counter()
    for node in model.graph.all_nodes():
        notes = node.metadata_props
        path = module_of(notes[SCOPES]) if SCOPES in notes else ""
        name = f"{path}/{node.op_type}" if path else node.op_type
        node.name = f"{name}_{taken[name]}" if taken[name] else name
        taken[name] += 1
        kept = {key: notes[key] for key in KEPT if key in notes}
        notes.clear()
        notes |= {"namespace": path.replace(".", "/"), **kept}
    model.graph.metadata_props.clear()
    model.graph.name = Path(source.key).name
    model.doc_string = f"{source.title}. The weights are random."


def module_of(scopes: str) -> str:
    """The path of the innermost module that an operator is in, of PyTorch's note on it.

    >>> module_of("['', 'stem', 'stem.conv', 'conv2d']"), module_of("['', 'add']")
    ('stem.conv', '')
    """
    *modules, _ = ast.literal_eval(scopes)
    return str(modules[-1]) if modules else ""


def _weights(model: Any) -> int:
    """Bytes."""
    return sum([value.const_value.nbytes for value in model.graph.initializers.values()])


def _serialised(model: Any) -> bytes:
    import onnx_ir

    written: bytes = onnx_ir.to_proto(model).SerializeToString(deterministic=True)
    return written
