"""Choosing a detector by name, by file, or the best there is."""

import importlib.util

import pytest
import torch

from gpen_core.errors import MissingWeightsError
from gpen_core.faces.detectors import DetectOptions, load_detector
from gpen_core.faces.detectors.retinaface import build_network

MOBILE, RESNET = "detection_mobilenet0.25_Final.pth", "detection_Resnet50_Final.pth"

needs_mtcnn = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
needs_facexlib = pytest.mark.skipif(importlib.util.find_spec("facexlib") is None, reason="facexlib is not installed")


@pytest.fixture(scope="module")
def folder_with_mobile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("facedetection")
    torch.save(build_network("mobile0.25").state_dict(), folder / MOBILE)
    return folder


@needs_mtcnn
def test_auto_is_mtcnn_where_no_file_is_present(tmp_path):
    detector = load_detector("auto", folders=[tmp_path, tmp_path / "absent"], options=DetectOptions(threshold=0.7))
    assert detector.name == "mtcnn"
    assert detector.options.threshold == 0.7


@needs_facexlib
def test_auto_prefers_retinaface_to_mtcnn_and_resnet_to_mobile(folder_with_mobile, tmp_path):
    assert load_detector("auto", folders=[tmp_path, folder_with_mobile]).name == "retinaface_mobile0.25"
    torch.save(build_network("resnet50").state_dict(), tmp_path / RESNET)
    assert load_detector("auto", folders=[folder_with_mobile, tmp_path]).name == "retinaface_resnet50"


@needs_facexlib
def test_names_and_paths_load_what_they_name(folder_with_mobile):
    assert load_detector("retinaface_mobile0.25", folders=[folder_with_mobile]).name == "retinaface_mobile0.25"
    assert load_detector(folder_with_mobile / MOBILE).name == "retinaface_mobile0.25"
    assert load_detector(str(folder_with_mobile / MOBILE)).name == "retinaface_mobile0.25"


@needs_mtcnn
def test_auto_without_facexlib_is_mtcnn(folder_with_mobile, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "facexlib" else real(name))
    assert load_detector("auto", folders=[folder_with_mobile]).name == "mtcnn"


def test_a_named_detector_that_is_absent_says_where_to_get_it(tmp_path):
    with pytest.raises(MissingWeightsError) as caught:
        load_detector("retinaface_resnet50", folders=[tmp_path])
    message = str(caught.value)
    sha256 = "6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d"
    assert all(part in message for part in (RESNET, str(tmp_path), "https://", sha256, "mtcnn"))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(MissingWeightsError, match=r"yolo.*auto.*retinaface_resnet50.*mtcnn"):
        load_detector("yolo")
