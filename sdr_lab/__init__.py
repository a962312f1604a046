"""A lab and a live server for AI sales-call voice agents."""

__version__ = "0.1.0"
