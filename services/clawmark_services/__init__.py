"""The office's services: email, calendar, notion, sheets and business APIs, usable without pytest.

Each service is one folder of the same shape: `routes` speak the wire, `store` holds the state,
`errors` holds the vendor's refusals, `author` is the door for those who set a scene, `tools` the typed
functions an agent may call, `view` the read-only evidence over frozen state.
"""

from clawmark_services.accounts import Account, AccountBook
from clawmark_services.actor import Actor, acting_as
from clawmark_services.change import Cause, Change, TellsChanges
from clawmark_services.clock import ServiceClock
from clawmark_services.context import Context, Exchange
from clawmark_services.contract import Endpoint, Service, ServiceSpec, Stream, Tool, ToolError, Wsgi
from clawmark_services.evidence import EvidenceError
from clawmark_services.ids import Ids

__all__ = [
    "Account",
    "AccountBook",
    "Actor",
    "Cause",
    "Change",
    "Context",
    "Endpoint",
    "EvidenceError",
    "Exchange",
    "Ids",
    "Service",
    "ServiceClock",
    "ServiceSpec",
    "Stream",
    "TellsChanges",
    "Tool",
    "ToolError",
    "Wsgi",
    "acting_as",
]
