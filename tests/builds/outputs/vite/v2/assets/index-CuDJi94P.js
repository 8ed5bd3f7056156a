2823 bytes, cut
