"""Medical question answering for researchers: data sets, scoring, contamination, baselines, fine-tuning."""
