"""Answering questions to trained runs, with models that stay warm."""
