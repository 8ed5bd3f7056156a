"""The order of requests that keeps what a release needs: the intent, the look, the file written last."""
