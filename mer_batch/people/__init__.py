"""Who is who: known faces, given names, and what people write down about them."""
