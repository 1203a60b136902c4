"""HTTP: requests to calls, answers to responses. Knows no R and no SQL."""
