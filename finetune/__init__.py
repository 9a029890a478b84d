"""Fine-tuning: conversations, LoRA training, evaluation."""
