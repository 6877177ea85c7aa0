"""How clean faces are degraded, to train on and to measure with: blur, downsampling, noise, JPEG, loss of color."""

from .degrade import Degraded, degrade, draw, draw_of
from .recipe import RECIPES, Degradation, DegradationRecipe, Range, Weighted

__all__ = ["RECIPES", "Degradation", "DegradationRecipe", "Degraded", "Range", "Weighted", "degrade", "draw", "draw_of"]
