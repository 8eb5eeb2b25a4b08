"""The certificate authority of one run, trusted inside its worlds and nowhere else."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable

import trustme


class Authority:
    """Issues the services' certificates; made anew for each run, its key never leaves memory."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="clawmark world")
        self._contexts: dict[frozenset[str], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def pem(self) -> bytes:
        """The authority's certificate, to be trusted inside a world."""
        return self._ca.cert_pem.bytes()

    def server_context(self, hosts: Iterable[str]) -> ssl.SSLContext:
        """A TLS server context whose certificate covers `hosts` and the loopback names."""
        names = frozenset(hosts)
        with self._lock:
            if names not in self._contexts:
                leaf = self._ca.issue_cert(*sorted(names), "localhost", "127.0.0.1")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                leaf.configure_cert(context)
                self._contexts[names] = context
            return self._contexts[names]
