"""Samples: codec, energy, resampling, files, filters. Knows nothing of calls."""
