"""What a person names -> Source: a network that can be built, and the inputs that it is given.

One file a kind of source: `catalogue`, `timm` and `torchvision` (with `model` and `library`, which
they share), `file`. `key` has the canonical string, `find` reads it, `titles`
says it; `linked` has the files that a link may name.
"""

from explorer.sources.find import Named, find_source, preset_of, source_of, to_source
from explorer.sources.linked import offer, offered, short_name
from explorer.sources.source import LARGEST_BATCH, Source
from explorer.sources.titles import title, titles_apart, with_knobs

__all__ = ["LARGEST_BATCH", "Named", "Source", "find_source", "offer", "offered", "preset_of",
           "short_name", "source_of", "title", "titles_apart", "to_source", "with_knobs"]
