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
# feature (Hilton et al. 2020). They studied different networks. This notebook asks a network itself. Is there a channel
# that responds to the coin and not to a crate, a saw or an enemy in the same place, more than any channel of untrained
# networks? If there is one, does it causally affect the action?
#
# It is kept as a script (`jupytext --to ipynb analyses/where_is_the_coin.py` makes the notebook). `mechinterp locate`
# writes the same as a page. The last part compares all subjects, from the results under `analyses/reports/subjects`.

# %%
import os
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

import mechinterp as mi
from mechinterp.experiments import locate
from mechinterp.experiments.coin_features.counts import total
from mechinterp.experiments.comparison import claims, load, summarise
from mechinterp.experiments.comparison import figure as comparison
from mechinterp.features import counterfactual_scenes

CHECKPOINT = Path(os.environ.get("MECHINTERP_CHECKPOINT", "checkpoints/standard"))
LEVELS = int(os.environ.get("MECHINTERP_LEVELS", "0"))
subject = mi.load(CHECKPOINT)
results = locate(subject, quick=LEVELS > 0, levels=LEVELS or None)
coin = results["coin_features"]
print(f"{subject.name}: {coin.scenes} scenes with a coin, {coin.untrained} untrained networks")

# %% [markdown]
# ## The scenes
#
# States that the policy itself visits. In the same place: a coin, the other objects of the game, and what shares only
# the coin's colour or its shape.

# %%
objects = counterfactual_scenes(subject.states(levels=20, per_level=1, purpose="localization", source="own")).objects
figure = make_subplots(1, len(objects), subplot_titles=list(objects))
for column, one in enumerate(objects.values(), 1):
    figure.add_image(z=one.frames[0], row=1, col=column)
figure.update_xaxes(visible=False).update_yaxes(visible=False)
figure.update_layout(title="The objects, each in some scene (64 x 64 pixels, as the policy sees it)", width=1300)
figure.show()

# %% [markdown]
# ## Which channels are selective for the coin?
#
# Across: does the channel rise with the coin? Up: does it discriminate the coin from the other objects as well? Grey
# are channels of untrained networks. A channel is confirmed on levels on which it was not chosen. It may still respond
# to a patch of gold: a square of the coin's colour, and a recoloured coin, are tested separately.

# %%
hook = max(coin.layers, key=lambda hook: (len(coin.layers[hook].channels), coin.layers[hook].side > 0))
cloud = coin.layers[hook].cloud
grey = {"color": "lightgrey", "size": 4}
figure = go.Figure()
figure.add_scatter(x=cloud.untrained[:, 0], y=cloud.untrained[:, 1], mode="markers", marker=grey, name="untrained")
figure.add_scatter(x=cloud.policy[:, 0], y=cloud.policy[:, 1], mode="markers", name=subject.name)
figure.update_layout(title=f"All channels of {hook}", xaxis_title="contrast", yaxis_title="selective contrast")
figure.show()
for name, layer in coin.layers.items():
    print(f"{name}: {len(layer.channels)} coin channels; {layer.verdict.words}")
print(total(coin))

# %% [markdown]
# ## Is it causally used?
#
# What each layer represents of the coin (all its coin channels together, and the coin direction) is replaced by its
# coin-absent activations. The coin's total effect comes first. An effect counts as shown if it exceeds 0.1 nats, that
# of every random part of the layer of the same size, and chance.

# %%
print("total effect of the coin, nats, on the right instead of the left:", coin.effects["movement by side"])
for name, layer in coin.layers.items():
    for part, ablation in (("channels", layer.channels_ablated), ("direction", layer.direction_ablated)):
        if ablation is not None:
            shown = ", ".join(ablation.affected) or "nothing shown"
            by = {quantity: str(ablation.effects[quantity]) for quantity in ("movement by side", "movement unsigned")}
            print(f"{name}, {part}: {by}; {shown}")

# %% [markdown]
# ## What else do the channels respond to?
#
# How many channels of each layer discriminate other objects, beyond untrained networks. A picture of a coin has the
# same pixels, so that every activation must be the same.

# %%
variables = results["variables"]
for variable, by_hook in variables.contrasts.items():
    for name, found in by_hook.items():
        if found.above_untrained:
            counts = f"{found.above_untrained} of {found.active} channels, {found.discriminating} at all"
            print(f"{variable} at {name}: {counts}")
print("largest difference between a coin and its picture, inside:", variables.picture_difference)

# %% [markdown]
# ## What does the action depend on?
#
# Attribution of the movement log-odds: to the pixels of each object, next to their area, and to channels.

# %%
attribution = results["attribution"]
for thing, own in attribution.objects.get("movement", {}).items():
    print(f"{thing}: {own.share.value:.1%} of the attribution, {own.area.value:.1%} of the frame")
for name, own in attribution.layers.get("movement", {}).items():
    print(f"{name}: {attribution.coverage:.0%} in {own.needed} channels, most in {list(own.channels)}")

# %% [markdown]
# ## What is there instead: right
#
# The movement log-odds split exactly into what the units add, the bias, and the number of actions that do the same.

# %%
tendency = results["action_tendency"]
print("mean", tendency.mean, "| standard deviation", tendency.standard_deviation)
print("on a black frame", round(tendency.black_frame, 2), "nats; constant share", round(tendency.constant_share, 2))
for name, steer in tendency.steering.items():
    print(f"{name}: added {steer.added}, subtracted {steer.subtracted}, consistent in {steer.consistent}")

# %% [markdown]
# ## What else is a layer made of?
#
# Factors and latents, named by the object that is where they are active, with the correlation on held-out levels.

# %%
factors = results["factors"]
for kind in ("activations", "attributions"):
    found = getattr(factors, kind)
    if found is not None:
        print(kind, ", ".join(f"{one.object} {one.correlation.value:.2f}" for one in found.factors.values()))
if factors.autoencoder is not None:
    latents = factors.autoencoder.latents.values()
    print("latents", ", ".join(f"{one.object} {one.correlation.value:.2f}" for one in latents))

# %% [markdown]
# ## All subjects compared
#
# `mechinterp locate` was run on the policies whose results lie in that folder; `mechinterp compare` keeps the numbers.
# Do CoinRun agents represent the coin? The papers studied one network each. Here the answer depends on the network,
# and each answer has the same nulls.

# %%
subjects = [summarise(one) for one in load(sorted(Path("analyses/reports/subjects").glob("*.json")))]
for claim in claims(subjects):
    print(claim)
for one in subjects:
    found = total(one.coin).confirmed
    print(
        f"{one.name}: {found} coin channels of {one.width}; effect on movement by side "
        f"{one.coin.effects['movement by side']}"
    )
comparison(subjects).show()
