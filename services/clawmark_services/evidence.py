"""What the views raise when the agent left no clear evidence."""


class EvidenceError(AssertionError):
    """What the agent left is missing, ambiguous or unreadable: the agent's failure, not the checker's."""
