"""Credentials and region, what AWS's refusals mean, and two services besides S3: Lambda and CloudFront."""
