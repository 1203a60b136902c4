"""The commands, one file for each group; thin: what they do is done elsewhere."""
