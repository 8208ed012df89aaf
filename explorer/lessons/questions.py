"""Questions that the engine asks and answers: which figure a layer has, what a knob does, which of
two networks is larger, where a pass ends.

The right answer is the engine's own figure. The wrong ones are what usual mistakes give, each with
the name of its mistake, so that the answer can say which it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer, ReceptiveField
from explorer.analysis.receptive_field import field_of_input
from explorer.config import ConfigError
from explorer.explain.derivation import Step, derive
from explorer.language import Text, say
from explorer.lessons.facts import FIGURES, Opens, fill
from explorer.lessons.parts import AskedQuestion, LayerQuestion
from explorer.pipeline import Explored
from explorer.sources import find_source, title
from explorer.text import Rational

FEWEST, MOST = 3, 4
"""Answers to choose among."""


class Answer(NamedTuple):
    """An answer to choose, and what is to be said once it is chosen."""

    text: str
    why: str


@dataclass(frozen=True)
class Question:
    """A question with its answers, in the order in which they are shown."""

    kind: str
    """One of `quiz.KINDS`, or "" for one that was written by hand."""
    ask: str
    answers: tuple[Answer, ...]
    right: int
    """The place of the right one."""
    step: Step | None = None
    """How the figure comes about, where it is one of a layer."""
    networks: tuple[str, ...] = ()
    """Keys of what it is about."""
    layer: int | None = None


class NoQuestion(ValueError):
    """What a question was to be about gives none: too few answers differ."""


def assemble(kind: str, ask: str, right: Answer, wrong: Sequence[Answer], random: Random, *,
             step: Step | None = None, networks: Sequence[str] = (),
             layer: int | None = None) -> Question:
    """A question of the right answer and some of the wrong ones. Raises `NoQuestion` where too few
    of these differ."""
    others = list({each.text: each for each in reversed(wrong) if each.text != right.text}.values())
    if len(others) < FEWEST - 1:
        raise NoQuestion(ask)
    chosen = random.sample(others, min(len(others), MOST - 1))
    answers = [right, *chosen]
    random.shuffle(answers)
    return Question(kind=kind, ask=ask, answers=tuple(answers), right=answers.index(right),
                    step=step, networks=tuple(networks), layer=layer)


def written(asked: AskedQuestion, opens: Opens, seed: str) -> Question:
    """A question of a lesson, with its facts in their places; in the order of a seed, which is the
    same in each language."""
    answers = [Answer(fill(choice.text, opens), fill(choice.why, opens))
               for choice in asked.choices]
    right, ask = answers[0], fill(asked.ask, opens)
    Random(seed).shuffle(answers)
    return Question(kind="", ask=ask, answers=tuple(answers), right=answers.index(right))


def of_layer(asked: LayerQuestion, opens: Opens) -> Question:
    """A lesson's question on a layer. Raises `ConfigError` where there is no such layer, and
    `NoQuestion`."""
    network = opens(find_source(asked.network))
    for layer in network.summary.layers:
        if layer.path == asked.layer:
            return about_layer(network, layer, asked.figure, Random(asked.layer))
    raise ConfigError(Text("{network} has no layer {layer}", network=asked.network,
                           layer=repr(asked.layer)))


def name_of(network: Explored) -> str:
    """A network with what is turned of it; one without knobs by what comes first in its title."""
    config = network.source.config
    return title(config) if config else network.title.split(" · ")[0]


# Figures of a layer

STEPS = {"output": "Output shape", "params": "Parameters", "macs": "Multiply-adds",
         "receptive_field": "Receptive field"}
"""The figures that can be asked for, with their names in a derivation."""

CONVOLUTIONS = ("Conv2d",)
POOLINGS = ("MaxPool2d", "AvgPool2d")
ASKED: dict[str, tuple[str, ...]] = {
    "output": (*CONVOLUTIONS, *POOLINGS),
    "params": (*CONVOLUTIONS, "Linear", "BatchNorm2d"),
    "macs": (*CONVOLUTIONS, "Linear"),
    "receptive_field": (*CONVOLUTIONS, *POOLINGS),
}
"""Types of layers of which each figure is asked."""


def can_be_asked(layer: Layer, figure: str) -> bool:
    """Whether the figure of a layer follows from what a question says of it."""
    window = layer.window
    return layer.type in ASKED[figure] and not layer.unused and layer.shared_with is None \
        and len(layer.inputs) == 1 \
        and (window is None or (len(window.kernel) == 2 and not window.whole)) \
        and (figure != "receptive_field" or _widens(layer))


def _widens(layer: Layer) -> bool:
    """Whether its output sees more than its input does."""
    return layer.receptive_field is not None and layer.window is not None \
        and max(layer.window.kernel) > 1


def about_layer(network: Explored, layer: Layer, figure: str, random: Random) -> Question:
    """A question on one figure of a layer. Raises `NoQuestion` where too few answers differ."""
    asked = _Asked(network, layer)
    found = {"output": _output, "params": _params, "macs": _macs, "receptive_field": _field}[figure]
    right = FIGURES[figure].of(network, [layer]) if figure != "output" else layer.output_shape
    shown = text.shape(right) if isinstance(right, tuple) else f"{right:,}"
    wrong = [Answer(text.shape(value) if isinstance(value, tuple) else text.number(value), why)
             for value, why in found(asked) if _sensible(value)]
    step = next(step for step in derive(network.summary, layer.index).steps
                if step.name == STEPS[figure])
    ends = {"output": say("What is the shape of its output?"),
            "params": say("How many parameters does it have?"),
            "macs": say("How many multiply-adds does it take?"),
            "receptive_field": say("What is the receptive field of its output, in pixels?")}
    before = ""
    if figure == "receptive_field":
        before = say("One position of its input sees {size} pixels of the image, and its "
                     "neighbour lies {jump} pixels further.", size=text.number(asked.field),
                     jump=text.number(asked.jump))
    return assemble(figure, text.sentences([asked.sentence, before, ends[figure]]),
                    Answer(shown, say("It is worked out below.")), wrong, random, step=step,
                    networks=[network.key], layer=layer.index)


def _sensible(value: int | Rational | tuple[int, ...]) -> bool:
    return all(side > 0 for side in value) if isinstance(value, tuple) else value >= 0


class _Asked:
    """A layer as a question tells of it."""

    def __init__(self, network: Explored, layer: Layer) -> None:
        self.network, self.layer = network, layer
        self.given, self.out = layer.input_shapes[0], layer.output_shape
        shapes = [network.summary.trace.parameters[name].shape for name in layer.call.parameters]
        self.bias = sum(1 for shape in shapes if len(shape) == 1) > 0
        self.groups = layer.groups or 1
        window = layer.window
        if window is not None:
            self.kernel, self.stride = window.kernel, tuple(map(int, window.stride))
            self.padding, self.dilation = tuple(map(int, window.padding)), window.dilation

    @property
    def is_conv(self) -> bool:
        return self.layer.type in CONVOLUTIONS

    @property
    def field(self) -> Rational:
        return max(self._before.size)

    @property
    def jump(self) -> Rational:
        return max(self._before.stride)

    @property
    def _before(self) -> ReceptiveField:
        producer = self.layer.inputs[0]
        known = field_of_input(self.given) if producer < 0 else \
            self.network.summary.layers[producer].receptive_field
        assert known
        return known

    @property
    def sentence(self) -> str:
        """What the layer is, with all that its figures follow from."""
        shape, path = text.shape(self.given), self.layer.path
        name = name_of(self.network)
        match self.layer.type:
            case "Linear":
                return say("In {network}, `{path}` is a linear layer from {given} to {out} "
                           "features, {bias}, for a batch of {batch}.", network=name, path=path,
                           given=self.given[-1], out=self.out[-1], bias=self._bias_words,
                           batch=self.given[0])
            case "BatchNorm2d":
                return say("In {network}, `{path}` is a BatchNorm over {channels} channels.",
                           network=name, path=path, channels=self.given[1])
        sides = dict(network=name, path=path, kernel=text.shape(self.kernel),
                     stride=text.side(self.stride), padding=text.side(self.padding), shape=shape)
        if not self.is_conv:
            return say("In {network}, `{path}` is a pooling with a {kernel} window, stride "
                       "{stride} and padding {padding}. Its input is {shape}.", **sides)
        return say("In {network}, `{path}` is a {kernel} convolution to {out} channels with stride "
                   "{stride}, padding {padding}{groups}, {bias}. Its input is {shape}.",
                   out=self.out[1], groups=self._groups_words, bias=self._bias_words, **sides)

    @property
    def _bias_words(self) -> str:
        return say("with a bias") if self.bias else say("without a bias")

    @property
    def _groups_words(self) -> str:
        dilated = "" if set(self.dilation) == {1} else \
            say(", dilation {dilation}", dilation=text.side(self.dilation))
        grouped = "" if self.groups == 1 else say(", {groups} groups", groups=self.groups)
        return dilated + grouped


Wrong = Iterator[tuple[Rational | tuple[int, ...], str]]


def _output(asked: _Asked) -> Wrong:
    """What comes out where a step of the sum is left out."""
    batch, channels, *given = asked.given
    out_channels = asked.out[1]

    def sides(padding: int = 1, stride: int = 1, one: int = 1, up: bool = False) -> tuple[int, ...]:
        result = []
        for side, k, s, p, d in zip(given, asked.kernel, asked.stride, asked.padding,
                                    asked.dilation, strict=True):
            moves = (side + 2 * p * padding - d * (k - 1) - 1) / (s if stride else 1)
            result.append((math.ceil(moves) if up else math.floor(moves)) + one)
        return batch, out_channels, *result

    yield sides(up=True), say("That is rounded up. A window that does not fit whole is left out: "
                              "the quotient is rounded down.")
    yield sides(padding=0), say("That leaves the padding out: it adds {padding} positions at each "
                                "edge.", padding=text.side(asked.padding))
    yield sides(one=0), say("That forgets the + 1: the first window does not have to move.")
    yield sides(stride=0), say("That ignores the stride: the window moves by {stride} each time.",
                               stride=text.side(asked.stride))
    if asked.is_conv:
        yield (batch, channels, *asked.out[2:]), say(
            "Those are the input's channels. A convolution has one output channel for each of its "
            "filters.")
    else:
        yield (batch, channels * asked.kernel[0], *asked.out[2:]), say(
            "A pooling keeps the channels: each is pooled by itself.")
    yield (batch, out_channels, *[side // 2 for side in asked.out[2:]]), say(
        "That halves the map once too often.")
    yield (batch, out_channels, *[side + 1 for side in asked.out[2:]]), say(
        "That is one position too many: count how often the window can move.")


def _params(asked: _Asked) -> Wrong:
    right, out = asked.layer.params, asked.out[1 if len(asked.out) == 4 else -1]
    if asked.layer.type == "BatchNorm2d":
        channels = asked.given[1]
        yield 4 * channels, say("That counts the running mean and variance too. They are buffers: "
                                "training does not learn them by gradient.")
        yield channels, say("Each channel has two: a factor γ and a term β.")
        yield 2 * channels * math.prod(asked.given[2:]), say(
            "The same two numbers serve every position of a channel.")
        yield 0, say("It learns a factor γ and a term β for each channel.")
        return
    if asked.bias:
        yield right - out, say("That forgets the bias, one number for each of the {out} outputs.",
                               out=out)
    else:
        yield right + out, say("That counts a bias, which this layer does not have.")
    if asked.layer.type == "Linear":
        yield asked.given[-1] + out, say("Every input is joined to every output: the two numbers "
                                         "are multiplied, not added.")
        yield 2 * right, say("That counts every weight twice.")
        yield right * 4, say("Those are the bytes in float32.")
        return
    weights = right - (out if asked.bias else 0)
    bias = out if asked.bias else 0
    if asked.groups > 1:
        yield weights * asked.groups + bias, say(
            "That ignores the groups: a filter reads only its own {share} of the input's channels, "
            "not all {channels}.", share=asked.given[1] // asked.groups, channels=asked.given[1])
    if asked.kernel[0] > 1 or asked.kernel[1] > 1:
        yield weights // asked.kernel[1] + bias, say(
            "That takes one side of the kernel. A filter has {kernel} weights for each channel.",
            kernel=text.shape(asked.kernel))
    if asked.given[1] > asked.groups:
        yield weights * asked.groups // asked.given[1] + bias, say(
            "That forgets the input's channels: a filter has a kernel for each channel that it "
            "reads.")
    yield asked.layer.macs or 0, say("Those are the multiply-adds. The same weights serve every "
                                     "position of the map.")
    yield 2 * right, say("That counts every weight twice.")


def _macs(asked: _Asked) -> Wrong:
    right = asked.layer.macs or 0
    batch, out = asked.given[0], asked.out[1 if len(asked.out) == 4 else -1]
    yield 2 * right, say("Those are the FLOPs: a multiplication and an addition are one "
                         "multiply-add.")
    yield right + math.prod(asked.out), say("That counts the bias too: an addition alone is no "
                                            "multiply-add.")
    if asked.layer.type == "Linear":
        yield batch * (asked.given[-1] + out), say("Every output takes one product for each input: "
                                                   "the two numbers are multiplied.")
        yield right * out, say("That multiplies by the outputs twice.")
        return
    if asked.groups > 1:
        yield right * asked.groups, say(
            "That ignores the groups: an output reads only {share} of the input's {channels} "
            "channels.", share=asked.given[1] // asked.groups, channels=asked.given[1])
    given, made = math.prod(asked.given[2:]), math.prod(asked.out[2:])
    if given != made:
        yield right // made * given, say("That takes the positions of the input. There is one sum "
                                         "for each position of the output.")
    yield right // made, say("That is one position of the map. The sum is done at each of {made}.",
                             made=made)
    if asked.kernel[0] * asked.kernel[1] > 1:
        yield right // (asked.kernel[0] * asked.kernel[1]), say(
            "That forgets the kernel: one output sums over {kernel} positions.",
            kernel=text.shape(asked.kernel))


def _field(asked: _Asked) -> Wrong:
    size, jump = asked.field, asked.jump
    k, d = max(asked.kernel), max(asked.dilation)
    stride = max(asked.stride)
    reach = (k - 1) * d
    yield size + reach, say("That adds the kernel in positions of the map. A step of the map is "
                            "{jump} pixels of the image.", jump=text.number(jump))
    yield size + k * d * jump, say("That forgets the − 1: a kernel of {kernel} reaches {reach} "
                                   "steps beyond one position.", kernel=k, reach=k - 1)
    yield size + reach * jump * stride, say("That takes the layer's own stride already: it counts "
                                            "from the next layer on.")
    yield size * k, say("Receptive fields add; they do not multiply.")
    yield size + 2 * reach * jump, say("That adds the reach to both sides. Half of it lies on each "
                                       "side already.")
    yield size, say("A kernel of more than one position sees more than its input does.")
