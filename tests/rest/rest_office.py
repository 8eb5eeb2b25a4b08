"""A declared business API without a world around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from werkzeug.test import Client

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.rest import RestApi

HR = RestApi(
    "hr",
    resources={
        "employees": {
            "description": "Everybody on the payroll.",
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "hours": {"type": ["number", "null"], "minimum": 0},
                "active": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "status": {"enum": ["open", "closed"], "description": "Where the case stands."},
                "address": {"type": "object"},
                "start": {"type": "string", "format": "date"},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "tickets": {
            "key": "no",
            "properties": {"no": {"type": "integer"}, "title": {"type": "string"}},
        },
    },
)


@dataclass
class Desk:
    """One API, its audit and a bare HTTP client."""

    api: RestApi = HR
    seed: int = 7
    audit: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = self.api.open(
            Context(
                service=self.api.name,
                clock=ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00"), "tuesday"),
                ids=Ids(self.seed, self.api.name),
                accounts=AccountBook(Account("mia", "mia.chen@company.example")),
                audit=self.audit.append,
            )
        )
        self.http = Client(self.service.door("http").app)

    @property
    def view(self) -> Any:
        return self.api.view(self.service.freeze())

    def ok(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The JSON of a request that succeeds."""
        response = self.http.open(path, method=method, **({} if body is None else {"json": body}))
        assert response.status_code == status, response.text
        return response.json if response.data else None

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Status and error of a request that is refused."""
        if body is not None:
            options["json"] = body
        response = self.http.open(path, method=method, **options)
        assert response.mimetype == "application/json", response.text
        error = response.json["error"]
        assert set(error) == {"code", "message", "details"}
        return response.status_code, error
