"""Who may ask, and what a browser may do with the answers.

A page of the open web can make a browser ask 127.0.0.1. Such a request carries that page's host (DNS rebinding) or
says that it comes from another site; both are refused. The answers let a browser load this server's own script,
style, images and recordings, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Response, abort, request

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
METHODS = ("GET", "HEAD")


def hosts_at(port: int) -> frozenset[str]:
    """How this server may be called."""
    names = {"127.0.0.1", "localhost"}
    return frozenset({f"{name}:{port}" for name in names} | (names if port == 80 else set()))


def guard(app: Flask, hosts: Iterable[str]) -> None:
    """Refuse what is not asked of one of these hosts, by reading, from its own pages."""
    allowed = frozenset(hosts)

    @app.before_request
    def check() -> None:
        if request.headers.get("Host", "").lower() not in allowed:
            abort(421, "this server answers only to its own address")
        if request.method not in METHODS:
            abort(405, "this server can only be read")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not _is_visit():
            abort(403, "this server's content is for its own pages")

    @app.after_request
    def restrict(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response


def _is_visit() -> bool:
    """Whether somebody follows a link to a page, from wherever."""
    return (
        request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )
