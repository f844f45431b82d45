"""What operates the system: topics, bootstrap, audit, rewind, dead letters, the embedded servers."""
