"""What both mail protocols need of a connection."""

from __future__ import annotations

import asyncio
import socket


def answer_at_once(transport: asyncio.BaseTransport) -> None:
    """Send small packets without delay: mail protocols answer in several, and each would wait 40 ms.

    asyncio does so by itself, but not for sockets that somebody else accepted.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
