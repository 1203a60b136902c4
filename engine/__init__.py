"""Runs R: a broker, forking parents that hold R, and one limited child per call."""
