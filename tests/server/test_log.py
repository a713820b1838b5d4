"""How the log is written."""

from __future__ import annotations

import json
import logging

from rembolt.server.log import JsonFormatter, TextFormatter

FACTS = {"id": "a1", "status": 200, "stages": {"decode": 1.5, "infer": 20.0}}


def record(message: str) -> logging.LogRecord:
    made = logging.LogRecord("rembolt", logging.INFO, __file__, 1, message, (), None)
    made.facts = FACTS
    return made


def test_text_is_one_line() -> None:
    line = TextFormatter().format(record("GET /a\nfalse line\x1b[2J"))
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.endswith("GET /a\\nfalse line\\x1b[2J id=a1 status=200 stages=decode:1.5,infer:20.0")


def test_json_is_one_object() -> None:
    line = JsonFormatter().format(record("GET /a\nfalse line"))
    assert "\n" not in line
    said = json.loads(line)
    assert said["message"] == "GET /a\nfalse line"
    assert (said["level"], said["stages"]) == ("info", {"decode": 1.5, "infer": 20.0})
