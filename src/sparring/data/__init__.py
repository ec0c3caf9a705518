"""Data: whatever the user has, as rows that are drawn by (seed, rank, round).

>>> from sparring.data import draw, load, views
>>> x = next(draw(views.pictures, load("digits"), batch=64, seed=0, rank=0, round=0))
>>> x.shape
torch.Size([64, 1, 8, 8])
"""

from . import views
from .dataset import Data, draw
from .named import Named, names
from .pixels import save_grid, to_tensor, to_uint8
from .sources import load
from .toys import Modes, grid_modes, ring_modes

__all__ = [
    "Data",
    "Modes",
    "Named",
    "draw",
    "grid_modes",
    "load",
    "names",
    "ring_modes",
    "save_grid",
    "to_tensor",
    "to_uint8",
    "views",
]
