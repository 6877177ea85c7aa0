"""One face, one detection: which of overlapping boxes stay. torchvision's is the independent one."""

import pytest
import torch

from gpen_core.faces.detectors.suppression import nms, own_nms


@pytest.mark.parametrize(("count", "spread"), [(0, 10), (1, 10), (300, 100), (1500, 200), (1500, 3000)])
def test_our_suppression_keeps_the_boxes_that_torchvisions_does(count, spread):
    ops = pytest.importorskip("torchvision.ops")
    generator = torch.Generator().manual_seed(count)
    corner, side = (
        torch.rand(count, 2, generator=generator) * spread,
        12 + torch.rand(count, 1, generator=generator) * 40,
    )
    boxes, scores = torch.cat((corner, corner + side), 1), torch.rand(count, generator=generator)
    assert torch.equal(own_nms(boxes, scores, 0.5), ops.nms(boxes, scores, 0.5))
    groups = torch.randint(0, 5, (count,), generator=generator)
    kept = own_nms(boxes, scores, 0.5, groups)
    alone = [
        ops.nms(boxes[part], scores[part], 0.5) for part in ((groups == group).nonzero()[:, 0] for group in range(5))
    ]
    assert len(kept) == sum(map(len, alone)) and torch.equal(kept, ops.batched_nms(boxes, scores, groups, 0.5))
    assert torch.equal(nms(boxes, scores, 0.5, groups), kept)


def test_the_built_in_detector_needs_no_torchvision(repo_root, forks):
    code = """
import sys, torch
sys.modules["torchvision"] = None
from gpen_core import load_detector
load_detector("mtcnn").detect(torch.rand(3, 96, 96))
"""
    done = forks.run(code, folder=repo_root)
    assert done.returncode == 0, done.stderr
