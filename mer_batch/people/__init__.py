"""Who is who: voices told apart, known faces, given names, and what people write down about them."""
