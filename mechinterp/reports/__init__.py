"""Results (JSON) -> figures (plotly) -> one HTML page that needs nothing else. No network is run here."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Identity": "results",
        "Key": "store",
        "Results": "results",
        "ResultsError": "errors",
        "Section": "section",
        "Store": "store",
        "Table": "section",
        "Written": "output",
        "code_version": "store",
        "draw_circuit": "figures.alone",
        "schema": "schema",
        "write": "output",
    },
)

if TYPE_CHECKING:
    from mechinterp.reports import schema as schema
    from mechinterp.reports.errors import ResultsError as ResultsError
    from mechinterp.reports.figures.alone import draw_circuit as draw_circuit
    from mechinterp.reports.output import Written as Written
    from mechinterp.reports.output import write as write
    from mechinterp.reports.results import Identity as Identity
    from mechinterp.reports.results import Results as Results
    from mechinterp.reports.section import Section as Section
    from mechinterp.reports.section import Table as Table
    from mechinterp.reports.store import Key as Key
    from mechinterp.reports.store import Store as Store
    from mechinterp.reports.store import code_version as code_version
