"""Classic convolutional networks with their knobs turned: shapes, parameters, costs and times.

    explored = explorer.open("timm:convnext_tiny")      # or a config, or "FILE.py:CALLABLE"
    frame = explorer.layer_frame(explored)
    svg = explorer.draw(explored)
    frame = explorer.comparison_frame(explorer.compare("resnet34", "resnet50"), "stage")

    explorer.export(explored, "net.onnx")               # the ending says what it becomes

    config = explorer.configure("resnet50", width=0.5)
    network = explorer.build(config)
    trace = explorer.trace(network, config.input_shape)
    summary = explorer.analyse(trace)           # or explorer.summarise(config), all in one
    timing = explorer.time_forward(config)
"""

import signal
import sys

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"]:
    # `python -m explorer`: Ctrl-C while all of this is imported ends it, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from explorer.config import Config, ConfigError
from explorer.libraries import LibraryError
from explorer.networks.catalogue import configure, families, presets
from explorer.networks.build import build
from explorer.tracing import Input, Trace, TraceError, trace
from explorer.analysis import Summary, analyse
from explorer.sources.key import from_key, to_key
from explorer.pipeline import Explored, explore as open, summarise
from explorer.comparison import Comparison, compare
from explorer.timing import Timing, TimingError, time_forward
from explorer.sweeping import Swept, fit, grid, sweep
from explorer.views.tables import layer_frame, to_csv, to_json
from explorer.views.comparison import comparison_frame
from explorer.views.graph import draw, draw_beside
from explorer.exporting import ExportError, export
from explorer.exporting import jupyter as jupyter      # from here on values show themselves

__all__ = [
    "Comparison", "Config", "ConfigError", "Explored", "ExportError", "Input", "LibraryError",
    "Summary", "Swept", "Timing", "TimingError", "Trace", "TraceError", "analyse", "build",
    "compare", "comparison_frame", "configure", "draw", "draw_beside", "export", "families", "fit",
    "from_key", "grid", "layer_frame", "open", "presets", "summarise", "sweep", "time_forward",
    "to_csv", "to_json", "to_key", "trace",
]
