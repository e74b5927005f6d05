"""Background negatives: texts and images unrelated to a catalog, to which no hit is right."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["unrelated_images", "unrelated_phrases"]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(
        phrase for line in text.splitlines() for part in line.split(";") if (phrase := part.strip())
    )


# What shops rarely sell, written by hand: places, events, ideas, animals, jobs and machines, then
# letters without meaning.
_RARE = _listed("""
    volcano eruption; mountain glacier; coral reef; desert dunes; tropical rainforest; waterfall
    river delta; night sky with stars; solar eclipse; thunderstorm; tornado; earthquake damage
    railway station; airport runway; motorway junction; lighthouse; cathedral; medieval fortress
    skyscraper; power station; wind farm; oil rig; football stadium; parliament building; harbour
    construction site; parking lot; tunnel; dam; cemetery; roundabout; oil refinery; windmill
    elephant; crocodile; penguin colony; whale; spider; herd of cows; octopus; kangaroo; wolf
    flock of geese; jellyfish; honey bee; tortoise; rattlesnake; shark; bat; woodpecker; seal
    freight train; fighter jet; cargo ship; cement mixer; fire engine; helicopter; bulldozer
    combine harvester; satellite; hot air balloon; canoe on a lake; forklift; ambulance; tram
    income tax; interest rate; stock market; mortgage; insurance claim; court case; constitution
    foreign policy; election result; peace treaty; trade union; inflation; pension fund; census
    democracy; philosophy; the meaning of life; thermodynamics; prime numbers; general relativity
    organic chemistry; photosynthesis; plate tectonics; linear algebra; grammar; ancient history
    surgery; vaccination; broken leg; dentist; x-ray of a hand; blood cells; brain scan; virus
    wedding ceremony; funeral; job interview; traffic jam; marathon runners; orchestra playing
    chess tournament; classroom lesson; street protest; school bus stop; hospital ward; birthday
    politician giving a speech; astronaut; firefighter; goalkeeper; farmer in a field; soldier
    how do I reset my password; where is my parcel; hello; thank you very much
    weather forecast; train timetable; phone number; latest news; download the app; opening hours
    computer program; database error; neural network; source code; spreadsheet; web browser
    x; zz; qqqq; hjkl; wxcv bnm; blorptastic; frindle snorp; zzyzx vrk; plugh xyzzy; 8f3a 0c1d
    1234567; ???; aaa aaa aaa; jfdksla; ouyiwer; tgbnhy; mnbvcx lkjh; dolor sit amet; vlugt krem
    """)

# What other shops sell, and things with a colour, so that a colour alone is not mistaken for the
# thing.
_GOODS = _listed("""
    sofa; dining table; mattress; bookshelf; desk lamp; curtain; carpet; garden hose; lawn mower
    hammer; cordless drill; screwdriver; paint bucket; ladder; screws; bathtub; sink tap; light bulb
    vacuum cleaner; dishwasher; microwave oven; toaster; kettle; frying pan; kitchen knife; mattock
    dinner plate; wine glass; coffee mug; laptop; keyboard; printer; mobile phone; television
    loudspeaker; camera lens; hard drive; batteries; game console; guitar; drum kit; bicycle
    car tyre; engine oil; baby pram; toy train; teddy bear; jigsaw puzzle; board game; tennis racket
    tent; fishing rod; dumbbells; dog food; cat litter; aquarium; potted plant; flower seeds
    bread; cheese; milk; yellow bananas; green lettuce; red tomatoes; brown eggs; white rice
    black coffee; frozen pizza; chocolate cake; beer bottle; raw chicken; fresh salmon; novel
    dictionary; wall calendar; postage stamp; ballpoint pen; blue ink; shampoo; toothpaste
    wheelchair; plasters; cough syrup; brown bear; pink flamingo; green frog; blue sky; yellow taxi
    white clouds; grey stone wall; silver car; golden retriever; orange sunset; purple grapes
    black hole; red traffic light; green field; maroon brick house; beige sand; navy ship
    """)

# Side of the images, and the right end of their lines of text, in pixels.
_SIDE = 224
_LINE_END = 190


def unrelated_phrases(texts: Iterable[str]) -> list[str]:
    """Return phrases with a word of four letters or more that no text of a catalog has.

    A catalog without texts may sell anything: it gets only the phrases that hardly any shop would
    use.

    Args:
        texts: All texts of the catalog.
    """
    used = {word for text in texts for word in _words(text)}
    phrases = (*_RARE, *_GOODS) if used else _RARE
    return [phrase for phrase in phrases if not _words(phrase) or not _words(phrase) <= used]


def unrelated_images() -> list[Image.Image]:
    """Draw images without a product: plain, noise, stripes, gradients, charts and lines of text.

    They are always the same.
    """
    rng = np.random.default_rng(0)
    made = [Image.new("RGB", (_SIDE, _SIDE), (grey,) * 3) for grey in (0, 90, 170, 255)]
    made += [_plain(rng) for _ in range(4)]
    made += [_noise(rng, cell) for cell in (1, 1, 2, 4, 8, 16, 32)]
    made += [_waves(rng) for _ in range(5)]
    made += [_gradient(rng) for _ in range(4)]
    made += [_bars(rng) for _ in range(4)]
    made += [_lines(rng) for _ in range(4)]
    return made


def _words(text: str) -> set[str]:
    # Shorter words are mostly function words. A plural counts as its singular.
    return {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", text.lower())}


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _plain(rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), _colour(rng))


def _noise(rng: np.random.Generator, cell: int) -> Image.Image:
    pixels = rng.integers(0, 256, (_SIDE // cell, _SIDE // cell, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


def _waves(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    angle, count = rng.uniform(0, np.pi), rng.uniform(3, 30)
    wave = np.sin(2 * np.pi * count * (x * np.cos(angle) + y * np.sin(angle)))[..., np.newaxis]
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    return Image.fromarray(((first + second + wave * (first - second)) / 2).astype(np.uint8))


def _gradient(rng: np.random.Generator) -> Image.Image:
    share = np.linspace(0, 1, _SIDE)[:, np.newaxis, np.newaxis]
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    column = (first * (1 - share) + second * share).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(column, (_SIDE, _SIDE, 3))))


def _bars(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(20, 10), (20, 204), (214, 204)], fill="black", width=2)
    for number, height in enumerate(rng.integers(20, 180, 7).tolist()):
        left = 30 + 26 * number
        draw.rectangle([left, 204 - height, left + 17, 203], fill=_colour(rng))
    return image


def _lines(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    draw = ImageDraw.Draw(image)
    for row in range(14, 214, 14):
        left = 14
        while left < _LINE_END:
            width = int(rng.integers(6, 34))
            draw.rectangle([left, row, left + width, row + 6], fill="black")
            left += width + 6
    return image
