"""What a network is built from: a frozen value that checks itself, made of knobs."""

from explorer.config.base import Config, Knobs, find_knob, knobs_of, redeclare, scale_channels
from explorer.config.errors import ConfigError
from explorer.config.fields import BlockCount, knob
from explorer.config.knobs import Knob

__all__ = ["BlockCount", "Config", "ConfigError", "Knob", "Knobs", "find_knob", "knob",
           "knobs_of", "redeclare", "scale_channels"]
