"""The precisions that a network can be loaded in, by the names that a user chooses them by."""

from types import MappingProxyType

import torch

PRECISIONS = MappingProxyType({"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16})
