"""How the log is written: each record as one line of text or of JSON."""

from __future__ import annotations

import json
import logging
from typing import Any


class TextFormatter(logging.Formatter):
    """One line of text: time, level, message, then `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        facts = getattr(record, "facts", {})
        rest = "".join(f" {name}={_flat(value)}" for name, value in facts.items())
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")
        line = f"{when} {record.levelname.lower()} {_one_line(record.getMessage())}{rest}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        said = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def set_up_log(level: str, form: str) -> None:
    """Send what rembolt and the HTTP server say to stderr.

    Args:
        level: see `ServerOptions.log_level`.
        form: see `ServerOptions.log_format`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[form]())
    for name in ("rembolt", "_granian"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{part}" for name, part in value.items())
    return _one_line(str(value))


def _one_line(text: str) -> str:
    """Text with control characters escaped: a path cannot begin a line of its own."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
