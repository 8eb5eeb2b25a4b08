"""What one world's clients may make the host hold for them at once."""

from __future__ import annotations

import threading


class Allowance:
    """Bytes that are lent and given back, from any thread.

    Whoever asks first gets what it asks for, however much: a single large request is no attack.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """How much is lent."""
        with self._lock:
            return self._held

    def take(self, amount: int) -> bool:
        """Lend so many bytes; False, and nothing lent, when others hold too much."""
        with self._lock:
            if self._held and self._held + amount > self.most:
                return False
            self._held += amount
            return True

    def give(self, amount: int) -> None:
        """Take them back."""
        with self._lock:
            self._held -= amount


class Loan:
    """What one request holds of an allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._amount = 0

    def more(self, amount: int) -> bool:
        """Hold more; False when the allowance has no more."""
        if not self._allowance.take(amount):
            return False
        self._amount += amount
        return True

    def back(self) -> None:
        """Hold nothing."""
        self._allowance.give(self._amount)
        self._amount = 0
