"""A run in one small file, and whether its numbers come out again."""
