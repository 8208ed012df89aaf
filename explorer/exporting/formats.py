"""What can be taken away, by the ending of its file: one entry a kind of file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from explorer.comparison import Comparison
from explorer.config import ConfigError
from explorer.exporting import onnx_file
from explorer.exporting.code import code
from explorer.exporting.notebook import notebook
from explorer.exporting.report import comparison_report, report, sweep_report
from explorer.files import write_file
from explorer.language import Text, spoken
from explorer.pipeline import Explored, explore
from explorer.sweeping import Swept
from explorer.views import comparison as compared
from explorer.views import sweep as swept
from explorer.views import tables, timings
from explorer.views.graph import draw, draw_beside

Subject: TypeAlias = Explored | Comparison | Swept
Writer: TypeAlias = Callable[..., str | bytes]
"""Of a subject, and options by their names."""
Group: TypeAlias = Literal["Network", "Figures", "Drawing"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file."""

    ending: str
    title: Text | str
    help: Text
    group: Group
    """What it takes away: the network itself, its figures, its drawing."""
    mime: str
    network: Writer | None = None
    """What makes it of a network; None where it is made of none."""
    comparison: Writer | None = None
    sweep: Writer | None = None
    save: Callable[..., None] | None = None
    """Writes a network's file by itself, where it may need another one beside it."""
    needs: tuple[str, ...] = ()
    """Optional libraries."""
    weights: bool = False
    """Whether it holds the weights: then it takes seconds, and as much memory as they do."""
    speaks: bool = False
    """Whether it is in the language of whoever asks for it; all else is in English."""
    cut_short: bool = False
    """Whether it says of a network that ends early that it does: then it has what came before."""

    def writer(self, subject: Subject) -> Writer | None:
        """What makes it of a subject; None where it cannot be made of one."""
        if isinstance(subject, Explored):
            return self.network
        return self.comparison if isinstance(subject, Comparison) else self.sweep

    def options(self, subject: Subject) -> set[str]:
        """What it can be told when it is made of a subject."""
        make = self.writer(subject)
        bound = make.keywords if isinstance(make, partial) else {}
        return {name for name, parameter in inspect.signature(make).parameters.items()
                if parameter.default is not parameter.empty} - bound.keys() if make else set()


FORMATS = {each.ending: each for each in (
    Format(
        ending="py", title=Text("Code"), group="Network", mime="text/x-python",
        help=Text("The network as one Python file that needs PyTorch alone."), network=code),
    Format(
        ending="ipynb", title=Text("Notebook"), group="Network", mime="application/x-ipynb+json",
        help=Text("A short notebook that opens the network, tabulates, draws and times it."),
        network=notebook, cut_short=True),
    Format(
        ending="html", title=Text("Report"), group="Figures", mime="text/html", speaks=True,
        cut_short=True,
        help=Text("All that is shown here as one file, which works without a network and prints."),
        network=report, comparison=comparison_report, sweep=sweep_report),
    Format(
        ending="onnx", title="ONNX", group="Network", mime="application/octet-stream",
        help=Text("For onnxruntime, Netron and Model Explorer, with random weights. Its nodes have "
                  "the paths of the layers."),
        network=onnx_file.to_onnx, save=onnx_file.save_onnx, needs=onnx_file.LIBRARIES,
        weights=True),
    Format(
        ending="csv", title="CSV", group="Figures", mime="text/csv",
        help=Text("Every figure, exact, for spreadsheets."),
        network=timings.layers_csv, comparison=compared.comparison_csv, sweep=swept.to_csv),
    Format(
        ending="json", title="JSON", group="Figures", mime="application/json",
        help=Text("The same with the totals and the config, for programs."),
        network=tables.to_json, comparison=compared.comparison_json, sweep=swept.to_json),
    Format(
        ending="md", title="Markdown", group="Figures", mime="text/markdown",
        help=Text("Short tables, for notes and documents."),
        network=tables.to_markdown, comparison=compared.comparison_markdown,
        sweep=swept.to_markdown),
    Format(
        ending="svg", title="SVG", group="Drawing", mime="image/svg+xml", cut_short=True,
        help=Text("As vectors, for slides and papers."),
        network=partial(draw, form="svg"), comparison=partial(draw_beside, form="svg")),
    Format(
        ending="png", title="PNG", group="Drawing", mime="image/png", cut_short=True,
        help=Text("As pixels, two for each unit of the drawing."),
        network=partial(draw, form="png"), comparison=partial(draw_beside, form="png")),
    Format(
        ending="dot", title="DOT", group="Drawing", mime="text/plain", cut_short=True,
        help=Text("For Graphviz."),
        network=partial(draw, form="dot")),
)}


def find_format(path: str | Path) -> Format:
    """The kind of file that the ending of a path stands for; raises `ConfigError` for others."""
    ending = Path(path).suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise ConfigError(Text("The ending of the file must be one of {endings}; got {name}.",
                               endings=f".{', .'.join(FORMATS)}", name=Path(path).name[:80]),
                          "output")
    return FORMATS[ending]


def formats_of(subject: Subject) -> list[Format]:
    """The kinds of file that a subject can be taken away as."""
    return [each for each in FORMATS.values()
            if each.writer(subject) and (each.cut_short or not _failure(subject))]


def export(subject: Subject, path: str | Path, **options: Any) -> None:
    """Write a network, a comparison or a sweep to a file, whose ending says what it becomes.

    What is made of a network depends on it alone: code, figures, a drawing. Options go by the
    ending: `opset` and `dynamic_batch` of .onnx; `level`, `overlay` and `direction` of a drawing;
    the `level` of a comparison's parts. A file is there whole or not at all.

    Raises `ConfigError` for an ending or an option that there is not, `LibraryError` where a
    library is missing, `ExportError` and `LayoutError` for what cannot be made, `TraceError` for
    the figures of a network whose pass ends early, and `OSError`.
    """
    form = find_format(path)
    if form.save and isinstance(subject, Explored):
        _check(form, subject, options)
        form.save(subject, Path(path), **options)
    else:
        write_file(content(subject, form.ending, **options), Path(path))


def content(subject: Subject, ending: str, *, language: str = "en", **options: Any) -> bytes:
    """What `export` writes to a file with this ending; a report is in `language`."""
    form = find_format(f"file.{ending}")
    make = form.writer(subject)
    if make is None:
        possible = ", ".join([f".{each.ending}" for each in FORMATS.values()
                              if each.writer(subject)])
        raise ConfigError(Text("A .{ending} file is not made of {subject}. It can become "
                               "{possible}.", ending=ending, subject=_kind(subject),
                               possible=possible), "output")
    _check(form, subject, options)
    with spoken(language if form.speaks else "en"):
        made = make(subject, **options)
    if isinstance(made, bytes):
        return made
    return (made if made.endswith("\n") else f"{made}\n").encode("utf-8")


def content_of_key(key: str, ending: str, **options: Any) -> bytes:
    """The same of the network of a canonical string: for another process."""
    return content(explore(key), ending, **options)


def _check(form: Format, subject: Subject, options: dict[str, Any]) -> None:
    if isinstance(subject, Explored) and subject.failure and not form.cut_short:
        raise subject.failure
    known = form.options(subject)
    if unknown := options.keys() - known:
        raise ConfigError(
            Text("A .{ending} file of {subject} has no option {option}: it has {known}." if known
                 else "A .{ending} file of {subject} has no option {option}: it has none.",
                 ending=form.ending, subject=_kind(subject), option=repr(min(unknown)),
                 known=", ".join(sorted(known))), "output")


def _failure(subject: Subject) -> bool:
    return isinstance(subject, Explored) and subject.failure is not None


def _kind(subject: Subject) -> Text:
    return Text("a network" if isinstance(subject, Explored) else
                "a comparison" if isinstance(subject, Comparison) else "a sweep")
