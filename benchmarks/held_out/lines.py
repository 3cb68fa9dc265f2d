"""A line of the table: a figure, what stands beside it, what is asked, and whether it holds."""

import operator
from dataclasses import dataclass

AT_LEAST, AT_MOST, UNDER = ">=", "<=", "<"
HOLDS = {AT_LEAST: operator.ge, AT_MOST: operator.le, UNDER: operator.lt}


@dataclass(frozen=True)
class Line:
    """`asked` is one of the signs above and a limit; where it is None, the figure is reported and no more."""

    network: str
    figure: str
    value: float | None = None
    asked: tuple[str, float] | None = None
    beside: float | None = None
    """The yardstick's figure."""
    unit: str = ""

    @property
    def verdict(self) -> str:
        """`holds`, `misses`, nothing where nothing is asked, or `skipped` where there is no figure."""
        if self.value is None:
            return "skipped"
        if self.asked is None:
            return ""
        sign, limit = self.asked
        return "holds" if HOLDS[sign](self.value, limit) else "misses"

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The row: network, figure, value, beside, asked, verdict."""
        asked = f"{self.asked[0]} {self._shown(self.asked[1])}" if self.asked else ""
        return self.network, self.figure, self._shown(self.value), self._shown(self.beside), asked, self.verdict

    def _shown(self, value: float | None) -> str:
        return "" if value is None else f"{value:.4g}{self.unit}"
