"""The supported precisions, by their names in options."""

from types import MappingProxyType

import torch

PRECISIONS = MappingProxyType({"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16})
