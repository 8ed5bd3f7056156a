3350 bytes, cut
