"""Two demo companies whose agents are stand-alone A2A servers; nothing here imports the platform."""
