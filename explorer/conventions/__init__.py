"""Summary -> what five other tools report of the same pass, and why that is not ours.

One file a tool, with all that is that tool's convention; its `report` is what the tool says. The
tools themselves are not needed; the tests hold every figure against them.
"""

from explorer.analysis import Summary
from explorer.conventions import fvcore, ptflops, thop, torchinfo, torchsummary
from explorer.conventions.reports import MB, MIB, Figure, Seen, Term, ToolReport

__all__ = ["MB", "MIB", "Figure", "Term", "ToolReport", "other_tools"]


def other_tools(summary: Summary) -> tuple[ToolReport, ...]:
    """What each tool reports, called on a batch of the same shape.

    Raises `ValueError` for a pass in training: three of the tools look at evaluation only.

    >>> from explorer.pipeline import summarise
    >>> thop = other_tools(summarise("mobilenetv3_large"))[2]
    >>> thop.figures[1].value, thop.figures[1].difference
    (234838456, 18248696)
    """
    if summary.trace.training:
        raise ValueError("other tools are compared in evaluation; this summary is of training")
    seen = Seen(summary)
    return tuple(tool.report(seen) for tool in (torchinfo, torchsummary, thop, fvcore, ptflops))
