"""A config as one canonical string, and back.

The string is the network's name and every knob that is not as it has it, in the order in which the
config declares them: `resnet50&width=0.5&blocks=3-4-23-3`, `timm:convnext_tiny&input_size=288`.
Behind `?network=` it is a link. Nothing of a link is imported, run or read but what the catalogue,
the libraries' own registries and the start of the server have by exactly that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.config import ConfigError, Knobs, find_knob
from explorer.language import Text
from explorer.libraries import LibraryError, check
from explorer.networks.catalogue import find_preset
from explorer.sources.file import is_file
from explorer.sources.library import find_model
from explorer.sources.linked import offered
from explorer.sources.source import write_key


def default_config(network: str) -> Knobs:
    """The knobs of a network of the catalogue or of a library, as it has them; a file that was
    offered has none.

    Raises `ConfigError` for an unknown name, `LibraryError` for a library that is not there.

    >>> default_config("resnet50").input_size
    224
    """
    if network in offered():
        return Knobs(network=network)
    if is_file(network):
        raise ConfigError(Text(
            "The server was not started with {network}. A link opens a file that the server "
            "offers: `streamlit run app.py -- --network FILE.py:CALLABLE`.",
            network=repr(network[:80])), "network")
    if ":" not in network:
        return find_preset(network).config
    check(network.partition(":")[0][:40])
    return find_model(network).config


def to_query(config: Knobs) -> dict[str, str]:
    """The parameters of a link: the network, and the knobs that are not as it has them."""
    return {"network": config.network, **config.turned_from(default_config(config.network))}


def to_key(config: Knobs) -> str:
    """The canonical string of a config.

    >>> from explorer.networks.catalogue import configure
    >>> to_key(configure("resnet50", width=0.5))
    'resnet50&width=0.5'
    """
    return write_key(config.network, config.turned_from(default_config(config.network)).items())


def from_settings(network: str, settings: Iterable[tuple[str, str]]) -> Knobs:
    """The config that `network` and pairs of knob and text stand for, or `ConfigError`."""
    default = default_config(network)
    return default.replace(**{name: find_knob(default, name).parse(text)
                              for name, text in settings})


def from_key(key: str) -> Knobs:
    """The config that a canonical string stands for.

    Raises `ConfigError` for an unknown network or knob, or a value that is none of the knob's.

    >>> from_key("resnet50&width=0.5").width
    0.5
    """
    network, settings = split_key(key)
    return from_settings(network, settings)


def split_key(key: str) -> tuple[str, list[tuple[str, str]]]:
    """ "resnet50&width=0.5" as "resnet50" and [("width", "0.5")]."""
    network, *turned = key.split("&")
    return network, [split_setting(setting) for setting in turned]


def split_setting(setting: str) -> tuple[str, str]:
    """ "width=0.5" as ("width", "0.5"); `ConfigError` where there is no equals sign."""
    name, equals, text = setting.partition("=")
    if not equals or not name:
        raise ConfigError(Text("{setting} is not a setting; write KNOB=VALUE, such as width=0.5.",
                               setting=repr(setting)))
    return name, text


def from_query(query: Mapping[str, str], default: str) -> tuple[Knobs, list[str | Text]]:
    """The config that a link stands for, and a sentence for each value that was set aside.

    A link must always open: an unknown network gives that of the catalogue's `default`, a value
    that cannot be gives the network's own. Parameters that are no knob of it are set aside too.
    """
    network = query.get("network", default)
    try:
        config = default_config(network)
    except (ConfigError, LibraryError) as error:
        return default_config(default), [
            Text("{error} Showing {default} instead.", error=error.args[0], default=default)]
    # All at once first: some values are right only together.
    settings = [(name, text) for name, text in query.items() if name != "network"]
    try:
        return from_settings(config.network, settings), []
    except ConfigError:
        pass
    # Then one by one, again as long as it helps: a value may wait for one that comes later.
    refused: dict[str, str | Text] = dict.fromkeys(query, "")
    while settings:
        waiting = []
        for name, text in settings:
            try:
                config = config.replace(**{name: find_knob(config, name).parse(text)})
            except ConfigError as error:
                waiting.append((name, text))
                refused[name] = error.args[0]
        if len(waiting) == len(settings):
            break
        settings = waiting
    return config, [refused[name] for name, _ in settings]
