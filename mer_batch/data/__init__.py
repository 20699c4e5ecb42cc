"""Data sets: import, list and check them. `manifest.read_manifest` reads whatever a user has."""
