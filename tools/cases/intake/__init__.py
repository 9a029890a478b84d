"""A hospital's own cases on their way in: read, checked, freed of identifiers."""
