"""Deep dream: octaves, tiles and zoom films."""
