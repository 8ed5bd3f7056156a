39536 bytes, cut
