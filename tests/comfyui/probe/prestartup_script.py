"""Runs before any pack is loaded: remembers what is logged as a warning or worse, and where."""

import logging


class Memory(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.pathname, record.getMessage()))


logging.captureWarnings(True)
logging.getLogger().addHandler(Memory())
