"""The coin before the end in some of the levels, as in Langosco et al. 2022."""

from mechinterp.training.organisms.recipe import Organism

RECIPE = tuple(
    Organism(
        f"random_percent_{percent}",
        f"the coin, which in {percent} % of levels lies somewhere before the end",
        f"random_percent={percent}",
    )
    for percent in (2, 10, 100)
)
