"""Seeded bugs: do the tests bite?

``seeded.toml`` lists bugs that somebody could write in good faith. ``make mutants`` applies each to
a copy of the project and runs the tests named beside it; each must be caught.
"""
