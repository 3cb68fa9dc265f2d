"""The drawing of the rooms: as committed it has every room and every arrow that exists; line counts may be old."""

from itertools import pairwise
from xml.etree import ElementTree

from brushwork.tools.architecture import DRAWING, ROOMS, arrows, drawing

SVG = "{http://www.w3.org/2000/svg}"


def rooms_and_arrows(drawn: ElementTree.Element) -> tuple[set[str], set[str]]:
    """The ids of the boxes, and of the arrows between them."""
    boxes = {box.attrib["id"] for box in drawn.iter(f"{SVG}rect")}
    return boxes, {path.attrib["id"] for path in drawn.iterfind(f"{SVG}path[@class='arrow']")}


def test_the_committed_drawing_has_every_room_and_every_arrow() -> None:
    boxes, drawn = rooms_and_arrows(ElementTree.parse(DRAWING).getroot())
    named = {room: room or "brushwork" for room in ROOMS}
    assert boxes == set(named.values())
    assert drawn == {f"{named[room]}-{named[reached]}" for room, reached in arrows()}


def test_an_arrow_goes_from_box_to_box() -> None:
    """From the right edge of the importing room, down onto the top edge of the imported one."""
    root = ElementTree.fromstring(drawing())
    sides = {
        box.attrib["id"]: tuple(float(box.attrib[side]) for side in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
    }
    assert all(sides[one or "brushwork"][1] > sides[other or "brushwork"][1] for one, other in pairwise(ROOMS))
    for path in root.iterfind(f"{SVG}path[@class='arrow']"):
        start, end = (sides[room] for room in path.attrib["id"].split("-"))
        numbers = [float(word) for word in path.attrib["d"].split() if word.replace(".", "").isdigit()]
        assert numbers[0] == start[0] + start[2] and start[1] < numbers[1] < start[1] + start[3]
        lane, bottom = numbers[5], numbers[-1]
        assert end[0] < lane < end[0] + end[2] and 0 < end[1] - bottom < 10
        assert all(lane > x + width for x, y, width, _ in sides.values() if start[1] < y < end[1])


def test_what_is_written_in_a_box_fits() -> None:
    """Letters of 11 pixels are about 6 wide."""
    root = ElementTree.fromstring(drawing())
    widths = [float(box.attrib["width"]) for box in root.iter(f"{SVG}rect")]
    texts = [text.text or "" for text in root.iterfind(f"{SVG}text[@font-size='11']")]
    assert [text for text, width in zip(texts, widths, strict=True) if 6.2 * len(text) + 20 > width] == []
