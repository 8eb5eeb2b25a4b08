"""A Drive for each test, and gspread over a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import gspread
import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from google.auth.transport.requests import Request as TokenRequest
from google.oauth2.credentials import Credentials
from requests.adapters import HTTPAdapter
from sheets_office import Book, Office

from clawmark_services.serving import ServiceHost


@pytest.fixture
def office() -> Office:
    """A fresh, empty Drive."""
    return Office()


@pytest.fixture
def book(office: Office) -> Book:
    """An empty spreadsheet with one sheet."""
    made = office.ok("POST", "/v4/spreadsheets", {"properties": {"title": "Budget"}})
    return Book(office, made["spreadsheetId"])


class _ToLoopback(HTTPAdapter):
    """Sends what is meant for Google's names to a port of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *rest: Any, **options: Any) -> requests.Response:
        target = urlsplit(str(request.url))
        request.url = target._replace(scheme="http", netloc=f"127.0.0.1:{self._port}").geturl()
        return super().send(request, *rest, **options)


@pytest.fixture
def client(office: Office) -> Iterator[gspread.Client]:
    """The real gspread, signed in with the credentials file, over a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    host = ServiceHost()
    serving = host.serve(listener, office.service.door("google"))
    credentials = Credentials.from_authorized_user_info(office.credentials)
    tokens = requests.Session()
    tokens.mount("https://", _ToLoopback(port))
    session = AuthorizedSession(credentials, auth_request=TokenRequest(tokens))
    session.mount("https://", _ToLoopback(port))
    yield gspread.Client(auth=credentials, session=session)
    session.close()
    tokens.close()
    serving.close()
    host.close()
