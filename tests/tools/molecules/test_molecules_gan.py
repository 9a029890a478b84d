"""The adversaries: the generator comes to where the data are, and a stopped run goes on."""

import json

import pytest
import torch

from consilium.tools.contract import ToolError
from consilium.tools.molecules import fit_gan as module
from consilium.tools.molecules.fit_gan import FitGanConfig, fit_gan
from consilium.tools.molecules.gan import GanConfig, Generator

NETWORK = GanConfig(
    chance=8, generator_width=32, generator_depth=1, critic_width=32, critic_depth=1
)
CONFIG = FitGanConfig(
    codes=2000,
    steps=800,
    batch_size=64,
    critic_rate=0.01,
    generator_rate=0.005,
    penalty=0.5,
    last_penalty=0.1,
    penalty_every=2,
    least_noise=0.1,
    most_noise=1.0,
    average=0.95,
    checkpoint_every=400,
)
pytestmark = pytest.mark.usefixtures("one_thread")


def codes(count=1200):
    """Two clumps, far from where an untrained generator is."""
    chance = torch.Generator().manual_seed(0)
    clumps = torch.tensor([[3.0, -3, 0, 0, 1], [-3.0, 0, 3, 0, 1]])
    which = torch.randint(2, (count,), generator=chance)
    return clumps[which] / 2 + 0.2 * torch.randn(count, 5, generator=chance)


def test_adversarial_training_brings_the_generator_from_chance_to_the_data(tmp_path):
    real, chance = codes(), torch.Generator().manual_seed(1)
    made = fit_gan(NETWORK, CONFIG, real, "a", 5, tmp_path).draw(1200, chance)
    # Each clump has its share, and next to nothing lies between them.
    apart = torch.cdist(made, torch.tensor([[1.5, -1.5, 0, 0, 0.5], [-1.5, 0.0, 1.5, 0, 0.5]]))
    assert 0.3 < (apart.argmin(1) == 0).float().mean() < 0.7
    assert apart.amin(1).quantile(0.9) < 1.0
    untrained = torch.cdist(Generator(NETWORK, 5).draw(1200, chance), real).amin(1)
    assert torch.cdist(made, real).amin(1).mean() < 0.4 * untrained.mean()
    records = [json.loads(line) for line in (tmp_path / "gan.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [400, 800]
    assert records[-1]["energy"] < 0.3 and abs(records[-1]["energy_floor"]) < 0.1


def test_an_untrained_generator_passes_its_chance_on():
    generator = Generator(NETWORK, 5)
    chance = torch.randn(7, 8)
    assert torch.equal(generator(chance), chance[:, :5])


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
    with pytest.raises(ToolError, match="another configuration or of other codes"):
        fit_gan(NETWORK, CONFIG, real, "b", 5, broken)


def _made(folder):
    folder.mkdir()
    return folder


def test_generator_points_depend_on_chance_alone():
    generator = Generator(NETWORK, 5).eval()
    one, same, other = (generator.draw(4, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
