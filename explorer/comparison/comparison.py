"""Sources -> Comparison: networks aligned part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from explorer.config import ConfigError
from explorer.garbage import without_collections
from explorer.language import Text
from explorer.pipeline import Explored, explore
from explorer.shown import Shown
from explorer.sources import Named, to_source
from explorer.structure.alignment import Aligned, Figure, Level, align

LETTERS = ("a", "b", "c", "d")
"""What the networks of a comparison are called, in order: in tables, drawings and links."""
MOST = len(LETTERS)
"""Networks that are compared at once."""


SEPARATOR = " · "
"""Between the name of a network and what its title says of its knobs."""


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """Two to four networks beside each other. What ends early is compared as far as it got."""

    networks: tuple[Explored, ...]

    @cached_property
    def aligned(self) -> Aligned:
        with without_collections():
            return align(*[network.structure for network in self.networks])

    def parts(self, level: Level) -> tuple[Aligned, ...]:
        """All parts of a level, in order: their figures add up to those of the networks."""
        return tuple(self.aligned.at(level))

    def totals(self, figure: Figure) -> tuple[int, ...]:
        """Of the pass, for each network: `params` are those that it uses."""
        return self.aligned.figures(figure)

    @property
    def samples(self) -> tuple[int, ...]:
        """How many images, or whatever else it reads, are in a pass of each network."""
        return tuple([network.summary.trace.input_shape[0] for network in self.networks])

    @property
    def names(self) -> tuple[str, ...]:
        """A short name of each network: its title without what is said of its preset too, and with
        what tells it from others of the same name."""
        titles = [network.title.split(SEPARATOR) for network in self.networks]
        names = []
        for (name, *words), network in zip(titles, self.networks, strict=True):
            alike = [set(others) for other, *others in titles if other == name]
            untouched = _untouched(network)
            own = [word for word in words if word not in untouched
                   or not all(word in others for others in alike)]
            names.append(SEPARATOR.join([name, *own]))
        return tuple(names)


def _untouched(network: Explored) -> Sequence[str]:
    """The words of its title before a knob was turned."""
    config = network.source.config
    title = to_source(config.network).title if config else network.title
    return title.split(SEPARATOR)


def compare(*named: Named) -> Comparison:
    """Two to four networks beside each other, each named by a config, by a canonical string
    (`resnet50&width=0.5`, `timm:convnext_tiny`, `FILE.py:CALLABLE`) or by a source.

    Raises `ConfigError` for fewer than two and more than four, for one that is named twice and for
    what names no network, and `LibraryError` where it is of a library that is not there.

    >>> compare("resnet34", "resnet50").totals("params")
    (21797672, 25557032)
    """
    if not 2 <= len(named) <= MOST:
        raise ConfigError(Text("A comparison is of two to {most} networks; got {count}.",
                               most=MOST, count=len(named)))
    sources = [to_source(one) for one in named]
    keys = [source.key for source in sources]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(Text(
                "{network} is named twice; a network does not differ from itself. Turn one of its "
                "knobs, or name another network.", network=key))
    return Comparison(tuple([explore(source, auxiliary=False) for source in sources]))
