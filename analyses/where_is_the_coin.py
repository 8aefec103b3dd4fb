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
# writes the same as a page. The last part tells the story over all subjects, from the results under
# `analyses/reports/subjects`.

# %%
import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.features import LocatePlan
from mechinterp.features.counterfactuals import LOOKS
from mechinterp.features.locate import locate
from mechinterp.features.verdicts import VERDICTS
from mechinterp.policies import read
from mechinterp.policies.env_options import training_env_options
from mechinterp.reports.comparison import compared, load
from mechinterp.reports.figures.comparison import figure as side_by_side
from mechinterp.reports.found import MUCH
from mechinterp.reports.sentences.comparison import claims

CHECKPOINT = Path(os.environ.get("MECHINTERP_CHECKPOINT", "checkpoints/standard"))
LEVELS = int(os.environ.get("MECHINTERP_LEVELS", "0"))
policy, card = read(CHECKPOINT)
policy.eval().requires_grad_(False)
plan = LocatePlan.quick(levels=max(36, LEVELS)) if LEVELS else LocatePlan()
located = locate(policy, training_env_options(card), plan, np.random.default_rng(0))
found = located.search
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
# ## Channels that tell the coin from other things?
#
# Across: does the channel rise with the coin? Up: does it tell the coin from the other things of the game as well? What
# only shares its colour, or its shape, is asked apart: a channel may answer to a patch of gold. Grey are the
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
channels = [channel for finding in found.findings for channel in finding.channels]
for look in LOOKS:
    much = sum(channel.share.get(look, 0) >= MUCH for channel in channels)
    print(f"{look}: at least {MUCH:.0%} of the answer to the coin in {much} of {len(channels)} coin channels")

# %% [markdown]
# ## Does an action hang on it?
#
# What each layer holds of the coin (all its coin channels together, and the coin's direction) is taken back to what it
# is without one. The coin's own effect comes first. An effect counts as shown beyond 0.1 nats, beyond any random part
# of the layer of the same size, and beyond chance.

# %%
print("the coin itself, nats toward its side:", found.totals["movement"])
for finding in found.findings:
    for use in (finding.by_channels, finding.by_direction):
        if use is not None:
            shown = ", ".join(use.moved) or "nothing shown"
            print(
                f"{finding.hook}, {use.part}: movement {use.effects['movement']}, jump {use.effects['jump']}; {shown}"
            )

# %% [markdown]
# ## What else the channels answer to
#
# How many channels of each layer tell other things apart, beyond untrained networks. A picture of a coin is the same
# pixels, so that every activation must be the same.

# %%
for row in located.variables.contrasts:
    if row.hook == found.findings[-1].hook or row.beyond_both:
        counts = f"{row.beyond_both} of {row.channels} channels, {row.beyond_labels} at all"
        print(f"{row.variable} at {row.hook}: {counts}")
print("largest difference between a coin and its picture, inside:", located.variables.picture_difference)

# %% [markdown]
# ## What decides
#
# Attribution of the movement log-odds: on which pixels, beside their area, and in how many channels.

# %%
for thing, kinds in located.shares.get("movement", {}).items():
    print(f"{thing}: {kinds['share'].value:.1%} of the attribution, {kinds['area'].value:.1%} of the frame")
for part in located.carried:
    if part.readout == "movement":
        print(f"{part.hook}: 80 % in {part.needed} channels, most in {part.channels}")

# %% [markdown]
# ## What is there instead: right
#
# The movement log-odds split exactly into what the units add, the bias, and the number of actions that do the same.

# %%
tendency = located.tendency
print("mean", tendency.mean, "| standard deviation", tendency.spread)
print("on a black frame", round(tendency.black, 2), "nats; constant share", round(tendency.constant_share, 2))
for steer in located.steering:
    print(f"{steer.hook}: added {steer.added}, taken away {steer.removed}, both ways in {steer.both_ways}")

# %% [markdown]
# ## What else a layer is made of
#
# Factors and latents, named by what in the game's state is where they are active, with the correlation on held-out
# levels.

# %%
for kind, names in located.factors.names.items():
    print(kind, ", ".join(f"{one.name} {one.score.value:.2f}" for one in names))

# %% [markdown]
# ## Over all subjects
#
# `mechinterp locate` was run on the policies whose results lie in that folder; `mechinterp compare` keeps the numbers.
# Do CoinRun agents represent the coin? The papers looked at one network each. Here the answer depends on the network,
# and each answer has the same nulls.

# %%
subjects = [compared(results) for results in load(sorted(Path("analyses/reports/subjects").glob("*.json")))]
for claim in claims(subjects):
    print(claim)
for subject in subjects:
    print(f"{subject.name}: {subject.coin_channels.channels} coin channels of {subject.channels}; pull {subject.pull}")
side_by_side(subjects).show()
