from .registry import PROXIES as PROXIES
