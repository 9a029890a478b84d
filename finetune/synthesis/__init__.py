"""A seeded generator of conversations for fine-tuning: every gold call valid and stated, every reply grounded."""
