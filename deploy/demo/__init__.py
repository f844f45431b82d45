"""A district's day, played through HTTP only: people, activities, points, the market, the audit."""
