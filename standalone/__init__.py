"""Makes `dist/uploader-linux-*.tar.gz`: the uploader with a Python of its own, for an image that has none."""
