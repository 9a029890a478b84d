"""Weights of torchxrayvision by path: a randomly initialised checkpoint, and files that are none."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from consilium.tools.contract import ToolContext, ToolError
from consilium.tools.imaging import tool, xrv
from consilium.tools.imaging.contract import AnalyzeScan
from consilium.tools.imaging.film import Film
from consilium.tools.imaging.reader import FilmReader, Reading
from consilium.tools.imaging.xrv_network import FINDINGS, XrvDenseNet

PIXELS = np.random.default_rng(0).integers(0, 255, (300, 260), np.uint8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = XrvDenseNet().eval()
    made.op_threshs[:] = torch.linspace(0.1, 0.6, len(FINDINGS))
    made.op_threshs[3] = float("nan")
    return made


def test_the_layout_is_the_librarys():
    """Names and shapes as `torchxrayvision.models.DenseNet(weights=None)` of 1.5.7 gives them."""
    shapes = {name: tuple(value.shape) for name, value in XrvDenseNet().state_dict().items()}
    shapes.pop("op_threshs")
    digest = hashlib.sha256(repr(sorted(shapes.items())).encode()).hexdigest()
    assert len(shapes) == 727
    assert digest == "c7a04ea56cee41a12c24cdfa132d9a7cb8ccc0b1aee1d872c0dde114631d7389"


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_scores_stand_about_their_operating_points(tmp_path, network, name):
    path = tmp_path / name
    state = network.state_dict()
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    found = xrv.findings(xrv.load(path), PIXELS)
    assert [f.label for f in found][:2] == [
        "atelectasis (torchxrayvision)",
        "consolidation (torchxrayvision)",
    ]
    assert len(found) == 18
    raw = network(torch.as_tensor(xrv.prepare(PIXELS))[None, None])[0].sigmoid().tolist()
    for finding, output, point in zip(found, raw, network.op_threshs.tolist(), strict=True):
        assert "probability" not in finding.unit
        if np.isnan(point):
            assert finding.unit == xrv.UNIT_WITHOUT_POINT
        else:
            assert finding.unit == xrv.UNIT
            assert (finding.value >= 0.5) == (output >= point)


def test_the_input_has_the_librarys_scale():
    flat = np.full((100, 140), 255, np.uint8)
    assert xrv.prepare(flat).shape == (224, 224)
    assert xrv.prepare(flat).max() == 1024
    assert xrv.prepare(flat * 0).min() == -1024
    assert xrv.prepare(flat.astype(np.uint16) * 257).max() == 1024
    twelve_bit = np.full((100, 140), 4095, np.uint16)  # as many a PNG of 16 bit holds them
    assert xrv.prepare(twelve_bit).max() == 1024


def test_files_that_are_no_such_weights(tmp_path, network):
    torch.save(network, tmp_path / "object.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no weights")
    for name, why in (
        ("object.pt", "pickled object"),
        ("other.pt", "not those of"),
        ("list.pt", "no state dict"),
        ("text.pt", "pickled object|cannot be read"),
        ("missing.pt", "not there"),
    ):
        with pytest.raises(ToolError, match=why):
            xrv.load(tmp_path / name)


def test_a_result_carries_both_models(tmp_path, network, monkeypatch):
    reading = Reading(0.2, (0.1, 0.3), "unlikely", outside=False, population="nih")
    monkeypatch.setattr(FilmReader, "read", lambda *_: reading)
    path = tmp_path / "weights.pt"
    torch.save(network.state_dict(), path)
    Film(PIXELS).save(tmp_path / "film.png")
    context = ToolContext(attachments={"scan-1": tmp_path / "film.png"}, artifact_dir=tmp_path)
    monkeypatch.setattr(tool.gate, "check", lambda film: tool.gate.Checked(film))
    monkeypatch.setenv(xrv.VARIABLE, str(path))
    result = tool.analyze_scan(AnalyzeScan(image="scan-1"), context)
    assert len([f for f in result.findings if "torchxrayvision" in f.label]) == 18
    assert xrv.CAUTION in result.warnings and xrv.SOURCE in result.sources
    monkeypatch.setenv(xrv.VARIABLE, str(tmp_path / "missing.pt"))
    result = tool.analyze_scan(AnalyzeScan(image="scan-1"), context)
    assert result.status == "ok"
    assert any("not there" in warning for warning in result.warnings)
