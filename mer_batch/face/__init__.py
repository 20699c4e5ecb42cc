"""Faces: found (detect), followed (track), judged (quality), cut out (crop), classified and read as a stage (read)."""
