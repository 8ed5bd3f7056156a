"""What one does with releases that are in the bucket: one module an operation."""
