"""The commands of ``python -m uploader`` as they are declared: options and help. What they do is in `bodies`."""
