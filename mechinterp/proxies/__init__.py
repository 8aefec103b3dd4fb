"""Which value drives the action: proxies as variables of the world, and how much each moves the policy."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"differences": "drives", "drive": "drives"})

if TYPE_CHECKING:
    from mechinterp.proxies.drives import differences as differences
    from mechinterp.proxies.drives import drive as drive
