"""What logs may hold, and how: one JSON object a line, for operators who collect them."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

_TOKENS = re.compile(r"(/(?:invitation|setup|hooks|unsubscribe|frames|s|password/reset/key)/|\blb_)[^/\s]+")


class WithoutTokens(logging.Filter):
    """Take the secrets of links out of logged paths, and tokens wherever they stand: Django logs each refused request."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (safe := _TOKENS.sub(r"\1…", message)) != message:
            record.msg, record.args = safe, ()
        return True


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON: at, level, logger, message and, after an error, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
