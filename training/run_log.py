"""The record of a run: a CSV always, and TensorBoard's where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..media.images import write_whole


class RunLog:
    """Rows step, losses, rate, seconds of training so far. A run that goes on from `step` drops the rows after it."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.board = path, None
        rows = [row for row in self._read() if int(row["step"]) <= step]
        self.columns = list(rows[0]) if rows else ["step", "rate", "seconds"]
        self._rewrite(rows)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self.board = SummaryWriter(str(path.parent / "tensorboard" / path.stem), purge_step=step + 1)

    def write(self, step: int, losses: Mapping[str, float], rate: float, seconds: float) -> None:
        """One row, whole in the file when this returns. New losses get columns of their own."""
        new = [name for name in losses if name not in self.columns]
        if new:
            self.columns[-2:-2] = new
            self._rewrite(self._read())
        row = {**losses, "step": step, "rate": rate, "seconds": round(seconds, 3)}
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._text([row]))
        if self.board:
            for name, value in {**losses, "rate": rate}.items():
                self.board.add_scalar(name, value, step)

    def show(self, step: int, sheet: Tensor) -> None:
        """A preview [1, 3, H, W] in 0..1 for those who look at TensorBoard."""
        if self.board:
            self.board.add_images("preview", sheet, step)

    def close(self) -> None:
        """Bring what TensorBoard's writer still holds into its file."""
        if self.board:
            self.board.close()

    def _read(self) -> list[dict[str, Any]]:
        """The whole rows; the last one may have been cut off."""
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            lines = [line for line in file if line.endswith("\n")]
        return [row for row in csv.DictReader(lines) if None not in row.values()]

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        content = self._text([dict(zip(self.columns, self.columns, strict=True)), *rows]).encode()
        write_whole(self.path, content, self.path.with_name(f"{self.path.name}.part"))

    def _text(self, rows: list[dict[str, Any]]) -> str:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, lineterminator="\n").writerows(rows)
        return text.getvalue()
