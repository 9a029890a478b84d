"""DenseNet-121 (Huang et al., CVPR 2017) in the state-dict layout of torchxrayvision, in plain torch.

The library itself needs torchvision, which is not among our pins; its state dicts fit this network.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

# The library's 18 findings in the order of its outputs.
FINDINGS = (
    *("Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema"),
    *("Fibrosis", "Effusion", "Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass"),
    *("Hernia", "Lung Lesion", "Fracture", "Lung Opacity", "Enlarged Cardiomediastinum"),
)
_GROWTH, _BOTTLENECK, _FIRST = 32, 4, 64
_LAYERS = (6, 12, 24, 16)


class _Layer(nn.Module):
    def __init__(self, incoming: int) -> None:
        super().__init__()
        inner = _BOTTLENECK * _GROWTH
        self.norm1 = nn.BatchNorm2d(incoming)
        self.conv1 = nn.Conv2d(incoming, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, _GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(functional.relu(self.norm1(x)))
        new = self.conv2(functional.relu(self.norm2(inner)))
        return torch.cat([x, new], 1)


class XrvDenseNet(nn.Module):
    """From (batch, 1, 224, 224) films in the library's scale, -1024..1024, to 18 logits.

    `op_threshs` holds the operating points, where the checkpoint has them; NaN where it has none.
    """

    def __init__(self) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(1, _FIRST, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(_FIRST),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        width = _FIRST
        for number, layers in enumerate(_LAYERS, 1):
            block = nn.Sequential()
            for layer in range(1, layers + 1):
                block.add_module(f"denselayer{layer}", _Layer(width))
                width += _GROWTH
            parts[f"denseblock{number}"] = block
            if number < len(_LAYERS):
                halved: OrderedDict[str, nn.Module] = OrderedDict(
                    norm=nn.BatchNorm2d(width),
                    relu=nn.ReLU(),
                    conv=nn.Conv2d(width, width // 2, 1, bias=False),
                    pool=nn.AvgPool2d(2, 2),
                )
                parts[f"transition{number}"] = nn.Sequential(halved)
                width //= 2
        parts["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(width, len(FINDINGS))
        self.op_threshs: Tensor
        self.register_buffer("op_threshs", torch.full((len(FINDINGS),), float("nan")))

    def forward(self, films: Tensor) -> Tensor:
        """Return (batch, 18) logits."""
        logits: Tensor = self.classifier(functional.relu(self.features(films)).mean((2, 3)))
        return logits
