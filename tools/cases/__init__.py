"""Similar cases: real patients, cited, and a hospital's own."""
