"""The web face: pages for people, rendered here, of what the rest of the server knows."""
