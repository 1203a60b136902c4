"""The domain: what to compute, the runs that compute it, and the answers they leave."""
