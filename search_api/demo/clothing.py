"""Drawings of clothes laid flat; each function returns the name of the variant."""

from __future__ import annotations

from search_api.demo.colours import RUBBER, STEEL, tone
from search_api.demo.shapes import (
    SMOOTH,
    Corner,
    Point,
    arc,
    aside,
    box,
    curve,
    oval,
    rounded,
    symmetric,
)
from search_api.demo.sketch import Sketch

__all__ = [
    "cap",
    "dress",
    "hat",
    "hoodie",
    "jacket",
    "jumper",
    "scarf",
    "shirt",
    "shorts",
    "skirt",
    "socks",
    "trousers",
    "tshirt",
]

_SIDES = (-1, 1)
# Right end of a top's shoulder, measured from the axis.
_SHOULDER: Point = (23.5, 24.5)


def _button(s: Sketch, x: float, y: float, size: float = 1.1) -> None:
    s.fill(oval(x, y, size), s.shade(0.75), s.ink, 0.4)


def _short_sleeves(s: Sketch, shoulder: Point = _SHOULDER) -> None:
    """Draw two short sleeves; the torso covers their upper ends later."""
    x, y = shoulder
    end = y + s.vary(16.5, 20)
    for side in _SIDES:
        sleeve: list[Corner] = [(x - 7, y), (x + 1, y + 0.4, 5), (x + 12, end)]
        sleeve += [(x + 3.8, end + 5.5), (x - 4, y + 14)]
        s.body(rounded(aside(side, *sleeve)), turn=-32 * side)
        s.line(curve(*aside(side, (x + 10.6, end - 2.2), (x + 2.6, end + 3.1))), s.ink, 0.45)


def _long_sleeves(s: Sketch) -> None:
    """Draw two long sleeves with cuffs; the torso covers their upper ends later."""
    x, y = _SHOULDER
    for side in _SIDES:
        sleeve: list[Corner] = [(x - 7, y), (x + 1, y + 0.4, 8), (x + 12.5, y + 45.5, 2)]
        sleeve += [(x + 5, y + 48, 2), (x - 3, y + 18)]
        s.body(rounded(aside(side, *sleeve)), turn=-14 * side)
        cuff: list[Corner] = [(x + 11.2, y + 40), (x + 12.7, y + 45.7)]
        cuff += [(x + 4.8, y + 48.2), (x + 3.5, y + 42.5)]
        s.trim(rounded(aside(side, *cuff)))


def _torso(s: Sketch, hem: float, chest: float) -> None:
    x, y = _SHOULDER
    s.body(symmetric((9, 19.5), (x, y, 2.5), (chest, 42, 4), (chest + 1, hem, 2.5)))


def _round_neck(s: Sketch) -> None:
    s.trim(arc(50, 19.3, 11.2, 8.8, 0, 180))
    s.fill(arc(50, 19.3, 9, 6.5, 0, 180), s.shade(-0.5), s.ink, 0.5)


def _v_neck(s: Sketch) -> None:
    s.trim(rounded([(38.6, 19.3), (61.4, 19.3), (50, 35.5, 2)]))
    s.fill(rounded([(41, 19.3, 0), (59, 19.3, 0), (50, 32)]), s.shade(-0.5), s.ink, 0.5)


def _ribs(s: Sketch, half: float, top: float, bottom: float) -> None:
    """Draw a ribbed band around the axis."""
    s.trim(box(50 - half, top, 50 + half, bottom, 1.5))
    count = round(half / 1.3)
    for n in range(1, count):
        x = 50 - half + 2 * half * n / count
        s.line([(x, top + 0.8), (x, bottom - 0.8)], s.ink, 0.35)


def tshirt(s: Sketch) -> str:
    """Draw a T-shirt."""
    hem = s.vary(76, 82)
    _short_sleeves(s)
    _torso(s, hem, s.vary(20, 22))
    s.line([(30, hem - 2.6), (70, hem - 2.6)], s.ink, 0.4)
    if s.chance(0.4):
        _v_neck(s)
        return "V-neck"
    _round_neck(s)
    return s.pick("crew-neck", "")


def shirt(s: Sketch) -> str:
    """Draw a shirt with collar and buttons."""
    long, hem = s.chance(0.5), s.vary(78, 83)
    (_long_sleeves if long else _short_sleeves)(s)
    _torso(s, hem, s.vary(19.5, 21.5))
    s.trim(box(47.6, 23.5, 52.4, hem, 0.2))
    s.fill(arc(50, 19.5, 8.5, 4.5, 0, 180), s.shade(-0.5))
    for side in _SIDES:
        s.trim(rounded(aside(side, (8.5, 17), (12, 25), (6.5, 30, 0.5), (0, 23.5, 0.5))))
    for n in range(5):
        _button(s, 50, 31 + n * (hem - 36) / 4)
    if s.chance(0.6):
        s.body(rounded([(56, 38), (66, 38), (66, 46.5), (61, 49.5), (56, 46.5)]))
    return "long-sleeve" if long else "short-sleeve"


def jumper(s: Sketch) -> str:
    """Draw a jumper with ribbed hem."""
    hem = s.vary(74, 78)
    _long_sleeves(s)
    _torso(s, hem, 22)
    _ribs(s, 22.5, hem - 4, hem + 2.5)
    neck = s.pick("crew-neck", "V-neck", "roll-neck")
    if neck == "roll-neck":
        _ribs(s, 10, 13, 23)
    elif neck == "V-neck":
        _v_neck(s)
    else:
        _round_neck(s)
    return neck


def hoodie(s: Sketch) -> str:
    """Draw a hooded top with a pouch."""
    hem = s.vary(76, 79)
    _long_sleeves(s)
    _torso(s, hem, 22)
    _ribs(s, 22.5, hem - 4, hem + 2.5)
    s.trim(symmetric((9, 9, 9), (17, 20, SMOOTH), (12, 30, SMOOTH), (0, 33.5, SMOOTH)))
    opening = symmetric((6, 13, 6), (10.5, 20, SMOOTH), (5, 29, SMOOTH))
    s.fill(opening, s.shade(-0.5), s.ink, 0.5)
    zipped, cord = s.chance(0.4), s.vary(40, 44)
    s.trim(symmetric((9, 54), (15, 70)))
    for side in _SIDES:
        s.line(curve(*aside(side, (5, 28.5), (5.5, cord))), RUBBER, 1.0)
    if zipped:
        s.line([(50, 33), (50, hem + 2)], STEEL, 1.1)
    return "zip-up" if zipped else ""


def jacket(s: Sketch) -> str:
    """Draw a short jacket with a zip."""
    hem = s.vary(71, 75)
    _long_sleeves(s)
    _torso(s, hem, 22.5)
    _ribs(s, 22.5, hem - 2.5, hem + 3)
    s.trim(symmetric((11, 14.5), (13, 24)))
    s.fill(box(48.2, 15.5, 51.8, hem + 2.5, 0.4), s.shade(-0.45))
    s.line([(50, 16.5), (50, hem + 2)], STEEL, 1.2)
    s.fill(box(48.9, 26, 51.1, 31, 0.6), STEEL, tone(STEEL, -0.4), 0.4)
    for side in _SIDES:
        s.line(curve(*aside(side, (8, 62), (13, 50))), s.ink, 1.4)
    return s.pick("zip-up", "")


def dress(s: Sketch) -> str:
    """Draw a dress, sleeveless or with short sleeves, short or long."""
    long, sleeved = s.chance(0.5), s.chance(0.5)
    waist, hem, flare = s.vary(44, 47), 91 if long else 77, s.vary(23, 30)
    top: list[Corner] = [(7.5, 11, 0.8), (12, 11, 0.8), (11.5, 22, 6), (15.5, 31, 2)]
    if sleeved:
        _short_sleeves(s, (15.5, 16.0))
        top = [(8, 12.5), (15.5, 16, 2), (14, 33, 4)]
    skirt: list[Corner] = [(11, waist, 3), (flare * 0.72, waist + 18, SMOOTH), (flare, hem, 1.5)]
    s.body(symmetric(*top, *skirt, (flare * 0.5, hem + 2.5, SMOOTH)))
    s.fill(arc(50, 12, 7.6, s.vary(6, 12), 0, 180), s.shade(-0.5), s.ink, 0.5)
    for lean in (-0.45, 0.1, 0.55):
        s.line([(50 + lean * 13, waist + 9), (50 + lean * flare * 1.3, hem - 4)], s.ink, 0.45)
    s.trim(symmetric((11.4, waist - 2), (11.8, waist + 2.2)))
    sleeves = "short-sleeve" if sleeved else "sleeveless"
    return f"long {sleeves}" if long else sleeves


def skirt(s: Sketch) -> str:
    """Draw a skirt, pleated or flared, short or long."""
    long, pleated = s.chance(0.5), s.chance(0.5)
    hem, flare = (84 if long else 62), s.vary(27, 33)
    half: list[Corner] = [(14.5, 22), (flare * 0.78, 40, SMOOTH), (flare, hem, 1.5)]
    s.body(symmetric(*half, (flare * 0.5, hem + 3.5, SMOOTH)))
    for n in range(-4, 5) if pleated else (-2, 1, 3):
        start = 30 if pleated else hem - 22
        lean = flare * n / 4.6
        end = hem + 2.2 - 1.6 * abs(n) / 4
        s.line([(50 + lean * (start - 12) / (hem - 12), start), (50 + lean, end)], s.ink, 0.55)
    s.trim(symmetric((15, 18), (15.6, 24)))
    if s.chance(0.4):
        _button(s, 50, 21)
    return f"{'long' if long else 'short'}{' pleated' if pleated else ''}"


def _legs(s: Sketch, hem: float, hip: float, inner: float, outer: float) -> None:
    """Draw a waistband, pockets and two legs with hems between `inner` and `outer`."""
    s.body(symmetric((14.5, 13), (hip, 30, SMOOTH), (outer, hem), (inner, hem + 0.8), (1.2, 38)))
    s.line([(50, 19), (50, 37)], s.ink)
    for side in _SIDES:
        s.line(curve(*aside(side, (8, 19), (10, 25, 6), (17, 26.5))), s.ink)
        s.line(curve(*aside(side, (outer - 0.4, hem - 3), (inner + 0.2, hem - 2.2))), s.ink, 0.5)
    s.trim(symmetric((14.7, 12), (15.4, 18)))
    for dx in (-10, 10):
        s.trim(box(49.1 + dx, 11.4, 50.9 + dx, 18.6, 0.4))
    _button(s, 50, 15, 1.3)


def trousers(s: Sketch) -> str:
    """Draw long trousers."""
    cut = s.pick("slim", "wide-leg", "")
    inner, outer = {"slim": (5.5, 16.0), "wide-leg": (4.0, 25.0), "": (4.5, 19.5)}[cut]
    _legs(s, s.vary(87, 90), 18.5, inner, outer)
    return cut


def shorts(s: Sketch) -> str:
    """Draw short trousers."""
    _legs(s, s.vary(54, 62), 19, 3.5, s.vary(23, 26))
    return ""


def scarf(s: Sketch) -> str:
    """Draw a scarf, looped once, with fringes."""
    for side, end in ((1, s.vary(80, 86)), (-1, s.vary(68, 76))):
        left, right = (50 + side * 14 + edge for edge in (-8.5, 8.5))
        for n in range(7):
            x = left + 1 + n * 2.5
            s.line([(x, end - 1), (x + side * 0.6, end + 6)], s.ink, 1.0)
        top = 50 + side * 4.5
        s.body(rounded([(top - 7, 34), (top + 7, 34), (right, end), (left, end)]), turn=-side * 10)
    s.body(oval(50, 29, 25, 17), turn=8)
    s.fill(oval(50, 24.5, 15, 7.5), s.shade(-0.55), s.ink)
    for drop in (0.0, 3.6):
        s.line(arc(50, 25 + drop, 20, 11.5, 25, 150), s.ink, 0.5)
    return s.pick("fringed", "")


def socks(s: Sketch) -> str:
    """Draw a pair of socks."""
    accent = s.shade(-0.25)
    for x, y in ((40, 16), (24, 24)):

        def at(*corners: Corner, x: int = x, y: int = y) -> list[Point]:
            return rounded([(x + corner[0], y + corner[1], *corner[2:]) for corner in corners])

        foot: list[Corner] = [(31, 48, 8), (31, 58, 9), (20, 60, 8), (1, 54, 14)]
        s.body(at((0, 0), (16, 0), (16, 38, 8), *foot))
        s.trim(at((23.5, 43.6, 2), (31, 48, 7), (31, 58, 8), (21.5, 60, 2)), accent)
        s.trim(at((0.4, 37), (9, 46, 5), (8, 57, 2), (0.8, 52, 6)), accent)
        s.trim(box(x - 0.8, y - 2, x + 16.8, y + 6, 1.2), accent)
    return ""


def hat(s: Sketch) -> str:
    """Draw a sun hat with a band."""
    crown = s.vary(29, 33)
    s.body(oval(50, 63, s.vary(37, 41), s.vary(11, 14)))
    s.body(symmetric((10, crown, 9), (19, crown + 4, SMOOTH), (21.6, 60.5, 0)), shading="round")
    band = arc(50, 60.5, 21.9, 5.5, 0, 180) + arc(50, 52.5, 20.9, 5.5, 180, 0)
    s.trim(band, s.shade(-0.45), shading="round")
    return "wide-brim"


def cap(s: Sketch) -> str:
    """Draw a baseball cap from the side."""
    s.body(rounded([(20, 62, 2), (21, 28, 26), (50, 22, 26), (70, 30, 20), (70, 62, 2)]))
    s.trim(rounded([(45, 60, 2), (70, 54, 6), (92, 64, 8), (90, 70, 4), (66, 65, 8), (46, 65, 2)]))
    s.line(curve((53, 60.5), (70, 56.5, 6), (88, 64.5)), s.ink, 0.45)
    s.line(curve((46, 29), (38, 44, SMOOTH), (43, 62)), s.ink)
    s.fill(oval(55, 38, 1.5), s.shade(-0.5))
    s.trim(oval(46, 28.4, 3.4, 1.7))
    return ""
