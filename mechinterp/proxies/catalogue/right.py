"""Going right on the screen, whatever is there."""

from mechinterp.proxies.proxy import Proxy

PROXY = Proxy(
    name="right",
    words="being farther to the right of the screen",
    unit="cells",
    gain=lambda futures: futures.xy[..., 0] - futures.before[:, None, None, 0],
    order=2,
)
