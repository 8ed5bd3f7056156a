"""What a report shows of a site: `read` asks the bucket, the other modules compute. Pure, but for `read`."""
