"""Images: files, resampling, masks, color and blending."""
