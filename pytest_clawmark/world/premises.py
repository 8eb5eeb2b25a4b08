"""What all worlds of one process share: who serves, who certifies, where worlds are built."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from clawmark_services.authority import Authority
from clawmark_services.serving import ServiceHost
from pytest_clawmark.sandboxes.contract import Limits, SandboxProvider


@dataclass(slots=True, kw_only=True)
class Premises:
    """Close it when the last world is closed."""

    provider: SandboxProvider
    toolbox: Path | None
    limits: Limits = field(default_factory=Limits)
    host: ServiceHost = field(default_factory=ServiceHost)
    authority: Authority = field(default_factory=Authority)

    def __enter__(self) -> Premises:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the serving threads and whatever the sandboxes shared."""
        self.host.close()
        self.provider.close()
