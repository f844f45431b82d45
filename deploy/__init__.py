"""What operates the system: topics, bootstrap, audit, rewind, dead letters, embedded servers."""
