"""Write the files that are built: `python -m brushwork.tools.build [PART ...]`, every part unless told.

Parts: the workflows and the subgraphs; by running them, the square picture of each (minutes: one of them learns a
style); the pictures of the help pages; the thumbnails of what can be chosen; the drawing of the rooms;
the sample clip.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from ..samples import CLIP
from . import architecture, clip, help_pictures, thumbnails, workflows
from .previews import preview
from .workflows import blueprints

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image


def build_workflows() -> None:
    for name in workflows.WORKFLOWS:
        (workflows.FOLDER / f"{name}.json").write_text(workflows.workflow_text(name), encoding="utf-8")
    for title in blueprints.BLUEPRINTS:
        (blueprints.FOLDER / f"{title}.json").write_text(blueprints.blueprint_text(title), encoding="utf-8")


def build_previews() -> None:
    for name in workflows.WORKFLOWS:
        _save(preview(name), workflows.FOLDER / f"{name}.jpg", 80)


def build_help() -> None:
    for node in (*help_pictures.HELP, help_pictures.HOLD, help_pictures.LEARN):
        _save(help_pictures.help_picture(node), help_pictures.FOLDER / f"{node}.jpg", 78)


def build_thumbnails() -> None:
    known = thumbnails.thumbnail_names()
    for folder, name in ((folder, name) for folder, names in known.items() for name in names):
        _save(thumbnails.thumbnail(folder, name), thumbnails.thumbnail_path(folder, name), 72)
    (thumbnails.FOLDER / "index.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def build_clip() -> None:
    clip.draw_clip(CLIP)


def build_architecture() -> None:
    architecture.DRAWING.parent.mkdir(exist_ok=True)
    architecture.DRAWING.write_text(architecture.drawing(), encoding="utf-8")


def _save(picture: Image, path: Path, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "JPEG", quality=quality, optimize=True)


PARTS = {
    "workflows": build_workflows,
    "previews": build_previews,
    "help": build_help,
    "thumbnails": build_thumbnails,
    "architecture": build_architecture,
    "clip": build_clip,
}

if __name__ == "__main__":
    parser = ArgumentParser(prog="brushwork.tools.build", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose any of {', '.join(PARTS)}.")
    for part in chosen:
        PARTS[part]()
