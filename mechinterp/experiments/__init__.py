"""Experiments on a policy, as vertical slices: one folder each, with a typed result, its measurement and its view.

A slice is a package here with an object `SLICE` and three modules:

- ``result.py``: the class `Result`, a `fields.Record` of estimates: it is the schema of what the slice found;
- ``measure.py``: ``measure(context, ...) -> Result``, and how much is measured (`SIZES`);
- ``view.py``: ``figures(result)``, ``text(result)`` and `METHOD`: what a page shows of it, from the result alone.

Nothing else names it: `registry` finds it, `runner` runs it, keeps it and puts it on its page. No slice imports
another: what one needs of another comes in as its typed result.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
