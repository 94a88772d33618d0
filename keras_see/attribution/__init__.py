"""Attribution: maps that say where in an image a score comes from; arrays in, arrays out."""
