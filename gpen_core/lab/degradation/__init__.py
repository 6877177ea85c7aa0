"""How clean faces are spoilt, to train on and to measure with: blur, downsampling, noise, JPEG, loss of colour."""

from .degrade import Degraded, degrade, draw
from .recipe import RECIPES, Degradation, DegradationRecipe, Range

__all__ = ["RECIPES", "Degradation", "DegradationRecipe", "Degraded", "Range", "degrade", "draw"]
