"""From what `features.locate` found beside coin channels to sections: variables, attribution, tendency, factors."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mechinterp.features.hidden import MOST
from mechinterp.features.locate import Located
from mechinterp.reports.section import Section, Table


def others(located: Located) -> tuple[Section, ...]:
    """Every section but the first."""
    return (_variables(located), _attribution(located), _tendency(located), _factors(located))


def _variables(located: Located) -> Section:
    table = located.variables
    rows = [
        {
            "variable": row.variable,
            "hook": row.hook,
            "channels": row.channels,
            "beyond_labels": row.beyond_labels,
            "beyond_both": row.beyond_both,
            "strength": row.strength,
            "usual": row.usual.value,
            "p": row.usual.p,
            "channel": row.channel,
        }
        for row in table.contrasts
    ]
    facts = {
        "picture_difference": table.picture_difference,
        "pictures": table.pictures,
        "statement": "; ".join(f"{name} was left out: {why}" for name, why in table.left_out.items()),
    }
    return Section("variables", tuple(row.strongest for row in table.contrasts), {"rows": Table.of(rows)}, facts=facts)


def _attribution(located: Located) -> Section:
    estimates = [e for things in located.shares.values() for kinds in things.values() for e in kinds.values()]
    rows = []
    for own in located.carried:
        estimates += [*own.shares, *own.signed, *([] if own.on_coin is None else [own.on_coin])]
        rows.append(
            {
                "readout": own.readout,
                "hook": own.hook,
                "channels": ", ".join(map(str, own.channels)),
                "needed": own.needed,
            }
        )
    hidden = Table.of(rows) if rows else Table(("readout", "hook", "channels", "needed"))
    return Section("attribution", tuple(estimates), {"hidden": hidden}, facts={"most": MOST})


def _tendency(located: Located) -> Section:
    own = located.tendency
    estimates = [own.mean, own.spread, own.right, *own.parts.values(), *own.units.values()]
    for steer in located.steering:
        estimates += [steer.added, steer.removed, steer.both_ways]
    layers = Table(("hook", "length"), tuple((steer.hook, steer.length) for steer in located.steering))
    return Section(
        "tendency",
        tuple(estimates),
        {"layers": layers},
        facts={
            "black": own.black,
            "constant_share": own.constant_share,
            "hook": own.hook,
            "units": len(own.unit_means),
            "units_for_most": _needed(np.abs(own.unit_means)),
        },
    )


def _factors(located: Located) -> Section:
    own = located.factors
    estimates, rows = [], []
    for kind, names in own.names.items():
        for one in names:
            estimates.append(one.score.renamed(f"factor/{kind}/{one.factor}"))
            rows.append({"kind": kind, "number": one.factor, "name": one.name})
    if own.recovery is not None:
        estimates += [*own.recovery.divergence.values(), *own.recovery.agreement.values()]
        if own.recovery.recovered is not None:
            estimates.append(own.recovery.recovered)
    facts = {
        "hook": own.hook,
        "explained_activations": own.activations.explained if own.activations else None,
        "explained_attributions": own.attributions.explained if own.attributions else None,
        "explained_latents": own.sae.explained if own.sae else None,
        "dead": own.sae.dead if own.sae else None,
        "statement": own.statement,
    }
    table = Table.of(rows) if rows else Table(("kind", "number", "name"))
    return Section("factors", tuple(estimates), {"factors": table}, facts=facts)


def _needed(sizes: Float[np.ndarray, " units"]) -> int:
    """How many of the largest have `MOST` of the sum."""
    total = np.sort(sizes)[::-1].cumsum()
    return int(np.searchsorted(total, MOST * total[-1]) + 1)
