# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where is the coin?
#
# One paper says that CoinRun agents "do not represent the coin at all" (Trinh et al. 2024), another shows a coin
# feature (Hilton et al. 2020). They looked at different networks. This notebook asks a network itself: is there a
# channel that answers to the coin and not to a crate, a saw or an enemy in the same place, more than any channel of
# networks that were never trained? And if there is one, does any action hang on it?
#
# It is kept as a script (`jupytext --to ipynb analyses/where_is_the_coin.py` makes the notebook). `mechinterp locate`
# writes the same as a page.

# %%
import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.features.findings import VERDICTS
from mechinterp.features.locate import LocatePlan, locate
from mechinterp.policies import read
from mechinterp.policies.home import home_options

CHECKPOINT = Path(os.environ.get("MECHINTERP_CHECKPOINT", "checkpoints/standard"))
LEVELS = int(os.environ.get("MECHINTERP_LEVELS", "0"))
policy, card = read(CHECKPOINT)
policy.eval().requires_grad_(False)
plan = LocatePlan.quick(levels=max(40, LEVELS)) if LEVELS else LocatePlan()
found = locate(policy, home_options(card), plan, np.random.default_rng(0))
print(f"{CHECKPOINT.name}: {len(found.scenes.coin)} scenes with a coin, {len(found.null)} untrained networks")

# %% [markdown]
# ## The scenes
#
# States that the policy itself reaches. In the same place: a coin, what else the game has, and what only shares the
# coin's colour or its shape.

# %%
things = found.scenes.objects
figure = make_subplots(1, len(things), subplot_titles=list(things))
for column, thing in enumerate(things.values(), 1):
    figure.add_image(z=thing.frames[0], row=1, col=column)
figure.update_xaxes(visible=False).update_yaxes(visible=False)
figure.update_layout(title="The things, each in some scene (64 x 64 pixels, as the policy sees it)", width=1300)
figure.show()

# %% [markdown]
# ## Channels for the coin alone?
#
# Across: does the channel rise with the coin? Up: does it tell the coin from everything else as well? Grey are the
# channels of untrained networks. A channel is confirmed on levels that did not choose it.

# %%
hook = max(found.findings, key=lambda finding: (len(finding.channels), finding.side > 0)).hook
figure = go.Figure()
for network in found.null.networks:
    grey = {"color": "lightgrey", "size": 4}
    x, y = network.coin.effect(hook), network.selective(hook)
    figure.add_scatter(x=x, y=y, mode="markers", marker=grey, showlegend=False)
figure.add_scatter(
    x=found.answers.coin.effect(hook), y=found.answers.selective(hook), mode="markers", name=CHECKPOINT.name
)  # fmt: skip
figure.update_layout(title=f"All channels of {hook}", xaxis_title="contrast", yaxis_title="selective contrast")
figure.show()
for finding in found.findings:
    print(f"{finding.hook}: {len(finding.channels)} coin channels; {VERDICTS[finding.verdict]}")

# %% [markdown]
# ## Does an action hang on it?
#
# What each layer holds of the coin is taken back to what it is without one. The coin's own effect comes first.

# %%
print("the coin itself, nats toward its side:", found.totals["movement"])
for finding in found.findings:
    for use in (finding.by_channels, finding.by_direction):
        if use is not None:
            print(f"{finding.hook}, {use.part}: {use.effects['movement']}")

# %% [markdown]
# ## What is there instead: right
#
# The movement log-odds split exactly into what the units add, the bias, and the number of actions that do the same.

# %%
print("mean", found.tendency.mean, "| standard deviation", found.tendency.spread)
print(
    "on a black frame", round(found.tendency.black, 2), "nats; constant share", round(found.tendency.constant_share, 2)
)
for steer in found.steering:
    print(f"{steer.hook}: added {steer.added}, taken away {steer.removed}, both ways in {steer.both_ways}")

# %% [markdown]
# ## What else a layer is made of
#
# Factors and latents, named by what in the game's state is where they are active, with the correlation on held-out
# levels.

# %%
for kind, names in found.factors.names.items():
    print(kind, ", ".join(f"{one.name} {one.score.value:.2f}" for one in names))
