"""What a person names -> Source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from explorer.config import Config, ConfigError, Knobs
from explorer.language import Text
from explorer.sources.catalogue import catalogue_source
from explorer.sources.file import file_source, is_file, split_file
from explorer.sources.inputs import checked, parse_input
from explorer.sources.key import default_config, from_settings, split_key, split_setting
from explorer.sources.library import find_model
from explorer.sources.linked import offered
from explorer.sources.source import Source
from explorer.tracing import Input
from explorer.tracing.operators import Shape

Named: TypeAlias = Source | Knobs | str
"""What stands for a source: itself, a config, or a canonical string."""


def to_source(named: Named, inputs: Shape | Sequence[Input] = ()) -> Source:
    """The source that is meant, with other inputs than its own where some are given: a shape, or
    an `Input` for each.

    Raises what `find_source` raises.

    >>> from explorer.sources.key import from_key
    >>> to_source("resnet50&width=0.5") == to_source(from_key("resnet50&width=0.5"))
    True
    """
    given = checked(inputs) if inputs else ()
    if isinstance(named, Source):
        return find_source(named.key, inputs=given) if given else named
    if not isinstance(named, str | Knobs):
        raise TypeError(f"a network is named by a config, a canonical string or a source; got "
                        f"{type(named).__name__}. `explorer.trace(network, input_shape)` follows a "
                        "module of your own.")
    return find_source(named, inputs=given) if isinstance(named, str) else source_of(named, given)


def source_of(config: Knobs, inputs: Sequence[Input] = ()) -> Source:
    """The source of a config, of the catalogue, of a library or of a file that was offered.

    Raises `ConfigError` and `LibraryError` as `find_source` does.
    """
    if isinstance(config, Config):
        return catalogue_source(config, inputs)
    if config.network in offered():
        return find_source(config.network, inputs=inputs)
    return find_model(config.network).source(config, inputs)


def preset_of(source: Source) -> Source | None:
    """The same network with every knob as it has it; None where it has none, or none
    is turned."""
    if source.config is None:
        return None
    preset = default_config(source.config.network)
    return None if preset == source.config else source_of(preset)


def find_source(key: str, settings: Iterable[tuple[str, str]] = (),
                inputs: Sequence[Input] = ()) -> Source:
    """The source that a canonical string stands for, with settings and inputs beside its own.

    A string that names a file has it run: what comes from a link goes through `from_query`.
    Raises `ConfigError` for an unknown network or knob, a value that is none of the knob's, and a
    file that makes no network; `LibraryError` where a library is not there.

    >>> find_source("resnet50&width=0.5").title
    'ResNet-50 · width 0.5 · 3-4-6-3 · 224×224'
    """
    if not is_file(key):
        return find_registered(key, settings, inputs)
    named, own = split_file(key)
    knobs, given = _parted([*map(split_setting, own), *settings])
    if knobs:
        setting = "=".join(knobs[0])
        raise ConfigError(Text(
            "{network} has no knobs; got {setting}. Its arguments stand behind it: {call}.",
            network=named.short, setting=setting,
            call=f"{named.path.name}:{named.name}({setting})"), knobs[0][0])
    return file_source(named, inputs or given)


def find_registered(key: str, settings: Iterable[tuple[str, str]] = (),
                    inputs: Sequence[Input] = ()) -> Source:
    """`find_source` for what the catalogue and the libraries' registries have, and nothing else."""
    network, own = split_key(key)
    knobs, given = _parted([*own, *settings])
    return source_of(from_settings(network, knobs), inputs or given)


def _parted(settings: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], Sequence[Input]]:
    """Settings of knobs, and inputs."""
    knobs, inputs = [], []
    for name, text in settings:
        if name == "input":
            inputs.append(parse_input(text))
        else:
            knobs.append((name, text))
    return knobs, checked(inputs) if inputs else ()
