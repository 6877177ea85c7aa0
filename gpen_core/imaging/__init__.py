"""Pixels: resampling, masks, colour and blending."""
