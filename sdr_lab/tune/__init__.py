"""Interrupt detection on recorded calls: labels, corpora, detection runs, scores, settings."""
