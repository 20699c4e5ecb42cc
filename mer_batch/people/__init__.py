"""Who is who: which voices, and which faces, are one person's."""
