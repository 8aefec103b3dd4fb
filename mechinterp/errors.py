"""The errors that a user can meet and mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MechinterpError(Exception):
    """Base of every error that this library raises on purpose.

    Its message says what was wrong, where, and what would be right; the command line prints it as one line
    ``error: ...`` and exits with status 2. Anything else that escapes is a bug, and keeps its traceback.
    """


def nearest(name: object, known: Iterable[str], *, limit: int = 3) -> str:
    """``"; did you mean 'a' or 'b'?"``, or, where nothing is near, ``"; known: ..."`` with a few of the known names."""
    names = sorted(set(known))
    near = difflib.get_close_matches(str(name), names, n=limit, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(repr(n) for n in near) + "?"
    if not names:
        return "; none are known"
    listed = ", ".join(repr(n) for n in names[:8])
    return f"; known: {listed}" + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
