"""The commands of ``python -m uploader``, one module for each group of them."""
