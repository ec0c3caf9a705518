"""Scores one can trust: each is a function of arrays and networks, and each result carries its passport.

Nothing here knows games or data sets. Images are (n, C, H, W), uint8 in 0..255 or floats in [-1, 1]; features and codes are (n,
d).
"""
