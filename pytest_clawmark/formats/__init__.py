"""How tasks are written down: the plugin's own format, and published corpora read as they are."""
