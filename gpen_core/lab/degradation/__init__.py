"""How clean faces are spoilt, to train on and to measure with: blur, downsampling, noise, JPEG, loss of colour."""

from .degrade import Degraded, degrade, draw, draw_of
from .recipe import RECIPES, Degradation, DegradationRecipe, Range, Weighted

__all__ = ["RECIPES", "Degradation", "DegradationRecipe", "Degraded", "Range", "Weighted", "degrade", "draw", "draw_of"]
