"""The operations on releases that are in the bucket: one module for each."""
