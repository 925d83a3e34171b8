"""Everybody at once: people who watch, launch and upload, and a web server whose memory must not grow; part of ``make bench``."""
