"""The colours can be told apart by everybody, and text on them can be read in both themes."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.views.charts import HATCH
from explorer.views.palette import FAILURE, HATCHED, KIND_COLOURS, PLAIN

ROOT = Path(__file__).parent.parent
THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]

# Linear RGB as people see it who lack a kind of cone wholly (Machado et al. 2009, Table 1, 1.0).
VISION = {
    "trichromacy": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
}

APART = 6
"""Distance in OKLab × 100; two patches side by side are just told apart at about 2."""


def linear(colour: str) -> NDArray[np.float64]:
    """WCAG 2.2, relative luminance, the first step: sRGB -> linear RGB."""
    parts = np.array([int(colour[at:at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear RGB -> OKLab (Ottosson 2020)."""
    cones = np.cbrt(np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                              [0.2119034982, 0.6806995451, 0.1073969566],
                              [0.0883024619, 0.2817188376, 0.6299787005]]) @ np.clip(rgb, 0, 1))
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                     [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ cones


def test_contrast_is_wcag() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("kind", KIND_COLOURS)
def test_the_text_of_a_chip_can_be_read(kind: str) -> None:
    """Streamlit's table writes black on a colour of a luminance above a half, else white; it is
    the same in both themes, since a chip has a colour of its own."""
    colour = KIND_COLOURS[kind]
    assert contrast(colour, "#000000" if luminance(colour) > 0.5 else "#FFFFFF") >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KIND_COLOURS)
def test_a_colour_stands_out_from_the_page(kind: str, theme: str) -> None:
    """WCAG 1.4.11 asks for 3 to 1 of what carries meaning alone; the light colours have their names
    beside them."""
    colour = KIND_COLOURS[kind]
    assert contrast(colour, THEMES[theme]["backgroundColor"]) >= (
        1.5 if theme == "light" and luminance(colour) > 0.5 else 3)


@pytest.mark.parametrize("vision", VISION)
def test_kinds_are_told_apart(vision: str) -> None:
    seen = {name: oklab(VISION[vision] @ linear(colour))
            for name, colour in {**KIND_COLOURS, "block": PLAIN}.items()}
    near = {(one, other): distance for one, other in combinations(seen, 2)
            if (distance := 100 * np.linalg.norm(seen[one] - seen[other])) < APART}
    assert near == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_the_page_can_be_read(theme: str) -> None:
    colours = THEMES[theme]
    for paper in ("backgroundColor", "secondaryBackgroundColor"):
        for ink in ("textColor", "primaryColor"):
            assert contrast(colours[ink], colours[paper]) >= 4.5


def test_depthwise_differs_by_more_than_colour() -> None:
    assert "depthwise convolution" in HATCHED and "convolution" not in HATCHED
    assert contrast(HATCH["fgcolor"], KIND_COLOURS["depthwise convolution"]) >= 2
    css = (ROOT / "explorer" / "ui" / "page.css").read_text(encoding="utf-8")
    assert HATCH["fgcolor"] in css.partition(".hatched")[2].partition("}")[0]


def test_what_failed_is_no_kind() -> None:
    assert FAILURE not in KIND_COLOURS.values()
