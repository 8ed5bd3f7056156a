"""Who we are at AWS, and the one function that the uploader invokes: the cleaner."""
