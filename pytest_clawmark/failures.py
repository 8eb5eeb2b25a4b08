"""Everything that can go wrong, and whose fault it is.

    ClawmarkError
    ├── TaskError           a task is malformed: a collection error
    ├── SettingsError       an option or a configuration file is wrong: a usage error
    └── VoidError           nothing was measured
        ├── WorldFailure    the sandbox or a service failed: tried again
        ├── ModelFailure    the model's service failed: tried again
        └── TaskFailure     the task's own turn function failed: not tried again

What an agent does wrong is no exception: it is recorded as the reason why its turn stopped.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Origin = Literal["world", "model", "task"]


class ClawmarkError(Exception):
    """The root of the plugin's own errors. Texts name the place, the value and the remedy."""


class TaskError(ClawmarkError):
    """A task is malformed."""


class SettingsError(ClawmarkError):
    """An option or a configuration file is wrong."""


class VoidError(ClawmarkError):
    """Nothing was measured, and the agent is not to blame."""

    origin: ClassVar[Origin] = "world"
    retry: ClassVar[bool] = True


class WorldFailure(VoidError):
    """The sandbox or a service failed."""


class ModelFailure(VoidError):
    """The model's service failed and kept failing."""

    origin = "model"


class TaskFailure(VoidError):
    """The task's own turn function raised, so trying again would raise again."""

    origin = "task"
    retry = False
