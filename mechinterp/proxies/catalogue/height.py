"""Height."""

from mechinterp.proxies.proxy import Proxy

PROXY = Proxy(
    name="height",
    words="being higher up",
    unit="cells",
    gain=lambda futures: futures.xy[..., 1] - futures.before[:, None, None, 1],
    order=7,
)
