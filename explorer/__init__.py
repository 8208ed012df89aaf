"""Classic convolutional networks with their knobs turned: shapes, parameters, costs and times.

    config = explorer.configure("resnet50", width=0.5)
    network = explorer.build(config)
    trace = explorer.trace(network, config.input_shape)
    summary = explorer.analyse(trace)           # or explorer.summarise(config), all in one
    frame = explorer.layer_frame(summary)
    svg = explorer.draw(config)
    timing = explorer.time_forward(config)
"""

from explorer.config import Config, ConfigError
from explorer.networks.catalogue import configure, families, presets
from explorer.networks.key import from_key, to_key
from explorer.networks.build import build
from explorer.tracing import Trace, TraceError, trace
from explorer.analysis import Summary, analyse
from explorer.pipeline import Explored, explore, summarise
from explorer.timing import Timing, TimingError, time_forward
from explorer.views.tables import layer_frame, to_csv, to_json
from explorer.views.graph import draw

__all__ = [
    "Config", "ConfigError", "Explored", "Summary", "Timing", "TimingError", "Trace", "TraceError",
    "analyse", "build", "configure", "draw", "explore", "families", "from_key", "layer_frame",
    "presets", "summarise", "time_forward", "to_csv", "to_json", "to_key", "trace",
]
