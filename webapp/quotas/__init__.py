"""How much of the site a project may use: disk, waiting runs, and hours of work. ``room`` is the one place that says no."""
