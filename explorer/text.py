"""Figures and configs as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import TypeAlias

from explorer.language import say

Rational: TypeAlias = int | Fraction

NOT_COUNTED = "not counted"
"""Of a cost without a rule; pages `say` it."""


def number(value: Rational) -> str:
    """
    >>> number(25557032), number(Fraction(1, 2))
    ('25,557,032', '1/2')
    """
    return str(value) if isinstance(value, Fraction) else f"{value:,}"


def short(value: float, unit: str = "") -> str:
    """Three digits and an SI prefix: 25557032 as "25.6 M".

    >>> short(4089184256), short(999_950), short(0), short(-1500, "B")
    ('4.09 G', '1.00 M', '0', '-1.50 kB')
    >>> short(3 * 10**19)
    '30.0 E'
    """
    size, prefixes = abs(value), iter(("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"))
    prefix = next(prefixes)
    while size >= 999.5:
        size, prefix = size / 1000, next(prefixes)
    digits = str(round(size)) if not prefix or size >= 99.95 else \
        f"{size:.1f}" if size >= 9.995 else f"{size:.2f}"
    return f"{'-' if value < 0 else ''}{digits} {prefix}{unit}".rstrip()


def signed(value: float, unit: str = "") -> str:
    """A difference; "" for none.

    >>> signed(1500), signed(-1500, "B"), signed(0)
    ('+1.50 k', '−1.50 kB', '')
    """
    if not value:
        return ""
    return ("+" if value > 0 else "\N{MINUS SIGN}") + amount(abs(value), unit)


def difference(value: float) -> str:
    """All digits of a difference.

    >>> difference(5504), difference(-5504)
    ('+5,504', '−5,504')
    """
    return _with_sign(f"{value:+,.0f}")


def _with_sign(number: str) -> str:
    """With the sign of its own, which is as wide as a plus."""
    return number.replace("-", "\N{MINUS SIGN}")


def amount(value: float, unit: str = "") -> str:
    """A count, bytes ("B") or a time ("s").

    >>> amount(1500, "B"), amount(0.0015, "s")
    ('1.50 kB', '1.50 ms')
    """
    return seconds(value) if unit == "s" else short(value, unit)


def seconds(value: float) -> str:
    """A time with three digits.

    >>> seconds(0.0624), seconds(1.5), seconds(0.000042)
    ('62.4 ms', '1.50 s', '42.0 µs')
    """
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= scale * 0.9995 or unit == "µs":
            size = value / scale
            return f"{size:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f} {unit}"
    raise AssertionError("unreachable")


def seconds_between(low: float, high: float) -> str:
    """
    >>> seconds_between(0.0109, 0.0128), seconds_between(0.0009, 0.0011)
    ('10.9–12.8 ms', '900 µs – 1.10 ms')
    """
    (least, unit), most = seconds(low).split(), seconds(high)
    return f"{least}–{most}" if most.endswith(f" {unit}") else f"{least} {unit} – {most}"


def shape(value: tuple[Rational, ...]) -> str:
    """
    >>> shape((1, 64, 56, 56))
    '1×64×56×56'
    """
    return "×".join(map(str, value))


def side(value: tuple[Rational, ...]) -> str:
    """A kernel or a stride: one number where all sides agree.

    >>> side((3, 3)), side((1, 7)), side((3, 7, 7))
    ('3', '1×7', '3×7×7')
    """
    return str(value[0]) if len(set(value)) == 1 else "×".join(map(str, value))


def enumeration(words: Sequence[str]) -> str:
    """
    >>> enumeration(["a", "b", "c"]), enumeration(["a"])
    ('a, b and c', 'a')
    """
    *others, last = words
    return say("{others} and {last}", others=listing(others), last=last) if others else last


def listing(words: Iterable[str]) -> str:
    """
    >>> listing(["a", "b", "c"])
    'a, b, c'
    """
    return reduce(lambda before, word: say("{before}, {word}", before=before, word=word), words)


def series(words: Iterable[str]) -> str:
    """What may have commas in it.

    >>> series(["a, b", "c"])
    'a, b; c'
    """
    return reduce(lambda before, word: say("{before}; {word}", before=before, word=word), words)


def sentences(said: Iterable[object]) -> str:
    """Sentences one after the other, without those that are empty.

    >>> sentences(["One.", "", "Two."])
    'One. Two.'
    """
    given = [each for each in map(str, said) if each]
    return reduce(lambda before, after: say("{before} {after}", before=before, after=after),
                  given) if given else ""


def share(of_one: float) -> str:
    """
    >>> share(0.123), share(0.0004), share(0)
    ('12%', 'below 1%', '0%')
    """
    return say("below 1%") if 0 < of_one < 0.005 else f"{of_one:.0%}"


def change(value: float, preset: float) -> str | None:
    """A figure against the preset's, in percent or as a factor; None where they are equal.

    >>> change(75, 100), change(450, 100), change(1, 1)
    ('−25%', '4.5 times', None)
    >>> change(8, 3000), change(11_900, 1000), change(0, 100)
    ('1/375', '12 times', 'none')
    """
    if value == preset:
        return None
    if preset == 0:
        return f"+{short(value)}"
    if value == 0:
        return say("none")
    if divisor := part(value, preset):
        return f"1/{divisor}"
    ratio = value / preset
    if ratio >= 2:
        return say("{ratio} times", ratio=f"{ratio:,.0f}" if ratio >= 9.995 else f"{ratio:.3g}")
    percent = (ratio - 1) * 100
    if abs(percent) < 0.05:
        return difference(value - preset)
    return _with_sign(f"{percent:+.0f}%" if abs(percent) >= 10 else f"{percent:+.1f}%")


def part(value: float, preset: float) -> str:
    """By what the preset's figure is divided, where a figure is a tenth of it or less; else "".

    >>> part(8, 3000), part(75, 100)
    ('375', '')
    """
    ratio = value / preset if preset else 0
    return f"{1 / ratio:,.0f}" if 0 < ratio <= 0.1 else ""


def against_preset(value: float, preset: float) -> str | None:
    """A change with what it is against.

    >>> against_preset(75, 100), against_preset(8, 3000), against_preset(1, 1)
    ('−25% against the preset', '1/375 of the preset', None)
    """
    if divisor := part(value, preset):
        return say("1/{divisor} of the preset", divisor=divisor)
    said = change(value, preset)
    return said and say("{change} against the preset", change=said)
