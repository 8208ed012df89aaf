"""A config as one canonical string, and back.

The string is the preset's name and every knob that differs from it, in the order in which the
config declares them: `resnet50&width=0.5&blocks=3-4-23-3`. Behind `?network=` it is a link; it
holds no character that a URL's query or a file name would have to escape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.config import Config, ConfigError, find_knob, knobs_of
from explorer.networks.catalogue import find_preset


def to_query(config: Config) -> dict[str, str]:
    """The parameters of a link: the network, and the knobs that differ from its preset."""
    preset = find_preset(config.network).config
    turned = {name: knob.format(value) for name, knob in knobs_of(type(config)).items()
              if (value := getattr(config, name)) != getattr(preset, name)}
    return {"network": config.network, **turned}


def to_key(config: Config) -> str:
    """The canonical string of a config.

    >>> from explorer.networks.catalogue import configure
    >>> to_key(configure("resnet50", width=0.5))
    'resnet50&width=0.5'
    """
    network, *turned = to_query(config).items()
    return "&".join([network[1], *(f"{name}={value}" for name, value in turned)])


def from_settings(network: str, settings: Iterable[tuple[str, str]]) -> Config:
    """The config that `network` and pairs of knob and text stand for, or `ConfigError`."""
    preset = find_preset(network).config
    return preset.replace(**{name: find_knob(preset, name).parse(text)
                             for name, text in settings})


def from_key(key: str) -> Config:
    """The config that a canonical string stands for.

    Raises `ConfigError` for an unknown network or knob, or a value that is none of the knob's.

    >>> from_key("resnet50&width=0.5").width
    0.5
    """
    network, *turned = key.split("&")
    return from_settings(network, [split_setting(setting) for setting in turned])


def split_setting(setting: str) -> tuple[str, str]:
    """ "width=0.5" as ("width", "0.5"); `ConfigError` where there is no equals sign."""
    name, equals, text = setting.partition("=")
    if not equals or not name:
        raise ConfigError(f"{setting!r} is not a setting; write KNOB=VALUE, such as width=0.5.")
    return name, text


def from_query(query: Mapping[str, str], default: str) -> tuple[Config, list[str]]:
    """The config that a link stands for, and a sentence for each value that was set aside.

    A link must always open: an unknown network gives the preset `default`, a value that cannot
    be gives the preset's. Parameters that are no knob of the network are set aside too.
    """
    set_aside = []
    network = query.get("network", default)
    try:
        config = find_preset(network).config
    except ConfigError as error:
        set_aside.append(str(error))
        config = find_preset(default).config
        return config, [f"{error} Showing {default} instead."]
    # All at once first: some values are right only together.
    settings = [(name, text) for name, text in query.items() if name != "network"]
    try:
        return from_settings(config.network, settings), []
    except ConfigError:
        pass
    # Then one by one, again as long as it helps: a value may wait for one that comes later.
    refused = dict.fromkeys(query, "")
    while settings:
        waiting = []
        for name, text in settings:
            try:
                config = config.replace(**{name: find_knob(config, name).parse(text)})
            except ConfigError as error:
                waiting.append((name, text))
                refused[name] = str(error)
        if len(waiting) == len(settings):
            break
        settings = waiting
    return config, [refused[name] for name, _ in settings]
