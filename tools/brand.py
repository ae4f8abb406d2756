"""Draw the icon of the Home Assistant integration; ``--check`` only compares.

A house with a "k", and the waves of a push message over its roof. Every shape is a distance
function: how far a point is from its edge, less than 0 inside.
"""

import struct
import sys
import zlib
from collections.abc import Callable
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "custom_components" / "kilopush" / "brand"
SIZES_PX = {"icon.png": 256, "icon@2x.png": 512}

Shape = Callable[[float, float], float]
Point = tuple[float, float]

# All places and lengths are parts of the edge of the picture.
TOP, BOTTOM = (0.18, 0.47, 0.95), (0.36, 0.20, 0.82)


def rounded_box(left: float, top: float, right: float, bottom: float, radius: float) -> Shape:
    """Return a rectangle with round corners."""
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2 - radius, (bottom - top) / 2 - radius

    def distance(x: float, y: float) -> float:
        dx, dy = abs(x - middle_x) - half_x, abs(y - middle_y) - half_y
        return hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius

    return distance


def stroke(points: list[Point], width: float) -> Shape:
    """Return a line through the points, round at its ends and corners."""

    def distance(x: float, y: float) -> float:
        return min(_to_segment(x, y, *start, *end) for start, end in pairwise(points)) - width / 2

    return distance


def arc(x0: float, y0: float, radius: float, half_angle: float, width: float) -> Shape:
    """Return a piece of a ring that is open to below, round at its ends."""

    def distance(x: float, y: float) -> float:
        angle = atan2(x - x0, y0 - y)  # 0 is above
        if abs(angle) <= half_angle:
            return abs(hypot(x - x0, y - y0) - radius) - width / 2
        return min(hypot(x - end_x, y - end_y) for end_x, end_y in ends) - width / 2

    ends = [_on_ring(x0, y0, radius, sign * half_angle) for sign in (-1, 1)]
    return distance


def polygon(points: list[Point], radius: float) -> Shape:
    """Return a polygon with round corners, larger than its points by `radius`."""
    edges = list(zip(points, points[1:] + points[:1], strict=True))

    def distance(x: float, y: float) -> float:
        to_edge = min(_to_segment(x, y, *start, *end) for start, end in edges)
        return (-to_edge if _is_inside(x, y, edges) else to_edge) - radius

    return distance


def _to_segment(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> float:
    dx, dy = x2 - x1, y2 - y1
    part = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)
    part = max(0.0, min(1.0, part))
    return hypot(x - x1 - part * dx, y - y1 - part * dy)


def _on_ring(x0: float, y0: float, radius: float, angle: float) -> tuple[float, float]:
    return x0 + radius * sin(angle), y0 - radius * cos(angle)


def _is_inside(x: float, y: float, edges: list[tuple[Point, Point]]) -> bool:
    """Return whether a ray to the right crosses an odd number of edges."""
    return (
        sum(
            (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            for (x1, y1), (x2, y2) in edges
        )
        % 2
        == 1
    )


TILE = rounded_box(0.0, 0.0, 1.0, 1.0, 0.22)
HOUSE = polygon([(0.50, 0.37), (0.76, 0.60), (0.76, 0.83), (0.24, 0.83), (0.24, 0.60)], 0.04)
LETTER = [
    stroke([(0.42, 0.50), (0.42, 0.80)], 0.075),
    stroke([(0.60, 0.56), (0.45, 0.68), (0.61, 0.80)], 0.075),
]
WAVES = [arc(0.5, 0.47, radius, pi / 4.6, 0.055) for radius in (0.24, 0.36)]


def colour_at(x: float, y: float, pixel: float) -> tuple[float, float, float, float]:
    """Return what is seen at a place, and how much covers it."""
    background = [a + (b - a) * y for a, b in zip(TOP, BOTTOM, strict=True)]
    tile = _cover(TILE(x, y), pixel)
    if not tile:
        return (0.0, 0.0, 0.0, 0.0)
    letter = max(_cover(shape(x, y), pixel) for shape in LETTER)
    house = _cover(HOUSE(x, y), pixel) * (1 - letter)
    white = max(house, *(_cover(shape(x, y), pixel) for shape in WAVES))
    red, green, blue = (a + (1.0 - a) * white for a in background)
    return (red, green, blue, tile)


def _cover(distance: float, pixel: float) -> float:
    """Return which part of a pixel a shape covers: this is what makes its edge smooth."""
    return max(0.0, min(1.0, 0.5 - distance / pixel))


def draw(size_px: int) -> bytes:
    """Return the picture as a PNG file."""
    pixel = 1 / size_px
    rows = bytearray()
    for row in range(size_px):
        rows.append(0)  # no filter
        for column in range(size_px):
            colour = colour_at((column + 0.5) * pixel, (row + 0.5) * pixel, pixel)
            rows += bytes(round(255 * part) for part in colour)
    # 8 bits, with transparency.
    header = struct.pack(">IIBBBBB", size_px, size_px, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _pixels(picture: bytes) -> bytes:
    """Return the pixels of a PNG of `draw`: not every zlib packs them into the same bytes."""
    return zlib.decompress(picture[41:-16])


def main() -> None:
    """Draw the pictures, or say which one is not what is drawn here."""
    is_check = sys.argv[1:] == ["--check"]
    FOLDER.mkdir(exist_ok=True)
    for name, size_px in SIZES_PX.items():
        path = FOLDER / name
        picture = draw(size_px)
        if not is_check:
            path.write_bytes(picture)
        elif not path.exists() or _pixels(path.read_bytes()) != _pixels(picture):
            sys.exit(f"brand: {path} is not what tools/brand.py draws")


if __name__ == "__main__":
    main()
