"""The adversaries: the generator comes to where the data are, and a stopped run goes on."""

import numpy as np
import pytest
import torch

from consilium.tools.contract import ToolError
from consilium.tools.molecules import fit_gan as module
from consilium.tools.molecules.fit_gan import FitGanConfig, compare, fit_gan
from consilium.tools.molecules.gan import Critic, GanConfig, Generator, ceiling, draw
from consilium.tools.molecules.mixture import fit, log_densities

NETWORK = GanConfig(
    parts=1, chance=4, generator_width=32, generator_depth=1, critic_width=32, critic_depth=1
)
CONFIG = FitGanConfig(
    codes=2000,
    mixture_codes=500,
    mixture_rounds=1,
    steps=800,
    batch_size=64,
    head_start=50,
    finish=150,
    critic_rate=0.01,
    generator_rate=0.001,
    least_noise=0.0,
    most_noise=1.0,
    average=0.95,
    checkpoint_every=400,
)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def codes(count=1200):
    """Two clumps, far from where an untrained generator is."""
    chance = torch.Generator().manual_seed(0)
    clumps = torch.tensor([[3.0, -3, 0, 0, 1], [-3.0, 0, 3, 0, 1]])
    which = torch.randint(2, (count,), generator=chance)
    return clumps[which] / 2 + 0.2 * torch.randn(count, 5, generator=chance)


def test_adversarial_training_brings_the_generator_to_the_data(tmp_path):
    # One normal distribution to begin with, where the data are two: the rest is the critic's to teach.
    real = codes()
    torch.manual_seed(5)
    generator, critic = Generator(NETWORK, 5).eval(), Critic(NETWORK, 5).eval()
    generator.begin(fit(real[:500], 1, 1, 5))
    before = compare(generator, critic, real[-300:], 0.2)
    after = compare(*fit_gan(NETWORK, CONFIG, real, "a", 5, tmp_path), real[-300:], 0.2)
    assert before["energy"] > 0.2
    assert after["energy"] < 0.7 * before["energy"]
    assert after["critic_loss"] < before["critic_loss"]
    assert abs(after["energy_floor"]) < 0.05
    assert (tmp_path / "gan.jsonl").read_text().count("\n") == 2


def test_a_mixture_finds_the_clumps_and_their_widths():
    real = codes()
    mixture = fit(real, 2, 5, 0)
    expected = torch.tensor([[1.5, -1.5, 0, 0, 0.5], [-1.5, 0.0, 1.5, 0, 0.5]])
    apart = torch.cdist(mixture.means, expected)
    assert apart.amin(0).max() < 0.1 and mixture.shares.min() > 0.4
    assert log_densities(real, mixture).logsumexp(1).mean() > -2
    generator = Generator(NETWORK.model_copy(update={"parts": 2}), 5).eval()
    generator.begin(mixture)
    made = generator.draw(1200, torch.Generator().manual_seed(1))
    assert torch.allclose(made.mean(0), real.mean(0), atol=0.15)
    assert torch.allclose(made.T.cov(), real.T.cov(), atol=0.25)


def test_a_stopped_run_goes_on_as_if_unbroken(tmp_path, monkeypatch):
    real = codes()
    whole, _ = fit_gan(NETWORK, CONFIG, real, "a", 5, _made(tmp_path / "whole"))

    class Stopped(Exception):
        pass

    original, broken = module.compare, _made(tmp_path / "broken")
    calls = []

    def stop(*args):
        calls.append(1)
        if len(calls) > 1:
            raise Stopped
        return original(*args)

    monkeypatch.setattr(module, "compare", stop)
    with pytest.raises(Stopped):
        fit_gan(NETWORK, CONFIG, real, "a", 5, broken)
    monkeypatch.setattr(module, "compare", original)
    resumed, _ = fit_gan(NETWORK, CONFIG, real, "a", 5, broken)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(ToolError, match="another configuration or of other codes"):
        fit_gan(NETWORK, CONFIG, real, "b", 5, broken)


def _made(folder):
    folder.mkdir()
    return folder


def test_generator_points_depend_on_chance_alone():
    generator = Generator(NETWORK, 5).eval()
    one, same, other = (generator.draw(4, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_points_are_kept_as_the_critic_says():
    class Above(Critic):
        def forward(self, points, noise):
            return points[:, 0].sign()  # odds of e to 1 over 1 to e

    generator, critic = Generator(NETWORK, 5).eval(), Above(NETWORK, 5)
    highest = ceiling(generator, critic, 0.1)
    assert highest == 1
    points = draw(generator, critic, 5000, 0.1, highest, torch.Generator().manual_seed(1))
    assert points.shape == (5000, 5)
    above = (points[:, 0] > 0).float().mean().item()
    assert above == pytest.approx(1 / (1 + np.exp(-2)), abs=0.02)
    again = draw(generator, critic, 5000, 0.1, highest, torch.Generator().manual_seed(1))
    assert torch.equal(points, again)
