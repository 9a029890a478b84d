"""The adversaries: the generator comes to where the data are, and a stopped run goes on."""

import pytest
import torch

from consilium.tools.contract import ToolError
from consilium.tools.molecules import fit_gan as module
from consilium.tools.molecules.autoencoder import to_sphere
from consilium.tools.molecules.fit_gan import FitGanConfig, compare, fit_gan
from consilium.tools.molecules.gan import Critic, GanConfig, Generator

NETWORK = GanConfig(
    chance=8, generator_width=32, generator_depth=1, critic_width=32, critic_depth=1
)
CONFIG = FitGanConfig(
    codes=2000,
    steps=120,
    batch_size=64,
    critic_steps=2,
    learning_rate=0.002,
    slope_weight=10.0,
    noise=0.1,
    average=0.95,
    checkpoint_every=60,
)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def codes(count=1200):
    """Two clumps on the sphere, far from where an untrained generator is."""
    chance = torch.Generator().manual_seed(0)
    clumps = torch.tensor([[3.0, -3, 0, 0, 1], [-3.0, 0, 3, 0, 1]])
    which = torch.randint(2, (count,), generator=chance)
    return to_sphere(clumps[which] + 0.3 * torch.randn(count, 5, generator=chance))


def test_adversarial_training_brings_the_generator_to_the_data(tmp_path):
    torch.manual_seed(5)
    real = codes()
    before = compare(Generator(NETWORK, 5).eval(), real[-300:])
    after = compare(fit_gan(NETWORK, CONFIG, real, "a", 5, tmp_path), real[-300:])
    assert before["energy"] > 0.3
    assert after["energy"] < before["energy"] / 3
    assert abs(after["energy_floor"]) < 0.05
    assert (tmp_path / "gan.jsonl").read_text().count("\n") == 2


def test_a_stopped_run_goes_on_as_if_unbroken(tmp_path, monkeypatch):
    real = codes()
    whole = fit_gan(NETWORK, CONFIG, real, "a", 5, _made(tmp_path / "whole"))

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
    resumed = fit_gan(NETWORK, CONFIG, real, "a", 5, broken)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(ToolError, match="another configuration or of an autoencoder"):
        fit_gan(NETWORK, CONFIG, real, "b", 5, broken)


def _made(folder):
    folder.mkdir()
    return folder


def test_generator_points_lie_on_the_sphere_and_depend_on_chance_alone():
    generator = Generator(NETWORK, 5).eval()
    one, same, other = (generator.draw(4, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.allclose(one.var(1, unbiased=False), torch.ones(4), atol=1e-2)


def test_the_slope_penalty_asks_for_a_slope_of_at_most_one():
    critic = Critic(NETWORK, 5)
    chance = torch.Generator().manual_seed(1)
    one, other = torch.randn(16, 5), torch.randn(16, 5)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    assert critic.slope_penalty(one, other, chance).item() == 0
    steep = torch.nn.Linear(5, 1, bias=False)
    torch.nn.init.constant_(steep.weight, 2.0)
    critic.body = torch.nn.Sequential(steep)
    expected = (2 * 5**0.5 - 1) ** 2
    assert critic.slope_penalty(one, other, chance).item() == pytest.approx(expected, rel=1e-4)
