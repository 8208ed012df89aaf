"""A network as one Python file that needs torch alone and reads as if written by hand."""

from explorer.exporting.code.network import code

__all__ = ["code"]
