"""One business API in one world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clawmark_services.context import Context
from clawmark_services.contract import Door, Endpoint, Json, Tool, Wsgi
from clawmark_services.rest.declaration import RestApi
from clawmark_services.rest.store import Store

if TYPE_CHECKING:
    from clawmark_services.rest.author import RestAuthor

ENDPOINT_KEY = "http"


class RestService:
    """What `RestApi.open` gives."""

    def __init__(self, api: RestApi, context: Context) -> None:
        self._api = api
        self._context = context
        self._store = Store(api, context.ids)

    @property
    def name(self) -> str:
        return self._api.name

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        api = self._api
        return (
            Endpoint(
                key=ENDPOINT_KEY, hosts=(api.name,), port=api.port, scheme="http", variable=api.variable
            ),
        )

    @property
    def author(self) -> RestAuthor:
        from clawmark_services.rest.author import RestAuthor

        return RestAuthor(self._context, self._store)

    def door(self, key: str) -> Door:
        from clawmark_services.rest.routes import App

        if key != ENDPOINT_KEY:
            raise LookupError(f"{self.name} has no endpoint {key!r}, only {ENDPOINT_KEY!r}")
        return Wsgi(App(self._context, self._store))

    def tools(self) -> Sequence[Tool]:
        from clawmark_services.rest.tools import tools

        return tools(self._context, self._store)

    def refusal(self, status: int, path: str) -> Mapping[str, Json]:
        """A fault of the service itself, shaped like its other refusals."""
        from clawmark_services.rest.errors import unavailable

        del path
        return unavailable(status).body

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """Nothing beyond the endpoint's own variable."""
        del urls
        return {}

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:
        """None: the API asks for no credentials."""
        del urls
        return {}

    def skill(self) -> str:
        from clawmark_services.rest.skill import skill

        return skill(self._api)

    def freeze(self) -> Json:
        return self._store.to_json()

    def restore(self, state: Json) -> None:
        self._store.load(state)
