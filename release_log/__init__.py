"""What the uploader, the cleaner and the stack agree on: keys, markers, tags, fingerprints, settings, and shared names.

It needs the standard library only, does no I/O and reads no clock: any build tool and the Lambda can include it.
"""
