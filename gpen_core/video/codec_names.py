"""The codecs by name, apart from what writes them: a widget lists them at every start of ComfyUI."""

from ..modes import AUTO

# Codec as users call it → FFmpeg's encoder.
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "prores": "prores_ks",
    "ffv1": "ffv1",
}
CODECS = (AUTO, *ENCODERS)
