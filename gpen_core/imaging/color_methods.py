"""How colors can be matched, by name; ``color`` has what each does. Apart from it, since every ComfyUI's start lists them."""

COLOR_METHODS = ("off", "mean", "mean_std", "luminance", "wavelet")
