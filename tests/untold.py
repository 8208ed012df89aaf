"""What a page shows that is in no catalogue: the page with every text of the catalogues in marks.

    python -m tests.untold pages/explore.py network=vgg16

prints what stands outside of them, one text a line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from unittest import mock

import pandas as pd
import streamlit as st
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from explorer import language
from explorer.networks.catalogue import families, presets
from tests.test_layout import ROOT

OPENS, CLOSES = "⟦", "⟧"


class Marked(dict[str, str]):
    """A catalogue that has every text, in marks."""

    def get(self, text: str, default: Any = None) -> str:       # type: ignore[override]
        return f"{OPENS}{text}{CLOSES}"


@contextmanager
def marked() -> Iterator[None]:
    """Texts in Chinese are those of the source in marks."""
    with mock.patch.object(language, "_texts",
                           lambda code: Marked() if code == "zh" else {}):
        st_kept().clear()
        try:
            yield
        finally:
            st_kept().clear()


def st_kept() -> Any:
    from explorer.ui.kept import STORE

    return STORE


def outside(text: str) -> str:
    """What of a text is in no marks."""
    depth, rest = 0, []
    for character in text:
        depth += (character == OPENS) - (character == CLOSES)
        rest.append(" " if depth or character == CLOSES else character)
    return "".join(rest)


def lines(text: str) -> Iterator[str]:
    """Each line of a text by itself; what is said in several lines stays together. Lines of Chinese
    are a lesson's, which is no text of the interface."""
    text = FORMULA.sub("", text)
    start, rest = 0, outside(text)
    for found in re.finditer(r"\n|\Z", rest):
        if not CHINESE.search(rest[start:found.start()]):
            yield text[start:found.start()]
        start = found.end()


CHINESE = re.compile("[\u4e00-\u9fff]")
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)


NAMES = set(re.findall(r"\S+", """
    PyTorch torch torchvision timm torchinfo torchsummary fvcore thop ptflops Graphviz Netron Python
    CPU GPU CUDA CSV JSON ONNX SVG PNG DOT HTML Markdown Jupyter onnxruntime Keras TensorFlow
    ImageNet CIFAR COCO float32 float16 bfloat16 nan True False None English arXiv ReLU ReLU6 ELU
    GELU SiLU Language Transformer BatchNorm LRN LR-ASPP h-swish SE SE- MACs FLOPs px MB GB kB ms
    min GFLOP GFLOPs GMAC HS RE NL"""))
"""Names that are the same in every language."""

WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
CODE = re.compile(r"""
    `[^`]*` | \]\([^)]*\) | https?://\S+ | \$[^$]*\$ | \\[a-z]+ | &\w+;
    | :material/\w+: | :\w+-badge | :\w+\[ | %\{[^}]*\}
    | \b(?:block|call|module|run|stage):\S* | \S*[/_=]\S* | \b\w+\.\w[\w.]*
    | \b[A-Z]\w*[a-z]\w*[A-Z0-9]\w*\b | \b\w*\d\w*\b | \b\w+[ ]\(\d+\) | [ ]on[ ]\w+x\w+
    """, re.VERBOSE)
"""What is no word: code, addresses, icons, paths, names of classes, anything with digits."""


def names() -> set[str]:
    """Words of the names of networks, and of who wrote their papers."""
    titles = [*[each.title for each in families()], *presets(),
              *[each.title for each in presets().values()], *[each.paper for each in families()]]
    return NAMES | {word for title in titles for word in WORD.findall(title)}


def untold(text: str, known: set[str]) -> list[str]:
    """The words of a text that are in no marks and no names."""
    return [word for word in WORD.findall(CODE.sub(" ", outside(text))) if word not in known]


class Told(HTMLParser):
    """The texts of HTML and SVG, and of those attributes that people read."""

    ATTRIBUTES = ("title", "aria-label", "alt", "placeholder", "data-tip", "data-said")

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "script")
        self.texts += [value for name, value in attrs if name in self.ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


SILENT = {
    "html_content", "find", "kinds", "hoveron", "stackgroup", "fillmode", "rangemode",
    "selection_mode", "display_mode_bar", "selector", "overlay", "level",
    "id", "key", "form_id", "icon", "url", "query_params", "element_id", "page_script_hash", "src",
    "color", "type", "mode", "uirevision", "hoverformat", "tickformat", "language", "page",
    "uid", "fill", "anchor", "query_string", "app_id", "theme", "format", "help_url", "align",
    "template", "marker", "line", "font", "ids", "customdata_key", "url_pathname", "width",
    "textposition", "xanchor", "yanchor", "hovermode", "dragmode", "orientation", "side", "ref",
    "xref", "yref", "symbol", "shape", "showarrow", "styler", "css_content", "js_content",
    "component_name", "user_key", "group_id", "code_language", "file_name", "mime",
}
"""Fields that nobody reads."""


def texts(value: Any, field: str = "") -> Iterator[str]:
    """All that is read in a part of what is sent to the browser."""
    if field in SILENT:
        return
    if isinstance(value, Message):
        if isinstance(getattr(value, "data", None), bytes):
            yield from frame_texts(value)
        for described, inner in value.ListFields():
            yield from texts(inner, described.name)
    elif isinstance(value, str):
        yield from string_texts(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts(inner, str(name))
    elif isinstance(value, (list, tuple)) or type(value).__name__.startswith("Repeated"):
        for inner in value:
            yield from texts(inner, field)


def string_texts(text: str) -> Iterator[str]:
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            yield from texts(json.loads(text))
        except ValueError:
            pass
        else:
            return
    if "</" in text or "/>" in text:
        parser = Told()
        parser.feed(text.replace("<wbr>", ""))
        yield "\n".join(parser.texts)      # what is said may have tags in it
    else:
        yield text


def frame_texts(message: Any) -> Iterator[str]:
    """Sentences in the cells of a table. Its columns and its single words are identities: what is
    shown in their place is checked where it is told to the browser."""
    try:
        frame = st.dataframe_util.convert_arrow_bytes_to_pandas_df(message.data)
    except Exception:       # other bytes than a table
        return
    for _, column in frame.items():
        if not pd.api.types.is_numeric_dtype(column):
            yield from {cell for cell in map(str, column.dropna()) if " " in cell}


def page_texts(app: AppTest) -> Iterator[str]:
    """All texts of a page."""
    def walk(node: Any) -> Iterator[str]:
        if (proto := getattr(node, "proto", None)) is not None:
            yield from texts(proto)
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


def open_page(page: str, **query: str) -> AppTest:
    """A page in the language that is marked."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {**query, "lang": "zh"}.items():
        app.query_params[name] = value
    if page != "pages/explore.py":
        app.switch_page(page)
    return app.run()


def untold_of(app: AppTest, known: Iterable[str] = ()) -> dict[str, list[str]]:
    """Each line of a page that has words in no catalogue and not in `known`, with those words."""
    known = names() | {*known}
    found = {line: untold(line, known) for text in page_texts(app) for line in lines(text)}
    return {line: words for line, words in found.items() if words}


if __name__ == "__main__":
    given, *parameters = sys.argv[1:]
    del sys.argv[1:]        # the app reads them too
    with marked():
        opened = open_page(given, **dict(each.split("=", 1) for each in parameters))
        for said, words in untold_of(opened).items():
            print(words[:6], "|", " ".join(said.split())[:160])
