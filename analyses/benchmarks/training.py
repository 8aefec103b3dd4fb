# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false
"""How fast is the trainer, against stable-baselines3's PPO, and do both learn the same?

    pip install 'mechinterp[benchmarks]'
    python analyses/benchmarks/training.py --rounds 6
    python analyses/benchmarks/training.py --rounds 40 --profile

Both train the recipe `coin` from the same weights, with the same hyperparameters, number of games and threads. They
take turns, a rollout and its epochs each, so that whatever else the machine does falls on both; what is compared is the
median of the paired ratios. stable-baselines3 gets the network as its users write it: a plain PyTorch module in the
default memory format, with frames transposed and scaled by its own wrappers. With ``--their-format channels_last`` it
gets the memory format that we use, which tells how much of the difference is the network's and how much the loop's;
with ``--their-games ours``, the game library's threads and the prefetched start states, which `mechinterp train` uses.

Its PPO counts a time-out as an end, as ours does; it scales rewards by the spread of the return, as ours does. One
difference remains: where our value loss is the greater of the clipped and the plain squared error, its is the clipped.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO as TheirPPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv, VecNormalize, VecTransposeImage
from torch import nn

from mechinterp import stats
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.goals import REWARD
from mechinterp.policies import Policy, build
from mechinterp.training import PPO, Games, Organism, RunOptions, organism
from mechinterp.training.memory import keep_freed_memory
from mechinterp.training.options import PRECISIONS
from mechinterp.training.run import PREFETCHED_STARTS


class Residual(nn.Module):
    """relu, conv, relu, conv, + skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return value + self.conv2(torch.relu(self.conv1(torch.relu(value))))


class Impala(BaseFeaturesExtractor):
    """The light IMPALA up to its hidden layer, as a user of stable-baselines3 would write it."""

    def __init__(self, space: Any, *, config: Any) -> None:
        super().__init__(space, config.hidden)
        layers: list[nn.Module] = []
        channels, kernel, stride = 3, config.stem_kernel, config.stem_stride
        for width in config.channels:
            layers += [nn.Conv2d(channels, width, kernel, stride, kernel // 2), nn.MaxPool2d(3, 2, 1)]
            layers += [Residual(width) for _ in range(config.res_blocks)]
            channels, kernel, stride = width, 3, 1
        self.body = nn.Sequential(*layers, nn.ReLU(), nn.Flatten())
        with torch.no_grad():
            features = self.body(torch.zeros(1, 3, 64, 64)).shape[1]
        self.hidden = nn.Linear(features, config.hidden)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.hidden(self.body(observations)))


class TheirGames(VecEnv):
    """Our games with the interface of stable-baselines3; its actions are the columns of our logits."""

    def __init__(self, env: CoinRunEnv, actions: tuple[int, ...], seed: int) -> None:
        from gymnasium.spaces import Discrete

        super().__init__(env.num_envs, env.single_observation_space, Discrete(len(actions)))
        self.env, self.procgen_actions, self.first_seed = env, np.array(actions), seed
        self.returns: list[float] = []

    def reset(self) -> np.ndarray:
        return self.env.reset(seed=self.first_seed)[0]

    def step_async(self, actions: np.ndarray) -> None:
        self.chosen = self.procgen_actions[actions]

    def step_wait(self) -> Any:
        obs, reward, terminated, truncated, infos = self.env.step(self.chosen)
        done = terminated | truncated
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for slot in np.flatnonzero(done):
            told[slot]["terminal_observation"] = obs[slot]  # not read: nothing is bootstrapped at the clock's end
            self.returns.append(float(infos["ended"]["r"][slot]))
        return obs, reward, done, told

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def games(recipe: Organism, *, threads: int = 0, prefetch: int = 0) -> CoinRunEnv:
    kept = {"levels": recipe.levels, "goal": recipe.goal}
    return CoinRunEnv(recipe.ppo.num_envs, recipe.source(), **kept, threads=threads, prefetch=prefetch)


def theirs(recipe: Organism, seed: int, memory_format: str, these: CoinRunEnv) -> tuple[TheirPPO, TheirGames]:
    ppo, network = recipe.ppo, recipe.network
    bare = TheirGames(these, network.actions, seed)
    env = VecNormalize(VecTransposeImage(bare), norm_obs=False, gamma=ppo.gamma)
    model = TheirPPO(
        ActorCriticPolicy,
        env,
        learning_rate=ppo.learning_rate,
        n_steps=ppo.rollout_steps,
        batch_size=ppo.batch // ppo.minibatches,
        n_epochs=ppo.epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip,
        clip_range_vf=ppo.clip,
        ent_coef=ppo.entropy_bonus,
        vf_coef=ppo.value_weight / 2,  # it leaves out the half of the squared error
        max_grad_norm=ppo.max_grad_norm,
        seed=seed,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": Impala,
            "features_extractor_kwargs": {"config": network},
            "net_arch": [],
        },
    )
    copy_weights(build(network, seed=seed), model.policy)
    if memory_format == "channels_last":
        model.policy.to(memory_format=torch.channels_last)
    return model, bare


@torch.no_grad()
def copy_weights(ours: Policy, policy: Any) -> None:
    """Start from our weights, so that both begin at the same point; the order of the layers is the same."""
    modules = dict(ours.named_modules())
    layers = [modules[node.module] for node in ours.nodes]  # in running order
    mine = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear)]
    body = [layer for layer in policy.features_extractor.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer, copy in zip(mine, [*body, policy.action_net, policy.value_net], strict=True):
        for name, weights in layer.named_parameters():
            copy.get_parameter(name).copy_(weights)


def check_same_network(ours: Policy, model: TheirPPO) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        mine = ours(torch.from_numpy(frames)).logits.log_softmax(-1)
        other = model.policy.get_distribution(torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())).distribution
    torch.testing.assert_close(mine, other.logits, rtol=1e-4, atol=1e-5)


def print_profile(ours: PPO, *, updates: int) -> None:
    """Where the time of an update goes, by the clock on the wall: a profiler would not see into the threads."""
    spent: dict[str, float] = {}

    def timed(owner: Any, name: str, what: str) -> None:
        plain = getattr(owner, name)

        def clocked(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return plain(*arguments, **named)
            finally:
                spent[what] = spent.get(what, 0.0) + time.perf_counter() - began

        setattr(owner, name, clocked)

    (env,) = ours.collector.games.groups
    timed(ours.collector.network, "look", "rollout: network")
    timed(env, "step_async", "rollout: games")
    timed(env, "step_wait", "rollout: games")
    timed(ours.collector.network, "backward", "learning: network forward and backward, loss")
    timed(ours.optimiser, "step", "learning: Adam")
    began = time.perf_counter()
    for _ in range(updates):
        ours.update()
    whole = time.perf_counter() - began
    spent["all else"] = whole - sum(spent.values())
    print(f"where the {whole / updates:.2f} s of an update go (mean of {updates}):")
    for what, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {seconds / whole:6.1%}  {what}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="updates of each (default 6)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="of the network (default 2)")
    parser.add_argument("--their-format", choices=("default", "channels_last"), default="default")
    parser.add_argument("--their-games", choices=("plain", "ours"), default="plain")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="float32", help="of our network")
    parser.add_argument("--profile", action="store_true", help="say where our time goes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # both gain by it: they run in this process

    recipe = organism("coin")
    speed = {"threads": RunOptions().threads_of_games, "prefetch": PREFETCHED_STARTS}
    env = games(recipe, **speed)
    dtype = PRECISIONS[arguments.precision]
    ours = PPO(build(recipe.network, seed=arguments.seed), Games([env]), recipe.ppo, seed=arguments.seed, dtype=dtype)
    their_env = games(recipe, **speed if arguments.their_games == "ours" else {})
    model, bare = theirs(recipe, arguments.seed, arguments.their_format, their_env)
    check_same_network(ours.policy, model)

    batch = recipe.ppo.batch
    seconds: dict[str, list[float]] = {"ours": [], "stable-baselines3": []}
    returns: dict[str, list[float]] = {"ours": [], "stable-baselines3": bare.returns}
    print(f"{recipe.name}, {batch} steps an update, {arguments.threads} threads; ours in {arguments.precision}")
    print(f"theirs in float32, {arguments.their_format} memory format, {arguments.their_games} games")
    print("steps a second, ours and theirs:")
    for at in range(arguments.rounds):
        began = time.perf_counter()
        metrics = ours.update()
        middle = time.perf_counter()
        model.learn(batch, reset_num_timesteps=at == 0)
        ended = time.perf_counter()
        seconds["ours"].append(middle - began)
        seconds["stable-baselines3"].append(ended - middle)
        paid, ended_in_all = int(metrics["episodes_goal"]), int(metrics["episodes"])
        returns["ours"] += [REWARD] * paid + [0.0] * (ended_in_all - paid)
        print(f"  {batch * (at + 1):>9,}  {batch / (middle - began):7.0f}  {batch / (ended - middle):7.0f}", flush=True)

    ratios = np.array(seconds["stable-baselines3"]) / np.array(seconds["ours"])
    low, high = np.quantile(ratios, [0.25, 0.75])
    print(f"ours is {np.median(ratios):.2f} times as fast (quartiles {low:.2f} to {high:.2f}, n={len(ratios)} updates)")
    rng = np.random.default_rng(arguments.seed)
    for name, values in returns.items():
        half = np.array(values[len(values) // 2 :])
        if len(half) >= 3:
            spread = stats.mean(half, name=name, unit="episodes", rng=rng, bounds=(0.0, REWARD))
            print(f"return over the second half of the run, {name}: {spread}")
    if arguments.profile:
        print_profile(ours, updates=4)


if __name__ == "__main__":
    main()
