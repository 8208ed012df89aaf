"""Recurrent layers: LSTM, GRU and plain ones, which go through a sequence step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer import text
from explorer.formula import Expression, Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators.explanation import Case, Words, counted
from explorer.tracing.operators.operator import Effect, HasShape, Rule, ShapeError, operator

CELLS: dict[str, tuple[int, int, Text]] = {
    "lstm": (4, 21, Text(
        "In each step, for each number of the state: three sigmoids, two tanh, and three products "
        "and a sum of the states; and for each gate {sums}.")),
    "gru": (3, 16, Text(
        "In each step, for each number of the state: two sigmoids, a tanh, a product of the reset, "
        "and four that mix old and new; and for each gate {sums}.")),
    "rnn_tanh": (1, 4, Text(
        "In each step, for each number of the state: a tanh; and for each gate {sums}.")),
    "rnn_relu": (1, 1, Text(
        "In each step, for each number of the state: a comparison; and for each gate {sums}.")),
}
"""Gates, and the arithmetic for each number of the state beside the products and their sums."""


def recurrent(gates: int, operations: int) -> Rule:
    def rule(input: HasShape, hx: Any, weights: Sequence[HasShape], has_biases: Any,
             num_layers: int, dropout: float, training: bool, bidirectional: bool,
             batch_first: bool = False) -> Effect:
        """macs = steps · N · numbers of all matrices"""
        if isinstance(has_biases, (list, tuple)):
            raise ShapeError(Text("how long the sequences of a packed batch are is in its values"))
        if len(input.shape) != 3:
            raise ShapeError(Text("needs a batch of sequences (steps, N, features); got {shape}",
                                  shape=tuple(input.shape)))
        batch = input.shape[0] if batch_first else input.shape[1]
        steps = input.shape[1] if batch_first else input.shape[0]
        directions = 2 if bidirectional else 1
        states = _states(hx)
        size = states[-1].shape[-1]
        matrices = [weight.shape for weight in weights if len(weight.shape) == 2]
        if matrices[0][1] != input.shape[2]:
            raise ShapeError(Text("expects {expected} features; got {features}",
                                  expected=matrices[0][1], features=input.shape[2]))
        out_size = directions * states[0].shape[-1]
        cells = steps * batch * directions * num_layers
        each = operations + gates * (3 if has_biases else 1)
        drops = steps * batch * out_size * (num_layers - 1) if training and dropout else 0
        out = (batch, steps, out_size) if batch_first else (steps, batch, out_size)
        return Effect(out, steps * batch * sum(map(math.prod, matrices)),
                      cells * size * each + drops,
                      others=tuple([(directions * num_layers, batch, state.shape[-1])
                                    for state in states]))
    return rule


def _states(hx: Any) -> Sequence[HasShape]:
    """Of an LSTM two, what a cell gives and the cell itself; of others one."""
    return (hx,) if hasattr(hx, "shape") else hx


class _Numbers:
    """The numbers of a recurrent layer as symbols."""

    def __init__(self, case: Case) -> None:
        steps, batch, features = case.input
        if case.argument("batch_first"):
            steps, batch = batch, steps
        states = _states(case.argument("hx"))
        self.gates, self.operations, self.what = CELLS[case.call.operator]
        self.layers: int = case.argument("num_layers")
        self.directions = 2 if case.argument("bidirectional") else 1
        self.state = Symbol("H", states[-1].shape[-1], say("numbers of a state"))
        self.projected = states[0].shape[-1] != states[-1].shape[-1]
        self.given = Symbol("P", states[0].shape[-1], say("numbers of a projected state")) \
            if self.projected else self.state
        """What a cell gives, to the next step and to the next layer."""
        self.features = Symbol("F_in", features)
        self.cells: list[Expression] = [Symbol("T", steps, say("steps of a sequence")),
                                        Symbol("N", batch, say("sequences in the batch"))]
        self.both: list[Expression] = [Symbol("D", 2, say("directions"))] * (self.directions - 1)
        self.deep = Symbol("B", self.layers, say("layers, one behind the other"))

    @property
    def made(self) -> list[Expression]:
        """The numbers that a cell's matrices give."""
        gates: list[Expression] = [Symbol("G", self.gates, say("gates, and what they let in"))]
        return [*gates, self.state] if self.gates > 1 else [self.state]

    @property
    def weights(self) -> Expression:
        """Of all layers, in one direction."""
        result = product([*self.made, self.features + self.given])
        if self.layers > 1:
            below = product([*self.both, self.given])
            result = result + product([self.deep - 1, *self.made, below + self.given])
        if self.projected:
            result = result + product([*[self.deep] * (self.layers > 1), self.given, self.state])
        return result


def shape(case: Case) -> Words:
    steps = say(
        "For each step of each sequence the {numbers} numbers that the last layer gives in both "
        "directions." if case.argument("bidirectional") else
        "For each step of each sequence the {numbers} numbers that the last layer gives.",
        numbers=text.number(case.output[-1]))
    states = say("Beside them it gives the last state and cell of each layer."
                 if case.call.operator == "lstm" else
                 "Beside them it gives the last state of each layer.")
    return Words(notes=(text.sentences([steps, states]),))


def params(case: Case) -> Words:
    numbers = _Numbers(case)
    formula = product([*numbers.both, numbers.weights])
    if case.argument("has_biases"):
        biases = [*numbers.both, *[numbers.deep] * (numbers.layers > 1), *numbers.made]
        formula = formula + 2 * product(biases)
    return counted("params", formula, say(
        "For each gate a matrix for the input and one for the last state, and two biases."
        if case.argument("has_biases") else
        "For each gate a matrix for the input and one for the last state."))


def macs(case: Case) -> Words:
    numbers = _Numbers(case)
    return counted("macs", product([*numbers.cells, *numbers.both, numbers.weights]),
                   say("In each step each gate multiplies the input by one matrix and the last "
                       "state by another. Floating-point operations (FLOPs) are twice as many."))


def work(case: Case) -> Words:
    numbers = _Numbers(case)
    biased = case.argument("has_biases")
    each = numbers.operations + numbers.gates * (3 if biased else 1)
    cells = [*numbers.cells, *numbers.both, *[numbers.deep] * (numbers.layers > 1)]
    formula = product([Symbol("q", each), *cells, numbers.state])
    sums = say("the sum of both products and of two biases" if biased else
               "the sum of both products")
    notes = [say(numbers.what.text, sums=sums)]
    if case.training and case.argument("dropout") and numbers.layers > 1:
        formula = formula + product([numbers.deep - 1, *numbers.cells, *numbers.both,
                                     numbers.given])
        notes.append(say("The last term is the dropout between the layers."))
    return counted("operations", formula, *notes)


for _name, (_gates, _operations, _) in CELLS.items():
    # What they keep for backward is up to the library that PyTorch hands them to.
    operator(_name, rule=recurrent(_gates, _operations), kind="linear", keeps=None, shape=shape,
             params=params, macs=macs, work=work)
