"""From picture files to pixels, and from what users call images to arrays."""
