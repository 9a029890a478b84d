"""The chest film reader."""
