"""Which column of a file means what: said by people or guessed, shown on the first rows, and used to read the whole."""
