"""Temporal emotion reports from video and audio, offline. See ARCHITECTURE.md for the tour."""

__version__ = "0.1.0"
