"""The system without Docker: its servers, its process file, and what they need of the machine."""
