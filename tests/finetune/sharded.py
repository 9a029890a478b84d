"""Trains under FSDP on CPUs: `torchrun --nproc-per-node 2 tests/finetune/sharded.py CONFIG BASE OUT`.

accelerate offers FSDP on accelerators only and falls back to DDP elsewhere, although FSDP2 itself runs over gloo.
Here processes on CPUs pass for processes on GPUs, so that our code and fsdp.yaml go the way that they go there.
"""

import os
import sys
from pathlib import Path
from typing import Any

import yaml
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from consilium.finetune.config import TrainingConfig
from consilium.finetune.train import train

ACCELERATE = Path(__file__).parents[2] / "finetune" / "configs" / "accelerate" / "fsdp.yaml"


def main() -> None:
    """Set what `accelerate launch --config_file fsdp.yaml` sets, and train."""
    launch = yaml.safe_load(ACCELERATE.read_text())
    os.environ["ACCELERATE_USE_FSDP"] = "true"
    for key, value in launch["fsdp_config"].items():
        os.environ[key.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    begin = PartialState.__init__

    def on_gpus(self: PartialState, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self._shared_state["distributed_type"] = DistributedType.MULTI_GPU

    PartialState.__init__ = on_gpus  # type: ignore[method-assign]
    config, base, out = map(Path, sys.argv[1:])
    train(TrainingConfig.read(config), base, out)


if __name__ == "__main__":
    main()
