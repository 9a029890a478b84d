"""The treatment simulator: tumour volume ahead under each plan."""
