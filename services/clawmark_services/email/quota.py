"""What the mail of one world may come to. The task's author may always send: the limits are for clients."""

from __future__ import annotations

from collections.abc import Iterable

MAX_MESSAGES = 20_000
"""Messages in all folders, and mails handed in."""

MAX_BYTES = 256 * 1024 * 1024
"""Of all messages, each counted once however many folders hold it."""

MAX_FOLDERS = 10_000
"""Of all mailboxes together; a new mailbox has four."""

MAX_RECIPIENTS = 1000
MAX_NAME = 255
MAX_KEYWORDS = 100


class OverQuotaError(Exception):
    """There is no room; its text says for what."""


class LimitError(Exception):
    """What a client asks for is beyond what any mail server does; its text says what."""


def checked_name(name: str) -> str:
    """A folder's name; `LimitError` when it is too long."""
    if len(name) > MAX_NAME:
        raise LimitError(f"a folder's name has at most {MAX_NAME} characters")
    return name


def checked_flags(flags: Iterable[str]) -> frozenset[str]:
    """A message's flags; `LimitError` when they are too many or too long."""
    found = frozenset(flags)
    if len(found) > MAX_KEYWORDS or any(len(flag) > MAX_NAME for flag in found):
        raise LimitError(f"a message has at most {MAX_KEYWORDS} flags of at most {MAX_NAME} characters")
    return found
