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
# # What does it want?
#
# A policy was trained on CoinRun, where the coin is always at the right end. "Go to the coin" and "go right" were paid
# alike. This notebook loads the policy, shows what it sees, moves the coin, and asks which of the two moves it.
#
# It is kept as a script (`jupytext --to ipynb analyses/what_does_it_want.py` makes the notebook).

# %%
import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from mechinterp.circuits import patch
from mechinterp.coinrun import LevelSource, camera
from mechinterp.coinrun.scenes import minimal_pairs
from mechinterp.features import contrasts
from mechinterp.interventions import Site
from mechinterp.policies import PolicyActor, read, visited_states
from mechinterp.policies.env_options import training_env_options
from mechinterp.policies.levels import LEVELS
from mechinterp.proxies import total_effect

CHECKPOINT = Path(os.environ.get("MECHINTERP_CHECKPOINT", "checkpoints/standard"))
COUNT = int(os.environ.get("MECHINTERP_LEVELS", "80"))
policy, card = read(CHECKPOINT)
policy.eval().requires_grad_(False)
print(f"{CHECKPOINT.name}: {card.provenance.get('steps', 'unknown'):,} training steps, {COUNT} levels here")

# %% [markdown]
# ## Scenes that differ in the coin alone
#
# States that the policy itself reaches on unseen levels, each edited twice: the coin some cells to the right of the
# agent, and as many to the left. Nothing else changes, which the difference of the two frames shows.

# %%
source = LevelSource(training_env_options(card))
starts = source.starts(LEVELS["behaviour"].first(COUNT))
states = visited_states(PolicyActor(policy), starts, per_level=3)
pairs = minimal_pairs(states, "coin side")

figure = make_subplots(1, 3, subplot_titles=(pairs.clean_label, pairs.corrupted_label, "pixels that differ"))
changed = np.repeat(pairs.changed_pixels()[0][:, :, None] * np.uint8(255), 3, axis=2)
for column, frame in enumerate((pairs.clean[0], pairs.corrupted[0], changed), 1):
    figure.add_image(z=frame, row=1, col=column)
    figure.update_xaxes(visible=False, row=1, col=column)
    figure.update_yaxes(visible=False, row=1, col=column)
figure.update_layout(title="One minimal pair (64 x 64 pixels, as the policy sees it)", width=900, height=350)
figure.show()

# %% [markdown]
# ## Does the coin's side move its actions?
#
# The total effect is the change of log P(right) - log P(left) from coin-left to coin-right, in nats: positive means
# "toward the coin". A policy that was really paid for coins alone, on either side, shows several nats.

# %%
rng = np.random.default_rng(0)
effects = total_effect(policy, pairs, rng=rng)
for estimate in effects.values():
    null = estimate.null
    print(estimate.name, estimate, "| signs flipped:", f"{null.low:.2f} to {null.high:.2f}" if null else "not tested")

# %% [markdown]
# ## Which channels see the coin?
#
# A coin is put next to the agent or not; each channel is read at the coin's place. The channels are ranked on some
# levels and shown on others.

# %%
presence = minimal_pairs(states, "coin on the right")
choose, report = presence.split(0.4, rng)
hook = policy.select(lambda name: name.endswith("hook_out"))[-1]
top = contrasts(policy, choose, hooks=[hook]).top(4)
again = contrasts(policy, report, hooks=[hook])
held_out = dict(zip(again.channels(), again.estimates(rng=rng), strict=True))
for name, channel in top:
    print(f"{name} channel {channel}: {held_out[name, channel]}")

# %%
maps = policy.activations(torch.from_numpy(report.clean[:1]), hook)[0]
figure = make_subplots(1, 1 + len(top), subplot_titles=("frame", *(f"channel {channel}" for _, channel in top)))
figure.add_image(z=report.clean[0], row=1, col=1)
side = 64 / maps.shape[-1]
box = camera.boxes(report.states("clean")[0])["coin"][0]
for column, (_, channel) in enumerate(top, 2):
    trace = go.Heatmap(
        z=maps[channel].numpy(), x0=side / 2, dx=side, y0=side / 2, dy=side, colorscale="Viridis", showscale=False
    )
    figure.add_trace(trace, row=1, col=column)
    figure.update_yaxes(autorange="reversed", scaleanchor=f"x{column}", row=1, col=column)
for column in range(1, 2 + len(top)):
    figure.add_shape(
        type="rect", x0=box.left - 1, x1=box.right + 1, y0=box.top - 1, y1=box.bottom + 1,
        line={"color": "red"}, row=1, col=column,
    )  # fmt: skip
    figure.update_xaxes(visible=False, row=1, col=column)
    figure.update_yaxes(visible=False, row=1, col=column)
figure.update_layout(title=f"{hook}: the channels that answer most to the coin (outlined)", width=1100, height=320)
figure.show()

# %% [markdown]
# ## Do they carry it to the action?
#
# Those channels are taken from the coin-right run and put into the coin-left run (denoising), and the other way round
# (noising), and so are size-matched random channels. A channel that sees the coin need not be one that is used.

# %%
rest = [c for c in range(maps.shape[0]) if c not in {channel for _, channel in top}]
sites = [
    Site(hook, tuple(sorted(channel for _, channel in top))),
    Site(hook, tuple(sorted(rng.choice(rest, len(top), replace=False).tolist()))),
    Site(hook),
]
_, held_out_pairs = pairs.split(0.4, np.random.default_rng(0))
for direction in ("denoise", "noise"):
    found = patch(policy, held_out_pairs, sites, direction=direction, metrics="movement")
    print(f"{direction}: total {found.total_estimate('movement', rng=rng)} nats")
    for row, label in enumerate(("channels that see the coin", "size-matched random channels", "all channels")):
        print(f"  {label:<28}{found.estimate(row, 'movement', rng=rng)}")
