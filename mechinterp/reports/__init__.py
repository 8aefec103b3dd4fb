"""Results (JSON) -> figures (plotly) -> one HTML page that needs nothing else. No network is run here."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
