"""Values that strangers write are shown as they are: nothing of them becomes a link, a picture, a
heading or an icon."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from explorer.ui.messages import escape
from tests.server import CHROMIUM, ROOT, running_app

BITS = [
    "`", "``", "```", "\\", "\\`", "![x](https://evil.example/p.png)", "![`x`](h)",
    "[log in](https://evil.example)", "[1]: https://x.y", "[^1]", "www.evil.example", "WWW.x.y",
    "a@b.de", "https://x.y", "HTTP://A.B", "ftp://a.b", "mailto:x@y.z", "&lt;", "&amp;", "# h",
    "1. x", "2) b", "- y", "+ a", "* z", "\n", "\n\n", "\t", "---", "==", "    code", "<b>x</b>",
    "<script>alert(1)</script>", "**", "__", "~~", "x_y_z", "a*b*c", "$x$", "$$", "|",
    "| a | b |", ":red[x]", ":blue-background[x]", ":material/home:", ":smile:", "->", "<-",
    " -- ", ">= 3", "~=", "‮", "﻿", "'x'", "`level`", "word", " ", "(", ")", ":"]

APP = """
import json, sys
from pathlib import Path

sys.path.insert(0, {root!r})
import streamlit as st
from explorer.ui.messages import escape

for text in json.loads(Path("texts.json").read_text(encoding="utf-8")):
    st.warning(escape(text))
    st.expander(escape(text))
st.caption("Done.")
"""


def texts(count: int) -> list[str]:
    pick = random.Random(7)
    made = ["".join(pick.choice(BITS) + pick.choice(["", " "]) for _ in range(pick.randint(1, 9)))
            for _ in range(count)]
    return [text for text in [*BITS, *made] if text.strip()]


def letters(text: str) -> str:
    """A text as it is to be seen, without what a page sets: spaces, and the backticks of code."""
    text = text.replace("\N{WORD JOINER}", "")
    text = "".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}"
                   for c in text)
    return "".join(text.split()).replace("`", "")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                    reason="needs chromium: apt-get install chromium")
def test_nothing_of_a_text_comes_alive(tmp_path: Path, browser: Browser) -> None:
    given = texts(150)
    (tmp_path / "app.py").write_text(APP.format(root=str(ROOT)), encoding="utf-8")
    (tmp_path / "texts.json").write_text(json.dumps(given), encoding="utf-8")
    with running_app(tmp_path) as address:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        expect(page.get_by_text("Done.")).to_be_visible(timeout=60_000)
        for place in ("stAlertContainer", "stExpander"):
            shown = page.get_by_test_id(place).get_by_test_id("stMarkdownContainer")
            expect(shown.filter(has_text=re.compile(r"\S"))).to_have_count(len(given))
            found = shown.evaluate_all(
                "all => all.map(one => [one.innerText, [...one.querySelectorAll('*')].map("
                "inner => inner.tagName)])")
            assert len(found) == len(given)
            for text, (seen, tags) in zip(given, found, strict=True):
                assert letters(seen) == letters(text), (text, escape(text))
                assert set(tags) <= {"P", "CODE", "DIV"}, (text, escape(text), tags)
        assert [url for url in asked if "evil.example" in url] == []


@pytest.mark.parametrize(("text", "said"), [
    ("`width` must be between 0.125 and 4; got 9.", "`width` must be between 0.125 and 4; got 9."),
    ("got `![x](y)", "got \\`!\\[x\\](y)"), ("one\n# two", "one \\# two"),
    ("net.py:Net has none", "`net.py:Net` has none"), ("A: it fails", "A\\: it fails"),
    ("`a``b`", "`a` `b`")])
def test_own_words_stay_as_they_are(text: str, said: str) -> None:
    assert escape(text) == said
