"""Feature visualization: images optimized by gradient ascent, and feature inversion."""
