"""Questions without end, by a seed: the same seed asks the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer
from explorer.config import Config, ConfigError, find_knob
from explorer.language import Text, say
from explorer.lessons.facts import FIGURES, Opens
from explorer.lessons.questions import (
    Answer,
    NoQuestion,
    Question,
    about_layer,
    assemble,
    can_be_asked,
    name_of,
)
from explorer.networks.catalogue import families, presets
from explorer.networks.family import Preset
from explorer.pipeline import Explored, explore
from explorer.published import PublishedComparison, Total, compare, names
from explorer.sources import find_source
from explorer.sources.find import find_registered
from explorer.sources.key import to_key

LEVELS = (1, 2, 3)
LARGEST_SEED = 10**9 - 1

MOST_BLOCKS = 18
"""Of a preset that is asked about where it was not chosen by name: a deeper one only repeats
more."""


def about_all() -> tuple[str, ...]:
    """What is asked about where nothing was chosen: every preset that is not very deep."""
    return _not_deep(list(presets().values()))


def _not_deep(among: Sequence[Preset]) -> tuple[str, ...]:
    """Names of those presets; of all where each is deep."""
    return tuple([preset.config.network for preset in among
                  if sum(preset.config.scaled_blocks) <= MOST_BLOCKS]
                 or [preset.config.network for preset in among])


def about(chosen: str) -> tuple[str, ...]:
    """Networks that a choice stands for: "" for all, the title of a family, or a canonical string
    of the catalogue. Raises `ConfigError` for what is none of them.

    >>> about("VGG")[:2], about("resnet50&width=0.5")
    (('vgg11', 'vgg13'), ('resnet50&width=0.5',))
    """
    if not chosen:
        return about_all()
    for family in families():
        if family.title == chosen:
            return _not_deep(family.presets)
    config = find_registered(chosen).config
    if not isinstance(config, Config):
        raise ConfigError(Text("Questions are about networks of the catalogue; got {chosen}.",
                               chosen=chosen[:60]))
    return (to_key(config),)


def make(seed: int, number: int, chosen: str = "", level: int = 1,
         opens: Opens = explore) -> Question:
    """Question `number` of a seed, about what was chosen, at a level from 1 to 3.

    Raises `ConfigError` for a choice, a seed or a level that cannot be.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(Text("`seed` must be a whole number from 0 to {most}; got {text}.",
                               most=f"{LARGEST_SEED:,}", text=seed))
    if level not in LEVELS:
        raise ConfigError(Text("`level` must be 1, 2 or 3; got {level}.", level=level))
    networks = about(chosen)
    random = Random(f"{seed}:{number}:{level}:{chosen}")
    kinds = [kind for kind in KINDS if kind.level <= level]
    for _ in range(200):
        kind = random.choices(kinds, [3 if kind.level == level else 1 for kind in kinds])[0]
        try:
            return kind.make(networks, random, opens)
        except NoQuestion:
            continue
    raise ConfigError(Text("Nothing can be asked about {chosen}: choose another network.",
                           chosen=chosen[:60]))


def _open(networks: Sequence[str], random: Random, opens: Opens) -> Explored:
    network = opens(find_source(random.choice(networks)))
    if network.failure:
        raise NoQuestion(network.key)
    return network


def _layer(figure: str) -> Callable[[Sequence[str], Random, Opens], Question]:
    def make(networks: Sequence[str], random: Random, opens: Opens) -> Question:
        network = _open(networks, random, opens)
        layers = [layer for layer in network.summary.layers if can_be_asked(layer, figure)]
        if not layers:
            raise NoQuestion(network.key)
        return about_layer(network, random.choice(layers), figure, random)

    return make


# Two networks

def _larger(networks: Sequence[str], random: Random, opens: Opens) -> Question:
    """Which of two has more of a figure."""
    one = _open(networks, random, opens)
    others = [name for name in (networks if len(networks) > 1 else about_all())
              if name != one.key]
    two = _open(others, random, opens)
    figure = random.choice(["params", "macs", "peak_memory"])
    values = [FIGURES[figure].of(network, network.summary.layers) for network in (one, two)]
    first, second = [value for value in values if isinstance(value, int)]
    if one.source.input_shape[0] != two.source.input_shape[0]:
        raise NoQuestion(figure)     # of batches that differ, the larger says little
    if not 0.8 < first / second < 1.25:
        shown = [say("{name}: {said}", name=name_of(network),
                     said=text.short(value, FIGURES[figure].unit))
                 for network, value in ((one, first), (two, second))]
        right, wrong = (one, two) if first > second else (two, one)
        why = say("{one} and {two}.", one=shown[0], two=shown[1])
        ratio = max(first, second) / min(first, second)
        return assemble("larger", _larger_words(figure), Answer(name_of(right), why), [
            Answer(name_of(wrong), say("It is the other one. {why}", why=why)),
            Answer(say("Both have about as much"),
                   say("One has {ratio} times as much. {why}", ratio=f"{ratio:.3g}", why=why)),
        ], random, networks=[one.key, two.key])
    raise NoQuestion(figure)


def _larger_words(figure: str) -> str:
    return {"params": say("Which network has more parameters?"),
            "macs": say("Which network takes more multiply-adds for one pass?"),
            "peak_memory": say("Which network needs more activation memory at its peak?")}[figure]


# A knob's turn

class _KnobTurn(NamedTuple):
    knob: str
    factor: float


TURNS = (_KnobTurn("width", 0.5), _KnobTurn("width", 2), _KnobTurn("input_size", 2),
         _KnobTurn("batch_size", 4), _KnobTurn("depth", 0.5))


def _ratio(networks: Sequence[str], random: Random, opens: Opens) -> Question:
    """By which factor a figure changes with a knob."""
    network = _open(networks, random, opens)
    config = network.source.config
    assert isinstance(config, Config)
    knob, factor = random.choice(TURNS)
    figure = random.choice(["params", "macs"])
    before = getattr(config, knob)
    declared = find_knob(config, knob)
    after = before * factor
    if declared.kind == "int":
        after = int(after)
    try:
        turned = opens(find_source(to_key(config.replace(**{knob: after}))))
    except ConfigError:
        raise NoQuestion(knob) from None
    if turned.failure:
        raise NoQuestion(knob)
    one, two = [getattr(each.summary.totals, figure) for each in (network, turned)]
    if len(turned.summary.layers) > 3000 or not one:
        raise NoQuestion(knob)
    ratio = two / one
    candidates = [
        (1.0, say("It does change: compare the two.")),
        (factor, say("That would be so if every layer's figure had the knob as a factor once.")),
        (factor ** 2, say("That would be so if every layer's figure had the knob as a factor "
                          "twice.")),
        (factor ** 3, say("No layer's figure has the knob as a factor three times.")),
        (1 / factor, say("That is the wrong way round.")),
    ]
    # What people see as the same answer is none.
    wrong = [Answer(_times(value), why) for value, why in candidates
             if not 0.8 < value / ratio < 1.25]
    why = text.sentences([say("{one} become {two}.", one=text.short(one), two=text.short(two)),
                          _reason(knob, figure)])
    ask = say("The knob {knob} of {network} is turned from {before} to {after}. By which factor "
              "does the number of {figure} change?", knob=declared.label.lower(),
              network=name_of(network), before=declared.value_words(before),
              after=declared.value_words(after), figure=_plural(figure))
    return assemble("ratio", ask, Answer(_times(ratio), why), wrong, random,
                    networks=[network.key, turned.key])


def _plural(figure: str) -> str:
    return {"params": say("parameters"), "macs": say("multiply-adds")}[figure]


def _times(ratio: float) -> str:
    """
    >>> _times(0.25), _times(3.97)
    ('× 0.25', '× 4')
    """
    return f"× {ratio:.2g}"


def _reason(knob: str, figure: str) -> str:
    if knob == "width":
        return say("A weight joins a channel of the input to one of the output: most layers have "
                   "the width as a factor twice. The first layer and the last have it once.")
    if knob == "depth":
        return say("Blocks are added in each stage; the stem, the head and the first block of a "
                   "stage stay as they are.")
    if figure == "params":
        return say("The weights of a convolution do not depend on how many positions there are.")
    if knob == "batch_size":
        return say("Every image takes the same.")
    return say("Convolutions are done at each position, and there are factor squared as many; "
               "linear layers behind a global pooling are done once.")


# Where a pass ends

SMALL_IMAGES = (8, 16, 32, 64)
"""Sides at which the pass of one or another network ends early."""


def _shrinks(layer: Layer) -> bool:
    """Whether its window needs more than one position to stand on."""
    window = layer.window
    return window is not None and any(
        d * (k - 1) > 2 * p
        for k, d, p in zip(window.kernel, window.dilation, window.padding, strict=True))


def _shape_error(networks: Sequence[str], random: Random, opens: Opens) -> Question:
    """At which layer a pass ends whose image is too small."""
    network = _open(networks, random, opens)
    config = network.source.config
    assert isinstance(config, Config)
    windows = [layer for layer in network.summary.layers
               if layer.window and not layer.window.whole]
    size = random.choice(SMALL_IMAGES)
    if size >= config.input_size or not any(map(_shrinks, windows)):
        raise NoQuestion(network.key)
    failed = opens(find_source(to_key(config.replace(input_size=size))))
    failure = failed.failure
    if failure is None or failure.path not in {layer.path for layer in windows}:
        raise NoQuestion(network.key)
    where = [layer.path for layer in windows].index(failure.path)
    near = [layer for layer in windows[max(0, where - 6):where + 7]
            if layer.path != failure.path]
    if len(near) < 2:
        raise NoQuestion(network.key)
    shape = text.shape(failure.input_shape)
    right = Answer(f"`{failure.path}`", say("Its input is {shape}: {reason}.", shape=shape,
                                            reason=failure.reason))
    ends = say("The pass ends at `{path}`, whose input is {shape}.", path=failure.path,
               shape=shape)
    wrong = [Answer(f"`{layer.path}`", text.sentences([
        say("There the window still fits.") if layer.index < windows[where].index else
        say("The pass does not come so far."), ends])) for layer in near]
    ask = say("{network} is given an image of {size}×{size}, and the pass ends with an error. At "
              "which layer?", network=name_of(network), size=size)
    return assemble("error", ask, right, wrong, random, networks=[failed.key])


# What a published table left out

@cache
def _published() -> tuple[tuple[PublishedComparison, Total], ...]:
    """Totals that stand below the tables and are not what they are called."""
    return tuple([(compared, total) for compared in map(compare, names())
                  for total in compared.totals if total.own and total.name in _causes()])


def _causes() -> dict[str, str]:
    """For totals by name, what makes the printed figure another than the network's."""
    return {
        "Forward/backward pass size (MB)": say(
            "It adds up the outputs of the layers and doubles the sum, though a pass keeps only a "
            "few of them at once"),
        "Total mult-adds (G)": say(
            "It counts biases and the parameters of BatchNorm as multiply-adds too"),
        "Total params": say("It counts weights twice that two containers share"),
        "Params size (MB)": say("It leaves out the weights of layers that do not run"),
    }


def _left_out(networks: Sequence[str], random: Random, opens: Opens) -> Question:
    """Why a total of a tutorial's table is not the network's."""
    compared, total = random.choice(_published())
    causes = _causes()
    right = Answer(causes[total.name], total.explanation)
    wrong = [Answer(cause, say("Not here. {why}", why=total.explanation))
             for name, cause in causes.items() if name != total.name]
    wrong.append(Answer(say("It is of a batch of another size"),
                        say("Not here. {why}", why=total.explanation)))
    ask = say("A table of {network}, made by {tool}, says “{name}: {printed}”. Our own figure is "
              "{own}. Where does the difference come from?",
              network=find_source(compared.table.network).title.split(" · ")[0],
              tool=compared.table.tool, name=total.name, printed=total.printed, own=total.own)
    return assemble("published", ask, right, wrong, random,
                    networks=[compared.table.network])


class Kind(NamedTuple):
    """A kind of question, and the level from which on it is asked."""

    name: str
    level: int
    make: Callable[[Sequence[str], Random, Opens], Question]


KINDS = (
    Kind("output", 1, _layer("output")), Kind("params", 1, _layer("params")),
    Kind("larger", 1, _larger), Kind("macs", 2, _layer("macs")), Kind("ratio", 2, _ratio),
    Kind("receptive_field", 3, _layer("receptive_field")), Kind("error", 3, _shape_error),
    Kind("published", 3, _left_out),
)
