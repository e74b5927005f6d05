"""Drawings of shoes, bags and accessories; each function returns the name of the variant."""

from __future__ import annotations

from search_api.demo.colours import DARK, GOLD, RUBBER, SOLE, STEEL, WOOD, tone
from search_api.demo.shapes import SMOOTH, Corner, arc, aside, box, curve, oval, rounded, symmetric
from search_api.demo.sketch import Sketch

__all__ = [
    "backpack",
    "boot",
    "handbag",
    "high_heel",
    "sneaker",
    "suitcase",
    "sunglasses",
    "tote_bag",
    "umbrella",
    "watch",
]

_SIDES = (-1, 1)
# A dial whose channels sum to less than this is dark, and gets light hands.
_LIGHT_SUM = 480
_STEEL_EDGE = tone(STEEL, -0.4)
_GOLD_EDGE = tone(GOLD, -0.4)


def sneaker(s: Sketch) -> str:
    """Draw a sports shoe from the side."""
    high = s.chance(0.4)
    top = 28 if high else 41
    upper: list[Corner] = [(13, 66, 3), (14, top + 4, 6), (20, top, 3), (34, top, 3), (38, 44, 4)]
    s.body(rounded([*upper, (58, 54, 12), (80, 57, 10), (90, 66, 8), (90, 72), (13, 72)]))
    s.trim(rounded([(72, 57, 4), (84, 58, 8), (91, 66, 6), (90, 72), (70, 72, 2)]), RUBBER)
    s.trim(rounded([(13.4, 60), (22, 58, 3), (24, 71), (13, 71)]), s.shade(-0.3))
    for n in range(4):
        x, y = 39 + n * 6.2, 47.5 + n * 2.7
        s.line([(x - 2.6, y + 7), (x + 3.4, y - 1.2)], RUBBER, 1.7)
    s.trim(rounded([(11, 70, 2), (92, 70, 3), (92, 77, 3.5), (11.5, 77, 3)]), RUBBER)
    s.line([(13, 73.4), (91, 73.4)], s.colour, 0.9)
    if high:
        s.fill(oval(24, 42, 4.2), RUBBER, s.ink)
    return "high-top" if high else ""


def boot(s: Sketch) -> str:
    """Draw a boot from the side, tall or laced."""
    tall = s.chance(0.5)
    top = 12 if tall else 30
    shaft: list[Corner] = [(27, top, 1.5), (54, top, 1.5), (53, 54, 10), (78, 62, 12), (84, 74, 8)]
    s.body(rounded([*shaft, (84, 79), (28, 79), (26, 66, 4)]))
    s.trim(rounded([(26, 77), (85, 77), (86, 82, 2), (50, 82), (48, 87), (26, 87)]), SOLE)
    s.trim(box(26, top - 1.5, 55, top + 4, 1.4))
    if tall:
        s.line([(33, top + 4), (33, 52)], STEEL, 0.9)
        return "tall"
    for n in range(4):
        y = 38 + n * 6.2
        s.line([(45, y), (53.5, y + 1.5)], tone(s.ink, 0.1), 2.2)
        s.line([(45, y), (53.5, y + 1.5)], RUBBER, 1.5)
    return "lace-up"


def high_heel(s: Sketch) -> str:
    """Draw a pump from the side, on its own or with a strap around the ankle."""
    lift = s.vary(-3, 3)
    strapped = s.chance(0.4)
    if strapped:
        s.tube(curve((30, 52 - lift), (40, 34 - lift, 14), (53, 60)), 1.8)
    heel: list[Corner] = [(14, 50 - lift), (28, 58 - lift), (22, 70, 12), (21.5, 85, 0.5)]
    s.trim(rounded([*heel, (17.5, 85, 0.5), (16, 66, 8)]), s.shade(-0.3))
    lining: list[Corner] = [(18, 36 - lift), (34, 40 - lift, 12), (52, 55, 12), (66, 64)]
    s.fill(rounded([*lining, (44, 64, 14), (26, 50 - lift, 10)]), s.shade(-0.5), s.ink)
    quarter: list[Corner] = [(14, 38 - lift, 3), (20, 35 - lift, 3), (29, 50 - lift, 12)]
    vamp: list[Corner] = [(47, 66, 14), (66, 62, 7), (78, 70, 12), (95, 82, 4), (66, 83, 8)]
    s.body(rounded([*quarter, *vamp, (46, 76, 16), (30, 61 - lift, 10), (15, 57 - lift, 3)]))
    arch = curve((92, 83), (66, 83.6, 8), (46, 76.6, 16), (31, 62 - lift, 8), (27, 60 - lift))
    s.line(arch, SOLE, 1.2)
    return "strappy" if strapped else ""


def handbag(s: Sketch) -> str:
    """Draw a handbag with one handle and a flap."""
    top, wide, foot = s.vary(40, 45), s.vary(27, 30), s.vary(31, 36)
    s.tube(arc(50, top + 2, 17, s.vary(20, 28), 180, 360), 3)
    s.body(symmetric((wide, top, 4), (foot, 82, 5)))
    flap = s.body if s.chance(0.5) else s.trim
    flap(symmetric((wide + 0.5, top - 0.6, 4), (wide + 1.5, top + 15, 9), (0, top + 24, SMOOTH)))
    s.fill(box(46.5, top + 14, 53.5, top + 22, 1.4), GOLD, _GOLD_EDGE)
    for side in _SIDES:
        s.fill(oval(50 + side * 17, top + 3, 2), GOLD, _GOLD_EDGE, 0.5)
    return ""


def tote_bag(s: Sketch) -> str:
    """Draw a big open bag with two handles."""
    top, drop = s.vary(38, 44), s.vary(21, 26)

    def handle(lift: float) -> None:
        high = top - drop - lift
        s.tube(curve((38, top + 4), (38, high, 12), (62, high, 12), (62, top + 4)), 2.4)

    handle(4)
    s.fill(symmetric((29, top - 2.2), (29, top + 4)), s.shade(-0.5), s.ink)
    s.body(symmetric((29, top), (s.vary(24, 29), 86, 3)))
    s.line([(21.8, top + 4.5), (78.2, top + 4.5)], s.ink, 0.5)
    handle(0)
    return ""


def backpack(s: Sketch) -> str:
    """Draw a backpack with a front pocket."""
    for side in _SIDES:
        s.tube(curve(*aside(side, (24, 36), (33, 42, 8), (33, 70, 8), (24, 78))), 3.6)
    s.tube(curve((43, 20), (43, 9, 5), (57, 9, 5), (57, 20)), 2.6)
    s.body(symmetric((16, 13, 14), (26, 22, SMOOTH), (28, 60, 10), (27, 88, 8)))
    s.line(curve((25, 42), (28, 24, 12), (50, 20, 16), (72, 24, 12), (75, 42)), s.ink, 0.9)
    pocket = s.body if s.chance(0.5) else s.trim
    pocket(symmetric((21, 54, 5), (22, 83, 6)))
    s.line([(31, 61), (69, 61)], STEEL, 1.2)
    s.fill(box(66, 60, 69, 67, 0.8), STEEL, _STEEL_EDGE, 0.4)
    s.fill(box(45, 36, 55, 43, 1.2), s.shade(0.55), s.ink, 0.5)
    return ""


def suitcase(s: Sketch) -> str:
    """Draw a trolley case with wheels."""
    half = s.vary(23, 26)
    for x in (42, 58):
        s.line([(x, 28), (x, 8)], _STEEL_EDGE, 1.8)
    s.line(curve((41, 12), (41, 7, 2), (59, 7, 2), (59, 12)), DARK, 3.4)
    for x in (33, 67):
        s.fill(oval(x, 90, 3.6), DARK, tone(DARK, -0.4))
    s.body(box(50 - half, 25, 50 + half, 88, 6))
    for n in range(-2, 3):
        ridge = 50 + n * half * 0.36
        s.line([(ridge, 31), (ridge, 82)], s.ink, 0.8)
    s.fill(box(43, 22.5, 57, 27, 1.8), DARK)
    return ""


def watch(s: Sketch) -> str:
    """Draw a wrist watch with a strap, its dial in the strap's colour."""
    s.body(symmetric((8.5, 7, 3), (11, 36)))
    s.body(symmetric((11, 64), (8.5, 93, 4)))
    for n in range(4):
        s.fill(oval(50, 74 + n * 4.5, 1), s.shade(-0.5))
    s.fill(box(69, 47.5, 74, 52.5), STEEL, _STEEL_EDGE)
    s.trim(oval(50, 50, 21.5), s.pick(STEEL, GOLD))
    s.trim(oval(50, 50, 17.5), s.shade(0.1))
    mark = RUBBER if sum(s.colour) < _LIGHT_SUM else DARK
    for n in range(12):
        x, y = arc(50, 50, 14.5, None, n * 30, n * 30 + 1)[0]
        s.fill(oval(x, y, 0.7 if n % 3 else 1.2), mark)
    for minutes, reach, width in ((s.vary(35, 55), 9, 1.4), (s.vary(0, 20), 12.5, 1.0)):
        s.line([(50, 50), arc(50, 50, reach, None, minutes * 6 - 90, 360)[0]], mark, width)
    s.fill(oval(50, 50, 1.5), mark)
    return ""


def sunglasses(s: Sketch) -> str:
    """Draw sunglasses from the front, round or square."""
    shape = s.pick("round", "square")
    glass = tone(s.colour, -0.6)
    for side in _SIDES:
        s.trim(rounded(aside(side, (36, 40), (43, 40), (42.5, 46), (37, 47))), s.shade(-0.2))
    for x in (29.5, 70.5):
        if shape == "round":
            s.body(oval(x, 51, 18.5, 17.5))
            s.trim(oval(x, 51, 12.2, 11.2), glass)
        else:
            s.body(rounded([(x - 19, 37, 5), (x + 19, 37, 5), (x + 17, 65, 9), (x - 17, 65, 9)]))
            lens: list[Corner] = [(x - 13, 42.5, 4), (x + 13, 42.5, 4), (x + 11.6, 60, 7)]
            s.trim(rounded([*lens, (x - 11.6, 60, 7)]), glass)
        s.line([(x - 7, 56), (x + 1, 46)], s.shade(0.35), 1.8)
        s.line([(x - 2.5, 57), (x + 3, 50)], s.shade(0.35), 1.0)
    s.trim(
        rounded([(44, 43, 2), (50, 41, 4), (56, 43, 2), (56, 49, 2), (50, 46.5, 4), (44, 49, 2)])
    )
    return shape


def umbrella(s: Sketch) -> str:
    """Draw an open umbrella."""
    rim, high = 54.0, s.vary(36, 40)
    s.line([(50, rim - high - 5), (50, 80)], _STEEL_EDGE, 1.8)
    s.tube(curve((50, 74), (50, 92, 7), (61, 92, 7), (61, 84)), 3, WOOD)
    scallops: list[Corner] = []
    for n in range(5):
        right = 90 - n * 16
        scallops += [(right - 8, rim - 8, SMOOTH), (right - 16, rim, 0)]
    dome = arc(50, rim, 40, high, 180, 360)
    s.body(dome + rounded([(90, rim, 0), *scallops]), shading="round")
    for x in (26, 42, 58, 74):
        bulge = (50 + (x - 50) * 0.95, rim - high * 0.75, SMOOTH)
        s.line(curve((50, rim - high), bulge, (x, rim)), s.ink)
    return ""
