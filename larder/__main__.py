"""`python -m larder` is the command `larder`."""

from larder.cli import main

main()
