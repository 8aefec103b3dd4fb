"""The proxies that there are."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp._discovery import Registry, collected
from mechinterp.proxies.proxy import Proxy

PROXIES: Mapping[str, Proxy] = Registry(
    "proxy",
    {
        proxy.name: proxy
        for proxy in sorted(collected("mechinterp.proxies.catalogue", "PROXY"), key=lambda one: one.order)
    },
)
"""Candidate values, by name."""
