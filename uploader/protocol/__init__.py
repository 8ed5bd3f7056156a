"""The order of requests that protects the assets of a release: the intent, the look, and the file written last."""
