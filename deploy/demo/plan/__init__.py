"""What will happen in the day: drawn once, from a seed. Pure: no clock, no network, no database."""
