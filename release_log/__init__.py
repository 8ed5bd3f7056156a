"""What the uploader and the cleaner agree on: keys, markers, tags, fingerprints, the policy's settings.

Standard library only, no I/O and no clock: every build tool and the Lambda can carry it.
"""
