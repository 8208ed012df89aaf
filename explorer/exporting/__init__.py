"""What can be taken away: a network, a comparison or a sweep as a file.

`formats` has one entry for each kind of file; `onnx_file` and the modules beside it make those that
no view makes.
"""

from explorer.exporting.formats import (
    FORMATS,
    Format,
    Subject,
    content,
    content_of_key,
    export,
    find_format,
    formats_of,
)
from explorer.exporting.onnx_file import OPSET, OPSETS, ExportError

__all__ = ["FORMATS", "OPSET", "OPSETS", "ExportError", "Format", "Subject", "content",
           "content_of_key", "export", "find_format", "formats_of"]
