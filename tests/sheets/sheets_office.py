"""A Drive without a world around it, spoken to over WSGI."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from werkzeug.test import Client, TestResponse

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.sheets import SheetsService, SheetsSpec

TUESDAY = "2024-03-19T09:00+08:00"
GOOGLE = {"google": "https://sheets.googleapis.com"}


@dataclass
class Office:
    """One Drive, its audit, and a bare HTTP client with the agent's token."""

    seed: int = 7
    time: str = TUESDAY
    audit: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ServiceClock(datetime.fromisoformat(self.time), "tuesday")
        self.service: SheetsService = SheetsSpec().open(
            Context(
                service="sheets",
                clock=self.clock,
                ids=Ids(self.seed, "sheets"),
                accounts=AccountBook(Account("mia", "mia.chen@company.example")),
                audit=self.audit.append,
            )
        )
        self.http = Client(self.service.door("google").app)
        self.credentials = json.loads(self.service.home_files(GOOGLE)[".google/credentials.json"])
        self.token = ""
        form = {
            "grant_type": "refresh_token",
            **{name: self.credentials[name] for name in ("client_id", "client_secret", "refresh_token")},
        }
        self.token = self.http.post("/token", data=form).json["access_token"]
        self.audit.clear()

    @property
    def view(self) -> Any:
        return SheetsSpec().view(self.service.freeze())

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """One request with the agent's token; a body is sent as JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return self.http.open(path, method=method, headers=headers, **options)

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a request that succeeds."""
        response = self.send(method, path, body, query_string=query)
        assert response.status_code == 200, response.text
        return response.json

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """Code and message of a request that is refused."""
        response = self.send(method, path, body, query_string=query)
        assert response.json is not None, response.text
        assert response.status_code == response.json["error"]["code"]
        return response.status_code, response.json["error"]["message"]


@dataclass
class Book:
    """One spreadsheet and the requests about it."""

    office: Office
    id: str

    def put(self, cells: str, values: Any, option: str = "RAW", **query: Any) -> Any:
        path = f"/v4/spreadsheets/{self.id}/values/{cells}"
        return self.office.ok("PUT", path, {"values": values}, valueInputOption=option, **query)

    def get(self, cells: str, **query: Any) -> Any:
        return self.office.ok("GET", f"/v4/spreadsheets/{self.id}/values/{cells}", **query)

    def values(self, cells: str, **query: Any) -> Any:
        return self.get(cells, **query).get("values", [])

    def shown(self, entered: Any) -> str:
        """What a cell shows after something was typed into it."""
        self.put("Z99", [[entered]], "USER_ENTERED")
        found = self.values("Z99")
        return found[0][0] if found else ""

    def append(self, cells: str, values: Any, option: str = "RAW", **query: Any) -> Any:
        path = f"/v4/spreadsheets/{self.id}/values/{cells}:append"
        return self.office.ok("POST", path, {"values": values}, valueInputOption=option, **query)

    def batch(self, *requests: Any) -> Any:
        path = f"/v4/spreadsheets/{self.id}:batchUpdate"
        return self.office.ok("POST", path, {"requests": list(requests)})["replies"]

    def batch_refused(self, *requests: Any) -> str:
        path = f"/v4/spreadsheets/{self.id}:batchUpdate"
        code, message = self.office.refused("POST", path, {"requests": list(requests)})
        assert code == 400
        return message
