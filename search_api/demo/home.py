"""Drawings of home and kitchen products; each function returns the name of the variant."""

from __future__ import annotations

from search_api.demo.colours import DARK, PAPER, STEEL, WOOD, tone
from search_api.demo.shapes import SMOOTH, Corner, arc, box, curve, oval, rounded, symmetric
from search_api.demo.sketch import Sketch

__all__ = [
    "ball",
    "book",
    "bottle",
    "bowl",
    "chair",
    "cushion",
    "lamp",
    "mug",
    "plate",
    "sofa",
    "table",
    "teapot",
    "vase",
]


def _mouth(s: Sketch, x: float, y: float, width: float, height: float) -> None:
    """Draw the opening of a vessel: its rim and its dark inside."""
    s.trim(oval(x, y, width, height), s.shade(0.18))
    s.fill(oval(x, y + 0.3, width * 0.88, height * 0.76), s.shade(-0.45))


def mug(s: Sketch) -> str:
    """Draw a mug with one handle."""
    tall = s.chance(0.35)
    top, wide = (22 if tall else 32), s.vary(21, 25)
    foot = wide - s.vary(0, 5)
    s.tube(arc(45 + wide, (top + 78) / 2, 12.5, s.vary(13, 16), 0, 360), 4.6)
    s.body(
        symmetric((wide, top, 0), (foot, 80, 7), (foot * 0.5, 83, SMOOTH), axis=45), shading="round"
    )
    _mouth(s, 45, top, wide, 5.5)
    return "tall" if tall else ""


def teapot(s: Sketch) -> str:
    """Draw a round teapot with lid and spout."""
    s.tube(arc(24, 55, 12, 14, 60, 300), 4.2)
    spout: list[Corner] = [(66, 72, 4), (77, 60, 10), (80, 42, 8), (91, 34), (89, 43, 6)]
    s.trim(rounded([*spout, (85, 62, 14), (68, 80, 4)]))
    belly: list[Corner] = [(12, 35, 4), (26, 38, SMOOTH), (31, 58, SMOOTH), (25, 76, SMOOTH)]
    s.body(symmetric(*belly, (15, 83, 2)), shading="ball")
    s.trim(symmetric((0, 25, SMOOTH), (11, 27.5, SMOOTH), (14.5, 36, 2)), shading="round")
    s.trim(oval(50, 23.5, 3.6), shading="ball")
    return ""


def bowl(s: Sketch) -> str:
    """Draw a bowl."""
    deep = s.vary(76, 84)
    s.trim(symmetric((11, deep - 4), (12.5, deep + 3, 1.5)))
    side: list[Corner] = [(36, 42, 0), (35, 62, SMOOTH), (22, deep, SMOOTH)]
    s.body(symmetric(*side), shading="round")
    _mouth(s, 50, 42, 36, 9)
    return ""


def bottle(s: Sketch) -> str:
    """Draw a drinking bottle with a screw cap."""
    wide, shoulder = s.vary(14, 18), s.vary(32, 38)
    neck: list[Corner] = [(6.5, 23, 0.5), (7, shoulder - 6, 4), (wide, shoulder, 8)]
    s.line(curve((45, 11), (45, 5, 4), (55, 5, 4), (55, 11)), DARK, 1.8)
    s.body(symmetric(*neck, (wide, 88, 4)), shading="round")
    s.trim(box(41.5, 10, 58.5, 24, 2), s.pick(STEEL, DARK), shading="round")
    return ""


def plate(s: Sketch) -> str:
    """Draw a dinner plate from above."""
    well = s.vary(24, 28)
    s.body(oval(50, 50, 38))
    s.line([*oval(50, 50, well), (50 + well, 50)], s.ink, 0.8)
    s.line([*oval(50, 50, well - 1.3), (48.7 + well, 50)], s.shade(0.35), 0.9)
    return ""


def vase(s: Sketch) -> str:
    """Draw a vase: slender, round, or in between."""
    shape = s.pick("slender", "round", "")
    profiles: dict[str, list[Corner]] = {
        "slender": [(8, 14, 0), (7, 30, SMOOTH), (17, 50, SMOOTH), (13, 78, SMOOTH), (10, 88, 1.5)],
        "round": [(10, 22, 0), (8, 32, 6), (30, 42, SMOOTH), (31, 68, SMOOTH), (14, 86, 2)],
        "": [(13, 16, 0), (10, 28, SMOOTH), (25, 38, SMOOTH), (21, 62, SMOOTH), (13, 88, 2)],
    }
    half = profiles[shape]
    s.body(symmetric(*half), shading="ball" if shape == "round" else "round")
    _mouth(s, 50, half[0][1], half[0][0], 2.6)
    return shape


def lamp(s: Sketch) -> str:
    """Draw a table lamp."""
    base = s.pick(WOOD, STEEL, DARK)
    stem: list[Corner] = [(2, 48, 0.3), (2, 64, 3), (9, 72, SMOOTH), (7, 82, 2), (2.5, 86, 0.5)]
    s.trim(symmetric(*stem), base, shading="round")
    s.trim(symmetric((15, 85, 2), (16, 90, 1.5)), base, shading="round")
    top, wide = s.vary(14, 20), s.vary(27, 31)
    s.fill(oval(50, 52, wide, 4), (255, 240, 190), s.ink)
    s.body(symmetric((top, 14, 0.8), (wide, 52, 0.8), (wide * 0.5, 55, SMOOTH)), shading="round")
    return ""


def chair(s: Sketch) -> str:
    """Draw a dining chair with wooden legs."""
    for x in (-1, 1):
        s.tube([(50 + x * 16, 58), (50 + x * 19, 84)], 2.8, tone(WOOD, -0.15))
        s.tube([(50 + x * 20, 62), (50 + x * 25, 92)], 2.8, WOOD)
        s.tube([(50 + x * 12, 40), (50 + x * 12, 60)], 2.4, WOOD)
    s.body(symmetric((20, 9, s.pick(4, 14)), (18, 46, 5)))
    s.body(symmetric((20, 54, 3), (27, 62, 3), (26, 68, 3)))
    return ""


def sofa(s: Sketch) -> str:
    """Draw a sofa with cushions and short feet."""
    for x in (17, 83):
        s.trim(rounded([(x - 2.5, 72), (x + 2.5, 72), (x + 1.5, 82), (x - 1.5, 82)]), WOOD)
    seats, rounding = s.pick(2, 3), s.pick(5, 11)
    s.body(box(14, 30, 86, 66, rounding))
    for n in range(seats):
        left, right = 18 + n * 64 / seats, 18 + (n + 1) * 64 / seats
        if n:
            s.line([(left, 32), (left, 54)], s.ink, 0.8)
        s.body(box(left, 53, right, 66, 3))
    s.body(box(13, 65, 87, 74, 2))
    for left in (7, 82):
        s.body(box(left, 43, left + 11, 75, 5))
    return {2: "two-seater", 3: "three-seater"}[seats]


def table(s: Sketch) -> str:
    """Draw a table, round or square, seen from a little above."""
    if s.chance(0.5):
        s.trim(symmetric((3, 48), (4, 82)))
        s.trim(oval(50, 84, 18, 4.5))
        s.trim(oval(50, 42, 39, 15), s.shade(-0.3))
        s.body(oval(50, 38.5, 39, 15))
        return "round"
    for x, foot in ((26, 74), (74, 74), (17, 88), (83, 88)):
        s.trim(box(x - 2.2, 46, x + 2.2, foot, 0.8), s.shade(-0.12))
    s.trim(box(10, 50, 90, 57), s.shade(-0.25))
    s.body(rounded([(24, 28), (76, 28), (90, 51), (10, 51)]))
    return "square"


def cushion(s: Sketch) -> str:
    """Draw a square cushion, plump in the middle."""
    size, waist = 36, s.vary(30, 33)
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    outline: list[Corner] = []
    for x, y in corners:
        outline += [(50 + x * size, 50 + y * size, 3)]
        outline += [(50 + (x - y) / 2 * waist, 50 + (y + x) / 2 * waist, SMOOTH)]
    s.body(rounded(outline))
    for x, y in corners:
        crease = [
            (50 + x * across, 50 + y * down) for across, down in ((32, 31), (27, 28), (25, 22))
        ]
        s.line(curve(crease[0], (*crease[1], SMOOTH), crease[2]), s.ink, 0.5)
    return ""


def book(s: Sketch) -> str:
    """Draw a hardback book with a label on its cover."""
    s.trim(rounded([(26, 16), (79, 16), (79, 90), (26, 90)]), s.shade(-0.3))
    s.fill(rounded([(26, 15), (76.5, 15), (76.5, 87.5), (26, 87.5)]), PAPER, tone(PAPER, -0.3), 0.5)
    for n in range(3):
        s.line([(74.3 + n * 0.8, 16), (74.3 + n * 0.8, 87)], tone(PAPER, -0.2), 0.25)
        s.line([(26, 85.3 + n * 0.8), (75, 85.3 + n * 0.8)], tone(PAPER, -0.2), 0.25)
    s.body(box(22, 12, 73.5, 85, 1.5))
    s.trim(box(22, 12, 29, 85, 1.2), s.shade(-0.22))
    s.fill(box(36, 26, 66, 44), PAPER, s.ink)
    for y, half in ((31, 11), (35, 8), (39, 5)):
        s.line([(51 - half, y), (51 + half, y)], DARK, 1.1)
    return ""


def ball(s: Sketch) -> str:
    """Draw a ball with seams."""
    s.body(oval(50, 50, 36), shading="ball")
    for side, start in ((8, -53), (92, 127)):
        s.line(arc(side, 50, 30, 34, start, start + 106), s.ink, 0.8)
    return ""
