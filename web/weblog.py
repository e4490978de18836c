"""What the pages write to the log: one line of JSON an event, without paths or tracebacks."""

from __future__ import annotations

import logging
from typing import TextIO

import structlog

from web.contents import AnswerBrokenOff


def configure_logs(stream: TextIO) -> None:
    """One line of JSON an event. Frameworks may say warnings and errors; their request lines stay out (paths)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    for name in ("uvicorn.error", "uvicorn.asgi", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    logging.getLogger("uvicorn.error").addFilter(_expected)


def _expected(record: logging.LogRecord) -> bool:
    """Broken-off answers are logged by the front door, without a traceback; whatever else fails shows its type only."""
    kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
    if kind is not None and issubclass(kind, AnswerBrokenOff):
        return False
    if kind is not None:
        record.msg, record.args = f"{record.getMessage().strip()} ({kind.__name__})", ()
        record.exc_info = record.exc_text = None
    return True
