"""What a world lends to each of its services: time, identifiers, people and the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clawmark_services.accounts import AccountBook
from clawmark_services.actor import current_actor
from clawmark_services.clock import ServiceClock
from clawmark_services.faults import Fault, FaultSchedule, noted
from clawmark_services.ids import Ids
from clawmark_services.ledger import LEFT_OUT, Ledger

AuditSink = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Exchange:
    """One request while it is answered: `at` is its moment, `status` is set by whoever answers it."""

    at: datetime
    status: int | str = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One service's share of a world.

    `audit` receives one JSON object per request: `time` (ISO 8601), `turn`, `service`, `operation`,
    `request` (JSON, the vendor's own parameters, long content cut), `status`, `actor` ("agent" or
    "task") and `silent`; and `fault`, its kind, where one was put in its way on purpose. Of very many requests
    some are only counted: see `Ledger`.
    """

    service: str
    clock: ServiceClock
    ids: Ids
    accounts: AccountBook
    audit: AuditSink
    ledger: Ledger = field(default_factory=Ledger, compare=False, repr=False)
    faults: FaultSchedule | None = field(default=None, compare=False, repr=False)

    @contextmanager
    def exchange(self, operation: str, request: Any) -> Iterator[Exchange]:
        """Answer one request: ticks the clock, and writes one audit line however the block ends.

        An exception that leaves the block is recorded as status 500 and passed on, so turn refusals into
        responses (and set `status`) inside it.
        """
        exchange = Exchange(at=self.clock.tick())
        try:
            yield exchange
        except BaseException:
            exchange.status = 500
            raise
        finally:
            self._record(operation, request, exchange)

    def meet(self) -> Fault | None:
        """The fault that this request of the agent's meets, to be asked once for each; the task's meet none."""
        if self.faults is None or current_actor().who == "task":
            return None
        return self.faults.next(self.clock.turn)

    def tell_unprocessed(self, operation: str, request: Any, status: int | str, fault: Fault) -> None:
        """Record a request that a fault kept from being looked at: the clock stands still, as all does."""
        exchange = Exchange(at=self.clock.now(), status=status)
        line = self.ledger.entry({**self._line(operation, request, exchange), "fault": fault.kind})
        if line is not None:
            self.audit(line)

    def tell_left_out(self) -> None:
        """Record how many requests of this turn were only counted, if there are any; call it at its end."""
        left_out = self.ledger.left_out()
        if left_out:
            request = {"requests": sum(left_out.values()), "operations": left_out}
            self.audit(self._line(LEFT_OUT, request, Exchange(at=self.clock.now())))

    def _record(self, operation: str, request: Any, exchange: Exchange) -> None:
        line = self.ledger.entry(self._line(operation, request, exchange))
        if line is not None:
            self.audit(line)

    def _line(self, operation: str, request: Any, exchange: Exchange) -> dict[str, Any]:
        actor, fault = current_actor(), noted()
        return {
            "time": exchange.at.isoformat(),
            "turn": self.clock.turn,
            "service": self.service,
            "operation": operation,
            "request": request,
            "status": exchange.status,
            "actor": actor.who,
            "silent": actor.silently,
            **({"fault": fault} if fault else {}),
        }
