"""The front door: settings, command line and the supervisor that starts the three roles."""
