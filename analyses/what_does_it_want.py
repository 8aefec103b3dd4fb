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
# A policy was trained on CoinRun, where the coin is always at the right end. "Go to the coin" and "go right" earned the
# same. This notebook loads the policy, changes the coin alone, and measures which of the two affects its actions.
#
# It is kept as a script (`jupytext --to ipynb analyses/what_does_it_want.py` makes the notebook).

# %%
import os

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

import mechinterp as mi
from mechinterp.experiments.inputs.examples import examples
from mechinterp.features import contrasts
from mechinterp.policies import stage_outputs
from mechinterp.reporting.plots.maps import maps

CHECKPOINT = os.environ.get("MECHINTERP_CHECKPOINT", "checkpoints/standard")
COUNT = int(os.environ.get("MECHINTERP_LEVELS", "80"))
rng = np.random.default_rng(0)
subject = mi.load(CHECKPOINT)
print(f"{subject.name}: {subject.card.provenance.get('steps', 'unknown'):,} training steps, {COUNT} levels here")

# %% [markdown]
# ## Minimal pairs: the coin right or left
#
# States that the policy itself reaches on held-out levels, each edited twice: the coin some cells to the right of the
# agent, and as many to the left. Nothing else changes, as the difference of the two frames shows.

# %%
pairs = subject.pairs("coin side", levels=COUNT)
figure = make_subplots(1, 3, subplot_titles=(pairs.clean_label, pairs.corrupted_label, "pixels that differ"))
changed = np.repeat(pairs.changed_pixels()[0][:, :, None] * np.uint8(255), 3, axis=2)
for column, frame in enumerate((pairs.clean[0], pairs.corrupted[0], changed), 1):
    figure.add_trace(go.Image(z=frame), row=1, col=column)
figure.update_xaxes(visible=False)
figure.update_yaxes(visible=False)
figure.update_layout(title="One minimal pair (64 x 64 pixels, as the policy sees it)", width=900, height=350)
figure.show()

# %% [markdown]
# ## Does the coin's side affect its actions?
#
# The total effect on movement is the change of log P(right) - log P(left) from coin left to coin right, in nats.
# Positive means "toward the coin". The null is the range of the mean if the true one were 0.

# %%
for estimate in mi.total_effect(subject, pairs).values():
    null = estimate.null
    print(estimate.name, estimate, "| null:", f"{null.low:.2f} to {null.high:.2f}" if null else "none")

# %% [markdown]
# ## Which channels respond to the coin?
#
# The coin is present or absent; each channel is read at the coin's place. Channels are chosen on some levels and
# reported on others.

# %%
choose, report = subject.split("coin on the right", levels=COUNT)
hook = [name for name in stage_outputs(subject.policy) if len(subject.policy.shapes[name]) == 3][-1]  # the last map
top = contrasts(subject.policy, choose, hooks=[hook]).top(4)
found = contrasts(subject.policy, report, hooks=[hook])
held_out = dict(zip(found.channels(), found.estimates(rng=rng), strict=True))
for name, channel in top:
    print(f"{name} channel {channel}: {held_out[name, channel]}")

# %%
one = examples(subject.policy, report.select([0]), top)
activations = {(own.hook, own.channel): own.values for own in one.maps}
figure = maps(
    "maps", "Where in the frame do they respond?", frames=one.frames, levels=one.levels, boxes=one.boxes,
    activations=activations,
)  # fmt: skip
figure.update_layout(width=1100).show()

# %% [markdown]
# ## Do they carry it to the action?
#
# Activation patching: the channels' values of the coin-right run go into the coin-left run (denoising), and the other
# way round (noising); next to them, as many random channels. A channel that responds to the coin need not be used.

# %%
chosen = sorted(channel for _, channel in top)
rest = np.setdiff1d(np.arange(subject.policy.shapes[hook][0]), chosen)
sites = [mi.Site(hook, chosen), mi.Site(hook, sorted(rng.choice(rest, len(chosen), replace=False))), mi.Site(hook)]
_, held_out_pairs = subject.split("coin side", levels=COUNT)
for direction in ("denoise", "noise"):
    effects = mi.patch(subject, held_out_pairs, sites, direction=direction)
    print(f"{direction}: total {effects.total_estimate(rng=rng)} nats")
    for row, label in enumerate(("chosen channels", "random channels", "all channels")):
        print(f"  {label:<18}{effects.estimate(row, rng=rng)}")
