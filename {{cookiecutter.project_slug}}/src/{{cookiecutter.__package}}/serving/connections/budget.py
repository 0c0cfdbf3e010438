# Owned by the template: an update may change this file.
"""Token buckets: a steady number of packets and requests per second, with bursts."""

from __future__ import annotations

import ipaddress
import math
import time
from functools import lru_cache
from typing import Any

from ...flask_view import Problem
from ..settings import ServingSettings

BURST_SECONDS = 10
"""A burst may be this many seconds' worth."""
# What this many bytes cost is one more packet: reading and unmasking them takes as long.
_BYTES = 65_536
# Providers give a whole network of this size to one customer (RFC 6177).
_IPV6_PREFIX = 64


class Budget:
    """A bucket of tokens that fills at a steady rate."""

    __slots__ = ("_filled_at", "_most", "_total", "_unshared", "rate", "tokens")

    def __init__(self, rate: float) -> None:
        """Start with a full bucket.

        :param rate: how many tokens it gets each second.
        """
        self.rate = rate
        self.tokens = self._most = rate * BURST_SECONDS
        self._filled_at = time.monotonic()
        self._unshared = 0
        self._total = 0

    def spend(self, tokens: int, now: float) -> float:
        """Take tokens, even if there are not enough yet.

        :param tokens: how many.
        :param now: the time, by ``time.monotonic()``.
        :return: the seconds until they are there.
        """
        self._fill(now)
        self.tokens -= tokens
        self._unshared += tokens
        return -self.tokens / self.rate if self.tokens < 0 else 0.0

    def take(self, tokens: int) -> None:
        """Take tokens if there are enough; a full bucket is always enough.

        :param tokens: how many.
        :raises Problem: 429, with the seconds until they are as ``retry_after``.
        """
        self._fill(time.monotonic())
        tokens = min(tokens, max(1, int(self.rate * BURST_SECONDS)))
        if self.tokens < tokens:
            seconds = math.ceil((tokens - self.tokens) / self.rate)
            raise too_many("requests", retry_after=seconds)
        self.tokens -= tokens
        self._unshared += tokens

    def charge(self, tokens: int) -> None:
        """Take tokens for something expensive; half a bucket is always enough.

        :param tokens: how many.
        :raises Problem: 429, they are not there.
        """
        self.take(min(tokens, max(1, int(self.rate * BURST_SECONDS / 2))))

    def pop_unshared(self) -> int:
        """Return how many tokens were taken since the last time, to be told to other processes."""
        spent, self._unshared = self._unshared, 0
        return spent

    def merge(self, total: int, own: int) -> None:
        """Take the tokens that other processes have taken from the same budget.

        :param total: how many were taken anywhere, by a counter that may begin anew.
        :param own: how many of them this process has just added.
        """
        before = self._total if self._total + own <= total else 0
        self.tokens -= max(0, total - before - own)
        self._total = total

    @property
    def has_recovered(self) -> bool:
        """Whether a second's worth is there: whoever spent too much has stopped."""
        return self.tokens >= self.rate

    @property
    def is_full(self) -> bool:
        """Whether nobody has spent anything for a while, so that it need not be remembered."""
        self._fill(time.monotonic())
        return self.tokens >= self._most

    def _fill(self, now: float) -> None:
        tokens = self.tokens + (now - self._filled_at) * self.rate
        self.tokens = tokens if tokens < self._most else self._most
        self._filled_at = now


def cost(size: int) -> int:
    """Return what a packet or a request of some bytes costs.

    :param size: how many bytes it has.
    """
    return 1 + size // _BYTES


def too_many(what: str, **more: Any) -> Problem:
    """Return the problem of a client that exceeds its budget."""
    return Problem(429, f"Too many {what}. Send fewer of them.", **more)


@lru_cache(10_000)
def client_network(address: str) -> str:
    """Return what counts as one address: itself, or for IPv6 the network of one customer.

    :param address: an address as the server or a trusted proxy gives it.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        # A socket of the file system has none.
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        if found.is_loopback:
            return str(found)
        return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found)


def has_limits(address: str, settings: ServingSettings) -> bool:
    """Tell whether limits apply to an address; in development, not to this machine.

    :param address: the address, as ``client_network`` returns it.
    :param settings: the settings of the service.
    """
    return settings.environment == "production" or not _is_loopback(address)


@lru_cache(10_000)
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
