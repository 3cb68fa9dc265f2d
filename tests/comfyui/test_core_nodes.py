"""Core nodes feed ours and take what ours make."""

import pytest
import torch
from torch import Tensor

from brushwork.benchmarks.measure import decibels
from brushwork.media.images import read_picture
from brushwork.nodes._base import STATISTICS
from brushwork.runner.graph import Link, Node
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import adain, saved, scaled, small

STEP = 1.01 / 255
"""How far two saved pictures may lie apart where only rounding differs."""
WIDTH, HEIGHT = 128, 96
FITTED = ("CoMatch", "StyleBank Filter", "StyleBank Mix")
"""Nodes of networks with a layer of their own."""
BANK = ("boccioni city rises", "hokusai great wave", "none", "none")


def run(client: Client, *sources: str, **nodes: Node) -> list[Tensor]:
    """The pictures [H, W, 3] that a graph saves of these nodes."""
    outcome = client.run(saved(*sources, **nodes))
    assert outcome.end == "success", outcome.message
    return [read_picture(path)[0][0] for path in outcome.pictures]


def node(kind: str, links: dict[str, str], **constants: object) -> Node:
    return Node(kind, {**{name: Link(source, 0) for name, source in links.items()}, **constants})


def square(value: float, side: int) -> Node:
    return Node("SolidMask", {"value": value, "width": side, "height": side})


def test_a_batch_is_its_pictures(client: Client) -> None:
    pair = node("ImageBatch", {"image1": "content", "image2": "style"})  # core scales the second to the first's size
    second = node("ImageFromBatch", {"image": "batch"}, batch_index=1, length=1)
    batched = run(client, "picture", **small(), batch=pair, **adain("batch"))
    alone = run(client, "picture", **small(), batch=pair, second=second, **adain("second"))
    assert len(batched) == 2
    assert (batched[1] - alone[0]).abs().max() < STEP


def test_pictures_are_scaled_before_and_after(client: Client) -> None:
    picture, after = run(
        client,
        "picture",
        "after",
        **small(),
        odd=scaled("content", 101, 67),
        **adain("odd"),
        after=scaled("picture", 64, 32),
    )
    assert picture.shape == (67, 101, 3) and after.shape == (32, 64, 3)


def test_masks_from_core_say_where(client: Client) -> None:
    """A square laid on black and grown: AdaIN with that region changes nothing far from it."""
    laid = node("MaskComposite", {"destination": "black", "source": "white"}, x=16, y=16, operation="add")
    grown = node("GrowMask", {"mask": "laid"}, expand=4, tapered_corners=True)
    masks = {"black": square(0.0, 96), "white": square(1.0, 32), "laid": laid, "grown": grown}
    inside = run(client, "picture", **small(), **masks, **adain(content_mask=Link("grown", 0)))[0]
    nothing = run(client, "picture", **small(), **adain(alpha=0.0))[0]
    everything = run(client, "picture", **small(), **adain())[0]
    assert decibels(inside[-16:, -16:], nothing[-16:, -16:]) > 30
    assert decibels(inside[20:44, 24:60], nothing[20:44, 24:60]) < 20
    assert decibels(inside, everything) < 30


def test_a_picture_of_ours_is_laid_over_its_content(client: Client) -> None:
    composite = node(
        "ImageCompositeMasked",
        {"destination": "content", "source": "picture", "mask": "white"},
        x=0,
        y=0,
        resize_source=False,
    )
    half = node("MaskComposite", {"destination": "black", "source": "white half"}, x=64, y=0, operation="add")
    masks = {
        "black": Node("SolidMask", {"value": 0.0, "width": WIDTH, "height": HEIGHT}),
        "white half": square(1.0, 96),
    }
    content, picture, both = run(
        client, "content", "picture", "both", **small(), **adain(), **masks, white=half, both=composite
    )
    assert torch.equal(both[:, :64], content[:, :64])
    assert torch.equal(both[:, 64:], picture[:, 64:])


def test_transparent_pictures(client: Client) -> None:
    """Their colours count; what ours make has no transparency, which core's nodes bear."""
    joined = node("JoinImageWithAlpha", {"image": "content", "alpha": "mask"})
    split = node("SplitImageWithAlpha", {"image": "picture"})
    transparent = run(
        client, "picture", "split", **small(), mask=square(0.5, 96), joined=joined, **adain("joined"), split=split
    )
    opaque = run(client, "picture", **small(), **adain())
    assert all(torch.equal(picture, opaque[0]) for picture in transparent)


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("ours", ["AdaIN", "WCT Level", "Stylize Large", *FITTED])
def test_still_frames_come_back_still(ours: str, statistics: str, client: Client) -> None:
    frames = node("RepeatImageBatch", {"image": "content"}, amount=5)
    pictures = run(client, "picture", **{**small(), "frames": frames, **stylised(ours, statistics)})
    assert len(pictures) == 5
    assert all((picture - pictures[0]).abs().max() < STEP for picture in pictures)


def stylised(ours: str, statistics: str) -> dict[str, Node]:
    """From "frames" to "picture" by one of our nodes."""
    if ours == "AdaIN":
        return adain("frames", statistics=statistics)
    if ours in FITTED:
        return fitted(ours, statistics=statistics)
    links = {"network": "network", "content": "frames"}
    if ours == "WCT Level":
        level = {"level": "relu3_1", "alpha": 1.0, "method": "whitening-colouring", "statistics": statistics}
        return {"picture": node("BrushworkWCTLevel", {**links, "style": "style"}, **level)}
    alphas = {f"alpha_relu{k}_1": 0.8 for k in range(1, 6)}
    links["style_1"] = "style"
    return {"picture": node("BrushworkStylizeLarge", links, method="adain", **alphas, statistics=statistics)}


def fitted(ours: str, **options: object) -> dict[str, Node]:
    """From "frames" to "picture" by a transform of MSG-Net or of a StyleBank."""
    name, level = ("msgnet", "comatch") if ours == "CoMatch" else ("stylebank", "bank")
    features = {"content": "own", "style": "target"} if ours == "CoMatch" else {"features": "own"}
    styles = {
        "CoMatch": {},
        "StyleBank Filter": {"style": BANK[0]},
        "StyleBank Mix": {f"style_{k}": style for k, style in enumerate(BANK, 1)}
        | {f"weight_{k}": 0.5 for k in range(1, 5)},
    }
    encode = {"network": "network", "image": "frames"}
    return {
        "network": Node("BrushworkLoadStyleNetwork", {"name": name, "precision": "float32"}),
        "own": node("BrushworkStyleEncoder", encode, level=level),
        "target": node("BrushworkStyleEncoder", {**encode, "image": "style"}, level=level),
        "fitted": node(
            f"Brushwork{ours.replace(' ', '')}", {"network": "network", **features}, **styles[ours], **options
        ),
        "picture": node(
            "BrushworkStyleDecoder", {"network": "network", "features": "fitted"}, trained_for="reconstruction"
        ),
    }


@pytest.mark.parametrize("ours", FITTED)
def test_where_a_mask_is_black_the_content_stays(ours: str, client: Client) -> None:
    """White on the left: there it is restyled, and on the right it is as with no white at all."""
    laid = node("MaskComposite", {"destination": "black", "source": "white"}, x=0, y=0, operation="add")
    black = Node("SolidMask", {"value": 0.0, "width": WIDTH, "height": HEIGHT})
    given = {
        **small(),
        "frames": scaled("content", WIDTH, HEIGHT),
        "black": black,
        "white": square(1.0, 64),
        "laid": laid,
    }
    left, nothing = (
        run(client, "picture", **{**given, **fitted(ours, statistics="per image", content_mask=Link(mask, 0))})[0]
        for mask in ("laid", "black")
    )
    assert decibels(left[:64, -32:], nothing[:64, -32:]) > 30
    assert decibels(left[:64, :32], nothing[:64, :32]) < 20
