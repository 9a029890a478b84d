"""The chair: settings, language model, turn, grounding, storage, page, command line."""
