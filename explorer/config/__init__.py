"""What a network is built from: a frozen value that checks itself, made of knobs."""

from explorer.config.base import (
    BlockCount,
    Config,
    ConfigError,
    Knob,
    find_knob,
    knob,
    knobs_of,
    scale_channels,
)

__all__ = ["BlockCount", "Config", "ConfigError", "Knob", "find_knob", "knob", "knobs_of",
           "scale_channels"]
