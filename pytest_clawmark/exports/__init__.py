"""A stored run in other people's formats: tables, leaderboards, figures."""
