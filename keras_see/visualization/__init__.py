"""Arrays to pictures: colormaps, display range, overlay, sheets, text."""
