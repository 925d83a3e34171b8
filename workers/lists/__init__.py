"""Making files with recommendations for every user."""
