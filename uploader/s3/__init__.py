"""The bucket. Other packages use `port` and `read_only`, and open a bucket by `open`; only these send requests."""
