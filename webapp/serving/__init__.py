"""Asking trained runs: what would you recommend?"""
