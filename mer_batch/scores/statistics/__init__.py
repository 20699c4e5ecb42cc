"""What a test set and a few runs can tell: intervals, tests, variance, and the sentence that they allow."""
