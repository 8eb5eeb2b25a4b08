"""A ClawMark task as the plugin plays it."""

from __future__ import annotations

from pytest_clawmark.formats.clawmark.metadata import SERVICES, Metadata
from pytest_clawmark.task import Place, Task, Turn


class ClawMarkTask(Task):
    """A task whose messages are put together as the published harness does, to the letter."""

    def __init__(self, metadata: Metadata, prompt: str, place: Place) -> None:
        agent, *people = metadata.accounts
        super().__init__(
            role=metadata.role,
            prompt=prompt,
            agent=agent,
            people=people,
            services=[SERVICES[name] for name in metadata.environments if name in SERVICES],
        )
        self.metadata = metadata
        self.place = place

    def wake_up(self, turn: Turn, message: str, *, first: bool) -> str:  # noqa: ARG002 - the contract's
        """The prompt and the stage's message, or the message alone; it tells the time itself."""
        return f"{self.prompt}\n\n{message}" if first else message


def spoken(answer: object) -> str | None:
    """What the agent is told when a stage returned this; None for what is no message."""
    if isinstance(answer, str):
        return answer
    if not isinstance(answer, dict) or not isinstance(answer.get("notification", ""), str):
        return None
    message: str = answer.get("notification", "")
    time = answer.get("time")
    return f"{message}\n（当前时间：{time}）" if time else message  # noqa: RUF001 - the published brackets
