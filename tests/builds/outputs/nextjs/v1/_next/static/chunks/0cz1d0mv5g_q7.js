112594 bytes, cut
