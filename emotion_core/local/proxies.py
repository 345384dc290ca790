"""The proxy variables of Airflow's processes: proxies are for the internet, not for ourselves."""

import importlib.util
import ipaddress
from collections.abc import Mapping
from typing import Final

import httpx

OWN: Final = ("127.0.0.1", "localhost", "::1")
"""Where our own processes answer: no proxy is ever asked for these."""

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXCEPTIONS = "no_proxy"


def usable(base: Mapping[str, str]) -> dict[str, str]:
    """The same environment with proxies that Airflow's HTTP client can use, and ours excepted.

    Programs read ``NO_PROXY`` or ``no_proxy``, and Python prefers the latter: both are written,
    with what both said. That client stops at an address that it cannot read, and every task with
    it: such variables are left out; see :func:`unusable`.
    """
    left_out = {*unusable(base), *(name for name in base if name.lower() == _EXCEPTIONS)}
    excepted = ",".join(_exceptions(base))
    return {
        **{name: value for name, value in base.items() if name not in left_out},
        _EXCEPTIONS.upper(): excepted,
        _EXCEPTIONS: excepted,
    }


def unusable(base: Mapping[str, str]) -> list[str]:
    """Names of the variables that hold a proxy which Airflow's HTTP client cannot use."""
    return [name for name, value in base.items() if name.lower() in _PROXIES and _is_bad(value)]


def _is_bad(proxy: str) -> bool:
    if not proxy:
        return False
    try:
        scheme = httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}").url.scheme
    except (ValueError, httpx.InvalidURL):
        return True
    return scheme.startswith("socks") and importlib.util.find_spec("socksio") is None


def _exceptions(base: Mapping[str, str]) -> list[str]:
    """What every spelling excepts, once each, and ourselves."""
    told = [value for name, value in base.items() if name.lower() == _EXCEPTIONS]
    places = [place.strip() for value in told for place in value.split(",")]
    return list(dict.fromkeys(filter(_is_readable, [*places, *OWN])))


def _is_readable(place: str) -> bool:
    """False for what the client stops at: an IPv6 address in brackets, a network of them."""
    if place.count(":") < 2 or "://" in place:
        return bool(place)
    try:
        return bool(ipaddress.ip_address(place))
    except ValueError:
        return False
